"""One of two voters without the other: have it fenced, then go on alone (features 25.11).

This is the only fencing without a quorum (protocols, Two nodes). The store says first whether it
could go on once the peer is down, and from which place of its log; only then a device runs; and
only what the device confirms goes back to the store, which checks all of it again and begins the
next generation. Whoever is in contact with a majority again meanwhile does not go on alone.

Invariant: the place is read before the device runs, and no answer that was asked for before an
interruption is taken for one that was asked for after it.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from cib_store.document.element import Element
from crmd.fsa import events
from crmd.fsa.cib import node_state
from crmd.fsa.effects import (
    AskToGoAlone,
    GoAlone,
    RunFencing,
    Schedule,
    SurvivalOver,
    SurvivalWaits,
)
from crmd.fsa.fencing import MANUAL
from crmd.fsa.lease import was_fenced
from crmd.fsa.options import duration_ms, flag
from crmd.fsa.state import Survival, SurvivalPhase
from crmd.fsa.turn import Turn
from crmd.fsa.unfencing import CLIENT
from crmd.scheduler.graph import Graph
from raftmaker.vocabulary.commands import FencingProof
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import Members
from raftmaker.vocabulary.membership import FencePhase

LOOK_AGAIN_MS = 500
"""After the store said that this node must not go on alone, as things are."""
FENCE_AGAIN_MS = 5_000
"""After a fencing that was not confirmed."""


def peer_of(members: Members, me: NodeName) -> NodeName | None:
    """Return the other voter where two were asked for and this node is one of just two.

    The two that are to found a cluster (members of number 0) have asked for it by that.
    """
    voters = [voter.name for voter in members.voters]
    wanted = members.two_node or not members.number
    if not wanted or len(voters) != 2 or me not in voters:
        return None
    return voters[1 - voters.index(me)]


def _peer(turn: Turn) -> NodeName | None:
    """Return the peer, by the newest members that are known here.

    A store that is started alone believes nothing of its log but what it had noted to be committed.
    Until its peer is there it may know of no members, or of older ones, than it wrote down once.
    """
    committed, written = turn.view.facts.members, turn.config.members
    is_behind = not committed.number or committed.number < written.number
    return peer_of(written if is_behind else committed, turn.node)


def keeps_what_runs(turn: Turn) -> bool:
    """Tell whether an isolated node goes on with what runs on it, whatever its policy.

    Each of two nodes is without a majority whenever the other one is gone. What runs here is not
    started there before a device has ended this node.
    """
    return peer_of(turn.view.facts.members, turn.node) is not None and flag(
        turn.view.cib, "fencing-enabled"
    )


def advance_survival(turn: Turn) -> None:
    """Take the next step towards going on alone while this node is isolated."""
    idle = turn.isolation is None or turn.leaving is not None or was_fenced(turn)
    if idle or (peer := _peer(turn)) is None:
        _interrupt(turn)
        return
    survival = turn.survival
    if survival is None:
        survival = turn.survival = Survival()
    if survival.phase is not SurvivalPhase.RESTING or not turn.is_due(survival.at_ms):
        return
    if not flag(turn.view.cib, "fencing-enabled"):
        _rest(turn, FENCE_AGAIN_MS, f"fencing is off, so nothing confirms that {peer} is down")
        return
    request = turn.number()
    turn.survival = replace(survival, phase=SurvivalPhase.ASKING, request=request)
    turn.emit(AskToGoAlone(request))


def _interrupt(turn: Turn) -> None:
    """Forget it; a device that runs is waited for, and its answer counts for nothing.

    What people were told stays until there is a majority again: a store that catches up may know of
    other members for a moment.
    """
    survival = turn.survival
    if survival is None:
        return
    reason = survival.reason
    if reason and turn.isolation is None:
        turn.emit(SurvivalOver())
        reason = ""
    if survival.phase is SurvivalPhase.FENCING:
        turn.survival = replace(survival, is_void=True, reason=reason)
    else:
        turn.survival = Survival(reason=reason) if reason else None


def on_answer_of_store(
    turn: Turn, event: events.MayGoAlone | events.MustNotGoAlone | events.WentAlone
) -> None:
    """Take what the store says of going on alone."""
    match event:
        case events.MayGoAlone():
            _may(turn, event)
        case events.MustNotGoAlone():
            _must_not(turn, event)
        case events.WentAlone():
            # Contact to the new majority, this node, follows at once.
            if _asked(turn, event.request, SurvivalPhase.GOING) is not None:
                turn.survival = Survival(at_ms=turn.at_ms + FENCE_AGAIN_MS)
        case _:
            assert_never(event)


def _may(turn: Turn, event: events.MayGoAlone) -> None:
    """The store could go on without the peer: let the scheduler say how that is fenced."""
    survival = _asked(turn, event.request, SurvivalPhase.ASKING)
    if survival is None:
        return
    peer = peer_of(turn.view.facts.members, turn.node)
    theirs = turn.view.facts.of(event.peer)
    if turn.view.cib is None or peer != event.peer or theirs is None:
        _rest(turn, LOOK_AGAIN_MS, "the store knows more than was seen of it here")
        return
    if theirs.boot_id != event.boot_id:
        # It was started again meanwhile, and would not go on for the end of another boot.
        reason = f"this node's store knows an older start of {peer}; it is asked again"
        _rest(turn, LOOK_AGAIN_MS, reason)
        return
    request = turn.number()
    turn.survival = replace(
        survival,
        phase=SurvivalPhase.PLANNING,
        request=request,
        place=event.place,
        target=event.peer,
        boot_id=theirs.boot_id,
    )
    turn.emit(Schedule(request=request, cib=cib_without(turn.view.cib, turn.node, event.peer)))


def _must_not(turn: Turn, event: events.MustNotGoAlone) -> None:
    """The store does not go on alone, before the device ran or after."""
    survival = turn.survival
    if survival is None or survival.request != event.request:
        return
    if survival.phase not in (SurvivalPhase.ASKING, SurvivalPhase.GOING):
        return
    if survival.phase is SurvivalPhase.GOING or event.reason == survival.answer:
        _rest(turn, LOOK_AGAIN_MS, event.reason)
    else:
        # Where both start, the next answer is another one already: only what stays is told.
        _rest(turn, LOOK_AGAIN_MS, survival.reason, answer=event.reason)


def cib_without(cib: Element, me: NodeName, peer: NodeName) -> Element:
    """Return the CIB as it would be if this node had the quorum and the peer were lost."""
    status = cib.child("status") or Element("status")
    own = node_state(cib, me)
    here = {"id": me, "uname": me, "in_ccm": "1", "crmd": "1"}
    here |= {"join": "member", "expected": "member"}
    states = [Element("node_state", here, own.children if own is not None else ())]
    for other in status.each():
        if other.tag != "node_state":
            states.append(other)
        elif other.id == peer:
            states.append(other.with_attributes({"in_ccm": "0", "crmd": "0"}))
        elif other.id != me:
            states.append(other)
    configuration = cib.child("configuration") or Element("configuration")
    root = cib.with_attributes({"have-quorum": "1", "dc-uuid": me})
    return root.with_children((configuration, Element("status", {}, tuple(states))))


def fencing_in(graph: Graph, peer: NodeName) -> tuple[str, int] | None:
    """Return the action, and the delay (ms), by which the scheduler would have the peer fenced."""
    for action in graph.actions:
        wanted = action.attributes.get("CRM_meta_stonith_action", "reboot")
        ours = action.operation == "stonith" and action.on_node == peer
        if ours and wanted in ("reboot", "off"):
            delay = action.attributes.get("CRM_meta_priority_fencing_delay", "0")
            return wanted, int(delay) * 1000 if delay.isdigit() else 0
    return None


def on_schedule(turn: Turn, event: events.ScheduleReady) -> None:
    """Run the devices of this node, as the scheduler would have had them run."""
    survival = _asked(turn, event.request, SurvivalPhase.PLANNING)
    if survival is None:
        return
    theirs = turn.view.facts.of(survival.target)
    found = fencing_in(event.graph, survival.target)
    if found is None or theirs is None:
        why = "the configuration has no fencing of it: see 'crm_verify -L' and the fence devices"
        _rest(turn, FENCE_AGAIN_MS, f"{survival.target} is not fenced: {why}")
        return
    action, delay_ms = found
    request = turn.number()
    turn.survival = replace(
        survival, phase=SurvivalPhase.FENCING, request=request, action=action, is_void=False
    )
    turn.emit(
        RunFencing(
            request=request,
            at=turn.node,
            token=turn.view.facts.token,
            target=survival.target,
            boot_id=survival.boot_id,
            session=theirs.session,
            action=action,
            timeout_ms=duration_ms(turn.view.cib, "fencing-timeout"),
            delay_ms=delay_ms,
            client=CLIENT,
            origin=turn.node,
            known_index=turn.view.index,
            until_ms=turn.at_ms + turn.config.dead_ms,
            # An intent keeps a later boot of the peer out, so one under way may be waited for.
            afresh=theirs.fencing is not FencePhase.INTENDED,
        )
    )


def on_schedule_failed(turn: Turn, event: events.ScheduleFailed) -> None:
    """Try again later."""
    if _asked(turn, event.request, SurvivalPhase.PLANNING) is not None:
        _rest(turn, FENCE_AGAIN_MS, f"the scheduler failed: {event.reason}")


def on_fencing_ended(turn: Turn, event: events.FencingEnded) -> None:
    """Give the store the proof, if a device confirmed it."""
    survival = _asked(turn, event.request, SurvivalPhase.FENCING)
    if survival is None:
        return
    if survival.is_void:
        turn.survival = None
        return
    if not event.confirmed or not event.devices or MANUAL in event.devices:
        why = event.reason or "no device confirmed it"
        _rest(turn, FENCE_AGAIN_MS, f"{survival.target} could not be fenced: {why}")
        return
    assert survival.place is not None
    request = turn.number()
    proof = FencingProof(
        target=survival.target,
        boot_id=survival.boot_id,
        action=survival.action,
        devices=event.devices,
    )
    turn.survival = replace(survival, phase=SurvivalPhase.GOING, request=request)
    turn.emit(GoAlone(request=request, place=survival.place, proof=proof))


def _asked(turn: Turn, request: int, phase: SurvivalPhase) -> Survival | None:
    survival = turn.survival
    if survival is None or survival.phase is not phase or survival.request != request:
        return None
    return survival


def _rest(turn: Turn, pause_ms: int, reason: str, *, answer: str = "") -> None:
    """Tell people why, once, and try again after a pause."""
    assert turn.survival is not None
    if turn.survival.reason != reason:
        turn.emit(SurvivalWaits(reason))
    at_ms = turn.at_ms + pause_ms
    turn.survival = Survival(at_ms=at_ms, reason=reason, answer=answer or turn.survival.answer)
    turn.is_due(turn.survival.at_ms)
