"""The state of the operations core: what runs, what waits, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from lrmd.operations.values import OperationRequest, Outcome, Result
from raftmaker.vocabulary.ids import ResourceId, Token


class Phase(Enum):
    """Where an operation is."""

    DELAYED = "delayed"
    """It waits for its time: start-delay, or the interval of a recurring one."""
    QUEUED = "queued"
    """It may run as soon as no other action of its resource does."""
    RUNNING = "running"
    ENDING = "ending"
    """Its timeout passed and is reported; its processes are being killed."""


class Operation(Struct, frozen=True, kw_only=True):
    """One operation that is known here; times are of the boot clock in milliseconds."""

    call_id: int
    request: OperationRequest
    phase: Phase
    due_ms: int
    """DELAYED: when it may be queued; otherwise when it was queued."""
    started_ms: int = 0
    started_wall_us: int = 0
    reported: Outcome | None = None
    """The last result that was reported."""
    cancelled: bool = False
    """It runs, but its end was asked for: it does not recur, and its result does not count."""
    forgotten: bool = False
    """Its resource was forgotten while it ran: its result does not enter the history."""

    @property
    def is_busy(self) -> bool:
        """It keeps other actions of its resource from running."""
        return self.phase in (Phase.RUNNING, Phase.ENDING)

    @property
    def owes_result(self) -> bool:
        """Its first result is still to come."""
        return self.reported is None


class ResourceHistory(Struct, frozen=True, kw_only=True):
    """What is remembered of a resource; `recurring` is sorted by operation and interval."""

    last: Result | None = None
    failure: Result | None = None
    recurring: tuple[Result, ...] = ()

    @property
    def results(self) -> tuple[Result, ...]:
        """Everything remembered, each result once."""
        singles = (result for result in (self.last, self.failure) if result is not None)
        unique = {result.serial: result for result in (*singles, *self.recurring)}
        return tuple(unique.values())

    @property
    def newest_failure(self) -> Result | None:
        """The newest failure that was not cleared."""
        failures = (one for one in self.results if one.is_failure and not one.cleared)
        return max(failures, key=lambda one: one.serial, default=None)


class State(Struct, frozen=True, kw_only=True):
    """Everything that the executor knows. Mappings are never changed in place."""

    token: Token = Token()
    last_call_id: int = 0
    last_serial: int = 0
    operations: Mapping[int, Operation] = field(default_factory=dict)
    history: Mapping[ResourceId, ResourceHistory] = field(default_factory=dict)
    unconfirmed: tuple[Result, ...] = ()
    """Reported results, by serial, that nobody has stored safely elsewhere yet."""

    @property
    def pending(self) -> tuple[Operation, ...]:
        """Operations that owe their first result, by call id."""
        return tuple(
            self.operations[call_id]
            for call_id in sorted(self.operations)
            if self.operations[call_id].owes_result
        )


def confirmed_serial(state: State) -> int:
    """Return the number up to which all results are stored elsewhere."""
    return state.unconfirmed[0].serial - 1 if state.unconfirmed else state.last_serial


def may_fork(state: State, call_id: int) -> bool:
    """Tell whether a run that was ordered may still begin; ask right before the fork.

    Between the order and the fork another DC may have raised the token (protocols, DC). Later runs
    of a recurring operation were admitted with its first one.
    """
    operation = state.operations.get(call_id)
    if operation is None or operation.phase is not Phase.RUNNING or operation.cancelled:
        return False
    return not operation.owes_result or operation.request.token >= state.token
