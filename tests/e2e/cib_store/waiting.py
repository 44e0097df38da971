"""What tests of real stores wait for, with generous bounds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cib_store.client import StoreClient
from raftmaker.runtime.errors import HaError

PATIENCE_MS = 60_000
_Answer = TypeVar("_Answer")


async def ready(client: StoreClient) -> None:
    """Wait until the cluster is created."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            with contextlib.suppress(HaError):
                answer = await client.query(facts=True)
                if answer.facts is not None and answer.facts.cluster_id:
                    return
            await asyncio.sleep(0.1)


async def patiently(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Ask again where no leader answers: on a busy machine one may be lost at any moment."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            with contextlib.suppress(HaError):
                return await ask()
            await asyncio.sleep(0.1)


async def leader_of(client: StoreClient) -> str:
    """Wait until a leader is known; return its name."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not (leader := (await client.status()).leader):
            await asyncio.sleep(0.1)
    return leader
