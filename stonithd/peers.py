"""The other nodes' fencers, each dialled once when first needed."""

from __future__ import annotations

from raftmaker.runtime.errors import Unreachable
from raftmaker.runtime.roster import Roster
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.types_pb2 import Identity
from stonithd.client import FencerClient


class Peers:
    """Clients by node name."""

    def __init__(self, roster: Roster, identity: Identity) -> None:
        """Take the addresses from the members."""
        self._roster = roster
        self._identity = identity
        self._clients: dict[NodeName, FencerClient] = {}

    def client(self, node: NodeName) -> FencerClient:
        """Return the client of a node. Raises `Unreachable` of one that is no member."""
        member = self._roster.members.of(node)
        if member is None or node == self._roster.node or not member.fencer:
            raise Unreachable(f"{node} is no other node of this cluster; see 'crm cluster members'")
        if node not in self._clients:
            endpoint = self._roster.peer(node).fencer
            self._clients[node] = FencerClient(endpoint, identity=self._identity)
        return self._clients[node]

    async def close(self) -> None:
        """End all connections."""
        for client in self._clients.values():
            await client.close()
