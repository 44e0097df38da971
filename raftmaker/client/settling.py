"""Wait until the cluster has carried out everything up to a log position."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from raftmaker.client.cluster import Cluster
from raftmaker.client.values import Progress
from raftmaker.runtime.errors import TimedOut

IDLE = "S_IDLE"


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
            async for now in cluster.follow_progress():
                on_progress(now)
                if now.dc and now.settled_index >= index:
                    return now
    except TimeoutError:
        raise TimedOut(
            f"the cluster has not settled within {timeout_s:g} s; see 'crm status'"
        ) from None
    raise TimedOut("the controller ended before the cluster settled; see 'crm status'")
