"""Members on the wire, in the log and in the file that a node keeps of them."""

from __future__ import annotations

from collections.abc import Mapping

from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import Member, MemberKind, Members
from raftmaker.vocabulary.membership import LogPlace
from raftmaker.wire import store_pb2 as pb

_KINDS: Mapping[MemberKind, pb.MemberKind] = {
    MemberKind.VOTER: pb.MEMBER_KIND_VOTER,
    MemberKind.WITNESS: pb.MEMBER_KIND_WITNESS,
    MemberKind.FOLLOWER: pb.MEMBER_KIND_FOLLOWER,
}
_KINDS_OF = {value: key for key, value in _KINDS.items()}


def members_message(members: Members) -> pb.Members:
    """Write the members."""
    return pb.Members(
        number=members.number,
        members=[member_message(member) for member in members.members],
        two_node=members.two_node,
    )


def members_of(message: pb.Members) -> Members:
    """Read the members. Raises KeyError for a kind that this version does not know."""
    return Members(
        number=message.number,
        members=tuple(member_of(member) for member in message.members),
        two_node=message.two_node,
    )


def member_message(member: Member) -> pb.Member:
    """Write a member."""
    return pb.Member(
        name=member.name,
        kind=_KINDS[member.kind],
        store=member.store,
        controller=member.controller,
        fencer=member.fencer,
        learner=member.learner,
        store_id=member.store_id,
    )


def member_of(message: pb.Member) -> Member:
    """Read a member. Raises KeyError for a kind that is not known."""
    return Member(
        name=NodeName(message.name),
        kind=_KINDS_OF[message.kind],
        store=message.store,
        controller=message.controller,
        fencer=message.fencer,
        learner=message.learner,
        store_id=message.store_id,
    )


def place_message(place: LogPlace) -> pb.LogPlace:
    """Write where a log stands."""
    return pb.LogPlace(
        term=place.term,
        last_index=place.last_index,
        generation=place.generation,
        number=place.number,
    )


def place_of(message: pb.LogPlace) -> LogPlace:
    """Read it."""
    return LogPlace(
        term=message.term,
        last_index=message.last_index,
        generation=message.generation,
        number=message.number,
    )
