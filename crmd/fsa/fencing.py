"""Fencing by the DC: intent committed, devices run, result committed (protocols, Fencing).

Invariant: a device is run only for an intent of this DC that is known to be committed, and the
action of the graph ends only when the result is.
"""

from __future__ import annotations

from msgspec.structs import replace

from crmd.fsa import events
from crmd.fsa.effects import FencingAnswered, RunFencing
from crmd.fsa.events import Timer
from crmd.fsa.joins import joiner_of, outstanding
from crmd.fsa.options import duration_ms, integer, option
from crmd.fsa.purpose import Intending, StoringFencing
from crmd.fsa.state import Dc, FencePhaseHere, Fencing
from crmd.fsa.turn import Turn, with_item, without
from crmd.fsa.unfencing import CLIENT, unfence_for_call
from crmd.remote.nodes import (
    fence_failures,
    fenced_operations,
    is_remote,
    unfenced_operations,
)
from crmd.scheduler.graph import GraphAction
from crmd.transition.values import ActionDone, ActionFailed
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import FenceIntent, FenceResult
from raftmaker.vocabulary.ids import BootId, NodeName, Session
from raftmaker.vocabulary.membership import ControllerPresence, FencePhase, Presence

MANUAL = "manual"
"""The device of a fencing for which a person vouches."""
Result = ActionDone | ActionFailed


def fence_for_action(turn: Turn, action: GraphAction) -> Result | None:
    """Begin the fencing that a graph orders, or join the one that is under way."""
    if action.on_node is None:
        return ActionFailed(turn.at_ms, action.id, "the graph names no node to fence")
    wanted = action.attributes.get("CRM_meta_stonith_action", "reboot")
    if wanted not in ("reboot", "off"):
        return ActionFailed(turn.at_ms, action.id, f"fencing action {wanted} is not supported")
    delay = action.attributes.get("CRM_meta_priority_fencing_delay", "0")
    _begin(
        turn,
        NodeName(action.on_node),
        wanted,
        reason="ordered by the scheduler",
        delay_ms=int(delay) * 1000 if delay.isdigit() else 0,
        action=action.id,
    )
    return None


def _begin(
    turn: Turn,
    target: NodeName,
    wanted: str,
    *,
    reason: str,
    delay_ms: int = 0,
    action: int | None = None,
    asked: events.FenceNodeRequested | None = None,
) -> None:
    dc = turn.dc
    assert dc is not None
    actions = () if action is None else (action,)
    calls = () if asked is None else (asked.call,)
    there = dc.fencings.get(target)
    if there is not None:
        joined = replace(there, actions=(*there.actions, *actions), calls=(*there.calls, *calls))
        if calls and there.phase is FencePhaseHere.HELD:
            joined = replace(joined, at_ms=turn.at_ms)
        turn.dc = replace(dc, fencings=with_item(dc.fencings, target, joined))
        return
    facts = turn.view.facts.of(target)
    fencing = Fencing(
        target=target,
        boot_id=facts.boot_id if facts is not None else BootId(""),
        session=facts.session if facts is not None else Session(0),
        action=wanted,
        reason=reason,
        phase=FencePhaseHere.HELD,
        at_ms=turn.at_ms if calls else _not_before_ms(turn, target),
        timeout_ms=(asked.timeout_ms if asked is not None else 0)
        or duration_ms(turn.view.cib, "fencing-timeout"),
        delay_ms=asked.delay_ms if asked is not None else delay_ms,
        client=asked.client if asked is not None else CLIENT,
        origin=asked.origin if asked is not None else turn.node,
        actions=actions,
        calls=calls,
    )
    turn.dc = replace(dc, fencings=with_item(dc.fencings, target, fencing))


def _not_before_ms(turn: Turn, target: NodeName) -> int:
    """A node whose controller alone is silent gets time to bring it back (protocols, Liveness)."""
    facts = turn.view.facts.of(target)
    since = turn.view.silent_since.get(target)
    if facts is None or since is None or facts.presence is not Presence.MEMBER:
        return turn.at_ms
    if facts.controller is not ControllerPresence.LOST:
        return turn.at_ms
    return max(turn.at_ms, since[1] + turn.config.controller_fence_delay_ms)


def advance_fencings(turn: Turn) -> None:
    """Begin or repeat the step that is due for each fencing."""
    assert turn.dc is not None
    _take_over(turn, turn.dc)
    for target in sorted(turn.dc.fencings):
        dc = turn.dc
        fencing = dc.fencings[target]
        if fencing.request:
            continue
        match fencing.phase:
            case FencePhaseHere.HELD | FencePhaseHere.INTENT:
                if turn.is_due(fencing.at_ms, Timer.HOLD):
                    _intend(turn, dc, fencing)
            case FencePhaseHere.RESULT:
                if turn.is_due(fencing.at_ms):
                    _store(turn, dc, fencing)
            case FencePhaseHere.RUNNING:
                pass


def _take_over(turn: Turn, dc: Dc) -> None:
    """Carry on what an earlier DC intended: until it has ended the node cannot return.

    The scheduler need not want it any more, so this is no action of a graph.
    """
    if outstanding(turn) or turn.view.index < dc.fencing_index:
        return
    default = option(turn.view.cib, "fencing-action")
    for facts in turn.view.facts.nodes:
        if facts.fencing is FencePhase.INTENDED and facts.node not in dc.fencings:
            wanted = facts.fence_action or default
            _begin(
                turn,
                facts.node,
                wanted if wanted in ("reboot", "off") else "reboot",
                reason="intended by an earlier DC",
            )


def _put(turn: Turn, dc: Dc, fencing: Fencing) -> None:
    turn.dc = replace(dc, fencings=with_item(dc.fencings, fencing.target, fencing))


def _intend(turn: Turn, dc: Dc, fencing: Fencing) -> None:
    if is_remote(turn.view.cib, fencing.target) and turn.view.facts.of(fencing.target) is None:
        # It has no session that could come back meanwhile: it is connected to by this graph alone.
        _put(turn, dc, replace(fencing, phase=FencePhaseHere.INTENT))
        run_devices(turn, replace(fencing, phase=FencePhaseHere.INTENT))
        return
    body = FenceIntent(
        target=fencing.target,
        boot_id=fencing.boot_id,
        session=fencing.session,
        action=fencing.action,
        reason=fencing.reason,
    )
    turn.record(body, Intending(fencing.target), dc.token)
    _put(turn, dc, replace(fencing, phase=FencePhaseHere.INTENT, request=-1))


def on_intent(turn: Turn, target: NodeName, code: ExitCode | None) -> list[Result]:
    """Run the devices once the intent is committed."""
    dc = turn.dc
    fencing = dc.fencings.get(target) if dc is not None else None
    if dc is None or fencing is None or fencing.phase is not FencePhaseHere.INTENT:
        return []
    if code is None:
        retry_at_ms = turn.at_ms + turn.config.retry_ms
        _put(turn, dc, replace(fencing, request=0, at_ms=retry_at_ms))
        return []
    if code is not ExitCode.OK:
        return _over(turn, fencing, confirmed=False, reason=f"the intent was refused: {code.name}")
    run_devices(turn, fencing)
    return []


def run_devices(turn: Turn, fencing: Fencing) -> None:
    """Have a member's fencer run the devices; a person's word takes their place."""
    dc = turn.dc
    assert dc is not None
    if fencing.devices == (MANUAL,):
        confirmed = replace(fencing, is_confirmed=True, phase=FencePhaseHere.RESULT, request=0)
        _put(turn, dc, confirmed)
        return
    place = _place(turn, fencing)
    if place is None:
        unplaced = replace(
            fencing,
            phase=FencePhaseHere.RESULT,
            request=0,
            outcome="no other member is there to run a fence device",
        )
        _put(turn, dc, unplaced)
        return
    request = turn.number()
    _put(turn, dc, replace(fencing, phase=FencePhaseHere.RUNNING, request=request))
    turn.emit(
        RunFencing(
            request=request,
            at=place,
            token=dc.token,
            target=fencing.target,
            boot_id=fencing.boot_id,
            session=fencing.session,
            action=fencing.action,
            timeout_ms=fencing.timeout_ms,
            delay_ms=fencing.delay_ms,
            client=fencing.client,
            origin=fencing.origin,
            known_index=turn.view.index,
            until_ms=turn.fresh_until_ms,
        )
    )


def _place(turn: Turn, fencing: Fencing) -> NodeName | None:
    """The member whose fencer runs the devices: this one first, another after each failure.

    Never the target: a node that is fenced cannot tell how it ended.
    """
    assert turn.dc is not None
    places = [
        node
        for node in sorted(turn.dc.joiners, key=lambda one: (one != turn.node, one))
        if node != fencing.target and joiner_of(turn, node) is not None
    ]
    if not places:
        return None
    return places[_failures(turn, fencing.target) % len(places)]


def _failures(turn: Turn, target: NodeName) -> int:
    facts = turn.view.facts.of(target)
    return facts.fence_failures if facts is not None else fence_failures(turn.view.cib, target)


def on_fencing_ended(turn: Turn, event: events.FencingEnded) -> None:
    """Commit how it ended."""
    dc = turn.dc
    if dc is None:
        return
    for fencing in dc.fencings.values():
        if fencing.phase is FencePhaseHere.RUNNING and fencing.request == event.request:
            ended = replace(
                fencing,
                phase=FencePhaseHere.RESULT,
                request=0,
                at_ms=turn.at_ms,
                is_confirmed=event.confirmed,
                devices=event.devices,
                outcome=event.reason,
                ended_s=event.now_s,
            )
            _put(turn, dc, ended)
            return


def _store(turn: Turn, dc: Dc, fencing: Fencing) -> None:
    if is_remote(turn.view.cib, fencing.target) and turn.view.facts.of(fencing.target) is None:
        _store_remote(turn, dc, fencing)
        return
    body = FenceResult(
        target=fencing.target,
        boot_id=fencing.boot_id,
        session=fencing.session,
        confirmed=fencing.is_confirmed,
        device=",".join(fencing.devices) if fencing.is_confirmed else "",
        reason=fencing.outcome[:200],
    )
    turn.record(body, StoringFencing(fencing.target), dc.token)
    _put(turn, dc, replace(fencing, request=-1))


def _store_remote(turn: Turn, dc: Dc, fencing: Fencing) -> None:
    """Of a remote node the status section alone tells that it was fenced (features 24.20)."""
    operations = (
        fenced_operations(turn.view.cib, fencing.target, fencing.ended_s)
        if fencing.is_confirmed
        else unfenced_operations(turn.view.cib, fencing.target)
    )
    turn.write(operations, StoringFencing(fencing.target), dc.token)
    _put(turn, dc, replace(fencing, request=-1))


def on_result_stored(
    turn: Turn, target: NodeName, code: ExitCode | None, index: int
) -> list[Result]:
    """The fencing is over when its result is committed, at `index`; until then it is repeated."""
    dc = turn.dc
    fencing = dc.fencings.get(target) if dc is not None else None
    if dc is None or fencing is None or fencing.phase is not FencePhaseHere.RESULT:
        return []
    if code is None:
        retry_at_ms = turn.at_ms + turn.config.retry_ms
        _put(turn, dc, replace(fencing, request=0, at_ms=retry_at_ms))
        return []
    if code is not ExitCode.OK:
        refused = f"the result was refused: {code.name}"
        return _over(turn, fencing, confirmed=False, reason=refused)
    turn.dc = replace(dc, fencing_index=index)
    return _over(turn, fencing, confirmed=fencing.is_confirmed, reason=fencing.outcome)


def _over(turn: Turn, fencing: Fencing, *, confirmed: bool, reason: str) -> list[Result]:
    dc = turn.dc
    assert dc is not None
    turn.dc = replace(dc, fencings=without(dc.fencings, fencing.target))
    for call in fencing.calls:
        turn.emit(
            FencingAnswered(call=call, confirmed=confirmed, devices=fencing.devices, reason=reason)
        )
    if confirmed:
        return [ActionDone(turn.at_ms, action) for action in fencing.actions]
    why = reason or "no device confirmed it"
    return [ActionFailed(turn.at_ms, action, why) for action in fencing.actions]


def failed_too_often(turn: Turn, target: NodeName) -> bool:
    """Tell whether fencing a node is not to be tried again at once (features 2.24)."""
    limit = integer(turn.view.cib, "fencing-max-attempts")
    return 0 < limit <= _failures(turn, target)


def drop_held(turn: Turn) -> list[Result]:
    """The graph is aborted: fencings of it that have not begun do not begin."""
    dc = turn.dc
    if dc is None:
        return []
    dropped: list[Result] = []
    for target, fencing in sorted(dc.fencings.items()):
        held = fencing.phase is FencePhaseHere.HELD and not fencing.calls
        if held:
            turn.dc = replace(turn.dc or dc, fencings=without((turn.dc or dc).fencings, target))
            dropped.extend(
                ActionFailed(turn.at_ms, action, "not begun") for action in fencing.actions
            )
    return dropped


def on_fence_requested(turn: Turn, event: events.FenceNodeRequested) -> None:
    """A person asks to fence a node; the answer comes when it is over."""
    if event.action not in ("reboot", "off", "on"):
        turn.refuse(
            event.call,
            ExitCode.INVALID_PARAM,
            f"{event.action!r} is no way to fence a node: reboot, off or on",
        )
        return
    remote = is_remote(turn.view.cib, event.target)
    if event.target not in turn.nodes and turn.view.facts.of(event.target) is None and not remote:
        known = ", ".join(turn.nodes)
        turn.refuse(event.call, ExitCode.NOSUCH, f"no node {event.target!r}; known: {known}")
        return
    if event.action == "on":
        unfence_for_call(turn, event)
        return
    _begin(
        turn,
        event.target,
        event.action,
        reason=event.reason or "asked for by hand",
        asked=event,
    )


def on_confirm_requested(turn: Turn, event: events.ConfirmDownRequested) -> None:
    """A person vouches that a node is down; refused for one that is heard (protocols, Fencing)."""
    dc = turn.dc
    assert dc is not None
    facts = turn.view.facts.of(event.target)
    if facts is None:
        turn.refuse(event.call, ExitCode.NOSUCH, f"nothing is known of a node {event.target!r}")
        return
    if facts.presence is Presence.MEMBER:
        turn.refuse(
            event.call,
            ExitCode.UNSAFE,
            f"{event.target} is heard by a majority of the voters: it is not down",
        )
        return
    if event.target in dc.fencings:
        turn.refuse(event.call, ExitCode.TEMPFAIL, f"{event.target} is being fenced; wait for it")
        return
    vouched = Fencing(
        target=event.target,
        boot_id=facts.boot_id,
        session=facts.session,
        action="off",
        reason=event.reason or "confirmed by hand",
        phase=FencePhaseHere.HELD,
        at_ms=turn.at_ms,
        calls=(event.call,),
        devices=(MANUAL,),
    )
    turn.dc = replace(dc, fencings=with_item(dc.fencings, event.target, vouched))
