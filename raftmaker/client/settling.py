"""Wait until the cluster has carried out everything up to a log position."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from raftmaker.client.cluster import Cluster
from raftmaker.client.values import Progress
from raftmaker.runtime.errors import HaError, TimedOut

_AGAIN_S = 0.2


async def wait_settled(
    cluster: Cluster,
    index: int,
    *,
    timeout_s: float = 3600.0,
    on_progress: Callable[[Progress], None] = lambda now: None,
) -> Progress:
    """Return when the DC has carried out the CIB of log position `index`.

    `on_progress` is called with every step. Raises `TimedOut` after `timeout_s`; the change stays.
    """
    try:
        async with asyncio.timeout(timeout_s):
            async for now in _progress_of_dc(cluster):
                on_progress(now)
                if now.dc and now.settled_index >= index:
                    return now
    except TimeoutError:
        pass
    raise TimedOut(f"the cluster has not settled within {timeout_s:g} s; see 'crm status'")


async def _progress_of_dc(cluster: Cluster) -> AsyncIterator[Progress]:
    """Yield what the DC does, whoever it is; while there is none, what this node does."""
    while True:
        here = await cluster.progress()
        yield here
        try:
            if here.dc:
                async for now in cluster.follow_progress(here.dc):
                    if now.dc != here.dc:
                        break
                    yield now
        except HaError:
            pass  # the DC is gone or gives up its place: this node knows the next one
        await asyncio.sleep(_AGAIN_S)
