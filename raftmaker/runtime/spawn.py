"""Start a process that lives on its own: own session, own log file, clean signal state."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

_SET_CHILD_SUBREAPER = 36


def spawn(argv: Sequence[str], *, environment: Mapping[str, str], log: Path) -> int:
    """Start ``argv`` in a session of its own, output appended to `log`; return its pid.

    Nothing is waited for: the caller reaps it. Raises OSError where it cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        argv[0],
        list(argv),
        dict(environment),
        file_actions=(
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), appending, 0o640),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ),
        setsid=True,
        setsigmask=(),
        setsigdef=(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD),
    )


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends (PR_SET_CHILD_SUBREAPER).

    So a service whose agent has long ended is reaped when it dies, even where process 1 reaps
    nothing, as in many containers; else its zombie would look alive to ``kill -0``.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
