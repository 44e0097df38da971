"""Nodes as the scheduler sees them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from crmd.scheduler.state.constraint import ProbeMode
from crmd.scheduler.state.trail import Condition

if TYPE_CHECKING:
    from crmd.scheduler.digests import Digests
    from crmd.scheduler.state.resource import Resource


class NodeKind(Enum):
    """How a node belongs to the cluster. A guest is a remote node whose connection is launched."""

    MEMBER = "member"
    REMOTE = "remote"


class Node(Struct, eq=False, kw_only=True):
    """One node. Compared and hashed by identity: scores are kept in dicts by node."""

    id: str
    name: str
    kind: NodeKind
    score: int = 0
    """Added to every resource's score here; -INFINITY once the node is known to be unusable."""
    probe_mode: ProbeMode = ProbeMode.ALWAYS
    """Whether resources are probed here, unless a constraint says otherwise."""
    attributes: dict[str, str] = field(default_factory=dict)
    """Permanent and transient attributes, the transient ones winning."""
    utilization: dict[str, str] = field(default_factory=dict)
    """Capacity left; placement consumes it."""

    # Written by the status stage.
    online: bool = False
    unclean: bool = False
    pending: bool = False
    shutdown: bool = False
    maintenance: bool = False
    standby: bool = False
    standby_on_fail: bool = False
    seen: bool = False
    expected_up: bool = False
    history_read: bool = False
    probes_allowed: bool = True
    remote_maintenance: bool = False
    """What the status section last recorded, for remote nodes."""
    remote_fenced: bool = False
    remote_reset: bool = False
    """The remote node must be fenced before its connection is used again."""
    priority: int = 0
    """Sum of the priorities of what runs here (features: priority-fencing-delay)."""
    running: list[Resource] = field(default_factory=list)
    """Primitives active here."""
    remote: Resource | None = None
    """The connection resource of a remote or guest node."""

    # Written by the placement stage.
    assigned_count: int = 0
    relied_on: bool = False
    """Some placement might have been another without it (until the trail is told)."""

    digests: dict[str, Digests] = field(default_factory=dict)
    """Parameter digests of operations here, by operation key; a cache."""

    @property
    def is_remote_kind(self) -> bool:
        """Whether this is a remote or a guest node."""
        return self.kind is NodeKind.REMOTE

    @property
    def is_guest(self) -> bool:
        """Whether the node is a guest: a resource of the cluster launches it."""
        return (
            self.kind is NodeKind.REMOTE
            and self.remote is not None
            and self.remote.launcher is not None
        )

    @property
    def is_container(self) -> bool:
        """Whether the node is a container of a bundle."""
        return self.is_guest and self.remote is not None and self.remote.bundle is not None

    @property
    def is_remote(self) -> bool:
        """Whether the node is a remote node that no resource launches."""
        return self.kind is NodeKind.REMOTE and not self.is_guest

    def __repr__(self) -> str:
        return f"Node({self.name})"


def condition(node: Node) -> Condition:
    """Return all that decides what may happen on a node, its attributes aside."""
    return (
        node.online,
        node.unclean,
        node.pending,
        node.shutdown,
        node.maintenance,
        node.standby,
        node.standby_on_fail,
        node.seen,
        node.expected_up,
        node.probes_allowed,
        node.score,
    )


def available(node: Node | None) -> bool:
    """Whether a node may run resources at all, scores aside."""
    return (
        node is not None
        and node.online
        and not node.shutdown
        and not node.unclean
        and not node.standby
        and not node.maintenance
    )
