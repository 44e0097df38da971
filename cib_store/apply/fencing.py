"""Fencing as committed facts: intended before a device runs, confirmed before anything starts."""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.apply.membership import Recorded, settled, stale, with_node
from cib_store.apply.node_states import DOWN, OUT, with_node_state
from cib_store.document.element import Element
from cib_store.document.refusal import Refusal, refused
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import FenceIntent, FenceResult
from raftmaker.vocabulary.ids import BootId, Session
from raftmaker.vocabulary.membership import (
    ControllerPresence,
    Facts,
    FencePhase,
    NodeFacts,
    Presence,
)

MANUAL = "manual"
"""The device of a result that a person vouches for (features: stonith_admin --confirm)."""
_NEVER_SEEN = (BootId(""), Session(0))


def fence_intent(facts: Facts, cib: Element, body: FenceIntent) -> Recorded | Refusal:
    """Open an intent: until its result the node gets no new session.

    A node that was never seen is named by an empty boot id and session 0 (startup fencing).
    """
    if body.action not in ("off", "reboot"):
        return refused(
            ExitCode.INVALID_PARAM,
            "unknown-fence-action",
            body.target,
            f"{body.action!r} is no way to fence a node",
            "use reboot or off",
        )
    there = facts.of(body.target)
    if there is None:
        if (body.boot_id, body.session) != _NEVER_SEEN:
            return stale("the node was never seen", body.target)
        there = NodeFacts(
            node=body.target,
            boot_id=body.boot_id,
            session=body.session,
            presence=Presence.LOST,
            controller=ControllerPresence.LOST,
            controller_start=0,
        )
        cib = with_node_state(cib, body.target, OUT)
    elif (there.boot_id, there.session) != (body.boot_id, body.session):
        return stale(f"session {body.session} is not current", body.target)
    if there.fencing is FencePhase.INTENDED:
        return Recorded(facts, cib)
    intended = replace(there, fencing=FencePhase.INTENDED, fence_action=body.action)
    return settled(with_node(facts, intended), cib)


def fence_result(facts: Facts, cib: Element, body: FenceResult) -> Recorded | Refusal:
    """Close an intent. Confirmed: the node is down and clean. Failed: its state stays unknown."""
    there = facts.of(body.target)
    if there is None or (there.boot_id, there.session) != (body.boot_id, body.session):
        return stale(f"session {body.session} is not current", body.target)
    if body.confirmed and there.fencing is FencePhase.CONFIRMED:
        return Recorded(facts, cib)
    by_hand = body.confirmed and body.device == MANUAL and there.presence is Presence.LOST
    if there.fencing is not FencePhase.INTENDED and not by_hand:
        return stale("no fencing of this session is intended", body.target)
    if not body.confirmed:
        failed = replace(
            there,
            fencing=FencePhase.FAILED,
            fence_failures=there.fence_failures + 1,
            fence_action="",
        )
        return settled(with_node(facts, failed), cib)
    return fenced(facts, cib, there)


def fenced(facts: Facts, cib: Element, there: NodeFacts) -> Recorded:
    """Take a node for down and clean: its fencing was confirmed."""
    down = replace(
        there,
        presence=Presence.LOST,
        controller=ControllerPresence.LOST,
        fencing=FencePhase.CONFIRMED,
        fence_failures=0,
        fence_action="",
    )
    gone = ("lrm", "transient_attributes")
    return settled(with_node(facts, down), with_node_state(cib, there.node, DOWN, gone))
