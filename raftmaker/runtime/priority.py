"""Real-time priority: a busy machine must not make its heartbeats late, and so itself be fenced.

A daemon that beats asks for round robin as soon as it starts, before it has threads, so that all of
them have it. Where that is not allowed (in many containers) it goes on as it is. What a daemon
starts must not keep it: `ordinary` is called in the child, or for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

PRIORITY = 10
"""Above everything ordinary, below the kernel's own (50) and the watchdog's (99)."""

_CAP_SYS_NICE = 1 << 23
"""Bit of the capability (include/uapi/linux/capability.h)."""


def real_time() -> str:
    """Ask for real-time priority; return why it was not given, empty where it was."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def ordinary(pid: int = 0) -> None:
    """Take real-time priority from a child that needs none; by default from this process."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))


def idle(pid: int) -> bool:
    """Let a child have only the time that nobody else wants, until `ordinary`; False: it does not.

    Only where `ordinary` may be called afterwards: else it would wait for ever on a busy machine.
    """
    if not _may_set_priorities():
        return False
    try:
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def patient(longest_s: float) -> Iterator[None]:
    """Let this process have only the time that nobody else wants, for so long at most.

    For a process that has no other thread and no timer yet.
    """
    if not idle(os.getpid()):
        yield
        return
    kept = signal.signal(signal.SIGALRM, lambda *_: ordinary())
    signal.setitimer(signal.ITIMER_REAL, longest_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)
        ordinary()


def _may_set_priorities() -> bool:
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) & _CAP_SYS_NICE)
    return False
