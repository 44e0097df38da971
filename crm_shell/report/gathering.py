"""Gather what a report has: each part by itself, so that one that fails costs no other.

The cluster's parts are the same wherever they are asked for; a node's are in a folder of its name.
"""

from __future__ import annotations

import bz2
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct, field

from cib_store.document.codec import BadXml, parse, render
from cib_store.document.element import Element
from crm_shell.edit.secrets import HIDDEN, obscured, private_parameters, without_secrets
from crm_shell.edit.show import show
from raftmaker.client import Cluster
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.identity import SOFTWARE_VERSION
from raftmaker.runtime.process import run
from raftmaker.vocabulary.feature_set import FEATURE_SET

_LOG_MS = 120_000
_LOG_BYTES_MAX = 64 << 20
"""Of a log file the last so many bytes."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be gathered: the time (seconds since 1970), log files, what is hidden."""

    start: int
    end: int
    logs: tuple[Path, ...] = ()
    with_journal: bool = True
    patterns: tuple[str, ...] = ()
    """Names of parameters whose values are hidden, with * and ?, beside those known as secret."""


Part = tuple[str, str]
"""The name of a file and its text."""


Gather = Callable[[Cluster, Wanted, set[str]], Awaitable[list[Part]]]
"""Gathers some files, and adds the secrets that it came across."""


class Found(Struct):
    """What was gathered so far, the values that must not be shown, and what could not be had."""

    parts: list[Part] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


async def gather_cluster(cluster: Cluster, wanted: Wanted, found: Found) -> None:
    """Add what every node tells alike."""
    for part in (_configuration, _status, _history, _members):
        await _add(part, cluster, wanted, found)


async def learn_secrets(cluster: Cluster, wanted: Wanted, found: Found) -> None:
    """Learn what must not be shown, where the cluster's parts are not gathered."""
    await _add(_configuration, cluster, wanted, found)
    found.parts.clear()


async def gather_node(cluster: Cluster, wanted: Wanted, found: Found) -> None:
    """Add what this node alone has, in a folder of its name."""
    node = cluster.settings.node
    own = Found(secrets=found.secrets)
    for part in (_inputs, _versions):
        await _add(part, cluster, wanted, own)
    async for name, text in _logs(wanted, own.problems):
        own.parts.append((name, without(text, own.secrets)))
    found.parts += [(f"{node}/{name}", text) for name, text in own.parts]
    found.problems += [f"{node}: {problem}" for problem in own.problems]


async def _add(part: Gather, cluster: Cluster, wanted: Wanted, found: Found) -> None:
    try:
        found.parts += await part(cluster, wanted, found.secrets)
    except (HaError, OSError) as error:
        found.problems.append(f"{part.__name__.strip('_')}: {error}")


def hidden(cib: Element, patterns: Sequence[str], secrets: set[str]) -> Element:
    """Return a CIB without secret values; these are added to `secrets`."""
    private = private_parameters(cib)
    shown = obscured(without_secrets(cib, private=private), patterns)
    known = {each.id: each.get("value") for each in cib.walk() if each.tag == "nvpair"}
    for each in shown.walk():
        if each.tag == "nvpair" and each.get("value") == HIDDEN and known.get(each.id):
            secrets.add(known[each.id])
    return shown


def without(text: str, secrets: set[str]) -> str:
    """Return a log without the secret values; short ones would hide half of it."""
    found = sorted((each for each in secrets if len(each) > 3), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, found)), HIDDEN, text) if found else text


async def _configuration(cluster: Cluster, wanted: Wanted, secrets: set[str]) -> list[Part]:
    cib = hidden((await cluster.cib(local=True)).document, wanted.patterns, secrets)
    configuration = cib.child("configuration") or Element("configuration")
    return [("cib.xml", render(cib)), ("configuration.crm", show(configuration)[0])]


async def _status(cluster: Cluster, wanted: Wanted, secrets: set[str]) -> list[Part]:
    from crm_shell.commands.session import Session
    from crm_shell.commands.status import now_text, status_now
    from crm_shell.console import Console
    from crm_shell.status.sections import EVERYTHING
    from crm_shell.status.text import Shown, render

    session = Session(console=Console(colour=False), _cluster=cluster)
    status = await status_now(session)
    shown = Shown(sections=EVERYTHING, inactive=True, timing=True, whole_history=True)
    text = render(status, shown, now=now_text(str(cluster.settings.node)))
    return [("status.txt", without(text, secrets))]


async def _history(cluster: Cluster, wanted: Wanted, secrets: set[str]) -> list[Part]:
    lines = [
        f"{each.revision:>8}  {each.version}  {_clock(each.origin.at_us // 1_000_000)}"
        f"  {each.origin.user}@{each.origin.node} ({each.origin.client})  {each.origin.message}"
        for each in await cluster.history()
        if wanted.start <= each.origin.at_us // 1_000_000 <= wanted.end
    ]
    return [("changes.txt", "\n".join(lines))]


async def _members(cluster: Cluster, wanted: Wanted, secrets: set[str]) -> list[Part]:
    now = await cluster.members()
    lines = [f"generation {now.generation}, leader {now.leader or 'nobody'}"]
    for member in now.members.members:
        seen = now.of(member.name)
        heard = "heard" if seen is not None and seen.heard else "not heard"
        lines.append(f"{member.name}: {member.kind.value}, {heard}")
    return [("members.txt", "\n".join(lines))]


async def _inputs(cluster: Cluster, wanted: Wanted, secrets: set[str]) -> list[Part]:
    found: list[Part] = []
    for path in sorted((cluster.settings.state_dir / "pengine").glob("pe-*.bz2")):
        if not wanted.start <= path.stat().st_mtime <= wanted.end + 1:
            continue
        try:
            cib = parse(bz2.decompress(path.read_bytes()))
        except (BadXml, OSError, ValueError):
            continue  # cut off in the middle of its writing
        text = render(hidden(cib, wanted.patterns, secrets))
        found.append((f"pengine/{path.name.removesuffix('.bz2')}.xml", text))
    return found


async def _versions(cluster: Cluster, wanted: Wanted, secrets: set[str]) -> list[Part]:
    told = {
        "raftmaker": SOFTWARE_VERSION,
        "feature set": FEATURE_SET,
        "python": sys.version.split()[0],
        "kernel": platform.release(),
        "machine": platform.machine(),
        "node": str(cluster.settings.node),
        "cluster": cluster.settings.cluster_name,
        "from": _clock(wanted.start),
        "to": _clock(wanted.end),
    }
    return [("versions.txt", "\n".join(f"{name}: {value}" for name, value in told.items()))]


async def _logs(wanted: Wanted, problems: list[str]) -> AsyncIterator[Part]:
    for path in wanted.logs:
        try:
            with path.open("rb") as file:
                yield f"logs/{path.name}", _end_of(file)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
    if not wanted.with_journal:
        return
    command = ["journalctl", "--no-pager", "-o", "short-iso", "-u", "raftmaker-*",
               "--since", f"@{wanted.start}", "--until", f"@{wanted.end}"]  # fmt: skip
    with tempfile.TemporaryFile() as journal:
        try:
            await run(command, timeout_ms=_LOG_MS, into=journal)
        except OSError as error:
            problems.append(f"journalctl: {error.strerror}")
            return
        yield "logs/journal.txt", _end_of(journal)


def _end_of(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_BYTES_MAX))
    return file.read().decode("utf-8", "replace")


def _clock(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(seconds))
