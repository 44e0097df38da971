"""What is asked of the executor and what comes of it, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import BootId, IncidentId, ResourceId, Token


class Standard(Enum):
    """Resource classes that can be run (features 5.1-5.5)."""

    OCF = "ocf"
    SYSTEMD = "systemd"
    LSB = "lsb"
    SERVICE = "service"
    STONITH = "stonith"

    @property
    def kind(self) -> str:
        """What people call an agent of this class, for messages."""
        match self:
            case Standard.OCF:
                return "Resource agent"
            case Standard.SYSTEMD:
                return "Systemd unit"
            case Standard.LSB:
                return "LSB script"
            case Standard.SERVICE:
                return "Service"
            case Standard.STONITH:
                return "Fence agent"


class Agent(Struct, frozen=True):
    """Which agent; `provider` is set for ocf only."""

    standard: Standard
    provider: str
    type: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.standard.value, self.provider, self.type) if part)


REMOTE_CONNECTION = Agent(Standard.OCF, "pacemaker", "remote")
"""The agent of connections to remote nodes, which the controller carries out (features 5.7)."""


class OperationRequest(Struct, frozen=True, kw_only=True):
    """One operation to run; `interval_ms` 0: once. Times are in milliseconds.

    `timeout_ms` 0: no limit. `user_data` is returned unread with every result.
    """

    resource: ResourceId
    agent: Agent
    operation: str
    token: Token = Token()
    interval_ms: int = 0
    timeout_ms: int = 20_000
    start_delay_ms: int = 0
    parameters: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    transition_key: str = ""
    expected_code: OcfCode = OcfCode.OK
    incident: IncidentId = IncidentId("")
    user_data: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_recurring(self) -> bool:
        """It is run again and again."""
        return self.interval_ms > 0

    @property
    def is_probe(self) -> bool:
        """It asks once whether the resource runs (features 16, probes)."""
        return self.operation == "monitor" and not self.is_recurring


class Outcome(Struct, frozen=True, kw_only=True):
    """How one run of an agent ended. `exit_reason` is the agent's own, `output` is for people."""

    code: OcfCode
    status: OpStatus = OpStatus.DONE
    exit_reason: str = ""
    output: str = ""


FAIL_BY_HAND = "asyncmon"
"""The operation by which a resource is said to have failed; no agent is run (features 27.7)."""
CANCELLED = Outcome(code=OcfCode.UNKNOWN, status=OpStatus.CANCELLED)
FORGOTTEN = Outcome(code=OcfCode.UNKNOWN, status=OpStatus.UNKNOWN)
"""Stands for a failure that was cleared: whatever the operation finds next is told."""


class FailureId(Struct, frozen=True):
    """Names a failure of a resource within one boot; `changed_s` is wall clock since 1970."""

    call_id: int
    changed_s: int


class Result(Struct, frozen=True, kw_only=True):
    """One reported result, numbered by `serial`; `last_change_us` is wall clock since 1970."""

    serial: int
    call_id: int
    request: OperationRequest
    outcome: Outcome
    last_change_us: int = 0
    queue_ms: int = 0
    exec_ms: int = 0
    cleared: bool = False
    """It failed, and its failure was forgotten since."""

    @property
    def failure_id(self) -> FailureId:
        """Its name, should it be a failure."""
        return FailureId(self.call_id, self.last_change_us // 1_000_000)

    @property
    def is_failure(self) -> bool:
        """Whether it counts as failed: not done, or another code than expected (features 3.18).

        A degraded success counts as the success it is (features 5.39). A probe that finds a
        resource running where it should not is a failure in this sense (features 5.43).
        """
        if self.outcome.status is OpStatus.CANCELLED:
            return False
        if self.outcome.status is not OpStatus.DONE:
            return True
        return _UNDEGRADED.get(self.outcome.code, self.outcome.code) != self.request.expected_code


class PendingOperation(Struct, frozen=True, kw_only=True):
    """An operation that has been accepted and whose first result is still to come."""

    call_id: int
    request: OperationRequest
    running: bool = False


class Inventory(Struct, frozen=True, kw_only=True):
    """Everything an executor tells of itself: its history and what runs or waits."""

    boot_id: BootId
    incarnation: str
    """Made anew at each start of the executor."""
    token: Token = Token()
    history: tuple[Result, ...] = ()
    pending: tuple[PendingOperation, ...] = ()
    confirmed_serial: int = 0
    """Results up to this one are stored elsewhere; 0 also where an older executor does not say."""


class AlertRun(Struct, frozen=True, kw_only=True):
    """One run of an alert agent; `variables` become part of its environment (features 19.1)."""

    alert: str
    path: str
    timeout_ms: int
    variables: Mapping[str, str] = field(default_factory=dict)


_UNDEGRADED = {
    OcfCode.DEGRADED: OcfCode.OK,
    OcfCode.DEGRADED_PROMOTED: OcfCode.PROMOTED,
}


def readable_duration(duration_ms: int) -> str:
    """Return a duration as people write it: ``1m30s``, ``20s``, ``0.5s``."""
    seconds, rest_ms = divmod(duration_ms, 1000)
    text = ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    if rest_ms:
        return text + f"{seconds}.{rest_ms:03d}".rstrip("0") + "s"
    return text + (f"{seconds}s" if seconds or not text else "")
