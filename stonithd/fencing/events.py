"""Facts that the fencing core is told. `at_ms` is the boot-time clock of this node in ms."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, IncidentId, NodeName, ResourceId, Session, Token
from stonithd.fencing.history import FencingRecord
from stonithd.fencing.setup import FenceAction, Setup


class TimerKind(Enum):
    """What a timer is for."""

    OPERATION_DEADLINE = "operation-deadline"
    RUN_DELAY = "run-delay"


class Timer(Struct, frozen=True):
    """A timer's name; `number` is that of the operation or run it belongs to."""

    kind: TimerKind
    number: int


class Configured(Struct, frozen=True):
    """The configuration, the members or the agents' metadata changed."""

    at_ms: int
    setup: Setup


class TokenSeen(Struct, frozen=True):
    """A new DC raises the token (protocols, DC)."""

    at_ms: int
    token: Token


class FenceRequested(Struct, frozen=True, kw_only=True):
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


class HistoryHeard(Struct, frozen=True):
    """A peer tells what it remembers."""

    at_ms: int
    records: tuple[FencingRecord, ...]


class HistoryCleared(Struct, frozen=True):
    """What has ended is to be forgotten (features 17.41); `target` empty: of every node."""

    at_ms: int
    target: NodeName


class Offer(Struct, frozen=True):
    """A node says that it can run a device against the target."""

    device: ResourceId
    executor: NodeName


class OffersGathered(Struct, frozen=True):
    """The agents and peers asked by `GatherOffers` answered, or had their time."""

    at_ms: int
    operation: int
    offers: tuple[Offer, ...]


class AgentEnded(Struct, frozen=True, kw_only=True):
    """A fence agent that `RunAgent` started has ended; `code` counts only with status DONE."""

    at_ms: int
    run: int
    code: int
    status: OpStatus = OpStatus.DONE
    output: str = ""


class DelegateEnded(Struct, frozen=True, kw_only=True):
    """A peer answered a `Delegate`; `reached` is false when it surely did not run the device."""

    at_ms: int
    run: int
    confirmed: bool
    reached: bool = True
    reason: str = ""


class TimerFired(Struct, frozen=True):
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
