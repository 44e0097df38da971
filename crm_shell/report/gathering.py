"""Gather what a report has: each part by itself, so that one that fails costs no other."""

from __future__ import annotations

import bz2
import platform
import re
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from msgspec import Struct

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


async def parts(cluster: Cluster, wanted: Wanted) -> AsyncIterator[Part]:
    """Yield the files of a report; what could not be had is told in ``problems.txt``."""
    problems: list[str] = []
    secrets: set[str] = set()
    for gather in (_configuration, _status, _history, _members, _inputs, _versions):
        try:
            for name, text in await gather(cluster, wanted, secrets):
                yield name, text
        except (HaError, OSError) as error:
            problems.append(f"{gather.__name__.strip('_')}: {error}")
    async for name, text in _logs(wanted, problems):
        yield name, _without(text, secrets)
    if problems:
        yield "problems.txt", "\n".join(problems)


def hidden(cib: Element, patterns: Sequence[str], secrets: set[str]) -> Element:
    """Return a CIB without secret values; these are added to `secrets`."""
    private = private_parameters(cib)
    shown = obscured(without_secrets(cib, private=private), patterns)
    known = {each.id: each.get("value") for each in cib.walk() if each.tag == "nvpair"}
    for each in shown.walk():
        if each.tag == "nvpair" and each.get("value") == HIDDEN and known.get(each.id):
            secrets.add(known[each.id])
    return shown


def _without(text: str, secrets: set[str]) -> str:
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
    return [("status.txt", _without(text, secrets))]


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
                file.seek(max(0, path.stat().st_size - _LOG_BYTES_MAX))
                yield f"logs/{path.name}", file.read().decode("utf-8", "replace")
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
    if not wanted.with_journal:
        return
    command = ["journalctl", "--no-pager", "-o", "short-iso", "-u", "raftmaker-*",
               "--since", f"@{wanted.start}", "--until", f"@{wanted.end}"]  # fmt: skip
    try:
        ended = await run(command, timeout_ms=_LOG_MS)
        yield "logs/journal.txt", ended.stdout
    except OSError as error:
        problems.append(f"journalctl: {error.strerror}")


def _clock(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(seconds))
