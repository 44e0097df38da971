"""Everything one run of the scheduler works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.nvsets import merged_pairs
from cib_store.model.options import ClusterOptions, NoQuorum
from cib_store.model.references import Index
from cib_store.model.rules import RuleInput, Verdicts
from cib_store.model.scores import parse_score
from crmd.scheduler.state.trail import Beside, Trail
from crmd.scheduler.status.reading import Readings
from raftmaker.vocabulary.reports import Report

if TYPE_CHECKING:
    from crmd.scheduler.state.action import Action
    from crmd.scheduler.state.constraint import Colocation, Location, Ordering, Ticket
    from crmd.scheduler.state.contribution import Contribution
    from crmd.scheduler.state.node import Node
    from crmd.scheduler.state.resource import Resource


class FailedOperation(Struct, frozen=True):
    """An operation result that people should know of."""

    entry: Element
    node: str
    rsc_id: str


class DeferredCheck(Struct, frozen=True):
    """A history entry whose parameters can be compared only after placement."""

    rsc: Resource
    node: Node
    entry: Element
    only_failure: bool
    """It only matters whether a failure is still worth counting."""


class HealthScores(Struct, frozen=True):
    """What red, yellow and green are worth (features section 8)."""

    red: int = 0
    yellow: int = 0
    green: int = 0


class Run(Struct, eq=False, kw_only=True):
    """The CIB, the time, and all that the stages find out."""

    cib: Element
    now: Moment
    index: Index
    trail: Trail = field(default_factory=Trail)
    beside: Beside | None = None
    """Resources that this run leaves out; None where it has all."""
    readings: Readings = field(default_factory=Readings)
    """Histories read, in this run or an earlier one."""
    verdicts: Verdicts = field(default_factory=Verdicts)
    options: ClusterOptions = field(default_factory=ClusterOptions)

    # Options in force, read once.
    quorate: bool = False
    no_quorum: NoQuorum = NoQuorum.STOP
    fencing_enabled: bool = True
    have_fencing: bool = False
    unfencing_enabled: bool = False
    symmetric: bool = True
    maintenance_mode: bool = False
    start_failure_fatal: bool = True
    probes_enabled: bool = True
    startup_fencing: bool = True
    concurrent_fencing: bool = True
    stop_all: bool = False
    stop_removed: bool = True
    cancel_removed: bool = True
    shutdown_lock: bool = False
    shutdown_lock_ms: int = 0
    node_pending_ms: int = 0
    priority_fencing_ms: int = 0
    fence_remote_without_quorum: bool = False
    fencing_action: str = "reboot"
    placement_strategy: str = "default"
    health: HealthScores = field(default_factory=HealthScores)

    # Configuration and status.
    nodes: list[Node] = field(default_factory=list)
    """Sorted by name, numbers in it as numbers."""
    node_by_name: dict[str, Node] = field(default_factory=dict)
    """By name in lower case."""
    dc_node: Node | None = None
    have_remote_nodes: bool = False
    resources: list[Resource] = field(default_factory=list)
    """Top-level resources, by priority."""
    by_id: dict[str, Resource] = field(default_factory=dict)
    """Every resource by its instance id, for quick finding."""
    by_history: dict[str, list[Resource]] = field(default_factory=dict)
    """Resources by the name that the operation history has for them."""
    template_elements: dict[str, Element] = field(default_factory=dict)
    templates: dict[str, list[str]] = field(default_factory=dict)
    """Resources made from each template."""
    tags: dict[str, list[str]] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    failed: list[FailedOperation] = field(default_factory=list)
    rescheduled: set[tuple[Resource, Node, str]] = field(default_factory=set)
    """History entries of recurring operations whose failure expired: to be issued again."""
    deferred_checks: list[DeferredCheck] = field(default_factory=list)
    containers_to_stop: list[Resource] = field(default_factory=list)
    recheck_by: int | None = None
    reports: list[Report] = field(default_factory=list)
    """What is wrong with the configuration."""
    surplus: int = 0
    """How many resources stand in instances beyond one a node (see ``limits.py``)."""
    colocation_work: int = 0
    """How many nodes were looked at for colocated resources (see ``limits.py``)."""
    notices: list[str] = field(default_factory=list)
    """What people who ask for scores are told as well."""

    # Constraints.
    locations: list[Location] = field(default_factory=list)
    colocations: list[Colocation] = field(default_factory=list)
    orderings: list[Ordering] = field(default_factory=list)

    sanitized: bool = False
    """Private parameters were removed from the CIB, so that their digests cannot match."""

    # Placement.
    show_scores: bool = False
    show_utilization: bool = False
    score_lines: list[str] = field(default_factory=list)

    contributions: list[Contribution] | None = None
    """Where the scores come from; None where nobody asked."""

    # Plan.
    actions: list[Action] = field(default_factory=list)
    """All actions ever considered, by id; the oldest first."""
    singletons: dict[str, Action] = field(default_factory=dict)
    """Actions that belong to no resource, by key."""

    collected_by_resource: int = 0
    """How many of the graph's actions, the first, were found by going through the resources."""

    def pairs(
        self,
        owner: Element | None,
        tag: str,
        given: RuleInput | None = None,
        *,
        into: dict[str, str] | None = None,
        first_id: str | None = None,
    ) -> dict[str, str]:
        """Merge name-value sets (`merged_pairs`) with this run's time and references."""
        if owner is None or not owner.children:
            return {} if into is None else into
        return merged_pairs(
            owner,
            tag,
            given or RuleInput(now=self.now),
            self.index,
            verdicts=self.verdicts,
            into=into,
            first_id=first_id,
        )

    def ignore(self, code: str, what: str, *, where: str = "", mend: str = "") -> None:
        """Report something that the decision goes on without."""
        self.reports.append(Report(code=code, where=where, what=what, mend=mend, is_error=False))

    def find_node(self, name: str | None) -> Node | None:
        """Return the node of that name, case ignored."""
        return self.node_by_name.get(name.lower()) if name is not None else None

    def find_resource(self, id_: str) -> Resource | None:
        """Return the first resource with that id, or known to the history by it."""
        exact = self.by_id.get(id_)
        by_history = self.by_history.get(id_)
        if by_history is None:
            return exact
        known = next((rsc for rsc in by_history if rsc.history_id == id_), None)
        if exact is None or known is None:
            return exact or known
        # A removed resource may have the name that the history has for an instance.
        outermost = [rsc.outermost for rsc in (known, exact)]
        first = next((rsc for rsc in self.resources if rsc in outermost), None)
        return known if first is outermost[0] else exact

    def add_resource(self, rsc: Resource) -> None:
        """Make a resource known by its id.

        Of two with one id (a removed primitive may have had that of a clone) the first is meant
        where the configuration names it; histories are about both.
        """
        if self.by_id.setdefault(rsc.id, rsc) is not rsc:
            self.by_history.setdefault(rsc.id, []).append(rsc)

    def set_history_id(self, rsc: Resource, id_: str | None) -> None:
        """Record under which name the operation history knows a resource."""
        rsc.history_id = id_
        if id_ is not None:
            self.by_history.setdefault(id_, []).append(rsc)

    def clock(self, rsc: Resource) -> int:
        """Return the time (epoch) to judge a resource by; what is decided holds only for now."""
        self.trail.timely.setdefault(rsc.outermost.id)
        return self.now.epoch

    def note_recheck(self, when: int) -> None:
        """Ask for the decision to be made again at `when`, unless that is past."""
        if when > self.now.epoch and (self.recheck_by is None or when < self.recheck_by):
            self.recheck_by = when

    def score(self, text: str | None, default: int = 0) -> int:
        """Read a score, with the colours that node health defines."""
        match (text or "").lower():
            case "red":
                return self.health.red
            case "yellow":
                return self.health.yellow
            case "green":
                return self.health.green
            case _:
                return parse_score(text, default)

    @property
    def may_ignore_quorum(self) -> bool:
        """Whether actions may be taken as far as quorum is concerned."""
        return self.quorate or self.no_quorum is NoQuorum.IGNORE
