"""Orders that the controller's core gives to its shell; carried out in the order given.

`until_ms`: the shell drops the effect when its boot-time clock has passed this, so that a process
that was stopped between deciding and acting does not act on an old contact (protocols, DC).
"""

from __future__ import annotations

from msgspec import Struct

from cib_store.document.element import Element
from crmd.fsa.events import Timer
from crmd.fsa.executor import Inventory
from crmd.transition.throttle import NodeLoad
from lrmd.operations.values import Agent, FailureId, OperationRequest
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Body, FencingProof
from raftmaker.vocabulary.ids import BootId, NodeName, ResourceId, Session, Token
from raftmaker.vocabulary.membership import LogPlace


class Record(Struct, frozen=True, kw_only=True):
    """Commit `body`, exactly once; ends with Recorded. `token` is set when a DC writes.

    `about`: the node whose boot a change of the status names; None: this one.
    """

    request: int
    body: Body
    token: Token | None = None
    about: NodeName | None = None


class SendJoin(Struct, frozen=True, kw_only=True):
    """Ask a member (this node included) to join; ends with JoinAnswered or JoinFailed."""

    node: NodeName
    token: Token
    boot_id: BootId
    session: Session
    until_ms: int


class SendOrder(Struct, frozen=True, kw_only=True):
    """Order an operation of a member (or this node); ends with OrderAccepted or OrderFailed."""

    order: int
    node: NodeName
    boot_id: BootId
    join_number: int
    operation: OperationRequest
    until_ms: int
    remote: NodeName = NodeName("")
    """The remote node whose executor is meant, by way of `node`; empty: the member's own."""


class SendCancel(Struct, frozen=True, kw_only=True):
    """Have a member end a recurring operation; ends with OrderAccepted or OrderFailed."""

    order: int
    node: NodeName
    token: Token
    resource: ResourceId
    operation: str
    interval_ms: int
    until_ms: int
    remote: NodeName = NodeName("")
    """The remote node whose executor is meant, by way of `node`; empty: the member's own."""


class SendForget(Struct, frozen=True, kw_only=True):
    """Have a member forget a resource; ends with OrderAccepted or OrderFailed."""

    order: int
    node: NodeName
    token: Token
    resource: ResourceId
    operation: str = ""
    interval_ms: int = 0
    failure: FailureId | None = None
    """Only this failure of it."""
    until_ms: int
    remote: NodeName = NodeName("")
    """The remote node whose executor is meant, by way of `node`; empty: the member's own."""


class Schedule(Struct, frozen=True, kw_only=True):
    """Compute a graph in the worker; ends with ScheduleReady or ScheduleFailed."""

    request: int
    cib: Element


class Execute(Struct, frozen=True, kw_only=True):
    """Give an operation to the local executor; ends with Executed or ExecutionRefused."""

    request: int
    operation: OperationRequest


class Cancel(Struct, frozen=True, kw_only=True):
    """End a recurring operation in the local executor; ends as Execute does."""

    request: int
    token: Token
    resource: ResourceId
    operation: str
    interval_ms: int


class Forget(Struct, frozen=True, kw_only=True):
    """Have the local executor forget a resource; ends as Execute does."""

    request: int
    token: Token
    resource: ResourceId
    operation: str = ""
    interval_ms: int = 0
    failure: FailureId | None = None


class RaiseToken(Struct, frozen=True, kw_only=True):
    """Raise the token of the local executor and fencer; ends with ExecutorState or a refusal."""

    request: int
    token: Token


class AskExecutor(Struct, frozen=True):
    """Ask the local executor what it knows; ends with ExecutorState or ExecutionRefused."""

    request: int


class ConfirmResults(Struct, frozen=True):
    """Results up to this serial are committed: the executor need not send them again."""

    serial: int


class ReadMetadata(Struct, frozen=True):
    """Read an agent's metadata; ends with MetadataRead in any case."""

    agent: Agent


class RunFencing(Struct, frozen=True, kw_only=True):
    """Have the fencer of node `at` run the devices; ends with FencingEnded.

    Its intent stands, unless it turns a node on, or there is no quorum to intend anything (see
    `survival`).
    """

    request: int
    at: NodeName
    token: Token
    target: NodeName
    boot_id: BootId
    session: Session
    action: str
    timeout_ms: int
    delay_ms: int = 0
    client: str = ""
    origin: NodeName = NodeName("")
    """Who asked for it, and on which node; for the history (features 17.41)."""
    known_index: int
    """Log position of the configuration by which it was decided."""
    until_ms: int
    afresh: bool = False
    """Run the devices for this alone: an equal fencing that is under way is not joined."""


class AskToGoAlone(Struct, frozen=True):
    """Ask this node's store if it could go on once the other of two voters is down.

    Ends with MayGoAlone or MustNotGoAlone.
    """

    request: int


class GoAlone(Struct, frozen=True, kw_only=True):
    """Have this node's store go on alone; ends with WentAlone or MustNotGoAlone."""

    request: int
    place: LogPlace
    proof: FencingProof


class SurvivalWaits(Struct, frozen=True):
    """Tell people what keeps this node, of two, from going on without the other."""

    reason: str


class SurvivalOver(Struct, frozen=True):
    """Tell people that this node has a majority again, and so goes on: it waits no more."""


class SetTimer(Struct, frozen=True):
    """Give TimerFired at `at_ms`; replaces the timer of the same name."""

    timer: Timer
    at_ms: int


class CancelTimer(Struct, frozen=True):
    """The timer is no longer wanted."""

    timer: Timer


class JoinAccepted(Struct, frozen=True, kw_only=True):
    """Answer to a join, numbered so that the member knows the write that follows from it."""

    call: int
    inventory: Inventory
    number: int
    load: NodeLoad | None = None
    """Filled in by the member's shell, which measures it."""


class OrderTaken(Struct, frozen=True, kw_only=True):
    """Answer to an order."""

    call: int
    call_id: int


class Ended(Struct, frozen=True, kw_only=True):
    """Answer to cancelling and forgetting."""

    call: int
    found: bool


class FencingAnswered(Struct, frozen=True, kw_only=True):
    """Answer to the wish to fence a node, or to vouch for it."""

    call: int
    confirmed: bool
    devices: tuple[str, ...] = ()
    reason: str = ""


class Cleaned(Struct, frozen=True, kw_only=True):
    """Answer to a cleanup: a line for each resource and node."""

    call: int
    lines: tuple[str, ...]


class FailureOrdered(Struct, frozen=True):
    """Answer to the wish to have a resource fail: its node has taken the order."""

    call: int


class LeaveBegun(Struct, frozen=True):
    """Answer to the wish to leave: it is committed that this node shuts down."""

    call: int


class Refused(Struct, frozen=True, kw_only=True):
    """Answer to any call: nothing was done. The reason is for people."""

    call: int
    code: ExitCode
    reason: str


class Forward(Struct, frozen=True, kw_only=True):
    """Ask the controller of `node`, the DC, the same and give its answer to the caller."""

    call: int
    node: NodeName


class ReportProgress(Struct, frozen=True, kw_only=True):
    """What followers of the controller's progress see (features 24.10); sent when it changed."""

    state: str
    dc: str
    token: Token
    quorate: bool
    actions_total: int
    actions_done: int
    running: tuple[str, ...]
    settled_index: int
    transition: int


class Exit(Struct, frozen=True, kw_only=True):
    """End the process with this code; the reason is for the log."""

    code: ExitCode
    reason: str


class LeavingWaits(Struct, frozen=True):
    """Tell people what keeps this node from leaving."""

    reason: str


Answer = (
    JoinAccepted
    | OrderTaken
    | Ended
    | FencingAnswered
    | Cleaned
    | FailureOrdered
    | LeaveBegun
    | Refused
    | Forward
)
Effect = (
    Record
    | SendJoin
    | SendOrder
    | SendCancel
    | SendForget
    | Schedule
    | Execute
    | Cancel
    | Forget
    | RaiseToken
    | AskExecutor
    | ConfirmResults
    | ReadMetadata
    | RunFencing
    | AskToGoAlone
    | GoAlone
    | SurvivalWaits
    | SurvivalOver
    | SetTimer
    | CancelTimer
    | Answer
    | ReportProgress
    | Exit
    | LeavingWaits
)
