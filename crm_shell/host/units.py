"""The systemd units of this node: what they are called, their state, and acting on them."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from raftmaker.runtime.errors import HaError
from raftmaker.runtime.process import Ended, run
from raftmaker.vocabulary.codes import ExitCode

TARGET = "raftmaker.target"
NODE = "raftmaker-node.service"
REMOTE = "raftmaker-remote.service"
"""The only daemon of a remote node; it conflicts with the target."""
DAEMONS = ("cib", "lrmd", "stonithd", "crmd")
WITNESS_DAEMONS = ("cib",)
_BOOTED = Path("/run/systemd/system")
_ASK_MS = 15_000
_STOP_MS = 30 * 60_000
"""Resources are moved away first; the controller's own limit is 20 minutes."""


class UnitFailed(HaError):
    """systemd did not do what was asked; the message has its words, or the unit's own."""

    exit_code = ExitCode.OSERR


class UnitState(Struct, frozen=True, kw_only=True):
    """What systemd says of a unit: active, activating, failed, inactive …"""

    name: str
    active: str
    sub: str
    enabled: str
    skipped: bool
    """It is not for this node: a witness has no controller."""

    @property
    def is_up(self) -> bool:
        """Whether it runs and is ready."""
        return self.active == "active"


def unit_of(daemon: str) -> str:
    """Return the unit of a daemon."""
    return f"raftmaker-{daemon}.service"


async def systemctl(*arguments: str, timeout_ms: int = _ASK_MS) -> Ended:
    """Run systemctl and return how it ended. Raises `UnitFailed` where there is no systemd."""
    if not _BOOTED.is_dir():
        raise UnitFailed(
            "systemd does not run on this machine: start the daemons (raftmaker-cib, -lrmd,"
            " -stonithd, -crmd) by what does"
        )
    try:
        return await run(("systemctl", *arguments), timeout_ms=timeout_ms)
    except OSError as error:
        raise UnitFailed(f"systemctl cannot be run: {error.strerror}") from None


async def must(*arguments: str, timeout_ms: int = _ASK_MS) -> str:
    """Run systemctl and return what it printed. Raises `UnitFailed`."""
    ended = await systemctl(*arguments, timeout_ms=timeout_ms)
    if ended.code != 0:
        said = ended.stderr.strip() or ended.stdout.strip()
        reason = "no answer in time" if ended.timed_out else said
        raise UnitFailed(f"systemctl {' '.join(arguments)}: {reason}")
    return ended.stdout


async def states(names: tuple[str, ...]) -> tuple[UnitState, ...]:
    """Return the state of units, in this order."""
    properties = "Id,ActiveState,SubState,UnitFileState,ConditionResult,ConditionTimestampMonotonic"
    text = await must("show", "-p", properties, "--", *names)
    return tuple(
        _state(name, block) for name, block in zip(names, text.split("\n\n"), strict=False)
    )


def _state(name: str, block: str) -> UnitState:
    values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return UnitState(
        name=name,
        active=values.get("ActiveState", "unknown"),
        sub=values.get("SubState", ""),
        enabled=values.get("UnitFileState", ""),
        skipped=values.get("ConditionResult") == "no"
        and values.get("ConditionTimestampMonotonic", "0") != "0",
    )


async def started_s(name: str) -> int:
    """Return when a unit became active last, in whole seconds of Unix time; 0: never."""
    asked = ("show", "-P", "ActiveEnterTimestamp", "--timestamp=unix", "--", name)
    return int((await must(*asked)).strip().removeprefix("@") or 0)


async def start() -> None:
    """Start the node; the target is up before its daemons are ready."""
    await must("start", TARGET, timeout_ms=90_000)


async def stop() -> None:
    """Stop the node: resources are moved first, and all its daemons are down when it returns."""
    await must("stop", TARGET, NODE, timeout_ms=_STOP_MS)


async def log_of(unit: str, lines: int = 5) -> tuple[str, ...]:
    """Return the last lines that a unit logged; none where the journal cannot be read."""
    try:
        ended = await run(
            ("journalctl", "-u", unit, "-n", str(lines), "-o", "cat", "--no-pager"),
            timeout_ms=_ASK_MS,
        )
    except OSError:
        return ()
    return tuple(ended.stdout.splitlines())
