"""The fencing core's entry: one event in, the next state and the effects out."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from raftmaker.vocabulary.ids import NodeName, Token
from stonithd.fencing.effects import FencingEffect
from stonithd.fencing.events import (
    AgentEnded,
    Configured,
    DelegateEnded,
    FenceRequested,
    FencingEvent,
    HistoryCleared,
    HistoryHeard,
    OffersGathered,
    TimerFired,
    TimerKind,
    TokenSeen,
)
from stonithd.fencing.history import FencingRecord, FencingState
from stonithd.fencing.operations import (
    executors_changed,
    expired,
    gathered,
    requested,
    run_ended,
    wake_queued,
)
from stonithd.fencing.runs import RunEnd, agent_ended, continue_run
from stonithd.fencing.state import OperationPhase, RunPhase, State
from stonithd.fencing.turn import Turn


def initial_state(
    node: NodeName, token: Token | None = None, history: tuple[FencingRecord, ...] = ()
) -> State:
    """The state of a fencer that starts, with what it kept on disk.

    What ran when it ended is failed: nobody knows how that came out, so nothing is confirmed.
    """
    kept = tuple(
        record
        if record.state.is_over
        else replace(record, state=FencingState.FAILED, reason="the fencer restarted meanwhile")
        for record in history
    )
    following = max((record.number for record in kept if record.keeper == node), default=0) + 1
    return State(node=node, token=token or Token(), history=kept, next_number=following)


def step(state: State, event: FencingEvent) -> tuple[State, tuple[FencingEffect, ...]]:
    """Return the state after `event` and what is to be done, in order."""
    turn = Turn(state, event.at_ms)
    match event:
        case Configured():
            turn.state = replace(state, setup=event.setup)
            executors_changed(turn)
            wake_queued(turn)
        case TokenSeen():
            turn.raise_token(event.token)
        case FenceRequested():
            requested(turn, event)
        case HistoryHeard():
            turn.hear(event.records)
        case HistoryCleared():
            turn.forget(event.target)
        case OffersGathered():
            operation = state.operation(event.operation)
            if operation is not None and operation.phase is OperationPhase.GATHERING:
                gathered(turn, operation, event.offers)
        case AgentEnded():
            _agent_ended(turn, event)
        case DelegateEnded():
            run = state.run(event.run)
            if run is not None and run.phase is RunPhase.DELEGATED:
                turn.drop_run(run.number)
                end = RunEnd(ok=event.confirmed, reached=event.reached, reason=event.reason)
                run_ended(turn, run, end)
        case TimerFired():
            _timer_fired(turn, event)
        case _:
            assert_never(event)
    return turn.state, tuple(turn.effects)


def _agent_ended(turn: Turn, event: AgentEnded) -> None:
    run = turn.state.run(event.run)
    if run is None or run.phase is not RunPhase.FORKED:
        return
    end = agent_ended(turn, run, event)
    if end is not None:
        run_ended(turn, run, end)


def _timer_fired(turn: Turn, event: TimerFired) -> None:
    match event.timer.kind:
        case TimerKind.OPERATION_DEADLINE:
            operation = turn.state.operation(event.timer.number)
            if operation is not None and turn.now_ms >= operation.deadline_ms:
                expired(turn, operation)
        case TimerKind.RUN_DELAY:
            run = turn.state.run(event.timer.number)
            if run is not None:
                end = continue_run(turn, run)
                if end is not None:
                    run_ended(turn, run, end)
