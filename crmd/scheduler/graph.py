"""The transition graph: what the scheduler orders, as plain frozen values that can be pickled.

An action may start once all its inputs are done. The graph is acyclic, and every id among
``inputs`` names one of its actions (or, rarely, of its `Graph.absent`: then it never starts).
Attribute names and values are those of Pacemaker's graph XML (`crmd.scheduler.graph_xml` writes
it), so an executor needs no knowledge of the CIB.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field


class ActionKind(Enum):
    """Who carries an action out; the value is the XML element."""

    RESOURCE = "rsc_op"
    """The executor of a node (lrmd): start, stop, monitor, notify, cancel, delete, ..."""
    PSEUDO = "pseudo_event"
    """Nobody: a point in the order, done as soon as its inputs are."""
    CLUSTER = "crm_event"
    """The controller itself: stonith, do_shutdown, clear_failcount, lrm_delete."""


class ActionResource(Struct, frozen=True, kw_only=True):
    """The resource that an action works on, as the executor knows it."""

    id: str
    """The name in the operation history."""
    long_id: str | None = None
    """The name of the instance, where it differs in kind: clones (anonymous clones)."""
    standard: str
    """``class`` in XML: ocf, systemd, lsb, service, stonith."""
    provider: str | None = None
    type: str


class GraphAction(Struct, frozen=True, kw_only=True):
    """One action with everything needed to carry it out; one synapse of the graph XML."""

    id: int
    """Counts every action that was considered, so ids have gaps."""
    kind: ActionKind
    operation: str
    """``start``, ``stop``, ``monitor``, ``stonith``, ...: the task."""
    operation_key: str
    """``RESOURCE_OPERATION_INTERVAL``, the name in the operation history."""
    internal_operation_key: str | None = None
    """The key with the name of the clone instance, where `operation_key` has the history's."""
    on_node: str | None = None
    """Name of the node where it happens (for fencing: the target)."""
    on_node_uuid: str | None = None
    router_node: str | None = None
    """For actions on a remote or guest node: the cluster node that carries them there."""
    shutdown_lock: int | None = None
    """When the resource was locked to the node by its shutdown, in seconds since the epoch."""
    resource: ActionResource | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Agent parameters by name; everything else as ``CRM_meta_NAME`` (timeout and interval in ms,
    ``CRM_meta_on_fail``, ``CRM_meta_op_no_wait``, ...). Sorted by name."""
    priority: int = 0
    """Larger goes first where only some of the ready actions may start."""
    downed: tuple[str, ...] = ()
    """Ids of the nodes that this action brings down on purpose."""
    maintenance: tuple[tuple[str, bool], ...] = ()
    """Remote nodes (ids) whose maintenance state has to be recorded, and the state."""
    inputs: tuple[int, ...] = ()
    """Ids of the actions that must be done before this one, ascending."""

    @property
    def interval_ms(self) -> int:
        """Interval of a recurring operation in ms; 0 for all others."""
        return int(self.attributes.get("CRM_meta_interval", "0"))

    @property
    def timeout_ms(self) -> int | None:
        """Time limit in ms, or None where the action has none of its own."""
        value = self.attributes.get("CRM_meta_timeout")
        return int(value) if value is not None else None

    @property
    def is_unfencing(self) -> bool:
        """Whether it turns its node on, which lives and goes on living (features 17.40)."""
        return (
            self.operation == "stonith" and self.attributes.get("CRM_meta_stonith_action") == "on"
        )

    @property
    def can_fail(self) -> bool:
        """Whether the graph goes on as if the action had succeeded when it fails."""
        return self.attributes.get("CRM_meta_can_fail") == "true"

    @property
    def no_wait(self) -> bool:
        """Whether the action counts as done as soon as it has been sent (``op_no_wait``)."""
        return self.attributes.get("CRM_meta_op_no_wait") == "true"


class Graph(Struct, frozen=True, kw_only=True):
    """A transition: actions in the order of the synapses, and how to execute them."""

    actions: tuple[GraphAction, ...] = ()
    absent: tuple[GraphAction, ...] = ()
    """Inputs that cannot be done in this transition; what waits for them is not done either."""
    cluster_delay: str = "60s"
    fencing_timeout: str = "60s"
    failed_stop_offset: str = "INFINITY"
    failed_start_offset: str = "INFINITY"
    batch_limit: str = "0"
    """At most this many actions at once over the whole cluster; 0 is no limit."""
    migration_limit: str | None = None
    """At most this many live migrations at once on a node."""
    recheck_by: int | None = None
    """When the decision should be made again, in seconds since the epoch."""

    @property
    def by_id(self) -> Mapping[int, GraphAction]:
        """The actions by id; built at each call."""
        return {action.id: action for action in self.actions}
