"""Go on in the background, with a file that says under which pid (features 27.1)."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from crm_shell.tools.frame import complain
from raftmaker.vocabulary.codes import ExitCode


def detached(program: str, pid_file: str | None, body: Callable[[], int]) -> int:
    """Run `body` in a process of its own session and return at once.

    Exit code 1 where the pid file names a process that runs, CANTCREAT where it cannot be written.
    """
    path = Path(pid_file) if pid_file else None
    if path is not None and (running := _running(path)):
        complain(program, f"{path}: process {running} runs already; end it, or name another file")
        return int(ExitCode.ERROR)
    if path is not None and not os.access(path.parent, os.W_OK):
        complain(program, f"{path}: the folder cannot be written")
        return int(ExitCode.CANTCREAT)
    sys.stdout.flush()
    if os.fork():
        return 0
    os.setsid()
    if os.fork():
        os._exit(0)
    if path is not None:
        path.write_text(f"{os.getpid()}\n", "ascii")
    _close_terminal()
    code = int(ExitCode.SOFTWARE)
    try:
        code = body()
    finally:
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()
        os._exit(code)


def _close_terminal() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _running(path: Path) -> int:
    """Return the process that the file names, if it runs; else 0."""
    try:
        pid = int(path.read_text("ascii"))
        os.kill(pid, 0)
    except PermissionError:
        return pid
    except (OSError, ValueError):
        return 0
    return pid
