"""Run a program that a person talks to, on this process's own terminal: an editor, a pager."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Sequence


async def run_foreground(argv: Sequence[str]) -> int:
    """Run `argv` with our own input and output and return its exit code.

    Raises OSError where it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(*argv)
    return await process.wait()


def show_by(argv: Sequence[str], text: str) -> None:
    """Give a pager a text to show, and wait until the person has seen enough of it.

    Raises OSError when it cannot be started.
    """
    # Who leaves it early has seen enough; a Ctrl-C is the pager's own.
    with (
        subprocess.Popen(argv, stdin=subprocess.PIPE, text=True) as pager,
        contextlib.suppress(BrokenPipeError, KeyboardInterrupt),
    ):
        pager.communicate(text)
