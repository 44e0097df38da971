"""`step`: takes in what happened, then does whatever is next; both for every state.

What is next follows from the state alone (is there contact, a session, a lease, a join, a graph?),
never from the event that brought it there, so a lost or repeated event cannot leave a part stuck.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from crmd.fsa import (
    cleanup,
    decisions,
    effects,
    events,
    failing,
    fencing,
    isolation,
    joins,
    lease,
    leaving,
    membership,
    orders,
    results,
    start_state,
    survival,
    unfencing,
)
from crmd.fsa.config import Config
from crmd.fsa.effects import Effect
from crmd.fsa.events import Event, Timer
from crmd.fsa.progress import name_of, progress_of
from crmd.fsa.purpose import (
    AcquiringDc,
    Announcing,
    AskingForJoin,
    Condemning,
    ForAction,
    ForcingState,
    ForCleanup,
    Intending,
    LeavingSession,
    MarkingUnreached,
    NotingMaintenance,
    OpeningSession,
    ReleasingDc,
    Stamping,
    StoringFencing,
    StoringJoin,
    StoringResults,
)
from crmd.fsa.state import ControllerState
from crmd.fsa.turn import Turn, without
from crmd.transition.values import ActionDone, ActionFailed
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName, Session
from raftmaker.vocabulary.membership import Facts


def initial(config: Config) -> ControllerState:
    """Return the state before `Started`."""
    return ControllerState(config=config)


def step(state: ControllerState, event: Event) -> tuple[ControllerState, tuple[Effect, ...]]:
    """Take one event in; every pair of state and event has a meaning, if only to be ignored."""
    if state.has_exited:
        return state, ()
    turn = Turn(state, event.at_ms)
    if isolation.is_isolated(turn):
        # The process may have been stopped: what it held before the event is void already.
        lease.give_up_lease(turn)
    _take_in(turn, event)
    _advance(turn)
    turn.wake_at(Timer.CONTACT, isolation.contact_ends_ms(turn))
    name = name_of(turn)
    progress = progress_of(turn, name)
    if progress != state.progress:
        turn.emit(progress)
    new = turn.state(name, progress)
    return new, tuple(turn.effects)


def _advance(turn: Turn) -> None:
    replaced = lease.successor(turn)
    if replaced and not turn.has_exited:
        turn.has_exited = True
        turn.emit(effects.Exit(code=ExitCode.FATAL, reason=replaced))
    if turn.has_exited:
        return
    if isolation.is_isolated(turn):
        lease.give_up_lease(turn)
    isolation.advance_isolation(turn)
    survival.advance_survival(turn)
    membership.advance_joins_here(turn)
    if turn.isolation is None:
        lease.advance_session(turn)
        start_state.advance_start_state(turn)
        lease.advance_lease(turn)
        lease.advance_dc(turn)
        leaving.look_for_shutdown(turn)
        decisions.advance_decisions(turn)
        if turn.dc is None:
            lease.advance_lease(turn)  # a lease that was just given up goes back at once
        membership.advance_membership(turn)
        results.advance_results(turn)
    leaving.advance_leaving(turn)


def _take_in(turn: Turn, event: Event) -> None:
    match event:
        case events.Started(at_ms=at_ms):
            turn.standing = replace(turn.standing, started_ms=at_ms)
        case events.TimerFired(timer=timer):
            turn.fired(timer)
        case events.BeatsAnswered(sent_at_ms=sent_at_ms):
            turn.answered_ms = max(sent_at_ms, turn.answered_ms or 0)
        case events.StoreChanged():
            _on_view(turn, event)
        case events.StoreLost():
            turn.view = replace(turn.view, is_watched=False)
        case events.Recorded():
            _on_recorded(turn, event)
        case (
            events.JoinRequested()
            | events.OrderReceived()
            | events.CancelReceived()
            | events.ForgetReceived()
        ):
            _on_order(turn, event)
        case (
            events.Executed()
            | events.ExecutionRefused()
            | events.ExecutorResult()
            | events.ExecutorState()
            | events.ExecutorLost()
            | events.ExecutorReturned()
            | events.MetadataRead()
        ):
            _on_executor(turn, event)
        case events.JoinAnswered():
            joins.on_join_answered(turn, event)
        case events.JoinFailed():
            joins.on_join_failed(turn, event)
        case events.LoadReported():
            decisions.on_load(turn, event)
        case events.ScheduleReady() | events.ScheduleFailed():
            _on_schedule(turn, event)
        case events.OrderAccepted() | events.OrderFailed():
            ended = orders.on_order_ended(turn, event)
            if ended is not None:
                decisions.on_action_ended(turn, *ended)
        case events.FencingEnded():
            fencing.on_fencing_ended(turn, event)
            _unfenced(turn, event)
            survival.on_fencing_ended(turn, event)
        case events.MayGoAlone() | events.MustNotGoAlone() | events.WentAlone():
            survival.on_answer_of_store(turn, event)
        case (
            events.CleanupRequested()
            | events.FenceNodeRequested()
            | events.ConfirmDownRequested()
            | events.FailRequested()
        ):
            _for_the_dc(turn, event)
        case events.LeaveRequested():
            leaving.on_leave_requested(turn, event)
        case _:
            assert_never(event)


def _on_schedule(turn: Turn, event: events.ScheduleReady | events.ScheduleFailed) -> None:
    """Whoever asked for it takes it."""
    match event:
        case events.ScheduleReady():
            decisions.on_schedule(turn, event)
            isolation.on_schedule(turn, event)
            survival.on_schedule(turn, event)
        case events.ScheduleFailed():
            decisions.on_schedule_failed(turn, event)
            isolation.on_failure(turn, event.request)
            survival.on_schedule_failed(turn, event)
        case _:
            assert_never(event)


def _on_view(turn: Turn, event: events.StoreChanged) -> None:
    if event.index < turn.view.index:
        return  # a store that lags behind the one watched before
    old = turn.view
    turn.view = replace(
        old,
        index=event.index,
        cib=event.cib,
        facts=event.facts,
        is_watched=True,
        silent_since=_silent_since(turn, event.facts),
    )
    lease.look_at_lease(turn)
    if turn.dc is not None and not lease.holds_lease(turn):
        lease.give_up_lease(turn)
    decisions.on_view(turn, old.cib)


def _silent_since(turn: Turn, facts: Facts) -> dict[NodeName, tuple[Session, int]]:
    """Since when each absent node has been so, as far as this process saw it."""
    known = turn.view.silent_since
    since: dict[NodeName, tuple[Session, int]] = {}
    for node in facts.nodes:
        if not node.is_present:
            before = known.get(node.node)
            same = before is not None and before[0] == node.session
            since[node.node] = before if same and before else (node.session, turn.at_ms)
    return since


def _on_recorded(turn: Turn, event: events.Recorded) -> None:
    purpose = turn.records.get(event.request)
    if purpose is None:
        return
    turn.records = without(turn.records, event.request)
    code = event.code
    match purpose:
        case OpeningSession(seen=seen):
            lease.on_asked(turn, code, event.index, seen)
        case AcquiringDc() | ReleasingDc() | AskingForJoin():
            lease.on_asked(turn, code, event.index)
        case ForcingState():
            start_state.on_forced(turn, code, event.index)
        case Stamping() | NotingMaintenance():
            pass  # refused or lost: the next DC, or the next graph, writes it
        case StoringResults(count=count, serial=serial):
            if code is ExitCode.OK:
                results.on_stored(turn, count, serial, event.index)
            else:
                results.on_not_stored(turn)
        case StoringJoin():
            joins.on_join_stored(turn, purpose, code, event.index)
        case MarkingUnreached():
            lease.on_asked(turn, code, event.index)
            if code is ExitCode.OK:
                joins.on_unreached_marked(turn)
        case Condemning(node=node):
            joins.on_condemned(turn, node, code, event.index)
        case Intending(target=target):
            _fenced(turn, target, fencing.on_intent(turn, target, code))
        case StoringFencing(target=target):
            _fenced(turn, target, fencing.on_result_stored(turn, target, code, event.index))
        case ForAction():
            _written(turn, purpose, code)
        case ForCleanup(cleanup=number):
            cleanup.on_cleared(turn, number, code)
        case Announcing():
            leaving.on_announced(turn, code)
        case LeavingSession():
            leaving.on_left(turn, code)
        case _:
            assert_never(purpose)


def _fenced(turn: Turn, target: NodeName, ended: list[ActionDone | ActionFailed]) -> None:
    decisions.run(turn, ended)
    if any(isinstance(one, ActionFailed) for one in ended):
        decisions.back_off_from(turn, target)


def _unfenced(turn: Turn, event: events.FencingEnded) -> None:
    failed = unfencing.on_unfencing_ended(turn, event)
    if failed is not None and decisions.is_awaited(turn, failed[0]):
        purpose, ended, target = failed
        decisions.on_action_ended(turn, purpose, ended)
        decisions.back_off(turn, too_often=unfencing.failed_too_often(turn, target))


def _written(turn: Turn, purpose: ForAction, code: ExitCode | None) -> None:
    if code is ExitCode.OK:
        decisions.on_action_ended(turn, purpose, ActionDone(turn.at_ms, purpose.action))
        return
    why = f"not written: {code.name if code is not None else 'no answer in time'}"
    decisions.on_action_ended(turn, purpose, ActionFailed(turn.at_ms, purpose.action, why))


def _on_order(
    turn: Turn,
    event: events.JoinRequested
    | events.OrderReceived
    | events.CancelReceived
    | events.ForgetReceived,
) -> None:
    match event:
        case events.JoinRequested():
            membership.on_join_requested(turn, event)
        case events.OrderReceived():
            membership.on_order(turn, event)
        case events.CancelReceived():
            membership.on_cancel(turn, event)
        case events.ForgetReceived():
            membership.on_forget(turn, event)
        case _:
            assert_never(event)


def _on_executor(
    turn: Turn,
    event: events.Executed
    | events.ExecutionRefused
    | events.ExecutorResult
    | events.ExecutorState
    | events.ExecutorLost
    | events.ExecutorReturned
    | events.MetadataRead,
) -> None:
    match event:
        case events.Executed():
            membership.on_executed(turn, event)
        case events.ExecutionRefused():
            order = membership.on_refusal(turn, event)
            isolation.on_failure(turn, event.request)
            if order is not None:
                isolation.on_order_refused(turn, order, event.reason)
        case events.ExecutorResult():
            membership.on_result(turn, event)
            isolation.on_result(turn, event.result)
        case events.ExecutorState():
            if not membership.on_inventory(turn, event):
                isolation.on_inventory(turn, event)
        case events.ExecutorLost():
            membership.on_executor_lost(turn)
            isolation.on_executor_lost(turn)
        case events.ExecutorReturned():
            membership.on_executor_returned(turn, event)
        case events.MetadataRead():
            membership.on_metadata(turn, event)
        case _:
            assert_never(event)


def _for_the_dc(
    turn: Turn,
    event: events.CleanupRequested
    | events.FenceNodeRequested
    | events.ConfirmDownRequested
    | events.FailRequested,
) -> None:
    """Only the DC does this; another node passes it on."""
    holder = lease.holder_of_lease(turn)
    if turn.dc is None:
        if holder is None or holder.node == turn.node or not turn.is_fresh:
            turn.refuse(
                event.call, ExitCode.NO_DC, "there is no DC now; try again when one is elected"
            )
        else:
            turn.emit(effects.Forward(call=event.call, node=holder.node))
        return
    match event:
        case events.CleanupRequested():
            cleanup.on_cleanup_requested(turn, event)
        case events.FenceNodeRequested():
            fencing.on_fence_requested(turn, event)
        case events.ConfirmDownRequested():
            fencing.on_confirm_requested(turn, event)
        case events.FailRequested():
            failing.on_fail_requested(turn, event)
        case _:
            assert_never(event)
