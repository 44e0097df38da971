"""The executor's values on the wire (proto/executor.proto) and in the history's file."""

from __future__ import annotations

from lrmd.operations.state import Operation, Phase, State, confirmed_serial
from lrmd.operations.values import (
    Agent,
    AlertRun,
    FailureId,
    Inventory,
    OperationRequest,
    Outcome,
    PendingOperation,
    Result,
    Standard,
)
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.vocabulary.codes import ExitCode, OcfCode, OpStatus
from raftmaker.vocabulary.ids import BootId, IncidentId, ResourceId, Token
from raftmaker.wire import executor_pb2 as pb
from raftmaker.wire import types_pb2


def _rejected(where: str, what: str, mend: str) -> Rejected:
    report = Report(code="bad-operation", where=where, what=what, mend=mend)
    return Rejected(ExitCode.INVALID_PARAM, (report,))


def ocf_code(number: int) -> OcfCode:
    """Return what an agent's exit code means; an unknown one counts as 1 (features 5.40)."""
    try:
        return OcfCode(number)
    except ValueError:
        return OcfCode.ERROR


def token_of(message: types_pb2.Token) -> Token:
    """Read a token."""
    return Token(message.generation, message.counter)


def token_message(token: Token) -> types_pb2.Token:
    """Write a token."""
    return types_pb2.Token(generation=token.generation, counter=token.counter)


def agent_of(message: pb.Agent) -> Agent:
    """Read an agent. Raises `Rejected` for a class that nothing runs (features 5.6)."""
    try:
        standard = Standard(message.standard)
    except ValueError:
        known = ", ".join(one.value for one in Standard)
        raise _rejected(
            "agent", f"class {message.standard!r} is not supported", f"use one of {known}"
        ) from None
    if not message.type:
        raise _rejected("agent", "the agent's name is missing", "give class, provider and type")
    if (standard is Standard.OCF) != bool(message.provider):
        raise _rejected("agent", "provider is for class ocf, and needed there", "ocf:PROVIDER:TYPE")
    if "/" in message.provider or (standard is not Standard.STONITH and "/" in message.type):
        raise _rejected("agent", "a name holds a slash", "give names, no paths")
    return Agent(standard, message.provider, message.type)


def agent_message(agent: Agent) -> pb.Agent:
    """Write an agent."""
    return pb.Agent(standard=agent.standard.value, provider=agent.provider, type=agent.type)


def request_of(message: pb.ExecuteRequest) -> OperationRequest:
    """Read an operation. Raises `Rejected` when something needed is missing or unknown."""
    for name in ("resource", "operation"):
        if not getattr(message, name):
            raise _rejected(f"operation.{name}", "is missing", "every operation names it")
    return OperationRequest(
        token=token_of(message.token),
        resource=ResourceId(message.resource),
        agent=agent_of(message.agent),
        operation=message.operation,
        interval_ms=message.interval_ms,
        timeout_ms=message.timeout_ms,
        start_delay_ms=message.start_delay_ms,
        parameters=dict(message.parameters),
        meta=dict(message.meta),
        transition_key=message.transition_key,
        expected_code=ocf_code(message.expected_code),
        incident=IncidentId(message.incident),
        user_data=dict(message.user_data),
    )


def request_message(request: OperationRequest) -> pb.ExecuteRequest:
    """Write an operation."""
    return pb.ExecuteRequest(
        token=token_message(request.token),
        resource=request.resource,
        agent=agent_message(request.agent),
        operation=request.operation,
        interval_ms=request.interval_ms,
        timeout_ms=request.timeout_ms,
        start_delay_ms=request.start_delay_ms,
        parameters=request.parameters,
        meta=request.meta,
        transition_key=request.transition_key,
        expected_code=request.expected_code,
        incident=request.incident,
        user_data=request.user_data,
    )


def result_of(message: pb.Result) -> Result:
    """Read a result."""
    outcome = Outcome(
        code=ocf_code(message.code),
        status=OpStatus(message.status),
        exit_reason=message.exit_reason,
        output=message.output,
    )
    return Result(
        serial=message.serial,
        call_id=message.call_id,
        request=request_of(message.request),
        outcome=outcome,
        last_change_us=message.last_change_us,
        queue_ms=message.queue_ms,
        exec_ms=message.exec_ms,
        cleared=message.cleared,
    )


def result_message(result: Result) -> pb.Result:
    """Write a result."""
    return pb.Result(
        call_id=result.call_id,
        request=request_message(result.request),
        code=result.outcome.code,
        status=result.outcome.status,
        exit_reason=result.outcome.exit_reason,
        last_change_us=result.last_change_us,
        queue_ms=result.queue_ms,
        exec_ms=result.exec_ms,
        serial=result.serial,
        output=result.outcome.output,
        cleared=result.cleared,
    )


def failure_id_of(message: pb.ForgetRequest) -> FailureId | None:
    """Read which failure alone is to be forgotten."""
    if not message.HasField("failure"):
        return None
    return FailureId(message.failure.call_id, message.failure.changed_s)


def failure_id_message(failure: FailureId | None) -> pb.Failure | None:
    """Write which failure alone is to be forgotten."""
    if failure is None:
        return None
    return pb.Failure(call_id=failure.call_id, changed_s=failure.changed_s)


def pending_message(operation: Operation) -> pb.Pending:
    """Write an operation that runs or waits."""
    return pb.Pending(
        call_id=operation.call_id,
        request=request_message(operation.request),
        running=operation.phase is Phase.RUNNING,
    )


def state_message(state: State, boot_id: BootId, incarnation: str) -> pb.ExecutorState:
    """Write everything that the executor knows; the history by resource."""
    return pb.ExecutorState(
        boot_id=boot_id,
        incarnation=incarnation,
        token=token_message(state.token),
        history=[
            result_message(result)
            for resource in sorted(state.history)
            for result in state.history[resource].results
        ],
        pending=[pending_message(operation) for operation in state.pending],
        confirmed_serial=confirmed_serial(state),
    )


def inventory_of(message: pb.ExecutorState) -> Inventory:
    """Read everything that an executor tells of itself."""
    return Inventory(
        boot_id=BootId(message.boot_id),
        incarnation=message.incarnation,
        token=token_of(message.token),
        history=tuple(result_of(result) for result in message.history),
        pending=tuple(
            PendingOperation(
                call_id=pending.call_id,
                request=request_of(pending.request),
                running=pending.running,
            )
            for pending in message.pending
        ),
        confirmed_serial=message.confirmed_serial,
    )


def delegated_run_message(call_id: int, request: OperationRequest | None) -> pb.DelegatedRun:
    """Write what the controller is to carry out; `request` None: it may stop doing so."""
    message = request_message(request) if request is not None else None
    return pb.DelegatedRun(call_id=call_id, request=message)


def delegated_run_of(message: pb.DelegatedRun) -> tuple[int, OperationRequest | None]:
    """Read what the controller is to carry out."""
    return message.call_id, request_of(message.request) if message.HasField("request") else None


def delegated_outcome_message(call_id: int, outcome: Outcome) -> pb.DelegatedOutcome:
    """Write how it ended."""
    return pb.DelegatedOutcome(
        call_id=call_id,
        code=outcome.code,
        status=outcome.status,
        exit_reason=outcome.exit_reason,
    )


def delegated_outcome_of(message: pb.DelegatedOutcome) -> Outcome:
    """Read how it ended."""
    return Outcome(
        code=ocf_code(message.code),
        status=OpStatus(message.status),
        exit_reason=message.exit_reason,
    )


def alert_run_message(run: AlertRun) -> pb.AlertRun:
    """Write a run of an alert agent."""
    return pb.AlertRun(
        alert=run.alert, path=run.path, timeout_ms=run.timeout_ms, variables=run.variables
    )


def alert_run_of(message: pb.AlertRun) -> AlertRun:
    """Read a run of an alert agent."""
    return AlertRun(
        alert=message.alert,
        path=message.path,
        timeout_ms=message.timeout_ms,
        variables=dict(message.variables),
    )
