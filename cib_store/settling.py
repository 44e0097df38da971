"""Waiting until a change is in place: at this replica, or at every voter that is heard (15.9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from cib_store.client import StoreClient
from cib_store.replica import Replica
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError, TimedOut
from raftmaker.runtime.settings import Peer
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.types_pb2 import Identity

_LOOK_S = 0.005


class Settling:
    """What one store knows of how far the others are; connections are made when first used."""

    def __init__(self, replica: Replica, identity: Identity) -> None:
        """Look at this replica; ask the others as `identity`."""
        self._replica = replica
        self._identity = identity
        self._clients: dict[NodeName, StoreClient] = {}

    async def here(self, index: int, *, deadline_ms: int) -> None:
        """Return when this replica has applied the log position. Raises `TimedOut`."""
        while self._replica.state.index < index:
            if boot_ms() >= deadline_ms:
                at = self._replica.state.index
                raise TimedOut(f"this replica is at {at} and has not applied {index} yet")
            await asyncio.sleep(_LOOK_S)

    async def everywhere(
        self, index: int, peers: Iterable[Peer], *, heard: Callable[[NodeName], bool],
        deadline_ms: int,
    ) -> tuple[NodeName, ...]:  # fmt: skip
        """Wait for this replica and each of these voters that is heard; return the others.

        One that falls silent while it is waited for counts as not heard. Raises `TimedOut`.
        """
        await self.here(index, deadline_ms=deadline_ms)
        silent = await asyncio.gather(
            *(self._at(peer, index, heard=heard, deadline_ms=deadline_ms) for peer in peers)
        )
        return tuple(sorted(name for name in silent if name))

    async def _at(
        self, peer: Peer, index: int, *, heard: Callable[[NodeName], bool], deadline_ms: int
    ) -> NodeName:
        client = self._clients.get(peer.name)
        if client is None:
            client = self._clients[peer.name] = StoreClient(peer.store, self._identity)
        while heard(peer.name):
            left = deadline_ms - boot_ms()
            if left <= 0:
                raise TimedOut(f"{peer.name} has not confirmed the change in time")
            try:
                await client.settle(index, timeout_ms=min(left, 1000))
            except HaError:
                await asyncio.sleep(_LOOK_S)
            else:
                return NodeName("")
        return peer.name

    async def close(self) -> None:
        """End the connections."""
        for client in self._clients.values():
            await client.close()
