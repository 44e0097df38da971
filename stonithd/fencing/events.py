"""Facts that the fencing core is told. `at_ms` is the boot-time clock of this node in ms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, IncidentId, NodeName, ResourceId, Session, Token
from stonithd.fencing.history import FencingRecord
from stonithd.fencing.setup import FenceAction, Setup


class TimerKind(Enum):
    """What a timer is for."""

    OPERATION_DEADLINE = "operation-deadline"
    RUN_DELAY = "run-delay"


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer's name; `number` is that of the operation or run it belongs to."""

    kind: TimerKind
    number: int


@dataclass(frozen=True, slots=True)
class Configured:
    """The configuration, the members or the agents' metadata changed."""

    at_ms: int
    setup: Setup


@dataclass(frozen=True, slots=True)
class TokenSeen:
    """A new DC raises the token (protocols, DC)."""

    at_ms: int
    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceRequested:
    """The DC, or a peer's fencer that carries out a plan (then `device` is set), asks for fencing.

    `request` is the caller's number, answered once by a `Reply`. `jitter` in [0, 1) is chosen by
    the shell for ``pcmk_delay_max``. `delay_ms` below 0 switches off every delay (features 17.32).
    """

    at_ms: int
    request: int
    token: Token
    target: NodeName
    boot_id: BootId
    session: Session
    action: FenceAction
    timeout_ms: int = 0
    """0: the cluster's ``fencing-timeout``."""
    delay_ms: int = 0
    jitter: float = 0.0
    device: ResourceId = ResourceId("")
    client: str = ""
    origin: NodeName = NodeName("")
    """The node where it was asked for, as `client` for the history only."""
    known_index: int = 0
    """Log position of the configuration that the asker knows, for peers that may lag behind."""
    incident: IncidentId = IncidentId("")
    afresh: bool = False
    """Not joined to an equal fencing that is under way: the devices run after this was asked."""
    wall_us: int = 0
    """Wall clock, for the history only."""


@dataclass(frozen=True, slots=True)
class HistoryHeard:
    """A peer tells what it remembers."""

    at_ms: int
    records: tuple[FencingRecord, ...]


@dataclass(frozen=True, slots=True)
class HistoryCleared:
    """What has ended is to be forgotten (features 17.41); `target` empty: of every node."""

    at_ms: int
    target: NodeName


@dataclass(frozen=True, slots=True)
class Offer:
    """A node says that it can run a device against the target."""

    device: ResourceId
    executor: NodeName


@dataclass(frozen=True, slots=True)
class OffersGathered:
    """The agents and peers asked by `GatherOffers` answered, or had their time."""

    at_ms: int
    operation: int
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEnded:
    """A fence agent that `RunAgent` started has ended; `code` counts only with status DONE."""

    at_ms: int
    run: int
    code: int
    status: OpStatus = OpStatus.DONE
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateEnded:
    """A peer answered a `Delegate`; `reached` is false when it surely did not run the device."""

    at_ms: int
    run: int
    confirmed: bool
    reached: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer set by `SetTimer` is due."""

    at_ms: int
    timer: Timer


FencingEvent = (
    Configured
    | TokenSeen
    | FenceRequested
    | HistoryHeard
    | HistoryCleared
    | OffersGathered
    | AgentEnded
    | DelegateEnded
    | TimerFired
)
