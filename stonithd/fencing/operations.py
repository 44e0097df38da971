"""One fencing from request to answer: gather, plan, try level after level, confirm, turn on."""

from __future__ import annotations

from msgspec.structs import replace

from raftmaker.vocabulary.ids import NodeName, Token
from stonithd.fencing.effects import CancelTimer, GatherOffers, Reply, SetTimer, StopAgent
from stonithd.fencing.events import FenceRequested, Offer, Timer, TimerKind
from stonithd.fencing.history import FencingState
from stonithd.fencing.plan import (
    Plan,
    PlanLevel,
    Step,
    Wish,
    is_remapped,
    plan_of,
    total_limit_ms,
    undecided_devices,
)
from stonithd.fencing.runs import RunEnd, abandon_runs, next_queued, start_run
from stonithd.fencing.setup import FenceAction
from stonithd.fencing.state import Duplicate, Operation, OperationPhase, Run, RunPhase
from stonithd.fencing.turn import Turn

REQUESTABLE = (FenceAction.OFF, FenceAction.REBOOT, FenceAction.ON)


def requested(turn: Turn, event: FenceRequested) -> None:
    """Take a request: refuse it, join it to an equal fencing under way, or begin one."""
    reason = _refusal(turn.state.token, event)
    if reason:
        turn.emit(Reply(request=event.request, confirmed=False, refused=True, reason=reason))
        return
    turn.raise_token(event.token)
    equal = next((one for one in turn.state.operations if _is_equal(one, event)), None)
    if equal is None:
        _begin_or_wait(turn, _operation(turn, event))
        return
    equal = _with_asker(turn, equal, event)
    if equal.phase is OperationPhase.TURNING_ON:
        turn.put_operation(equal)
        turn.emit(_answer(turn, equal, event.request, confirmed=True))
    else:
        # The newer DC vouches for it now, so a token that grew meanwhile does not end it.
        joined = replace(
            equal,
            requests=(*equal.requests, event.request),
            token=max(equal.token, event.token),
        )
        turn.put_operation(joined)


def _with_asker(turn: Turn, operation: Operation, event: FenceRequested) -> Operation:
    """Note who else asks for it. Who asked before and asks again tries the same request again."""
    if operation.is_delegated or (event.client, event.origin) in operation.askers:
        return operation
    duplicate = Duplicate(
        number=turn.number(),
        client=event.client,
        origin=event.origin,
        requested_ms=event.at_ms,
        wall_us=event.wall_us,
    )
    turn.record_duplicate(operation, duplicate, FencingState.DUPLICATE)
    return replace(operation, duplicates=(*operation.duplicates, duplicate))


def _refusal(highest: Token, event: FenceRequested) -> str:
    if event.action not in REQUESTABLE:
        return f"{event.action.value} is no fencing: ask for off, reboot or on"
    if event.token.counter == 0:
        return "fencing needs the DC's token: only the DC may ask for it"
    if event.token < highest:
        return f"token {event.token} is older than {highest}: another DC has taken over"
    return ""


def _is_equal(operation: Operation, event: FenceRequested) -> bool:
    return (
        not event.afresh
        and operation.target == event.target
        and operation.boot_id == event.boot_id
        and operation.session == event.session
        and operation.action is event.action
        and operation.device == event.device
    )


def _operation(turn: Turn, event: FenceRequested) -> Operation:
    return Operation(
        number=turn.number(),
        target=event.target,
        boot_id=event.boot_id,
        session=event.session,
        action=event.action,
        token=event.token,
        requests=(event.request,),
        device=event.device,
        client=event.client,
        origin=event.origin,
        known_index=event.known_index,
        incident=event.incident,
        timeout_ms=event.timeout_ms or turn.state.setup.fencing_timeout_ms,
        delay_ms=event.delay_ms,
        jitter=event.jitter,
        requested_ms=event.at_ms,
        wall_us=event.wall_us,
    )


def _begin_or_wait(turn: Turn, operation: Operation) -> None:
    busy = any(one.target == operation.target for one in turn.state.operations)
    turn.put_operation(operation)
    if not busy:
        _begin(turn, operation)


def _begin(turn: Turn, operation: Operation) -> None:
    if operation.is_delegated:
        _begin_delegated(turn, operation)
        return
    undecided = undecided_devices(_wish(turn, operation))
    if not undecided:
        _follow(turn, operation, plan_of(_wish(turn, operation), ()))
        return
    gathering = replace(
        operation,
        phase=OperationPhase.GATHERING,
        deadline_ms=turn.now_ms + operation.timeout_ms,
    )
    turn.put_operation(gathering)
    turn.emit(GatherOffers(operation.number, operation.target, undecided, operation.action))
    turn.emit(SetTimer(_deadline(operation), gathering.deadline_ms))
    turn.record(gathering, FencingState.QUERYING)


def _wish(turn: Turn, operation: Operation) -> Wish:
    return Wish(turn.state.setup, turn.state.node, operation.target, operation.action)


def _begin_delegated(turn: Turn, operation: Operation) -> None:
    """A peer asks for one device: run it here, or refuse so that it asks another node."""
    device = turn.state.setup.device(operation.device)
    problem = ""
    if device is None:
        problem = "is not configured"
    elif not device.enabled:
        problem = device.reason
    elif turn.state.node in device.banned:
        problem = "is banned from this node"
    elif device.abilities is None:
        problem = f"has no agent {device.agent} on this node"
    elif device.runs_on_target(operation.action) and turn.state.node != operation.target:
        problem = f"turns {operation.action.value} only the node that runs its agent"
    if problem:
        _finish(turn, _explained(operation, operation.device, problem), refused=True)
        return
    _follow(turn, operation, (PlanLevel((Step(operation.device, (turn.state.node,)),)),))


def gathered(turn: Turn, operation: Operation, offers: tuple[Offer, ...]) -> None:
    """The agents and peers answered: plan and begin."""
    turn.emit(CancelTimer(_deadline(operation)))
    _follow(turn, operation, plan_of(_wish(turn, operation), offers))


def _follow(turn: Turn, operation: Operation, plan: Plan) -> None:
    if not plan:
        reason = f"no usable device can fence {operation.target}"
        _finish(turn, replace(operation, reasons=(reason,)))
        return
    total_ms = total_limit_ms(
        turn.state.setup, plan, operation.target, operation.action, operation.timeout_ms
    )
    acting = replace(
        operation,
        phase=OperationPhase.ACTING,
        plan=plan,
        deadline_ms=turn.now_ms + total_ms + max(0, operation.delay_ms),
    )
    turn.put_operation(acting)
    turn.emit(SetTimer(_deadline(acting), acting.deadline_ms))
    _try_current(turn, acting)
    current = turn.state.operation(acting.number)
    if current is not None and current.phase is OperationPhase.ACTING:
        turn.record(current, FencingState.RUNNING)


def _deadline(operation: Operation) -> Timer:
    return Timer(TimerKind.OPERATION_DEADLINE, operation.number)


def _try_current(turn: Turn, operation: Operation) -> None:
    """Run the device that is next."""
    step = operation.current_step
    action = operation.action
    if operation.phase is OperationPhase.TURNING_ON:
        action = FenceAction.ON
        if _turns_itself_on(turn, step):
            _advance(turn, operation)
            return
    elif is_remapped(operation.current_level, action):
        action = FenceAction.OFF
    executor = step.executors[operation.executor]
    end = start_run(turn, operation, step.device, executor, action)
    if end is not None:
        attempt_ended(turn, operation.number, step, executor, end)


def _turns_itself_on(turn: Turn, step: Step) -> bool:
    device = turn.state.setup.device(step.device)
    return device is not None and device.unfences


def run_ended(turn: Turn, run: Run, end: RunEnd) -> None:
    """A run ended: its operation goes on, and so does whoever waits for the device."""
    operation = turn.state.operation(run.operation)
    assert operation is not None, "a run never outlives its operation"
    attempt_ended(turn, operation.number, operation.current_step, run.executor, end)
    wake_queued(turn)


def executors_changed(turn: Turn) -> None:
    """Give up what was delegated to nodes that are gone: another node may run it again."""
    for run in turn.state.runs:
        if run.phase is RunPhase.DELEGATED and run.executor not in turn.state.setup.members:
            turn.drop_run(run.number)
            turn.emit(StopAgent(run.number))
            run_ended(turn, run, RunEnd(ok=False, reached=False, reason="the node is gone"))


def wake_queued(turn: Turn) -> None:
    """Let every run go on that waited for a device which is free now."""
    while (woken := next_queued(turn)) is not None:
        run, end = woken
        if end is not None:
            operation = turn.state.operation(run.operation)
            assert operation is not None, "a run never outlives its operation"
            attempt_ended(turn, operation.number, operation.current_step, run.executor, end)


def attempt_ended(turn: Turn, number: int, step: Step, executor: NodeName, end: RunEnd) -> None:
    """One device succeeded or failed at one executor: go on to whatever is next."""
    operation = turn.state.operation(number)
    assert operation is not None, "an attempt never outlives its operation"
    if end.ok:
        _advance(turn, replace(operation, delegate=executor))
        return
    told = _explained(operation, step.device, end.reason, executor)
    if end.superseded:
        _finish(turn, told, refused=True)
    elif operation.phase is OperationPhase.TURNING_ON:
        _advance(turn, told)
    elif not end.reached and operation.executor + 1 < len(step.executors):
        # It was surely not run there, so another node may run it.
        _move(turn, replace(told, executor=operation.executor + 1))
    elif operation.level + 1 < len(operation.plan):
        _move(turn, replace(told, level=operation.level + 1, step=0, executor=0))
    else:
        _finish(turn, told, refused=operation.is_delegated and not end.reached)


def _explained(
    operation: Operation, device: str, reason: str, executor: NodeName | None = None
) -> Operation:
    at = f" on {executor}" if executor is not None else ""
    return replace(operation, reasons=(*operation.reasons, f"{device}{at}: {reason}"))


def _move(turn: Turn, operation: Operation) -> None:
    # What was asked for as a delay has been waited for; pcmk_delay_* are each device's own.
    moved = replace(operation, delay_ms=min(0, operation.delay_ms))
    turn.put_operation(moved)
    _try_current(turn, moved)


def _advance(turn: Turn, operation: Operation) -> None:
    """The current device is done with: the next of the level, turning on, or the end."""
    level = operation.current_level
    if operation.step + 1 < len(level.steps):
        _move(turn, replace(operation, step=operation.step + 1, executor=0))
    elif operation.phase is OperationPhase.TURNING_ON:
        _close(turn, operation, FencingState.CONFIRMED)
    elif is_remapped(level, operation.action):
        # Off is what makes it safe: answer now, turn on afterwards (features 17.26).
        _answer_all(turn, operation, confirmed=True)
        turning = replace(
            operation, phase=OperationPhase.TURNING_ON, step=0, executor=0, requests=()
        )
        _move(turn, turning)
    else:
        _answer_all(turn, operation, confirmed=True)
        _close(turn, operation, FencingState.CONFIRMED)


def _finish(turn: Turn, operation: Operation, *, refused: bool = False) -> None:
    """End a fencing that failed (what was confirmed before stays confirmed)."""
    if operation.phase is OperationPhase.TURNING_ON:
        _close(turn, operation, FencingState.CONFIRMED)
        return
    _answer_all(turn, operation, confirmed=False, refused=refused)
    _close(turn, operation, FencingState.FAILED)


def expired(turn: Turn, operation: Operation) -> None:
    """The whole fencing ran out of time."""
    abandon_runs(turn, operation)
    took_ms = turn.now_ms - operation.requested_ms
    reason = f"fencing {operation.target} did not end within {took_ms} ms"
    _finish(turn, replace(operation, reasons=(*operation.reasons, reason)))
    wake_queued(turn)


def _answer_all(
    turn: Turn, operation: Operation, *, confirmed: bool, refused: bool = False
) -> None:
    for request in operation.requests:
        turn.emit(_answer(turn, operation, request, confirmed=confirmed, refused=refused))


def _answer(
    turn: Turn, operation: Operation, request: int, *, confirmed: bool, refused: bool = False
) -> Reply:
    return Reply(
        request=request,
        confirmed=confirmed,
        refused=refused,
        devices=operation.devices,
        reason="\n".join(operation.reasons),
        took_ms=turn.now_ms - operation.requested_ms,
    )


def _close(turn: Turn, operation: Operation, state: FencingState) -> None:
    if operation.phase is not OperationPhase.WAITING:
        turn.emit(CancelTimer(_deadline(operation)))
    turn.drop_operation(operation.number)
    turn.record(operation, state)
    for duplicate in operation.duplicates:
        turn.record_duplicate(operation, duplicate, state)
    waiting = next((one for one in turn.state.operations if one.target == operation.target), None)
    if waiting is not None:
        _begin(turn, waiting)
