"""Resources as the scheduler sees them: configuration, status and placement of one resource."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from cib_store.model.scores import INFINITY
from raftmaker.vocabulary.roles import Role

if TYPE_CHECKING:
    from cib_store.document.element import Element
    from crmd.scheduler.state.action import Action
    from crmd.scheduler.state.behaviour import Behaviour
    from crmd.scheduler.state.bundle import BundleSettings
    from crmd.scheduler.state.constraint import Colocation, Location, ProbeMode, TicketConstraint
    from crmd.scheduler.state.node import Node
    from crmd.scheduler.state.notification import Notification


class Variant(IntEnum):
    """Kinds of resource, in the order in which placement ranks them."""

    PRIMITIVE = 1
    GROUP = 2
    CLONE = 3
    BUNDLE = 4


class MultipleActive(Enum):
    """What to do with a resource that is active on several nodes (features: multiple-active)."""

    STOP_START = "stop_start"
    STOP_ONLY = "stop_only"
    BLOCK = "block"
    STOP_UNEXPECTED = "stop_unexpected"


class CloneSettings(Struct, eq=False, kw_only=True):
    """What only clones have."""

    child: Element
    clone_max: int
    clone_node_max: int
    promoted_max: int = 0
    promoted_node_max: int = 0
    ordered: bool = False
    total: int = 0
    """Instances created so far, removed ones included."""

    # Written by the placement stage.
    promotion_scored: bool = False
    """The promotion scores count among the instances' scores."""
    promotion_sorted: bool = False
    """The instances are sorted by promotion priority."""

    # Written by the plan stage.
    notifications: dict[str, Notification] = field(default_factory=dict)
    """By the task that is announced."""


class Resource(Struct, eq=False, kw_only=True):
    """One resource of any kind; hashed and compared by identity."""

    # Configuration.
    id: str
    variant: Variant
    kind: Behaviour
    """What this kind of resource does at each stage."""
    element: Element
    """The configuration with its template filled in."""
    operations: tuple[Element, ...] = ()
    parent: Resource | None = None
    children: list[Resource] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    utilization: dict[str, str] = field(default_factory=dict)
    parameters: dict[Node | None, dict[str, str]] = field(default_factory=dict)
    """Agent parameters by node, as rules may depend on it; a cache (`parameters.py`)."""
    clone: CloneSettings | None = None
    containers: BundleSettings | None = None
    """What only bundles have."""
    group_ordered: bool = True
    group_colocated: bool = True
    launcher: Resource | None = None
    """The resource that starts this one's host: of a guest node's connection, its machine."""
    launched: list[Resource] = field(default_factory=list)

    priority: int = 0
    stickiness: int = 0
    migration_threshold: int = INFINITY
    failure_timeout_ms: int = 0
    reconnect_interval_ms: int = 0
    multiple_active: MultipleActive = MultipleActive.STOP_START
    critical: bool = False
    notify: bool = False
    unique: bool = False
    promotable: bool = False
    fence_device: bool = False
    remote_connection: bool = False
    replica_container: bool = False
    remote_nesting_allowed: bool = False
    needs_quorum: bool = False
    needs_fencing: bool = False
    needs_unfencing: bool = False
    migratable: bool = False

    # Configuration, narrowed by status: an unmanaged failure is blocked.
    managed: bool = False
    maintenance: bool = False
    blocked: bool = False

    # Written by the status stage.
    removed: bool = False
    removed_launched: bool = False
    failed: bool = False
    stop_if_failed: bool = False
    ignore_failure: bool = False
    start_pending: bool = False
    history_id: str | None = None
    """The name under which the operation history knows this instance."""
    role: Role = Role.STOPPED
    """The role it has now."""
    active_on: list[Node] = field(default_factory=list)
    probed_on: dict[Node, None] = field(default_factory=dict)
    """Nodes where the state is known (a dict, for its order)."""
    pending_task: str | None = None
    pending_node: Node | None = None
    migration_source: Node | None = None
    migration_target: Node | None = None
    """Both set while a live migration is under way."""
    dangling_sources: list[Node] = field(default_factory=list)
    lock_node: Node | None = None
    lock_time: int = 0

    # Written by the status, criteria and placement stages.
    next_role: Role = Role.UNKNOWN
    """The role it shall have."""
    scores: dict[Node, int] = field(default_factory=dict)
    """Score on each node where it is allowed or known; absent nodes are not allowed."""
    probe_modes: dict[Node, ProbeMode] = field(default_factory=dict)
    counts: dict[Node, int] = field(default_factory=dict)
    """Instances assigned to each node, for clones."""
    exclusive_discovery: bool = False
    locations: list[Location] = field(default_factory=list)
    tickets: list[TicketConstraint] = field(default_factory=list)
    this_with: list[Colocation] = field(default_factory=list)
    with_this: list[Colocation] = field(default_factory=list)

    # Written by the placement stage.
    unassigned: bool = True
    assigning: bool = False
    updating_scores: bool = False
    assigned: Node | None = None
    assigned_score: int = 0
    """Its score on that node when it was assigned."""
    promotion_priority: int = 0

    # Written by the plan stage.
    actions: list[Action] = field(default_factory=list)
    """Oldest first."""
    by_key: dict[str, list[Action]] = field(default_factory=dict)
    restarting: bool = False
    reloading: bool = False
    stop_unexpected: bool = False

    @property
    def xml_id(self) -> str:
        """The id in the configuration, without an instance number."""
        return self.element.id

    @property
    def standard(self) -> str:
        """The ``class`` of the agent."""
        return self.element.get("class")

    @property
    def top(self) -> Resource:
        """The outermost resource around this one, bundles left out."""
        at = self
        while at.parent is not None and at.parent.variant is not Variant.BUNDLE:
            at = at.parent
        return at

    @property
    def outermost(self) -> Resource:
        """The outermost resource around this one, bundles included."""
        at = self
        while at.parent is not None:
            at = at.parent
        return at

    @property
    def is_anonymous_clone(self) -> bool:
        """Whether this is a clone whose instances are interchangeable."""
        return self.variant is Variant.CLONE and not self.unique

    @property
    def is_unique_clone(self) -> bool:
        """Whether this is a clone whose instances are told apart."""
        return self.variant is Variant.CLONE and self.unique

    @property
    def bundle(self) -> Resource | None:
        """The bundle that this resource is part of, if any."""
        at: Resource | None = self
        while at is not None and at.variant is not Variant.BUNDLE:
            at = at.parent
        return at

    def part(self, id_: str) -> Resource | None:
        """Return what is configured as `id_`: this resource or something in it."""
        if id_ in (self.id, self.xml_id):
            return self
        found = (child.part(id_) for child in self.children)
        return next((part for part in found if part is not None), None)

    def nodes_now(self, *, pending: bool = False) -> list[Node]:
        """Return the nodes where it or part of it is active (or, with `pending`, about to be)."""
        if self.children:
            found: dict[Node, None] = {}
            for child in self.children:
                found.update(dict.fromkeys(child.nodes_now(pending=pending)))
            return list(found)
        nodes = list(self.active_on)
        if pending and self.pending_node is not None and self.pending_node not in nodes:
            nodes.append(self.pending_node)
        return nodes

    def is_below(self, other: Resource) -> bool:
        """Whether `other` contains this resource, at any depth."""
        at = self.parent
        while at is not None:
            if at is other:
                return True
            at = at.parent
        return False

    def __repr__(self) -> str:
        return f"Resource({self.id})"
