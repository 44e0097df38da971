"""``crm status``: the whole cluster in one view, what is wrong, and what to type (30.1)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crm_shell.commands.session import Command, Misused, Session
from crm_shell.status.advice import advice
from crm_shell.status.model import Status
from crm_shell.status.sections import DEFAULT
from raftmaker.runtime.errors import HaError

if TYPE_CHECKING:
    from crm_shell.status.text import Shown
    from stonithd.client import FencingInfo

_WORDS: Mapping[str, str] = {
    "full": "all of bynode, inactive, tickets, failcounts and timing, attributes and bans",
    "bynode": "resources under their node",
    "inactive": "also what does not run, as always here",
    "ops": "what ran on each node",
    "timing": "the same, with when and how long",
    "failcounts": "how often what failed",
    "tickets": "tickets of this site",
    "detail": "ids, and each instance of a clone",
    "brief": "how many resources of an agent run where",
    "verbose": "as detail, with the cluster options",
    "quiet": "without advice",
    "noheaders": "without the summary",
    "simple": "one line",
    "html": "a page for browsers",
    "xml": "XML, as crm_mon --output-as=xml",
}
"""The words after ``status``, and what each shows."""
_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "full": ("tickets", "failcounts", "operations", "attributes", "bans"),
    "ops": ("operations",),
    "timing": ("operations",),
    "failcounts": ("failcounts",),
    "tickets": ("tickets",),
    "verbose": ("options",),
}
"""The sections that words add."""


async def status_now(session: Session) -> Status:
    """Read the CIB here and now (perhaps a little stale) and ask the daemons that answer."""
    # Here, as it loads the scheduler, which no command should wait for that does not need it.
    from crm_shell.status.build import build

    cib = await session.cluster.cib(local=True)
    if session.cluster.is_file:
        return build(cib.document, now=int(time.time()))
    quorate: bool | None = None
    waits = ("", "")
    try:
        store = await session.cluster.store_status()
        quorate, waits = store.quorate, (store.waits_for, store.mend)
    except HaError as error:
        session.console.warn(str(error))
    return build(
        cib.document,
        now=int(time.time()),
        dc=cib.dc,
        quorate=quorate,
        waits=waits,
        fencings=await _fencings(session),
    )


async def _fencings(session: Session) -> tuple[FencingInfo, ...]:
    if not session.cluster.settings.runs_resources:
        return ()  # a witness runs no fencer
    try:
        return await session.cluster.fencing_history()
    except HaError as error:
        session.console.warn(str(error))
        return ()


def _shown(words: Sequence[str]) -> Shown:
    from crm_shell.status.text import Shown

    given = frozenset(words)
    return Shown(
        sections=DEFAULT.union(*(_SECTIONS.get(word, ()) for word in words)),
        inactive=True,
        by_node=bool(given & {"bynode", "full"}),
        timing=bool(given & {"timing", "full"}),
        detail=bool(given & {"detail", "verbose"}),
        brief="brief" in given,
        headers="noheaders" not in given,
    )


def now_text(node: str) -> str:
    """Return the present as the status shows it."""
    clock = time.strftime("%a %b %e %H:%M:%S %Y")
    return f"{clock} on {node}" if node else clock


async def run(session: Session, args: list[str]) -> int:
    """Print the status."""
    unknown = [word for word in args if word not in _WORDS]
    if unknown:
        raise Misused(f"unknown option {unknown[0]!r}; allowed: {', '.join(_WORDS)}")
    from crm_shell.status.data import data_of
    from crm_shell.status.html import page
    from crm_shell.status.text import one_line, render
    from crm_shell.status.xml import elements, framed

    status = await status_now(session)
    now = now_text(session.cluster.settings.node)
    if "xml" in args:
        session.console.raw(framed("crm status xml", elements(status, now=now)))
        return 0
    if "simple" in args:
        session.console.answer(one_line(status), data_of(status))
        return 0
    shown = _shown(args)
    if "html" in args:
        session.console.raw(page(render(status, shown, now=now)))
        return 0
    text = session.console.paint_status(render(status, shown, now=now))
    if "quiet" in args:
        session.console.answer(text, data_of(status))
        return 0
    found = [*advice(status), *certificate_advice(session.cluster.settings.tls_dir,
                                                  datetime.now(UTC))]  # fmt: skip
    session.console.answer(f"{text}\n{_advice_text(session, found)}".rstrip("\n"), data_of(status))
    return 0


def certificate_advice(tls: Path | None, now: datetime) -> list[tuple[str, str]]:
    """Return (what is wrong, what to type) about certificates; nothing where one may not look."""
    if tls is None or not os.access(tls / "node.pem", os.R_OK):
        return []
    # Here and not above: loading cryptography would slow every command.
    from crm_shell.host.expiry import expiries

    return [
        (f"{each}: without it this node is shut out", "crm cluster rotate-certificates")
        for each in expiries(tls, now)
        if each.is_near
    ]


def _advice_text(session: Session, found: Sequence[tuple[str, str]]) -> str:
    if not found:
        return ""
    lines = [session.console.paint("What to do:", "bold")]
    for what, how in found:
        lines.append(f"  * {what}")
        lines.append(f"    {session.console.paint(how, 'cyan')}")
    return "\n" + "\n".join(lines)


COMMAND = Command(
    name="status",
    usage=f"status [{'] ['.join(_WORDS)}]",
    summary="Show nodes, resources, failures, and what to do about them",
    details="; ".join(f"{word}: {text}" for word, text in _WORDS.items()) + ".",
    run=run,
    completes=("|".join(_WORDS),),
)
