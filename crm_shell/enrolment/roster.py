"""The members as enrolment sees and changes them."""

from __future__ import annotations

from crm_shell.enrolment.admission import Roster
from crm_shell.enrolment.token import ROLE_OF, ROLES, Role
from raftmaker.client import Cluster
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import Member, MemberKind
from raftmaker.wire.enrolment_pb2 import SeedPeer


def roster_of(cluster: Cluster) -> Roster:
    """Return the members of a node's cluster."""

    async def members() -> tuple[SeedPeer, ...]:
        return tuple(map(seed_of, (await cluster.members()).members.members))

    async def add(peer: SeedPeer) -> None:
        await cluster.add_member(member_of(peer), message=f"{peer.name} joins with a token")

    return Roster(members=members, add=add)


def seed_of(member: Member) -> SeedPeer:
    """Return a member as it goes over the wire."""
    store, controller, fencer = (
        [address for address in addresses.split(",") if address]
        for addresses in (member.store, member.controller, member.fencer)
    )
    return SeedPeer(
        name=member.name,
        store=store,
        controller=controller,
        fencer=fencer,
        role=ROLES[Role(member.kind.value)],
    )


def member_of(peer: SeedPeer) -> Member:
    """Return what a host that was let in is to be."""
    return Member(
        name=NodeName(peer.name),
        kind=MemberKind(ROLE_OF[peer.role].value),
        store=",".join(peer.store),
        controller=",".join(peer.controller),
        fencer=",".join(peer.fencer),
    )
