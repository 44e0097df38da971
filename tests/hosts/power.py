"""Whether anything runs on a host: the moment at which its power counts as cut."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_PF_EXITING = 0x4
"""Flag of a task that has begun to end (include/linux/sched.h)."""


def space_of(pid: int) -> str:
    """Return the PID namespace that a process is in."""
    return os.readlink(f"/proc/{pid}/ns/pid")


class Ending:
    """Tells, each time it is called, whether nothing runs in a PID namespace any more.

    Tasks that have begun to end do not count: they carry out nothing of their program any more;
    that the machine gives back their memory, which takes it a tenth of a second, would not hold up
    a real power switch. To look for processes takes 10 ms, so those that were found are waited for
    before it looks again.
    """

    def __init__(self, space: str) -> None:
        """`space`: what `space_of` says of a process in it."""
        self._space = space
        self._running: tuple[Path, ...] = ()

    def __call__(self) -> bool:
        """Look."""
        self._running = tuple(filter(_runs, self._running))
        if not self._running:
            self._running = tuple(self._found())
        return not self._running

    def _found(self) -> Iterator[Path]:
        for process in Path("/proc").glob("[1-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(process / "ns" / "pid") == self._space and _runs(process):
                    yield process


def _runs(process: Path) -> bool:
    """Whether any of a process's tasks has not begun to end."""
    try:
        stats = [task.read_text() for task in (process / "task").glob("*/stat")]
    except OSError:
        # A task of it has just gone: look again.
        return process.exists()
    return not all(map(_is_ending, stats))


def _is_ending(stat: str) -> bool:
    flags = stat.rpartition(")")[2].split()[6]
    return bool(int(flags) & _PF_EXITING)
