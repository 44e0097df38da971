"""A wish to fence whose DC is gone before it answers: it may be the very node that was fenced."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stonithd.client import FencingInfo

History = Callable[[], Awaitable[Sequence["FencingInfo"]]]
_CLOCKS_DIFFER_US = 5_000_000
_OVER = ("confirmed", "failed")


async def fencing_since(
    history: History, since_us: int, *, appears_within_s: float = 15.0, look_s: float = 0.5
) -> FencingInfo | None:
    """Return how the fencing ended that began at `since_us` (wall clock) or later.

    The next DC carries out what the last one intended. `history` asks for that of one node, the
    newest first. None when nothing of it is seen for so long.
    """
    loop = asyncio.get_running_loop()
    patient_until = loop.time() + appears_within_s
    while True:
        newest = newest_since(await history(), since_us)
        if newest is not None and newest.state in _OVER:
            return newest
        if newest is None and loop.time() > patient_until:
            return None
        await asyncio.sleep(look_s)


def newest_since(fencings: Sequence[FencingInfo], since_us: int) -> FencingInfo | None:
    """Return the newest fencing, no unfencing; clocks of nodes may differ by some seconds."""
    for each in fencings:
        if each.action != "on" and each.at_us > since_us - _CLOCKS_DIFFER_US:
            return each
    return None
