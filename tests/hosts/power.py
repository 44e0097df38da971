"""Whether anything runs on a host: the moment at which its power counts as cut."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PF_EXITING = 0x4
"""Flag of a task that has begun to end (include/linux/sched.h)."""


def space_of(pid: int) -> str:
    """Return the PID namespace that a process is in."""
    return os.readlink(f"/proc/{pid}/ns/pid")


def runs_in(space: str) -> bool:
    """Tell whether anything runs in a PID namespace, but for tasks that have begun to end.

    Those carry out nothing of their program any more; that the machine gives back their memory,
    which takes it a tenth of a second, would not hold up a real power switch.
    """
    for process in Path("/proc").glob("[1-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(process / "ns" / "pid") == space:
                stats = [task.read_text() for task in (process / "task").glob("*/stat")]
                if not all(_is_ending(stat) for stat in stats):
                    return True
    return False


def _is_ending(stat: str) -> bool:
    flags = stat.rpartition(")")[2].split()[6]
    return bool(int(flags) & _PF_EXITING)
