"""What a status shows, as values; every printer reads only this."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class NodeState(Enum):
    """A node's state in words, as Pacemaker prints them; the first that applies."""

    UNCLEAN_ONLINE = "UNCLEAN (online)"
    UNCLEAN_PENDING = "UNCLEAN (pending)"
    UNCLEAN_OFFLINE = "UNCLEAN (offline)"
    PENDING = "pending"
    STANDBY_ACTIVE = "standby (with active resources)"
    STANDBY = "standby"
    OFFLINE_STANDBY = "OFFLINE (standby)"
    MAINTENANCE = "maintenance"
    OFFLINE_MAINTENANCE = "OFFLINE (maintenance)"
    ONLINE = "online"
    OFFLINE = "OFFLINE"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One node."""

    name: str
    id: str
    state: NodeState
    kind: str = "member"
    is_dc: bool = False
    attributes: tuple[tuple[str, str], ...] = ()
    running: int = 0

    @property
    def online(self) -> bool:
        """Whether it is a member that can be given work or holds some."""
        return self.state not in (
            NodeState.OFFLINE, NodeState.OFFLINE_STANDBY, NodeState.OFFLINE_MAINTENANCE,
            NodeState.UNCLEAN_OFFLINE,
        )  # fmt: skip

    @property
    def unclean(self) -> bool:
        """Whether its state is unknown, so that it must be fenced."""
        return self.state.value.startswith("UNCLEAN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A resource (instance) on one node."""

    node: str
    role: str
    failed: bool = False
    pending: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceView:
    """One resource: a primitive (or an instance), group, clone or bundle."""

    id: str
    kind: str
    agent: str = ""
    activities: tuple[Activity, ...] = ()
    members: tuple[ResourceView, ...] = ()
    target_role: str = ""
    managed: bool = True
    maintenance: bool = False
    orphan: bool = False
    blocked: bool = False
    promotable: bool = False
    unique: bool = False
    nodes_expected: tuple[str, ...] = ()
    """For clones: the online nodes, so that those without an instance can be named."""

    @property
    def disabled(self) -> bool:
        """Whether it is to be stopped."""
        return self.target_role.lower() == "stopped"

    @property
    def active(self) -> bool:
        """Whether it, or something in it, runs anywhere."""
        return bool(self.activities) or any(member.active for member in self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAction:
    """An operation whose result was not the expected one."""

    key: str
    resource: str
    operation: str
    interval_ms: int
    node: str
    code: int
    code_text: str
    status: str
    call_id: str
    exit_reason: str
    last_change: int
    """Seconds since 1970."""
    queued_ms: str
    exec_ms: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFencing:
    """A fencing that did not succeed."""

    target: str
    action: str
    client: str
    reason: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything that is shown. `quorate` is None where nobody could be asked."""

    cluster_name: str
    dc: str
    quorate: bool | None
    version: str
    feature_set: str
    last_change: str
    change_user: str
    change_client: str
    change_origin: str
    nodes: tuple[NodeView, ...]
    resources: tuple[ResourceView, ...]
    failed_actions: tuple[FailedAction, ...]
    instances: int
    disabled: int
    blocked: int
    fencing_enabled: bool
    maintenance: bool
    has_fencing_device: bool
    bans: tuple[tuple[str, str, str, str], ...] = ()
    """Constraints made by move and ban: (id, resource, node, score)."""
    failed_fencings: tuple[FailedFencing, ...] = ()
    fail_counts: tuple[tuple[str, str, str], ...] = ()
    """(node, resource, count)."""
