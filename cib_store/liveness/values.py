"""State, events and effects of a voter's liveness (protocols, Liveness); times are boot-time ms."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from cib_store.liveness.deadtime import Transit
from raftmaker.vocabulary.commands import ControllerLost, NodeLost, RenewSession
from raftmaker.vocabulary.ids import BootId, NodeName, Session, Term
from raftmaker.vocabulary.membership import Facts, NodeFacts


class Daemon(Enum):
    """Which daemon of a node sent a beat."""

    STORE = "store"
    CONTROLLER = "controller"


class Silence(Struct, frozen=True, kw_only=True):
    """A voter's report of a session. It stands until a committed fact gives the node another one.

    `node_silent`: both daemons; otherwise the controller alone. `heard_again`: it waits to be
    withdrawn, and the voter still answers none of the session's beats.
    """

    node: NodeName
    boot_id: BootId
    session: Session
    node_silent: bool
    heard_again: bool = False

    def concerns(self, facts: NodeFacts) -> bool:
        """Whether this is about the node's current session."""
        return (self.node, self.boot_id, self.session) == (
            facts.node,
            facts.boot_id,
            facts.session,
        )


class Heard(Struct, frozen=True, kw_only=True):
    """When the daemons of a node's current boot were last heard; None: never."""

    store_ms: int | None = None
    controller_ms: int | None = None


class PeerReports(Struct, frozen=True, kw_only=True):
    """What another voter's newest beat reported, and when it came; `sent_us`: by its own clock."""

    at_ms: int
    boot_id: BootId = BootId("")
    sent_us: int = 0
    silences: tuple[Silence, ...] = ()
    is_old: bool = False
    """It was long on its way, or this voter stood still: who made it may have forgotten it."""


class Voter(Struct, frozen=True, kw_only=True):
    """One voter's view. Start with `started_ms` and the settings; everything else follows.

    `armed_ms`: from when a session's silence counts. `reports`: its own, by node. `ended`: a boot
    of each node that is known to be over. `proposed_ms`: when the leader proposed what.
    `doubted`: see `Elected`.
    """

    me: NodeName
    voters: tuple[NodeName, ...]
    started_ms: int
    dead_ms: int = 600
    dead_max_ms: int = 800
    stall_ms: int = 100
    tick_ms: int = 50
    ticked_ms: int | None = None
    facts: Facts = Facts()
    leads: bool = False
    term: Term = Term(0)
    armed_ms: Mapping[NodeName, int] = field(default_factory=dict)
    heard: Mapping[NodeName, Heard] = field(default_factory=dict)
    transits: Mapping[NodeName, Transit] = field(default_factory=dict)
    """How long the beats of a node's current boot were on the way."""
    ended: Mapping[NodeName, BootId] = field(default_factory=dict)
    reports: Mapping[NodeName, Silence] = field(default_factory=dict)
    peers: Mapping[NodeName, PeerReports] = field(default_factory=dict)
    passed: Mapping[NodeName, BootId] = field(default_factory=dict)
    """The boot of a voter before the one that was heard last: its late beats report nothing."""
    proposed_ms: Mapping[Loss | RenewSession, int] = field(default_factory=dict)
    doubted: tuple[Loss, ...] = ()

    @property
    def majority(self) -> int:
        """How many voters a majority is."""
        return len(self.voters) // 2 + 1


Loss = NodeLost | ControllerLost


class BeatHeard(Struct, frozen=True, kw_only=True):
    """A daemon's beat arrived (this store's own counts too). `silences`: from a voter's store.

    `sent_us`: the sender's boot-time clock; 0: not told. `is_behind`: the sender goes by an older
    list of members than this voter.
    """

    at_ms: int
    node: NodeName
    boot_id: BootId
    daemon: Daemon
    session: Session
    sent_us: int = 0
    silences: tuple[Silence, ...] = ()
    is_behind: bool = False


class FactsCommitted(Struct, frozen=True):
    """This replica applied commands that changed the facts."""

    at_ms: int
    facts: Facts


class Elected(Struct, frozen=True):
    """This store was elected, and its `LeaderStarted` is not committed yet.

    `doubted`: losses in its log that earlier leaders proposed and that it has not applied. They are
    committed with its own first entry, however much later that is, so it has to judge them.
    """

    at_ms: int
    doubted: tuple[Loss, ...]


class LeadershipChanged(Struct, frozen=True):
    """This store began to lead in `term` (its `LeaderStarted` is committed), or ceased to."""

    at_ms: int
    leads: bool
    term: Term


class VotersChanged(Struct, frozen=True):
    """Others vote from now on: silence counts anew, since the beats to a new voter begin now."""

    at_ms: int
    voters: tuple[NodeName, ...]


class Ticked(Struct, frozen=True):
    """Due every `tick_ms`, after all input that waited was given: a late one shows a stall."""

    at_ms: int


Event = BeatHeard | FactsCommitted | Elected | LeadershipChanged | VotersChanged | Ticked


class Acknowledge(Struct, frozen=True):
    """Answer the beat that is being handled. Without this effect it gets no answer."""


class Propose(Struct, frozen=True):
    """Propose this fact; `apply` refuses it when it is not current any more."""

    body: NodeLost | ControllerLost | RenewSession


class StepDown(Struct, frozen=True):
    """Give up leading: more voters seem lost than a leader could do without."""

    seeming_lost: tuple[NodeName, ...]


Effect = Acknowledge | Propose | StepDown
