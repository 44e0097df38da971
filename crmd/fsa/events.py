"""Facts that reach the controller's core; `at_ms` is the boot-time clock in milliseconds.

A `call` names a caller that waits for exactly one `Answer` effect; a `request` is a number that the
core chose in an effect and gets back with the event that ends it.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from cib_store.document.element import Element
from crmd.fsa.executor import AgentTraits, Inventory
from crmd.scheduler.graph import Graph
from crmd.transition.throttle import NodeLoad
from lrmd.operations.values import Agent, FailureId, OperationRequest, Result
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import BootId, NodeName, ResourceId, Session, Token
from raftmaker.vocabulary.membership import Facts, LogPlace


class Timer(Enum):
    """The controller's timers; at most one of each runs."""

    CONTACT = "contact"
    """The newest answered beat grows too old to act on."""
    RETRY = "retry"
    """Something that failed may be tried again: session, election, join, order, write."""
    DC_DEADTIME = "dc-deadtime"
    """Cold start: no need to wait any longer for absent nodes (features 2.3)."""
    BATCH = "batch"
    """Results have been gathered long enough (20 ms)."""
    ACTION = "action"
    """The earliest deadline among the running actions of the transition."""
    HOLD = "hold"
    """A fencing that waits for its time (ControllerLost) may begin."""
    TRANSITION_DELAY = "transition-delay"
    """Late events have been gathered long enough (features 2.8)."""
    RECHECK = "recheck"
    """`cluster-recheck-interval` or the moment that the schedule named (features 16.41)."""
    ESCALATION = "shutdown-escalation"
    """A clean stop takes too long (features 2.6)."""

    __hash__ = object.__hash__  # each is one of its kind; Enum hashes the name, in Python


class Started(Struct, frozen=True, kw_only=True):
    """The controller's process has started."""

    at_ms: int


class TimerFired(Struct, frozen=True, kw_only=True):
    """The time of a timer has come."""

    at_ms: int
    timer: Timer


class StoreChanged(Struct, frozen=True, kw_only=True):
    """The watch of the store made a step: the CIB and the facts after log position `index`."""

    at_ms: int
    index: int
    cib: Element
    facts: Facts


class StoreLost(Struct, frozen=True, kw_only=True):
    """No store can be watched; a StoreChanged follows when one is found."""

    at_ms: int


class Recorded(Struct, frozen=True, kw_only=True):
    """How a `Record` ended; code None: no answer in time, it may or may not be committed."""

    at_ms: int
    request: int
    code: ExitCode | None
    index: int = 0


class BeatsAnswered(Struct, frozen=True, kw_only=True):
    """A majority of voters answered the beat that was sent at `sent_at_ms`, the newest such."""

    at_ms: int
    sent_at_ms: int


class JoinRequested(Struct, frozen=True, kw_only=True):
    """A DC asks this node to join under its token. Answered by JoinAccepted or Refused."""

    at_ms: int
    call: int
    dc: NodeName
    token: Token
    boot_id: BootId
    session: Session


class JoinAnswered(Struct, frozen=True, kw_only=True):
    """A member joined under `token` and told what runs and waits there."""

    at_ms: int
    node: NodeName
    token: Token
    session: Session
    inventory: Inventory
    number: int
    """The member's own number of this join, given back to it in the write."""
    load: NodeLoad | None = None
    """None: an older member, which does not tell it."""


class LoadReported(Struct, frozen=True, kw_only=True):
    """A member tells the DC how loaded it is, every 30 s (features 16.36)."""

    at_ms: int
    node: NodeName
    load: NodeLoad


class JoinFailed(Struct, frozen=True, kw_only=True):
    """A join failed. `reached`: the member's controller answered, and refused."""

    at_ms: int
    node: NodeName
    token: Token
    session: Session
    reached: bool
    reason: str = ""


class ScheduleReady(Struct, frozen=True, kw_only=True):
    """The scheduler's graph; `now_s` is the wall clock (epoch) it was computed for."""

    at_ms: int
    request: int
    graph: Graph
    now_s: int
    input: str = ""
    """The file that keeps what it was computed from, for the log; empty: none (16.42)."""


class ScheduleFailed(Struct, frozen=True, kw_only=True):
    """The scheduler's process ended or refused the CIB."""

    at_ms: int
    request: int
    reason: str


class OrderReceived(Struct, frozen=True, kw_only=True):
    """A DC orders an operation here. Answered by OrderTaken or Refused."""

    at_ms: int
    call: int
    boot_id: BootId
    join_number: int
    """The join under which it is given; after another join a late order is refused."""
    operation: OperationRequest


class CancelReceived(Struct, frozen=True, kw_only=True):
    """A DC ends a recurring operation here. Answered by Ended or Refused."""

    at_ms: int
    call: int
    token: Token
    resource: ResourceId
    operation: str
    interval_ms: int


class ForgetReceived(Struct, frozen=True, kw_only=True):
    """A DC has a resource, one operation or one failure forgotten. Answered by Ended or Refused."""

    at_ms: int
    call: int
    token: Token
    resource: ResourceId
    operation: str = ""
    interval_ms: int = 0
    failure: FailureId | None = None


class OrderAccepted(Struct, frozen=True, kw_only=True):
    """The member's executor has queued the operation, or ended or forgotten it."""

    at_ms: int
    order: int
    node: NodeName
    call_id: int = 0


class OrderFailed(Struct, frozen=True, kw_only=True):
    """An order got no acceptance. `reached`: the member answered, and refused."""

    at_ms: int
    order: int
    node: NodeName
    reached: bool
    reason: str = ""


class Executed(Struct, frozen=True, kw_only=True):
    """The local executor accepted what an Execute, Cancel or Forget effect asked for."""

    at_ms: int
    request: int
    call_id: int = 0
    found: bool = True


class ExecutionRefused(Struct, frozen=True, kw_only=True):
    """The local executor refused (a higher token was seen) or did not answer."""

    at_ms: int
    request: int
    reason: str


class ExecutorResult(Struct, frozen=True, kw_only=True):
    """The local executor reports a result."""

    at_ms: int
    result: Result


class ExecutorState(Struct, frozen=True, kw_only=True):
    """Answer to RaiseToken or AskExecutor: everything the local executor knows."""

    at_ms: int
    request: int
    inventory: Inventory


class ExecutorLost(Struct, frozen=True, kw_only=True):
    """The connection to the local executor broke."""

    at_ms: int


class ExecutorReturned(Struct, frozen=True, kw_only=True):
    """The local executor is connected (again)."""

    at_ms: int
    incarnation: str


class MetadataRead(Struct, frozen=True, kw_only=True):
    """What an agent's metadata says; the default traits where it could not be read."""

    at_ms: int
    agent: Agent
    traits: AgentTraits


class FencingEnded(Struct, frozen=True, kw_only=True):
    """How a RunFencing effect ended; `now_s` is the wall clock."""

    at_ms: int
    request: int
    confirmed: bool
    now_s: int
    devices: tuple[str, ...] = ()
    reason: str = ""


class CleanupRequested(Struct, frozen=True, kw_only=True):
    """Forget failures (or with `refresh` the whole history) and probe again (features 8.23)."""

    at_ms: int
    call: int
    resource: str = ""
    node: str = ""
    operation: str = ""
    interval_ms: int = 0
    refresh: bool = False


class FenceNodeRequested(Struct, frozen=True, kw_only=True):
    """A person asks to fence a node."""

    at_ms: int
    call: int
    target: NodeName
    action: str
    reason: str = ""
    timeout_ms: int = 0
    delay_ms: int = 0
    """Below 0: no delay at all, not even the device's own (features 17.32)."""
    client: str = ""
    origin: NodeName = NodeName("")
    """The person's program and node, for the history."""


class ConfirmDownRequested(Struct, frozen=True, kw_only=True):
    """A person vouches that a node is down (features: stonith_admin --confirm)."""

    at_ms: int
    call: int
    target: NodeName
    reason: str = ""


class MayGoAlone(Struct, frozen=True, kw_only=True):
    """This node's store could go on from this place of its log once that boot of `peer` is over.

    features 25.11
    """

    at_ms: int
    request: int
    place: LogPlace
    peer: NodeName
    boot_id: BootId


class MustNotGoAlone(Struct, frozen=True, kw_only=True):
    """This node's store does not go on alone; the reason is for people."""

    at_ms: int
    request: int
    reason: str


class WentAlone(Struct, frozen=True, kw_only=True):
    """This node's store has begun a generation of its own."""

    at_ms: int
    request: int


class FailRequested(Struct, frozen=True, kw_only=True):
    """A person wants a resource to count as failed on a node (features 27.7)."""

    at_ms: int
    call: int
    resource: str
    node: NodeName


class LeaveRequested(Struct, frozen=True, kw_only=True):
    """This node is to leave in good order; `now_s` is the wall clock (features 15.14)."""

    at_ms: int
    call: int
    now_s: int


Event = (
    Started
    | TimerFired
    | StoreChanged
    | StoreLost
    | Recorded
    | BeatsAnswered
    | JoinRequested
    | JoinAnswered
    | JoinFailed
    | LoadReported
    | ScheduleReady
    | ScheduleFailed
    | OrderReceived
    | CancelReceived
    | ForgetReceived
    | OrderAccepted
    | OrderFailed
    | Executed
    | ExecutionRefused
    | ExecutorResult
    | ExecutorState
    | ExecutorLost
    | ExecutorReturned
    | MetadataRead
    | FencingEnded
    | MayGoAlone
    | MustNotGoAlone
    | WentAlone
    | CleanupRequested
    | FenceNodeRequested
    | ConfirmDownRequested
    | FailRequested
    | LeaveRequested
)
