"""What a committed fact does to the facts, and with them to `node_state` (docs/internals.md).

Every fact names what it depends on: boot, session, term. One that is not current changes nothing.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from cib_store.apply.node_states import (
    DOWN,
    OUT,
    joining,
    with_dc,
    with_node_entry,
    with_node_state,
    without_shutdown,
)
from cib_store.document.element import Element
from cib_store.document.refusal import Refusal, refused
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    ControllerLost,
    LeaderStarted,
    LeaveSession,
    NodeLost,
    OpenSession,
    RenewSession,
)
from raftmaker.vocabulary.ids import BootId, NodeName, Session
from raftmaker.vocabulary.membership import (
    ControllerPresence,
    Facts,
    FencePhase,
    NodeFacts,
    Presence,
)

_TRANSIENT = ("transient_attributes",)
_OF_A_BOOT = ("lrm", "transient_attributes")


class Recorded(Struct, frozen=True):
    """The facts and the CIB after a fact."""

    facts: Facts
    cib: Element


def stale(what: str, where: str) -> Refusal:
    """Refuse a fact that depends on something that is not current any more."""
    return refused(ExitCode.OLD, "stale-fact", where, what, "look at the present facts")


def not_now(name: str, what: str, where: str, mend: str) -> Refusal:
    """Refuse what may be granted later."""
    return refused(ExitCode.TEMPFAIL, name, where, what, mend)


def with_node(facts: Facts, node: NodeFacts) -> Facts:
    """Return the facts with this node's, and without a DC lease that has thereby ended."""
    others = [other for other in facts.nodes if other.node != node.node]
    nodes = tuple(sorted((*others, node), key=lambda each: each.node))
    dc = facts.dc
    if dc is not None and dc.node == node.node:
        same = (dc.boot_id, dc.session) == (node.boot_id, node.session)
        if not (same and node.is_present):
            dc = None
    return replace(facts, nodes=nodes, dc=dc)


def settled(facts: Facts, cib: Element) -> Recorded:
    """Return both, with the DC's name in the CIB following the lease."""
    return Recorded(facts, with_dc(cib, facts.dc.node) if facts.dc else with_dc(cib, None))


def current(facts: Facts, node: NodeName, boot_id: BootId, session: Session) -> NodeFacts | Refusal:
    """Return the node's facts when boot and session are its current ones."""
    there = facts.of(node)
    if there is None or (there.boot_id, there.session) != (boot_id, session):
        known = "has none" if there is None else f"is in session {there.session}"
        return stale(f"session {session} is not current: the node {known}", node)
    return there


def leader_started(facts: Facts, cib: Element, body: LeaderStarted) -> Recorded | Refusal:
    """Take note of a term; an older one, or another leader of the same, is refused."""
    if body.term < facts.term or (body.term == facts.term and body.leader != facts.leader):
        return stale(f"term {body.term} is over: the term is {facts.term}", body.leader)
    return Recorded(replace(facts, term=body.term, leader=body.leader), cib)


def open_session(facts: Facts, cib: Element, body: OpenSession, at_us: int) -> Recorded | Refusal:
    """Give a starting controller its session."""
    there = facts.of(body.node)
    if there is not None:
        refusal = _reason_against_return(there, body.boot_id)
        if refusal is not None:
            return refusal
        if there.boot_id == body.boot_id and body.controller_start < there.controller_start:
            return stale(f"start {body.controller_start} of the controller is over", body.node)
        if there.boot_id != body.boot_id and body.replaces != there.session:
            return stale(f"session {body.replaces} is not the one before it", body.node)
    node = _opened(there, body)
    new_boot = there is not None and there.boot_id != body.boot_id
    facts = _without_restarted_dc(with_node(facts, node), there, body)
    cib = with_node_entry(cib, body.node)
    gone = _OF_A_BOOT if new_boot else ()
    return settled(facts, with_node_state(cib, body.node, joining(at_us), gone))


def _opened(there: NodeFacts | None, body: OpenSession) -> NodeFacts:
    start = body.controller_start
    if there is None:
        return NodeFacts(
            node=body.node, boot_id=body.boot_id, session=Session(1), controller_start=start
        )
    if there.boot_id == body.boot_id and there.is_present:
        return replace(there, controller_start=start)
    return NodeFacts(
        node=body.node,
        boot_id=body.boot_id,
        session=Session(there.session + 1),
        controller_start=start,
        fence_failures=there.fence_failures if there.boot_id == body.boot_id else 0,
    )


def _without_restarted_dc(facts: Facts, there: NodeFacts | None, body: OpenSession) -> Facts:
    # The process that held the lease is gone, though its session goes on.
    restarted = there is not None and body.controller_start > there.controller_start
    if restarted and facts.dc is not None and facts.dc.node == body.node:
        return replace(facts, dc=None)
    return facts


def _reason_against_return(there: NodeFacts, boot_id: BootId) -> Refusal | None:
    if there.fencing is FencePhase.INTENDED:
        return not_now(
            "fencing-is-intended",
            "the node is being fenced",
            there.node,
            "it may return when the fencing has ended",
        )
    if there.fencing is FencePhase.CONFIRMED and there.boot_id == boot_id:
        return refused(
            ExitCode.UNSAFE,
            "boot-was-fenced",
            there.node,
            "this boot was reported as fenced, yet it lives: what it runs may run twice",
            "stop everything on it and start the node anew",
        )
    return None


def renew_session(facts: Facts, cib: Element, body: RenewSession, at_us: int) -> Recorded | Refusal:
    """Give a node that is heard again its next session; it has to join again."""
    there = current(facts, body.node, body.boot_id, body.session)
    if isinstance(there, Refusal):
        return there
    refusal = _reason_against_return(there, body.boot_id)
    if refusal is not None:
        return refusal
    if there.presence is Presence.LEFT:
        return stale("the node has left", body.node)
    node = replace(
        there,
        session=Session(there.session + 1),
        presence=Presence.MEMBER,
        controller=ControllerPresence.PRESENT,
        fencing=FencePhase.NONE,
    )
    return settled(with_node(facts, node), with_node_state(cib, body.node, joining(at_us)))


def leave_session(facts: Facts, cib: Element, body: LeaveSession) -> Recorded | Refusal:
    """Let a node go that has stopped its resources."""
    there = current(facts, body.node, body.boot_id, body.session)
    if isinstance(there, Refusal):
        return there
    if there.presence is Presence.LEFT:
        return Recorded(facts, cib)
    if there.presence is Presence.LOST:
        return stale("the node was declared lost before it could leave", body.node)
    node = replace(there, presence=Presence.LEFT, controller=ControllerPresence.LOST)
    return settled(with_node(facts, node), with_node_state(cib, body.node, DOWN, _TRANSIENT))


def node_lost(facts: Facts, cib: Element, body: NodeLost) -> Recorded | Refusal:
    """Take a node for lost: it is unclean until fenced, or until its session is renewed."""
    there = _losing(facts, body)
    if isinstance(there, Refusal):
        return there
    if there.presence is Presence.LOST:
        return Recorded(facts, cib)
    node = replace(there, presence=Presence.LOST, controller=ControllerPresence.LOST)
    cib = without_shutdown(cib, body.node)
    return settled(with_node(facts, node), with_node_state(cib, body.node, OUT))


def controller_lost(facts: Facts, cib: Element, body: ControllerLost) -> Recorded | Refusal:
    """Take a node's controller for lost: no orders go there, its node is not fenced for a while."""
    there = _losing(facts, body)
    if isinstance(there, Refusal):
        return there
    if there.presence is Presence.LOST or there.controller is ControllerPresence.LOST:
        return Recorded(facts, cib)
    node = replace(there, controller=ControllerPresence.LOST)
    cib = without_shutdown(cib, body.node)
    return settled(with_node(facts, node), with_node_state(cib, body.node, {"crmd": "0"}))


def _losing(facts: Facts, body: NodeLost | ControllerLost) -> NodeFacts | Refusal:
    if body.term != facts.term:
        return stale(f"term {body.term} is not current: the term is {facts.term}", body.node)
    there = current(facts, body.node, body.boot_id, body.session)
    if not isinstance(there, Refusal) and there.presence is Presence.LEFT:
        return stale("the node has left", body.node)
    return there


def reason_against_status(facts: Facts, writer: NodeName, boot_id: BootId) -> Refusal | None:
    """Refuse a late status write: of a node that is lost or has left, or of an older boot of it.

    Without a boot id (what people and tools write) only the first is looked at.
    """
    there = facts.of(writer)
    if there is not None and boot_id and boot_id != there.boot_id:
        return stale("the writer's boot is over, its node has started anew", writer)
    if there is None or there.presence is Presence.MEMBER:
        return None
    return stale(f"the writer is not a member any more but {there.presence.value}", writer)
