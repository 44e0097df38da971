"""Run a program that a person talks to, on this process's own terminal: an editor, a pager."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence


async def run_foreground(argv: Sequence[str]) -> int:
    """Run `argv` with our own input and output and return its exit code.

    Raises OSError where it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(*argv)
    return await process.wait()
