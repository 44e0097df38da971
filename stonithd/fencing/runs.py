"""One device at work: its delay, its turn on a busy device, its tries, its end."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.fencing.effects import CancelTimer, Delegate, RunAgent, SetTimer, StopAgent
from stonithd.fencing.events import AgentEnded, Timer, TimerKind
from stonithd.fencing.invocation import effective_action, options_of
from stonithd.fencing.plan import delay_bounds_ms, time_limit_ms
from stonithd.fencing.setup import Device, FenceAction
from stonithd.fencing.state import Operation, Run, RunPhase
from stonithd.fencing.turn import Turn

TRIES = 2
"""Tries of an action unless ``pcmk_*_retries`` says otherwise (features 17.12)."""
PAUSE_MS = 1000
"""Between two tries."""
_RETRY_UP_TO = 0.7
"""No new try when more than this part of the time limit is gone."""


class RunEnd(Struct, frozen=True, kw_only=True):
    """How a run ended."""

    ok: bool
    reached: bool = True
    """False when the device was surely not run."""
    reason: str = ""
    superseded: bool = False
    """A newer token forbids the operation to go on."""


def start_run(
    turn: Turn, operation: Operation, device_id: ResourceId, executor: NodeName, action: FenceAction
) -> RunEnd | None:
    """Begin a device's work here or at a peer. Returns its end when it ends at once."""
    limit_ms = time_limit_ms(turn.state.setup, device_id, action, operation.timeout_ms)
    number = turn.number()
    if executor != turn.state.node:
        run = Run(
            number=number,
            operation=operation.number,
            device=device_id,
            executor=executor,
            action=action,
            phase=RunPhase.DELEGATED,
            limit_ms=limit_ms,
        )
        turn.put_run(run)
        turn.emit(_delegation(operation, run))
        return None
    device = turn.state.setup.device(device_id)
    if device is None or device.abilities is None:
        return RunEnd(ok=False, reached=False, reason="is not usable on this node")
    doing = effective_action(device, action)
    run = Run(
        number=number,
        operation=operation.number,
        device=device_id,
        executor=executor,
        action=doing,
        phase=RunPhase.QUEUED,
        limit_ms=time_limit_ms(turn.state.setup, device_id, doing, operation.timeout_ms),
        tries_left=max(1, device.tries.get(doing, TRIES)),
    )
    delay_ms = _delay_ms(operation, device, action)
    if delay_ms > 0:
        turn.put_run(replace(run, phase=RunPhase.DELAYED))
        turn.emit(SetTimer(_timer(number), turn.now_ms + delay_ms))
        return None
    return _fork_or_queue(turn, run)


def _delegation(operation: Operation, run: Run) -> Delegate:
    return Delegate(
        run=run.number,
        executor=run.executor,
        token=operation.token,
        target=operation.target,
        boot_id=operation.boot_id,
        session=operation.session,
        action=run.action,
        device=run.device,
        timeout_ms=run.limit_ms,
        delay_ms=operation.delay_ms,
        client=operation.client,
        origin=operation.origin,
        known_index=operation.known_index,
        incident=operation.incident,
    )


def _delay_ms(operation: Operation, device: Device, action: FenceAction) -> int:
    if operation.delay_ms < 0 or action is FenceAction.ON:
        return 0
    least, greatest = delay_bounds_ms(device, operation.target)
    return operation.delay_ms + least + int((greatest - least) * operation.jitter)


def _timer(run: int) -> Timer:
    return Timer(TimerKind.RUN_DELAY, run)


def _fork_or_queue(turn: Turn, run: Run) -> RunEnd | None:
    device = turn.state.setup.device(run.device)
    busy = sum(
        other.device == run.device
        and other.number != run.number
        and other.phase in (RunPhase.FORKED, RunPhase.PAUSED)
        for other in turn.state.runs
    )
    if device is not None and 0 < device.action_limit <= busy:
        turn.put_run(replace(run, phase=RunPhase.QUEUED))
        return None
    return _fork(turn, run)


def _fork(turn: Turn, run: Run) -> RunEnd | None:
    """Fork the agent. The token is checked here again, right before it (protocols, DC)."""
    operation = turn.state.operation(run.operation)
    device = turn.state.setup.device(run.device)
    assert operation is not None, "a run never outlives its operation"
    if operation.token < turn.state.token:
        turn.drop_run(run.number)
        reason = f"not run: token {operation.token} is older than {turn.state.token}"
        return RunEnd(ok=False, reached=False, reason=reason, superseded=True)
    if device is None:
        turn.drop_run(run.number)
        return RunEnd(ok=False, reached=False, reason="was removed from the configuration")
    first_ms = run.first_fork_ms or turn.now_ms
    left_ms = min(run.limit_ms - (turn.now_ms - first_ms), operation.deadline_ms - turn.now_ms)
    if left_ms <= 0:
        turn.drop_run(run.number)
        return RunEnd(ok=False, reason="no time is left for it")
    turn.put_run(
        replace(run, phase=RunPhase.FORKED, first_fork_ms=first_ms, tries_left=run.tries_left - 1)
    )
    turn.emit(
        RunAgent(
            run=run.number,
            token=operation.token,
            agent=device.agent,
            device=run.device,
            target=operation.target,
            action=run.action,
            options=options_of(device, run.action, operation.target),
            timeout_ms=left_ms,
            incident=operation.incident,
        )
    )
    return None


def continue_run(turn: Turn, run: Run) -> RunEnd | None:
    """Go on after a delay or a pause. Returns the run's end when it ends now."""
    match run.phase:
        case RunPhase.DELAYED:
            return _fork_or_queue(turn, run)
        case RunPhase.PAUSED:
            return _fork(turn, run)
        case RunPhase.QUEUED | RunPhase.FORKED | RunPhase.DELEGATED:
            return None


def agent_ended(turn: Turn, run: Run, event: AgentEnded) -> RunEnd | None:
    """Judge an agent's end: success, another try (then None), or failure."""
    if event.status is OpStatus.DONE and event.code == 0:
        turn.drop_run(run.number)
        return RunEnd(ok=True)
    elapsed_ms = turn.now_ms - run.first_fork_ms
    if (
        event.status is OpStatus.DONE
        and run.tries_left > 0
        and elapsed_ms < run.limit_ms * _RETRY_UP_TO
    ):
        turn.put_run(replace(run, phase=RunPhase.PAUSED))
        turn.emit(SetTimer(_timer(run.number), turn.now_ms + PAUSE_MS))
        return None
    turn.drop_run(run.number)
    return RunEnd(
        ok=False,
        reached=event.status is not OpStatus.NOT_INSTALLED,
        reason=_why(run, event),
    )


def _why(run: Run, event: AgentEnded) -> str:
    said = f": {event.output.strip()}" if event.output.strip() else ""
    match event.status:
        case OpStatus.DONE:
            return f"{run.action.value} failed with exit code {event.code}{said}"
        case OpStatus.TIMEOUT:
            return f"{run.action.value} did not end within {run.limit_ms} ms{said}"
        case _:
            return f"{run.action.value} could not be run{said}"


def abandon_runs(turn: Turn, operation: Operation) -> tuple[ResourceId, ...]:
    """End all runs of an operation now; return the devices that this may have freed."""
    freed = []
    for run in turn.state.runs:
        if run.operation != operation.number:
            continue
        turn.drop_run(run.number)
        match run.phase:
            case RunPhase.DELAYED | RunPhase.PAUSED:
                turn.emit(CancelTimer(_timer(run.number)))
            case RunPhase.FORKED | RunPhase.DELEGATED:
                turn.emit(StopAgent(run.number))
            case RunPhase.QUEUED:
                pass
        freed.append(run.device)
    return tuple(freed)


def next_queued(turn: Turn) -> tuple[Run, RunEnd | None] | None:
    """Let the first queued run whose device is free go on; None when there is none."""
    for run in turn.state.runs:
        if run.phase is not RunPhase.QUEUED:
            continue
        end = _fork_or_queue(turn, run)
        now = turn.state.run(run.number)
        if end is not None or now is None or now.phase is not RunPhase.QUEUED:
            return run, end
    return None
