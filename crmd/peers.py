"""The other nodes' controllers and fencers, each dialled once when first needed."""

from __future__ import annotations

from crmd.client import ControllerClient
from raftmaker.runtime.errors import Unreachable
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.settings import Peer, Settings
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.types_pb2 import Identity
from stonithd.client import FencerClient


class Peers:
    """Clients by node name; this node's own daemons are reached by their sockets."""

    def __init__(self, settings: Settings, roster: Roster, identity: Identity) -> None:
        """Take the addresses from the members."""
        self._settings, self._roster = settings, roster
        self._identity = identity
        self._controllers: dict[NodeName, ControllerClient] = {}
        self._fencers: dict[NodeName, FencerClient] = {}

    def _peer(self, node: NodeName) -> Peer:
        try:
            return self._roster.peer(node)
        except KeyError:
            raise Unreachable(
                f"{node} is no member of this cluster; see 'crm cluster members'"
            ) from None

    def controller(self, node: NodeName) -> ControllerClient:
        """Return a node's controller. Raises `Unreachable` of one that is no member."""
        address = self._peer(node).controller  # first: one that was removed is not spoken to
        if node not in self._controllers:
            self._controllers[node] = ControllerClient(address, identity=self._identity)
        return self._controllers[node]

    def fencer(self, node: NodeName) -> FencerClient:
        """Return a node's fencer. Raises `Unreachable` of one that is no member."""
        if node not in self._fencers:
            own = node == self._settings.node
            target = self._settings.socket("stonithd") if own else self._peer(node).fencer
            self._fencers[node] = FencerClient(target, identity=self._identity)
        return self._fencers[node]

    async def close(self) -> None:
        """End all connections."""
        for controller in self._controllers.values():
            await controller.close()
        for fencer in self._fencers.values():
            await fencer.close()
