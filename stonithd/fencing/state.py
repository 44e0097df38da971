"""What the fencing core remembers: the token, fencings under way, device runs, history."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from raftmaker.vocabulary.ids import BootId, IncidentId, NodeName, ResourceId, Session, Token
from stonithd.fencing.history import FencingRecord
from stonithd.fencing.plan import Plan, PlanLevel, Step
from stonithd.fencing.setup import FenceAction, Setup


class OperationPhase(Enum):
    """Where a fencing stands."""

    WAITING = "waiting"
    """Another fencing of the same target comes first."""
    GATHERING = "gathering"
    ACTING = "acting"
    TURNING_ON = "turning-on"
    """Confirmed and answered; a remapped reboot turns the target on again (features 17.26)."""


class RunPhase(Enum):
    """Where one device's part of a fencing stands."""

    DELAYED = "delayed"
    QUEUED = "queued"
    """The device is busy (``pcmk_action_limit``)."""
    FORKED = "forked"
    PAUSED = "paused"
    """Failed, and tried again in a moment."""
    DELEGATED = "delegated"


class Duplicate(Struct, frozen=True, kw_only=True):
    """Somebody else who asked for what was under way; `number` is that of its record."""

    number: int
    client: str
    origin: NodeName
    requested_ms: int
    wall_us: int


class Operation(Struct, frozen=True, kw_only=True):
    """One fencing. `requests` are the callers that wait for it (features 17.39)."""

    number: int
    target: NodeName
    boot_id: BootId
    session: Session
    action: FenceAction
    token: Token
    requests: tuple[int, ...]
    device: ResourceId
    client: str
    origin: NodeName
    known_index: int
    incident: IncidentId
    timeout_ms: int
    delay_ms: int
    jitter: float
    requested_ms: int
    wall_us: int
    phase: OperationPhase = OperationPhase.WAITING
    plan: Plan = ()
    level: int = 0
    step: int = 0
    executor: int = 0
    deadline_ms: int = 0
    delegate: NodeName = NodeName("")
    reasons: tuple[str, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()

    @property
    def current_level(self) -> PlanLevel:
        """The level being tried."""
        return self.plan[self.level]

    @property
    def current_step(self) -> Step:
        """The device being tried."""
        return self.current_level.steps[self.step]

    @property
    def is_delegated(self) -> bool:
        """Whether a peer's fencer asked for one device of its own plan."""
        return bool(self.device)

    @property
    def askers(self) -> tuple[tuple[str, NodeName], ...]:
        """Who asked for it, and where."""
        others = tuple((one.client, one.origin) for one in self.duplicates)
        return ((self.client, self.origin), *others)

    @property
    def devices(self) -> tuple[ResourceId, ...]:
        """The devices of the level that is or was tried last."""
        if not self.plan:
            return (self.device,) if self.device else ()
        return tuple(step.device for step in self.current_level.steps)


class Run(Struct, frozen=True, kw_only=True):
    """One device at work for an operation. `action` is what its agent is really asked."""

    number: int
    operation: int
    device: ResourceId
    executor: NodeName
    action: FenceAction
    phase: RunPhase
    limit_ms: int
    tries_left: int = 1
    first_fork_ms: int = 0
    """0: not yet forked."""


class State(Struct, frozen=True, kw_only=True):
    """The whole state; `operations` and `runs` are in order of their numbers."""

    node: NodeName
    token: Token = Token()
    setup: Setup = Setup()
    operations: tuple[Operation, ...] = ()
    runs: tuple[Run, ...] = ()
    history: tuple[FencingRecord, ...] = ()
    next_number: int = 1

    def operation(self, number: int) -> Operation | None:
        """Return the fencing of that number, if it is still under way."""
        return next((one for one in self.operations if one.number == number), None)

    def run(self, number: int) -> Run | None:
        """Return the run of that number, if it is still under way."""
        return next((one for one in self.runs if one.number == number), None)
