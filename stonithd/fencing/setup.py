"""What the cluster configured for fencing: devices, topology, and who is there to run them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from raftmaker.vocabulary.ids import NodeName, ResourceId


class FenceAction(Enum):
    """What a fence agent can be asked to do (features 17.17)."""

    OFF = "off"
    REBOOT = "reboot"
    ON = "on"
    LIST = "list"
    STATUS = "status"
    MONITOR = "monitor"
    METADATA = "metadata"
    VALIDATE_ALL = "validate-all"


class HostCheck(Enum):
    """How a device knows which nodes it can fence, `pcmk_host_check` (features 17.6)."""

    STATIC_LIST = "static-list"
    DYNAMIC_LIST = "dynamic-list"
    STATUS = "status"
    NONE = "none"


class Verdict(Enum):
    """Whether a device can fence a target; UNKNOWN: its agent must be asked."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Abilities(Struct, frozen=True, kw_only=True):
    """What an agent's metadata says; `target_parameter` is port, plug, or empty (features 17.3)."""

    actions: frozenset[FenceAction]
    automatic_on: bool = False
    """Unfencing is the cluster's, when the node joins (features 17.15)."""
    on_target: frozenset[FenceAction] = frozenset()
    """What the target alone can do, to itself (features 17.19)."""
    target_parameter: str = ""


class Device(Struct, frozen=True, kw_only=True):
    """A primitive of class stonith, decoded (features 17.1-17.16). Durations are ms."""

    id: ResourceId
    agent: str
    enabled: bool = True
    reason: str = ""
    """Why it is not enabled, or what is wrong with it, for people."""
    banned: tuple[NodeName, ...] = ()
    """Nodes that a location constraint of -INFINITY keeps from running it (features 17.2)."""
    host_check: HostCheck | None = None
    host_list: tuple[NodeName, ...] = ()
    host_map: Mapping[NodeName, str] = field(default_factory=dict)
    host_argument: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    provides_unfencing: bool = False
    """As configured, ``provides=unfencing``; the agent's metadata may say it too (17.15)."""
    priority: int = 0
    delay_base_ms: int = 0
    delay_by_target_ms: Mapping[NodeName, int] = field(default_factory=dict)
    delay_max_ms: int = 0
    action_limit: int = 1
    timeouts_ms: Mapping[FenceAction, int] = field(default_factory=dict)
    tries: Mapping[FenceAction, int] = field(default_factory=dict)
    words: Mapping[FenceAction, str] = field(default_factory=dict)
    abilities: Abilities | None = None
    """None: the agent is not installed on this node, or its metadata cannot be read."""

    @property
    def unfences(self) -> bool:
        """Whether a node is to be turned on by it before its resources start (features 17.15)."""
        told = self.abilities is not None and self.abilities.automatic_on
        return self.provides_unfencing or told

    def runs_on_target(self, action: FenceAction) -> bool:
        """Whether only the target itself can do this; unknown, it is assumed not (17.19)."""
        return self.abilities is not None and action in self.abilities.on_target

    def check(self) -> HostCheck:
        """How it knows its targets: as configured, else by what it has (features 17.6)."""
        if self.host_check is not None:
            return self.host_check
        if self.host_list or self.host_map:
            return HostCheck.STATIC_LIST
        actions = self.abilities.actions if self.abilities else frozenset((FenceAction.LIST,))
        if FenceAction.LIST in actions:
            return HostCheck.DYNAMIC_LIST
        return HostCheck.STATUS if FenceAction.STATUS in actions else HostCheck.NONE

    def can_fence(self, target: NodeName) -> Verdict:
        """Whether it can fence `target`, as far as the configuration alone tells."""
        match self.check():
            case HostCheck.NONE:
                return Verdict.YES
            case HostCheck.STATIC_LIST:
                known = target in self.host_list or target in self.host_map
                return Verdict.YES if known else Verdict.NO
            case HostCheck.DYNAMIC_LIST | HostCheck.STATUS:
                return Verdict.UNKNOWN

    def port(self, target: NodeName) -> str:
        """What the device calls `target` (features 17.4)."""
        return self.host_map.get(target, target)


class TopologyLevel(Struct, frozen=True, kw_only=True):
    """One ``fencing-level``: exactly one of the three ways to name targets is used (17.22)."""

    index: int
    devices: tuple[ResourceId, ...]
    target: NodeName = NodeName("")
    pattern: str = ""
    attribute: str = ""
    value: str = ""


class Setup(Struct, frozen=True, kw_only=True):
    """The configuration as one node sees it; `devices` are sorted by id."""

    devices: tuple[Device, ...] = ()
    topology: tuple[TopologyLevel, ...] = ()
    members: tuple[NodeName, ...] = ()
    """Nodes that take part, this one included, sorted."""
    monitored: tuple[tuple[ResourceId, NodeName], ...] = ()
    """Where a device's recurring monitor succeeds: preferred executors (features 17.28)."""
    attributes: Mapping[NodeName, Mapping[str, str]] = field(default_factory=dict)
    fencing_timeout_ms: int = 60_000

    def device(self, name: ResourceId) -> Device | None:
        """Return the device called `name`."""
        for device in self.devices:
            if device.id == name:
                return device
        return None

    def levels_of(self, target: NodeName) -> tuple[TopologyLevel, ...]:
        """The levels for `target` in order: by name, else by pattern, else by attribute (17.22)."""
        ways = (
            [level for level in self.topology if level.target and level.target == target],
            [level for level in self.topology if level.pattern and _matches(level, target)],
            [
                level
                for level in self.topology
                if level.attribute
                and self.attributes.get(target, {}).get(level.attribute) == level.value
            ],
        )
        for found in ways:
            if found:
                return tuple(sorted(found, key=lambda level: level.index))
        return ()


def _matches(level: TopologyLevel, target: NodeName) -> bool:
    try:
        return re.search(level.pattern, target) is not None
    except re.error:
        return False
