"""Transient attributes as tools change and read them: at once, dampened, private (15.6-15.9)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cib_store.client import AttributeValue
from cib_store.model.values import parse_duration_ms
from crm_shell.tools.frame import ToolFailed
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import AttributeChange, Sum

WAITS = ("no", "local", "cluster")
_SUM = re.compile(r"(?P<name>.+?)(\+\+|\+=(?P<summand>[+-]?\d+))")


def value_of(name: str, text: str) -> str | Sum:
    """Read a value as tools are given it: ``value++`` and ``value+=N`` are sums (features 15.8)."""
    found = _SUM.fullmatch(text)
    if found is None or found["name"] not in ("value", name):
        return text
    return Sum(int(found["summand"] or 1))


def delay_of(text: str | None) -> int | None:
    """Read a delay as the CIB writes durations; None where none is given. Raises `ToolFailed`."""
    if text is None:
        return None
    delay_ms = parse_duration_ms(text)
    if delay_ms is None or delay_ms < 0:
        raise ToolFailed(f"the delay {text!r} is no duration: say 5s or 500ms", ExitCode.USAGE)
    return delay_ms


def insist_on_free_name(name: str) -> None:
    """Refuse a name that the cluster keeps for itself (features 15.20). Raises `ToolFailed`."""
    if name.startswith("#") and not name.startswith("#health"):
        raise ToolFailed(
            f"the name {name} is kept for the cluster itself: of names that begin with # only"
            " #health… may be set",
            ExitCode.INVALID_PARAM,
        )


def insist_on_wait(text: str | None) -> str:
    """Return how long to wait: no, local or cluster. Raises `ToolFailed`."""
    if text is not None and text not in WAITS:
        raise ToolFailed(f"--wait={text} is not known: no, local or cluster", ExitCode.USAGE)
    return text or "no"


async def read(
    cluster: Cluster, *, name: str = "", pattern: str = "", node: str = "",
    utilization: bool = False,
) -> list[AttributeValue]:  # fmt: skip
    """Return values as they are now, those that wait for their delay included."""
    return [
        each
        for each in await cluster.attributes(name=name, node=node, local=True)
        if each.utilization is utilization and (not pattern or re.search(pattern, each.name))
    ]


async def carry_out(cluster: Cluster, changes: Sequence[AttributeChange], wait: str) -> None:
    """Commit the changes; then wait until they are in place as far as was asked for (15.9).

    Committed means that none of it can be lost. Raises `Rejected`, and `TimedOut` while waiting.
    """
    for change in changes:
        insist_on_free_name(change.name)
    outcome = await cluster.update_attributes(changes)
    if wait != "no":
        await cluster.settle(outcome.index, everywhere=wait == "cluster")
