"""The other nodes' controllers and fencers, each dialled once when first needed."""

from __future__ import annotations

from crmd.client import ControllerClient
from raftmaker.runtime.errors import Unreachable
from raftmaker.runtime.settings import Peer, Settings
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.types_pb2 import Identity
from stonithd.client import FencerClient


class Peers:
    """Clients by node name; this node's own daemons are reached by their sockets."""

    def __init__(self, settings: Settings, identity: Identity) -> None:
        """Take the addresses from the settings."""
        self._settings = settings
        self._identity = identity
        self._controllers: dict[NodeName, ControllerClient] = {}
        self._fencers: dict[NodeName, FencerClient] = {}

    def _peer(self, node: NodeName) -> Peer:
        try:
            return self._settings.peer(node)
        except KeyError:
            raise Unreachable(
                f"{node} is not among the peers of raftmaker.toml; add it there"
            ) from None

    def controller(self, node: NodeName) -> ControllerClient:
        """Return a node's controller. Raises `Unreachable` where the settings name no address."""
        if node not in self._controllers:
            address = self._peer(node).controller
            self._controllers[node] = ControllerClient(address, identity=self._identity)
        return self._controllers[node]

    def fencer(self, node: NodeName) -> FencerClient:
        """Return a node's fencer. Raises `Unreachable` where the settings name no address."""
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
