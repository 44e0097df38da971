"""Fence agents as Debian ships them: found, asked for metadata, run with options on stdin."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from raftmaker.runtime.errors import HaError
from raftmaker.runtime.logs import Log
from raftmaker.runtime.process import Ended, run
from raftmaker.runtime.secrets import NoSecret, Secrets
from raftmaker.vocabulary.codes import OpStatus
from stonithd.fencing.setup import Abilities
from stonithd.metadata import BadMetadata, abilities_of

SYSTEM_DIRECTORY = Path("/usr/sbin")
METADATA_TIMEOUT_MS = 30_000
_NAME = re.compile(r"fence_[\w.-]+")
_OUTPUT_CHARACTERS = 2000
# What an agent must not inherit: it would speak to systemd in our name.
_WITHHELD = frozenset(
    ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID")
)


class AgentResult(Struct, frozen=True, kw_only=True):
    """How a run ended; `code` counts only with status DONE, `output` is for people."""

    status: OpStatus
    code: int = 1
    output: str = ""
    stdout: str = ""
    """All of its standard output, for programs."""


class Agents:
    """The fence agents of this node; metadata is asked once for each version of an agent's file."""

    def __init__(self, directories: Sequence[Path], log: Log, *, secrets: Secrets) -> None:
        """Search `directories` in order, then /usr/sbin."""
        self._secrets = secrets
        self._directories = (*directories, SYSTEM_DIRECTORY)
        self._log = log
        self._known: dict[Path, tuple[int, Abilities | None]] = {}

    def path_of(self, agent: str) -> Path | None:
        """Return the agent's file, or None when it is not installed (or no agent's name)."""
        if not _NAME.fullmatch(agent):
            return None
        for directory in self._directories:
            path = directory / agent
            if path.is_file() and os.access(path, os.X_OK):
                return path
        return None

    async def abilities(self, agent: str) -> Abilities | None:
        """Return what the agent can do; None when it is missing or its metadata is unusable."""
        path = self.path_of(agent)
        if path is None:
            return None
        changed_ns = path.stat().st_mtime_ns
        known = self._known.get(path)
        if known is not None and known[0] == changed_ns:
            return known[1]
        found = await self._ask(path)
        self._known[path] = (changed_ns, found)
        return found

    async def _ask(self, path: Path) -> Abilities | None:
        try:
            return abilities_of((await _said_of_itself(path)).stdout)
        except (OSError, BadMetadata) as error:
            self._log.warning("fence agent's metadata is unusable", agent=path, reason=error)
            return None

    async def metadata(self, agent: str) -> str:
        """Return the XML that the agent prints of itself. Raises `HaError` when there is none."""
        path = self.path_of(agent)
        if path is None:
            raise HaError(f"stonith:{agent} is not installed; `crm ra list stonith` shows what is")
        try:
            ended = await _said_of_itself(path)
        except OSError as error:
            raise HaError(f"{path} cannot be run: {error.strerror}") from None
        if ended.timed_out:
            raise HaError(f"{path} metadata did not end within {METADATA_TIMEOUT_MS // 1000}s")
        if ended.code != 0 or not ended.stdout.strip():
            raise HaError(f"{path} metadata ended with {ended.code}: {_result(ended).output}")
        return ended.stdout

    def installed(self) -> tuple[str, ...]:
        """Return the names of the agents that are installed, sorted."""
        names = {path.name for each in self._directories for path in each.glob("fence_*")}
        return tuple(sorted(name for name in names if self.path_of(name)))

    async def execute(
        self,
        agent: str,
        options: Sequence[tuple[str, str]],
        timeout_ms: int,
        *,
        device: str = "",
    ) -> AgentResult:
        """Run an agent to its end, or kill its process group when its time is up (features 17.18).

        It is forked before the first suspension, so what the caller checked right before holds.
        `device`: whose secrets stand for the options that the CIB does not hold (features 4.29).
        """
        path = self.path_of(agent)
        if path is None:
            return AgentResult(
                status=OpStatus.NOT_INSTALLED, output=f"fence agent {agent} is not installed"
            )
        try:
            options = self._secrets.filled(device, options)
        except NoSecret as error:
            return AgentResult(status=OpStatus.NO_SECRETS, output=str(error))
        lines = "".join(f"{name}={_one_line(value)}\n" for name, value in options)
        try:
            ended = await run(
                [str(path)], env=_environment(), stdin=lines, timeout_ms=max(1, timeout_ms)
            )
        except OSError as error:
            return AgentResult(status=OpStatus.ERROR, output=f"{path}: {error.strerror}")
        return _result(ended)


async def _said_of_itself(path: Path) -> Ended:
    return await run(
        [str(path)],
        env=_environment(),
        stdin="action=metadata\n",
        timeout_ms=METADATA_TIMEOUT_MS,
    )


def _one_line(value: str) -> str:
    # A line break would smuggle in another option.
    return value.replace("\r", " ").replace("\n", " ")


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _WITHHELD}


def _result(ended: Ended) -> AgentResult:
    said = (ended.stderr.strip() or ended.stdout.strip())[-_OUTPUT_CHARACTERS:]
    if ended.timed_out:
        return AgentResult(status=OpStatus.TIMEOUT, output=said)
    if ended.code is None or ended.code < 0:
        how = "in an unknown way" if ended.code is None else f"by signal {-ended.code}"
        return AgentResult(status=OpStatus.ERROR, output=f"the agent ended {how} {said}".strip())
    output = said if ended.code else ended.stdout.strip()[-_OUTPUT_CHARACTERS:]
    return AgentResult(status=OpStatus.DONE, code=ended.code, output=output, stdout=ended.stdout)
