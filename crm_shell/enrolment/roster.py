"""The members as enrolment sees and changes them."""

from __future__ import annotations

from crm_shell.enrolment.admission import Roster
from crm_shell.enrolment.token import ROLES, Role
from raftmaker.client import Cluster
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.settings import Peer
from raftmaker.wire.enrolment_pb2 import SeedPeer


def roster_of(cluster: Cluster) -> Roster:
    """Return the members of a node's cluster."""

    async def members() -> tuple[SeedPeer, ...]:
        return tuple(map(seed_of, cluster.settings.peers))

    async def add(peer: SeedPeer) -> None:
        raise HaError(f"{peer.name} cannot be added: this store's members are fixed")

    return Roster(members=members, add=add)


def seed_of(peer: Peer) -> SeedPeer:
    """Return a peer of the settings as it goes over the wire."""
    return SeedPeer(
        name=peer.name,
        store=peer.store.addresses,
        controller=peer.controller.addresses,
        fencer=peer.fencer.addresses,
        role=ROLES[Role.VOTER if peer.voter else Role.FOLLOWER],
    )
