"""The state of the controller's core: one frozen value, made of a part for each idea."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from cib_store.document.element import Element
from crmd.fsa.config import Config
from crmd.fsa.effects import ReportProgress, SendCancel, SendForget, SendOrder
from crmd.fsa.events import Timer
from crmd.fsa.executor import AgentTraits, Inventory
from crmd.fsa.purpose import ForAction, Purpose
from crmd.transition.throttle import NodeLoad
from crmd.transition.values import TransitionState
from lrmd.operations.values import Agent, FailureId, OperationRequest, Result
from raftmaker.vocabulary.commands import CibOperation
from raftmaker.vocabulary.ids import BootId, NodeName, ResourceId, Session, Token
from raftmaker.vocabulary.membership import Facts, LogPlace, NodeFacts


class Name(Enum):
    """The states that people know (features 24.10), and S_ISOLATED for no contact to a majority."""

    S_STARTING = "S_STARTING"
    S_PENDING = "S_PENDING"
    S_NOT_DC = "S_NOT_DC"
    S_ELECTION = "S_ELECTION"
    S_INTEGRATION = "S_INTEGRATION"
    S_FINALIZE_JOIN = "S_FINALIZE_JOIN"
    S_POLICY_ENGINE = "S_POLICY_ENGINE"
    S_TRANSITION_ENGINE = "S_TRANSITION_ENGINE"
    S_IDLE = "S_IDLE"
    S_STOPPING = "S_STOPPING"
    S_ISOLATED = "S_ISOLATED"


class View(Struct, frozen=True, kw_only=True):
    """What the watch of the store showed last."""

    index: int = 0
    cib: Element | None = None
    facts: Facts = Facts()
    is_watched: bool = False
    silent_since: Mapping[NodeName, tuple[Session, int]] = field(default_factory=dict)
    """Per node that is not present: its session, and when that was first seen here (ms)."""


# --- the member's side -------------------------------------------------------------------------


class QueuedResult(Struct, frozen=True):
    """A result that is to be committed; `is_known`: a join already told it, only count failures."""

    result: Result
    is_known: bool = False


class QueuedPending(Struct, frozen=True):
    """An operation began: it is to be shown as pending (features 8.11).

    `is_known`: a join told what came of it while this was being committed; not tried again.
    """

    request: OperationRequest
    is_known: bool = False


class QueuedRemoval(Struct, frozen=True, kw_only=True):
    """History of a resource, or of a part of it, is to be removed; `is_known`: as above."""

    resource: ResourceId
    operation: str = ""
    interval_ms: int = 0
    failure: FailureId | None = None
    is_known: bool = False


Queued = QueuedResult | QueuedPending | QueuedRemoval


class LocalOrder(Struct, frozen=True, kw_only=True):
    """What was asked of the local executor and is not answered yet."""

    calls: tuple[int, ...]
    operation: OperationRequest | None = None
    removal: QueuedRemoval | None = None
    action: int | None = None
    """The action of the isolated transition for which it is."""


class LocalJoin(Struct, frozen=True, kw_only=True):
    """A join for which the local executor's token is being raised."""

    call: int
    token: Token
    session: Session
    deadline_ms: int


class Member(Struct, frozen=True, kw_only=True):
    """This node as a member: executor, join, and results on their way to the CIB."""

    is_executor_up: bool = False
    incarnation: str = ""
    joined: Token | None = None
    """The DC's token under which this node takes orders."""
    join_count: int = 0
    join_number: int = 0
    """Names the last join; orders given under an earlier one come too late."""
    join_mark: str = ""
    """What the DC writes into `node_state` when it has stored this node's inventory."""
    needs_join: bool = True
    """The CIB may not show what runs here; only a join mends it."""
    joins: Mapping[int, LocalJoin] = field(default_factory=dict)
    orders: Mapping[int, LocalOrder] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    """Transition keys of operations taken under the present token, and their call ids."""
    queue: tuple[Queued, ...] = ()
    flush_at_ms: int | None = None
    batch: int = 0
    """How many entries at the head of the queue are being committed."""
    batch_index: int = 0
    """Log position of the last batch; the next one is built on a view that contains it."""
    stored_serial: int = 0
    """Results up to this number are committed."""
    known_serial: int = 0
    """Results up to this number were part of the inventory of the last join."""
    traits: Mapping[Agent, AgentTraits | None] = field(default_factory=dict)
    """None: asked for, not yet answered."""


# --- the DC's side -----------------------------------------------------------------------------


class JoinPhase(Enum):
    """How far a node's join is (features 24.8)."""

    ASKED = "asked"
    FORGETTING = "forgetting"
    """It told failures that were cleared while it was away: it forgets them, and is asked again."""
    FAILED = "failed"
    WRITING = "writing"
    JOINED = "joined"
    GIVEN_UP = "given up"
    """It cannot be reached and is to be fenced."""


class Joiner(Struct, frozen=True, kw_only=True):
    """A present node as the DC knows it."""

    boot_id: BootId
    session: Session
    phase: JoinPhase
    inventory: Inventory | None = None
    number: int = 0
    index: int = 0
    """Log position of the write that made it a member, or that has it fenced; 0: not written."""
    retry_at_ms: int = 0
    forgetting: frozenset[int] = frozenset()
    """Orders to forget that are not answered yet."""
    unreached_since_ms: int | None = None
    refused_since_ms: int | None = None


class Order(Struct, frozen=True, kw_only=True):
    """An order that its member has not accepted yet."""

    effect: SendOrder | SendCancel | SendForget
    action: ForAction | None = None
    """The action for which it is, of whichever transition; None: a cleanup, or a join."""
    cleanup: int | None = None
    """The cleanup for which it is."""
    call: int | None = None
    """Who waits for it, of those who had a resource fail."""
    then: tuple[CibOperation, ...] = ()
    """What is written when the member has done it."""


class Refusal(Struct, frozen=True):
    """What a member would not do. Two are equal when the same was asked again."""

    member: NodeName
    what: str


class FencePhaseHere(Enum):
    """How far the DC is with a fencing."""

    HELD = "held"
    INTENT = "intent"
    RUNNING = "running"
    RESULT = "result"


class Fencing(Struct, frozen=True, kw_only=True):
    """A fencing that the DC carries out: intent committed, devices run, result committed."""

    target: NodeName
    boot_id: BootId
    session: Session
    action: str
    reason: str
    phase: FencePhaseHere
    at_ms: int = 0
    """When the present step may begin or be tried again; unread once it has been asked for."""
    timeout_ms: int = 0
    delay_ms: int = 0
    client: str = ""
    origin: NodeName = NodeName("")
    actions: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    request: int = 0
    is_confirmed: bool = False
    devices: tuple[str, ...] = ()
    outcome: str = ""
    ended_s: int = 0
    """When the devices were done, seconds since 1970."""


class Unfencing(Struct, frozen=True, kw_only=True):
    """A present node that is being turned on, for an action of a graph or for a person."""

    target: NodeName
    session: Session
    action: ForAction | None = None
    call: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    """What is to be noted of the devices' parameters, by attribute (features 15.19)."""


class Cleanup(Struct, frozen=True, kw_only=True):
    """A cleanup under way: what is still to be answered, and what to tell the caller."""

    call: int
    waiting: int
    lines: tuple[str, ...]


class Dc(Struct, frozen=True, kw_only=True):
    """What only the DC knows; gone with its lease."""

    token: Token
    joiners: Mapping[NodeName, Joiner] = field(default_factory=dict)
    transition: TransitionState | None = None
    transition_count: int = 0
    magics: Mapping[int, str] = field(default_factory=dict)
    """Per action of the transition that is over: the result that ended it."""
    is_stale: bool = True
    """Something changed since the last schedule was asked for."""
    stale_reason: str = "this node became DC"
    not_before_ms: int = 0
    """No schedule before this (transition-delay, back-off)."""
    refusals: Mapping[Refusal, int] = field(default_factory=dict)
    """How often each order was refused since anything new happened."""
    refused_until_ms: int = 0
    """No schedule before this while nothing new happens."""
    executors: Mapping[NodeName, str] = field(default_factory=dict)
    """Incarnation of each member's executor at its last join."""
    schedule_request: int | None = None
    schedule_index: int = 0
    settled_index: int = 0
    recheck_at_ms: int | None = None
    orders: Mapping[int, Order] = field(default_factory=dict)
    fencings: Mapping[NodeName, Fencing] = field(default_factory=dict)
    fencing_index: int = 0
    """Log position of the newest result: an older view shows intents that are over."""
    unfencings: Mapping[int, Unfencing] = field(default_factory=dict)
    """By the request to the fencer."""
    unfencing_failures: Mapping[NodeName, int] = field(default_factory=dict)
    """Since the last success; a DC that takes over counts anew."""
    cleanups: Mapping[int, Cleanup] = field(default_factory=dict)
    loads: Mapping[NodeName, NodeLoad] = field(default_factory=dict)
    """What members told of their load when they joined, and since."""


class Isolation(Struct, frozen=True, kw_only=True):
    """What a node without contact to a majority does with its own resources."""

    since_ms: int
    request: int | None = None
    """The question to the executor, or to the scheduler, that is not answered yet."""
    inventory: Inventory | None = None
    is_stale: bool = True
    retry_at_ms: int = 0
    transition: TransitionState | None = None
    transition_count: int = 0


class SurvivalPhase(Enum):
    """How far one of two nodes is with going on alone."""

    RESTING = "resting"
    ASKING = "asking"
    PLANNING = "planning"
    FENCING = "fencing"
    GOING = "going"


class Survival(Struct, frozen=True, kw_only=True):
    """One of two nodes on its way to go on alone (protocols, Two nodes)."""

    phase: SurvivalPhase = SurvivalPhase.RESTING
    at_ms: int = 0
    """When it is tried (again), while it rests."""
    request: int = 0
    """What is not answered yet."""
    place: LogPlace | None = None
    target: NodeName = NodeName("")
    boot_id: BootId = BootId("")
    action: str = ""
    is_void: bool = False
    """Contact was back while the device ran: its answer is waited for and counts for nothing."""
    answer: str = ""
    """Why the store said last that this node must not go on alone."""
    reason: str = ""
    """What people were told last that it waits for."""


class Standing(Struct, frozen=True, kw_only=True):
    """This process's standing in the cluster."""

    started_ms: int = 0
    is_open: bool = False
    """This process's start is what the facts show."""
    retry_at_ms: int = 0
    outdated_view: int | None = None
    """Log position of a view that a fact relied on in vain; a newer one ends the pause."""
    asked_index: int = 0
    """Log position of the last fact that this node asked for."""
    has_seen_dc: bool = False
    """A DC was granted the lease, or joined this node, since this process started."""
    first_token: Token | None = None
    """The highest token granted when this process first saw the facts."""
    found: tuple[NodeFacts, ...] = ()
    """The nodes when this process's start was committed: some may have been off for long."""
    has_start_state: bool = False
    """Nothing is to be written any more of the state in which this node joins."""
    waits_since_ms: int | None = None
    """Since when this node, a member, has waited for a first DC."""
    stale_lease: Token | None = None
    """A lease of this node that must not be used any more (another process, a lost contact)."""
    no_election_before_ms: int = 0


class Leaving(Struct, frozen=True, kw_only=True):
    """This node is leaving in good order."""

    calls: tuple[int, ...] = ()
    now_s: int = 0
    deadline_ms: int = 0
    is_announced: bool = False
    """The shutdown attribute is committed."""
    retry_at_ms: int = 0
    waits_for: str = ""
    """What people were told last that it waits for."""
    has_left: bool = False


class ControllerState(Struct, frozen=True, kw_only=True):
    """Everything the controller's core knows. Mappings are never changed in place."""

    config: Config
    name: Name = Name.S_STARTING
    answered_ms: int | None = None
    """When the newest beat that a majority answered was sent."""
    view: View = View()
    records: Mapping[int, Purpose] = field(default_factory=dict)
    timers: Mapping[Timer, int] = field(default_factory=dict)
    last_request: int = 0
    standing: Standing = Standing()
    member: Member = Member()
    dc: Dc | None = None
    isolation: Isolation | None = None
    survival: Survival | None = None
    leaving: Leaving | None = None
    has_exited: bool = False
    progress: ReportProgress | None = None
