"""Real-time priority: a busy machine must not make its heartbeats late, and so itself be fenced.

A daemon that beats asks for round robin as soon as it starts, before it has threads, so that all of
them have it. Where that is not allowed (in many containers) it goes on as it is. What a daemon
starts must not keep it: `ordinary` is called in the child, or for it.
"""

from __future__ import annotations

import contextlib
import os

PRIORITY = 10
"""Above everything ordinary, below the kernel's own (50) and the watchdog's (99)."""


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
