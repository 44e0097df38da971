"""The committed facts on the wire and in snapshots."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.messages.members import members_message, members_of
from cib_store.messages.outcomes import token_message, token_of
from raftmaker.vocabulary.ids import BootId, ClusterId, NodeName, Session, Term
from raftmaker.vocabulary.membership import (
    ControllerPresence,
    DcLease,
    Facts,
    FencePhase,
    NodeFacts,
    Presence,
)
from raftmaker.wire import store_pb2 as pb

_PRESENCE: Mapping[Presence, pb.Presence] = {
    Presence.MEMBER: pb.PRESENCE_MEMBER,
    Presence.LOST: pb.PRESENCE_LOST,
    Presence.LEFT: pb.PRESENCE_LEFT,
}
_CONTROLLER: Mapping[ControllerPresence, pb.ControllerPresence] = {
    ControllerPresence.PRESENT: pb.CONTROLLER_PRESENCE_PRESENT,
    ControllerPresence.LOST: pb.CONTROLLER_PRESENCE_LOST,
}
_FENCING: Mapping[FencePhase, pb.FencePhase] = {
    FencePhase.NONE: pb.FENCE_PHASE_UNSPECIFIED,
    FencePhase.INTENDED: pb.FENCE_PHASE_INTENDED,
    FencePhase.CONFIRMED: pb.FENCE_PHASE_CONFIRMED,
    FencePhase.FAILED: pb.FENCE_PHASE_FAILED,
}
_PRESENCE_OF = {value: key for key, value in _PRESENCE.items()}
_CONTROLLER_OF = {value: key for key, value in _CONTROLLER.items()}
_FENCING_OF = {value: key for key, value in _FENCING.items()}


def facts_message(facts: Facts) -> pb.Facts:
    """Write the facts."""
    return pb.Facts(
        cluster_id=facts.cluster_id,
        generation=facts.generation,
        term=facts.term,
        leader=facts.leader,
        nodes=[_node_message(node) for node in facts.nodes],
        dc=None if facts.dc is None else _lease_message(facts.dc),
        token=token_message(facts.token),
        feature_level=facts.feature_level,
        members=members_message(facts.members) if facts.members.number else None,
    )


def facts_of(message: pb.Facts) -> Facts:
    """Read the facts. Raises KeyError for a phase or presence that this version does not know."""
    return Facts(
        cluster_id=ClusterId(message.cluster_id),
        generation=message.generation,
        term=Term(message.term),
        leader=NodeName(message.leader),
        nodes=tuple(_node_of(node) for node in message.nodes),
        dc=_lease_of(message.dc) if message.HasField("dc") else None,
        token=token_of(message.token),
        feature_level=message.feature_level,
        members=members_of(message.members),
    )


def _node_message(node: NodeFacts) -> pb.NodeFacts:
    return pb.NodeFacts(
        node=node.node,
        boot_id=node.boot_id,
        session=node.session,
        presence=_PRESENCE[node.presence],
        controller=_CONTROLLER[node.controller],
        fencing=_FENCING[node.fencing],
        controller_start=node.controller_start,
        fence_failures=node.fence_failures,
        fence_action=node.fence_action,
    )


def _node_of(message: pb.NodeFacts) -> NodeFacts:
    return NodeFacts(
        node=NodeName(message.node),
        boot_id=BootId(message.boot_id),
        session=Session(message.session),
        presence=_PRESENCE_OF[message.presence],
        controller=_CONTROLLER_OF[message.controller],
        fencing=_FENCING_OF[message.fencing],
        controller_start=message.controller_start,
        fence_failures=message.fence_failures,
        fence_action=message.fence_action,
    )


def _lease_message(lease: DcLease) -> pb.DcLease:
    return pb.DcLease(
        node=lease.node,
        boot_id=lease.boot_id,
        session=lease.session,
        token=token_message(lease.token),
    )


def _lease_of(message: pb.DcLease) -> DcLease:
    return DcLease(
        node=NodeName(message.node),
        boot_id=BootId(message.boot_id),
        session=Session(message.session),
        token=token_of(message.token),
    )
