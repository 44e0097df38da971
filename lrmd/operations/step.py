"""The step function of the operations core: which action runs when, and what is reported."""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from lrmd.operations.events import (
    Accepted,
    AdoptAgent,
    AgentFinished,
    Cancel,
    CancelTimer,
    Effect,
    EndAgent,
    Ended,
    Event,
    Execute,
    Forget,
    Persist,
    Raised,
    RaiseToken,
    Refused,
    Report,
    Restarted,
    ResultsConfirmed,
    RunAgent,
    SetTimer,
    Timer,
    TimerFired,
    TimerKind,
)
from lrmd.operations.history import (
    ends_recurring,
    with_result,
    without_failure,
    without_operation,
    without_recurring,
    without_resource,
)
from lrmd.operations.state import Operation, Phase, State
from lrmd.operations.values import (
    CANCELLED,
    FORGOTTEN,
    FailureId,
    OperationRequest,
    Outcome,
    Result,
    readable_duration,
)
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import ResourceId, Token


def step(state: State, event: Event) -> tuple[State, tuple[Effect, ...]]:
    """Take one event; return the new state and the effects, to be carried out in order.

    Every request event has exactly one answer among the effects.
    """
    work = _Work(state=state, event=event)
    match event:
        case Execute():
            _execute(work, event)
        case Cancel():
            _cancel(work, event)
        case Forget():
            _forget(work, event)
        case RaiseToken():
            if _admitted(work, event.token):
                work.effects.append(Raised(event.token))
        case ResultsConfirmed():
            _confirm(work, event.serial)
        case AgentFinished():
            _finished(work, event)
        case TimerFired():
            _timer_fired(work, event.timer)
        case Restarted():
            _restarted(work)
        case _:
            assert_never(event)
    persist = (Persist(),) if work.state is not state else ()
    return work.state, (*persist, *work.effects)


class _Work(Struct):
    """One step in progress: the state so far and the effects so far."""

    state: State
    event: Event
    effects: list[Effect] = field(default_factory=list)

    def put(self, operation: Operation) -> None:
        """Add or replace an operation."""
        operations = {**self.state.operations, operation.call_id: operation}
        self.state = replace(self.state, operations=operations)

    def drop(self, call_id: int) -> None:
        """Remove an operation."""
        kept = {key: value for key, value in self.state.operations.items() if key != call_id}
        self.state = replace(self.state, operations=kept)

    def of(self, resource: ResourceId) -> tuple[Operation, ...]:
        """Return the operations of a resource by call id."""
        operations = self.state.operations
        mine = (call_id for call_id, one in operations.items() if one.request.resource == resource)
        return tuple(operations[call_id] for call_id in sorted(mine))


def _admitted(work: _Work, token: Token) -> bool:
    """Refuse a token lower than the highest seen; a higher one is the highest from now on.

    What a lower one asked for and has not begun is called off: it would be refused before the
    fork anyway, and so the new DC does not see it wait.
    """
    if token < work.state.token:
        work.effects.append(Refused(work.state.token))
        return False
    if token > work.state.token:
        work.state = replace(work.state, token=token)
        for call_id in sorted(work.state.operations):
            operation = work.state.operations[call_id]
            if operation.owes_result and not operation.is_busy:
                _end(work, operation)
    return True


def _execute(work: _Work, event: Execute) -> None:
    request = event.request
    if not _admitted(work, request.token):
        return
    for other in work.of(request.resource):
        replaced = request.is_recurring and _same_key(other.request, request)
        if replaced or (other.request.is_recurring and ends_recurring(request)):
            _end(work, other)
    call_id = work.state.last_call_id + 1
    delayed = request.start_delay_ms > 0
    operation = Operation(
        call_id=call_id,
        request=request,
        phase=Phase.DELAYED if delayed else Phase.QUEUED,
        due_ms=event.at_ms + request.start_delay_ms,
    )
    work.put(operation)
    work.state = replace(work.state, last_call_id=call_id)
    work.effects.append(Accepted(call_id))
    if delayed:
        work.effects.append(SetTimer(Timer(TimerKind.DUE, call_id), operation.due_ms))
    else:
        _advance(work, request.resource)


def _cancel(work: _Work, event: Cancel) -> None:
    if not _admitted(work, event.token):
        return
    found = False
    for operation in work.of(event.resource):
        request = operation.request
        key = (request.operation, request.interval_ms)
        if request.is_recurring and key == (event.operation, event.interval_ms):
            found = found or not operation.cancelled
            _end(work, operation)
    work.effects.append(Ended(found))


def _forget(work: _Work, event: Forget) -> None:
    if not _admitted(work, event.token):
        return
    if event.failure is not None:
        work.effects.append(Ended(_forget_failure(work, event.resource, event.failure)))
        return
    before = work.state.history.get(event.resource)
    found = False
    for operation in work.of(event.resource):
        request = operation.request
        key = (request.operation, request.interval_ms)
        if event.operation and key != (event.operation, event.interval_ms):
            continue
        found = True
        if operation.is_busy:
            work.put(replace(operation, forgotten=True))
        if request.is_recurring or not operation.is_busy:
            _end(work, work.state.operations[operation.call_id])
    if event.operation:
        history = without_operation(
            work.state.history, event.resource, event.operation, event.interval_ms
        )
    else:
        history = without_resource(work.state.history, event.resource)
    if before is not None and history.get(event.resource) != before:
        found = True
        work.state = replace(work.state, history=history)
    work.effects.append(Ended(found))


def _forget_failure(work: _Work, resource: ResourceId, failure: FailureId) -> bool:
    """Forget one failure; tell whether it was still there.

    Who has it forgotten knows it, so it is not sent again. Its operation goes on: it owes nothing,
    but tells what it finds next, be it the same.
    """
    history = without_failure(work.state.history, resource, failure)
    if history is work.state.history:
        return False
    forgotten = work.state.history[resource].newest_failure
    assert forgotten is not None
    kept = tuple(one for one in work.state.unconfirmed if one.serial != forgotten.serial)
    work.state = replace(work.state, history=history, unconfirmed=kept)
    operation = work.state.operations.get(failure.call_id)
    told = operation.reported if operation is not None else None
    failed = (forgotten.outcome.code, forgotten.outcome.status)
    if operation is not None and told is not None and (told.code, told.status) == failed:
        work.put(replace(operation, reported=FORGOTTEN))
    return True


def _confirm(work: _Work, serial: int) -> None:
    kept = tuple(result for result in work.state.unconfirmed if result.serial > serial)
    if len(kept) != len(work.state.unconfirmed):
        work.state = replace(work.state, unconfirmed=kept)


def _end(work: _Work, operation: Operation) -> None:
    """End an operation before its next run; one that runs is let finish."""
    if operation.request.is_recurring:
        history = without_recurring(work.state.history, operation.request)
        if history is not work.state.history:
            work.state = replace(work.state, history=history)
    if operation.is_busy:
        if not operation.cancelled:
            work.put(replace(operation, cancelled=True))
        return
    if operation.phase is Phase.DELAYED:
        work.effects.append(CancelTimer(Timer(TimerKind.DUE, operation.call_id)))
    _report(work, operation, CANCELLED)
    work.drop(operation.call_id)


def _advance(work: _Work, resource: ResourceId) -> None:
    """Run what is next of a resource, unless something of it runs."""
    mine = work.of(resource)
    if any(operation.is_busy for operation in mine):
        return
    # One-shot operations go first: they change the resource, and a failover waits for them.
    queue = [operation for operation in mine if operation.phase is Phase.QUEUED]
    queue.sort(key=lambda one: (one.request.is_recurring, one.due_ms, one.call_id))
    if not queue:
        return
    at_ms, wall_us = work.event.at_ms, work.event.wall_us
    chosen = replace(queue[0], phase=Phase.RUNNING, started_ms=at_ms, started_wall_us=wall_us)
    work.put(chosen)
    work.effects.append(RunAgent(chosen.call_id, chosen.request))
    _arm_timeout(work, chosen)


def _arm_timeout(work: _Work, operation: Operation) -> None:
    timeout_ms = operation.request.timeout_ms
    if timeout_ms:
        timer = Timer(TimerKind.TIMEOUT, operation.call_id)
        work.effects.append(SetTimer(timer, operation.started_ms + timeout_ms))


def _finished(work: _Work, event: AgentFinished) -> None:
    operation = work.state.operations.get(event.call_id)
    if operation is None or not operation.is_busy:
        return
    called_off = operation.cancelled
    if operation.phase is Phase.RUNNING:
        # It may also have been refused right before the fork.
        called_off = called_off or event.outcome.status is OpStatus.CANCELLED
        if operation.request.timeout_ms:
            work.effects.append(CancelTimer(Timer(TimerKind.TIMEOUT, operation.call_id)))
        operation = _report(work, operation, CANCELLED if called_off else event.outcome)
    elif called_off:
        operation = _report(work, operation, CANCELLED)
    if operation.request.is_recurring and not called_off:
        due_ms = event.at_ms + operation.request.interval_ms
        work.put(replace(operation, phase=Phase.DELAYED, due_ms=due_ms))
        work.effects.append(SetTimer(Timer(TimerKind.DUE, operation.call_id), due_ms))
    else:
        work.drop(operation.call_id)
    _advance(work, operation.request.resource)


def _timer_fired(work: _Work, timer: Timer) -> None:
    operation = work.state.operations.get(timer.call_id)
    if operation is None:
        return
    match timer.kind:
        case TimerKind.DUE:
            if operation.phase is Phase.DELAYED:
                work.put(replace(operation, phase=Phase.QUEUED, due_ms=work.event.at_ms))
                _advance(work, operation.request.resource)
        case TimerKind.TIMEOUT:
            if operation.phase is Phase.RUNNING:
                _timed_out(work, operation)
        case _:
            assert_never(timer.kind)


def _timed_out(work: _Work, operation: Operation) -> None:
    """Report at once; the resource stays occupied until its processes are really gone."""
    work.effects.append(EndAgent(operation.call_id))
    ending = replace(operation, phase=Phase.ENDING)
    if not operation.cancelled:
        ending = _report(work, ending, _timeout_of(operation.request))
    work.put(ending)


def _timeout_of(request: OperationRequest) -> Outcome:
    limit = readable_duration(request.timeout_ms)
    return Outcome(
        code=OcfCode.ERROR,
        status=OpStatus.TIMEOUT,
        exit_reason=f"{request.agent.standard.kind} did not complete within {limit}",
    )


def _restarted(work: _Work) -> None:
    # As they were found: one that `_advance` begins now is not to be adopted too.
    found = work.state.operations
    for call_id in sorted(found):
        operation = found[call_id]
        match operation.phase:
            case Phase.DELAYED:
                due = Timer(TimerKind.DUE, call_id)
                work.effects.append(SetTimer(due, operation.due_ms))
            case Phase.QUEUED:
                _advance(work, operation.request.resource)
            case Phase.RUNNING:
                work.effects.append(AdoptAgent(call_id, operation.request))
                _arm_timeout(work, operation)
            case Phase.ENDING:
                work.effects.append(AdoptAgent(call_id, operation.request))
                work.effects.append(EndAgent(call_id))
            case _:
                assert_never(operation.phase)


def _report(work: _Work, operation: Operation, outcome: Outcome) -> Operation:
    """Number, remember and report a result; of a recurring operation only a change (5.47)."""
    old = operation.reported
    if old is not None and (old.code, old.status) == (outcome.code, outcome.status):
        return operation
    ran = operation.is_busy
    result = Result(
        serial=work.state.last_serial + 1,
        call_id=operation.call_id,
        request=operation.request,
        outcome=outcome,
        last_change_us=operation.started_wall_us if ran else work.event.wall_us,
        queue_ms=(operation.started_ms if ran else work.event.at_ms) - operation.due_ms
        if operation.phase is not Phase.DELAYED
        else 0,
        exec_ms=work.event.at_ms - operation.started_ms if ran else 0,
    )
    history = work.state.history
    work.state = replace(
        work.state,
        last_serial=result.serial,
        history=history if operation.forgotten else with_result(history, result),
        unconfirmed=(*work.state.unconfirmed, result),
    )
    work.effects.append(Report(result))
    return replace(operation, reported=outcome)


def _same_key(one: OperationRequest, other: OperationRequest) -> bool:
    return (one.operation, one.interval_ms) == (other.operation, other.interval_ms)
