"""What other nodes have for a report, by the ssh that the operator has (features 27.33, 34.1).

Logs and the scheduler's inputs are files of each node, which no daemon hands out. So the collector
is run there, as ``crm cluster start`` is on other nodes, and sends its files on its output. A node
that cannot be reached is named in the report and costs nothing else.
"""

from __future__ import annotations

import asyncio
import shlex
import tempfile
from collections.abc import Sequence

from msgspec import Struct

from crm_shell.report.archive import received
from crm_shell.report.gathering import Found, without
from raftmaker.runtime.process import run

SSH = ("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10")
"""No questions: several run at once."""
LIMIT_MS = 5 * 60_000


class Place(Struct, frozen=True):
    """Another node: the name of its folder, and how the remote shell calls its host."""

    node: str
    host: str


class RemoteShell(Struct, frozen=True, kw_only=True):
    """The command that runs another one on a host, and the user there; empty: its own default."""

    command: tuple[str, ...] = SSH
    user: str = ""

    def argv(self, host: str, command: Sequence[str]) -> tuple[str, ...]:
        """Return the whole command. What is run there is one word, which a shell there reads."""
        user = ("-l", self.user) if self.user else ()
        return (*self.command, *user, host, shlex.join(command))


async def collect(
    places: Sequence[Place], shell: RemoteShell, command: Sequence[str], found: Found
) -> tuple[str, ...]:
    """Add what each place sends, without the secrets known here; return what went wrong."""
    sent = await asyncio.gather(*(_collected(each, shell, command) for each in places))
    told: list[str] = []
    for place, parts in zip(places, sent, strict=True):
        if isinstance(parts, str):
            told.append(f"{place.node}: {parts}")
            continue
        for name, text in parts:
            # Its own folder is its name for itself: a host may be called otherwise here.
            inner = name.partition("/")[2] or name
            found.parts.append((f"{place.node}/{inner}", without(text, found.secrets)))
    found.problems += told
    return tuple(told)


async def _collected(
    place: Place, shell: RemoteShell, command: Sequence[str]
) -> list[tuple[str, str]] | str:
    argv = shell.argv(place.host, command)
    with tempfile.TemporaryFile() as file:
        try:
            ended = await run(argv, timeout_ms=LIMIT_MS, into=file)
        except OSError as error:
            return f"{argv[0]}: {error.strerror}"
        if ended.timed_out:
            return f"it did not send its files within {LIMIT_MS // 60_000} minutes"
        if ended.code != 0:
            said = ended.stderr.strip().splitlines()
            return said[-1] if said else f"{argv[0]} ended with exit code {ended.code}"
        try:
            return received(file)
        except ValueError as error:
            return str(error)
