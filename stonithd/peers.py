"""The other nodes' fencers, each dialled once when first needed."""

from __future__ import annotations

from collections.abc import Mapping

from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.errors import Unreachable
from raftmaker.runtime.settings import Settings
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.types_pb2 import Identity
from stonithd.client import FencerClient


class Peers:
    """Clients by node name."""

    def __init__(self, settings: Settings, identity: Identity) -> None:
        """Take the addresses from the settings."""
        self._endpoints: Mapping[NodeName, Endpoint] = {
            peer.name: peer.fencer for peer in settings.peers if peer.name != settings.node
        }
        self._identity = identity
        self._clients: dict[NodeName, FencerClient] = {}

    def client(self, node: NodeName) -> FencerClient:
        """Return the client of a node. Raises `Unreachable` where the settings name no address."""
        if node not in self._endpoints:
            raise Unreachable(f"{node} is not among the peers of raftmaker.toml; add it there")
        if node not in self._clients:
            endpoint = self._endpoints[node]
            self._clients[node] = FencerClient(endpoint, identity=self._identity)
        return self._clients[node]

    async def close(self) -> None:
        """End all connections."""
        for client in self._clients.values():
            await client.close()
