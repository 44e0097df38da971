"""Cuts a host's power: from one moment on nothing runs there."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

FREEZE_S = 10.0


def freeze(group: Path) -> None:
    """Stop everything in a control group for good, and return when nothing runs there any more.

    It takes a millisecond. To end it all takes a tenth of a second of the machine's time, which
    would not hold up a real power switch. Raises `TimeoutError`.
    """
    (group / "cgroup.freeze").write_text("1")
    until = time.monotonic() + FREEZE_S
    while "frozen 1" not in (group / "cgroup.events").read_text():
        if time.monotonic() > until:
            raise TimeoutError(f"{group.name} runs on")
        time.sleep(0.0005)


def thaw(group: Path) -> None:
    """Let what is started in a control group run; a host that was off may have left it frozen."""
    (group / "cgroup.freeze").write_text("0")


def end(group: Path, first: int) -> None:
    """End what is frozen, and the first process with all that was run inside from outside."""
    # All at once: the first process takes its time to end before it ends others.
    with contextlib.suppress(OSError):
        (group / "cgroup.kill").write_text("1")
    with contextlib.suppress(ProcessLookupError):
        os.kill(first, signal.SIGKILL)


def is_removed(group: Path) -> bool:
    """Remove a control group with what systemd made below, and tell whether it is gone.

    That may take a moment after the last process has ended.
    """
    for folder, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return not group.exists()
