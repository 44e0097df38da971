"""The DC's cycle: joined, schedule, carry out, idle; and what sends it round again.

Invariant: a graph is begun only when every present node is joined and nothing has changed since the
CIB that it was made from was taken; a graph that is over, or aborted, is followed by another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from cib_store.document.element import Element
from crmd.fsa import events
from crmd.fsa.changes import changes_of
from crmd.fsa.effects import Schedule
from crmd.fsa.events import Timer
from crmd.fsa.fencing import advance_fencings, drop_held, failed_too_often
from crmd.fsa.joins import advance_joins, outstanding
from crmd.fsa.options import duration_ms, flag, integer
from crmd.fsa.orders import dispatch
from crmd.fsa.purpose import ForAction, NotingMaintenance
from crmd.fsa.refusals import forget_refusals, note_refusal
from crmd.fsa.state import Refusal
from crmd.fsa.turn import Turn, with_item
from crmd.remote.nodes import maintenance_operations
from crmd.scheduler.graph import ActionKind
from crmd.transition.engine import INFINITY, step, transition_of
from crmd.transition.throttle import batch_of, jobs_of
from crmd.transition.values import (
    Aborted,
    ActionDone,
    ActionFailed,
    Begun,
    DeadlinePassed,
    Effect,
    Ending,
    Event,
    Limits,
    LimitsChanged,
    NodeGone,
    StartAction,
    TransitionEnded,
)
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import ControllerPresence, FencePhase, Presence

BACKOFF_MS = 1_000
"""Pause after a scheduler that failed, or a fencing that failed."""


def run(turn: Turn, happened: Iterable[Event]) -> None:
    """Carry the running graph on with what happened, and whatever follows from that at once."""
    todo = deque(happened)
    while todo:
        dc = turn.dc
        if dc is None or dc.transition is None:
            return
        transition, effects = step(dc.transition, todo.popleft())
        turn.dc = replace(dc, transition=transition)
        for effect in effects:
            todo.extend(_carried_out(turn, effect))


def on_action_ended(turn: Turn, purpose: ForAction, result: ActionDone | ActionFailed) -> None:
    """Tell the graph how an action has ended, if it is one of its own that it waits for.

    A later graph has other actions of the same numbers. When an action fails for which nobody
    waited (`op_no_wait`), what it was for is left to do: plan anew, after a pause.
    """
    if is_awaited(turn, purpose):
        run(turn, [result])
    elif isinstance(result, ActionFailed):
        mark_stale(turn, result.reason)
        pause(turn, BACKOFF_MS)


def is_awaited(turn: Turn, purpose: ForAction) -> bool:
    """Tell whether the running graph waits for this action."""
    dc = turn.dc
    if dc is None or dc.transition is None or purpose.transition != dc.transition_count:
        return False
    return purpose.action in dc.transition.running


def _carried_out(turn: Turn, effect: Effect) -> tuple[Event, ...]:
    match effect:
        case StartAction(action=action):
            result = dispatch(turn, action)
            if isinstance(result, ActionFailed) and action.kind is ActionKind.RESOURCE:
                place = NodeName(action.router_node or action.on_node or "")
                note_refusal(turn, Refusal(place, f"{action.operation_key} {action.on_node}"))
            return () if result is None else (result,)
        case TransitionEnded(ending=ending, reason=reason):
            _end(turn, ending, reason)
            return ()
        case _:
            assert_never(effect)


def _end(turn: Turn, ending: Ending, reason: str) -> None:
    dc = turn.dc
    assert dc is not None
    stale = dc.is_stale or ending is Ending.ABORTED
    why = dc.stale_reason if dc.is_stale else reason
    turn.dc = replace(dc, transition=None, is_stale=stale, stale_reason=why)


def mark_stale(turn: Turn, reason: str, priority: int = INFINITY) -> None:
    """Plan anew: stop beginning actions, and schedule once what runs has ended."""
    dc = turn.dc
    if dc is None:
        return
    # What is new ends a back-off, but not the wait of what came a little earlier.
    not_before_ms = turn.at_ms + duration_ms(turn.view.cib, "transition-delay")
    if dc.is_stale:
        not_before_ms = min(not_before_ms, dc.not_before_ms)
    turn.dc = replace(dc, is_stale=True, stale_reason=reason, not_before_ms=not_before_ms)
    if dc.transition is not None:
        run(turn, [Aborted(turn.at_ms, priority, reason), *drop_held(turn)])


def on_view(turn: Turn, old: Element | None) -> None:
    """Look at what the new view of the store changed."""
    if turn.dc is None or turn.view.cib is None:
        return
    for facts in turn.view.facts.nodes:
        if not facts.is_present:
            run(turn, [NodeGone(turn.at_ms, facts.node)])
    changes = changes_of(turn, old, turn.view.cib)
    if changes.is_news:
        forget_refusals(turn)
    run(turn, changes.results)
    if changes.reasons:
        mark_stale(turn, changes.reasons[0])


def on_schedule(turn: Turn, event: events.ScheduleReady) -> None:
    """Begin the graph, unless something has changed since it was asked for."""
    dc = turn.dc
    if dc is None or dc.schedule_request != event.request:
        return
    turn.dc = dc = replace(dc, schedule_request=None)
    if dc.is_stale or outstanding(turn):
        turn.dc = replace(dc, is_stale=True)
        return
    count = dc.transition_count + 1
    turn.dc = replace(
        dc,
        transition=transition_of(event.graph, count, _limits(turn, event.graph.batch_limit)),
        transition_count=count,
        magics={},
        recheck_at_ms=_recheck_at_ms(turn, event),
    )
    _note_maintenance(turn, event)
    run(turn, [Begun(turn.at_ms)])


def _note_maintenance(turn: Turn, event: events.ScheduleReady) -> None:
    """Have it shown which remote nodes are in maintenance: a graph says where that changes."""
    changed = tuple(one for action in event.graph.actions for one in action.maintenance)
    if changed and turn.dc is not None:
        turn.write(maintenance_operations(changed), NotingMaintenance(), turn.dc.token)


def _limits(turn: Turn, batch_limit: str) -> Limits:
    """Limits of the graph by options and load (features 2.31-2.33, 16.38, 16.39)."""
    cib, dc = turn.view.cib, turn.dc
    assert dc is not None
    batch = int(batch_limit) if batch_limit.lstrip("-").isdigit() else 0
    jobs = integer(cib, "node-action-limit")
    migrations = integer(cib, "migration-limit")
    loads = {node: load for node, load in dc.loads.items() if node in dc.joiners}
    return Limits(
        batch=batch_of(batch, (load.mode for load in loads.values()), len(dc.joiners)),
        jobs_per_node=jobs_of(None, jobs, turn.config.cores),
        jobs_of_node={node: jobs_of(load, jobs, turn.config.cores) for node, load in loads.items()},
        migrations_per_node=migrations if migrations >= 0 else None,
    )


def on_load(turn: Turn, event: events.LoadReported) -> None:
    """Take a member's load into account, in the running graph too (features 16.36)."""
    dc = turn.dc
    if dc is None or dc.loads.get(event.node) == event.load:
        return
    turn.dc = dc = replace(dc, loads=with_item(dc.loads, event.node, event.load))
    if dc.transition is not None:
        limits = _limits(turn, dc.transition.graph.batch_limit)
        run(turn, [LimitsChanged(turn.at_ms, limits)])


def _recheck_at_ms(turn: Turn, event: events.ScheduleReady) -> int | None:
    moments: list[int] = []
    interval_ms = duration_ms(turn.view.cib, "cluster-recheck-interval")
    if interval_ms:
        moments.append(turn.at_ms + interval_ms)
    if event.graph.recheck_by is not None:
        moments.append(turn.at_ms + max(1, event.graph.recheck_by - event.now_s) * 1000)
    return min(moments, default=None)


def on_schedule_failed(turn: Turn, event: events.ScheduleFailed) -> None:
    """Try again a little later; the worker is being started anew meanwhile."""
    dc = turn.dc
    if dc is None or dc.schedule_request != event.request:
        return
    turn.dc = replace(
        dc,
        schedule_request=None,
        is_stale=True,
        stale_reason=f"the scheduler failed: {event.reason}",
        not_before_ms=turn.at_ms + BACKOFF_MS,
    )


def back_off_from(turn: Turn, target: NodeName) -> None:
    """Fencing failed: try again after a pause, after too many failures only when asked or due.

    (features 2.24)
    """
    back_off(turn, too_often=failed_too_often(turn, target))


def back_off(turn: Turn, *, too_often: bool) -> None:
    """Try again after a pause; with `too_often` when something changes or a recheck is due."""
    pause_ms = BACKOFF_MS
    if too_often:
        pause_ms = max(BACKOFF_MS, duration_ms(turn.view.cib, "cluster-recheck-interval"))
    pause(turn, pause_ms)


def pause(turn: Turn, pause_ms: int) -> None:
    """Do not plan before so long; anything else that changes ends the pause."""
    if turn.dc is not None:
        turn.dc = replace(turn.dc, not_before_ms=turn.at_ms + pause_ms)


def advance_decisions(turn: Turn) -> None:
    """Do what is next for the DC."""
    if turn.dc is not None:
        advance_joins(turn)
    if turn.dc is not None:
        advance_fencings(turn)
        _advance_deadlines(turn)
        _advance_schedule(turn)


def _advance_deadlines(turn: Turn) -> None:
    deadline_ms = _deadline_ms(turn)
    if deadline_ms is not None and turn.is_due(deadline_ms, Timer.ACTION):
        run(turn, [DeadlinePassed(turn.at_ms)])
        turn.wake_at(Timer.ACTION, _deadline_ms(turn))


def _deadline_ms(turn: Turn) -> int | None:
    transition = turn.dc.transition if turn.dc is not None else None
    return transition.deadline_ms if transition is not None else None


def _advance_schedule(turn: Turn) -> None:
    dc = turn.dc
    if dc is None or dc.transition is not None or dc.schedule_request is not None:
        return
    if outstanding(turn) or turn.view.cib is None or not turn.view.is_watched:
        return
    if not dc.is_stale:
        if dc.recheck_at_ms is None or not turn.is_due(dc.recheck_at_ms, Timer.RECHECK):
            turn.dc = replace(dc, settled_index=turn.view.index)
            return
        dc = replace(dc, is_stale=True, stale_reason="time to look again", recheck_at_ms=None)
        turn.dc = dc
    moment = max(dc.not_before_ms, dc.refused_until_ms, unfenced_until_ms(turn))
    if turn.is_due(moment, Timer.TRANSITION_DELAY):
        request = turn.number()
        turn.dc = replace(
            dc, schedule_request=request, schedule_index=turn.view.index, is_stale=False
        )
        turn.emit(Schedule(request=request, cib=turn.view.cib))


def unfenced_until_ms(turn: Turn) -> int:
    """Without fencing: until when a lost node may still be stopping what it runs (protocols).

    It begins one dead time after its last acknowledged beat and has the grace to stop. A node whose
    controller alone is lost gets the time in which that should be back.
    """
    if flag(turn.view.cib, "fencing-enabled"):
        return 0
    until_ms = 0
    for facts in turn.view.facts.nodes:
        since = turn.view.silent_since.get(facts.node)
        if since is None or facts.fencing is FencePhase.CONFIRMED:
            continue
        if facts.presence is Presence.LOST:
            grace_ms = turn.config.dead_ms + turn.config.no_quorum_stop_grace_ms
            until_ms = max(until_ms, since[1] + grace_ms)
        elif facts.presence is Presence.MEMBER and facts.controller is ControllerPresence.LOST:
            until_ms = max(until_ms, since[1] + turn.config.controller_fence_delay_ms)
    return until_ms
