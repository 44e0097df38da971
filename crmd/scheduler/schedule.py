"""What the scheduler returns: frozen values, with everything that people are shown about it."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from crmd.scheduler.graph import Graph
from raftmaker.vocabulary.reports import Report
from raftmaker.vocabulary.roles import Role


class Change(Enum):
    """What happens to a resource; the value is the word of the transition summary."""

    START = "Start"
    STOP = "Stop"
    MOVE = "Move"
    MIGRATE = "Migrate"
    RESTART = "Restart"
    RECOVER = "Recover"
    RELOAD = "Reload"
    PROMOTE = "Promote"
    DEMOTE = "Demote"
    REPROMOTE = "Re-promote"


class ResourceChange(Struct, frozen=True, kw_only=True):
    """One line of the transition summary about a resource (features section 27)."""

    change: Change
    resource: str
    role: Role
    next_role: Role
    origin: str | None
    """The node where it is now."""
    destination: str | None
    """The node where it will be."""
    reason: str | None = None
    blocked: bool = False
    """It is needed, but cannot be done."""


class NodeChange(Struct, frozen=True, kw_only=True):
    """One line of the transition summary about a node."""

    task: str
    """``Fence (reboot)``, ``Fence (on)``, ``Shutdown``."""
    node: str
    reason: str | None


class DotNode(Struct, frozen=True, kw_only=True):
    """One action in the dot picture."""

    name: str
    style: str
    color: str
    font: str
    optional: bool
    """Shown only when all actions are asked for."""


class DotEdge(Struct, frozen=True, kw_only=True):
    """One order in the dot picture."""

    first: str
    then: str
    style: str
    optional: bool


class Schedule(Struct, frozen=True, kw_only=True):
    """The decision for one version of the CIB at one time."""

    graph: Graph
    node_changes: tuple[NodeChange, ...] = ()
    resource_changes: tuple[ResourceChange, ...] = ()
    score_lines: tuple[str, ...] = ()
    dot_nodes: tuple[DotNode, ...] = ()
    dot_edges: tuple[DotEdge, ...] = ()
    reports: tuple[Report, ...] = ()
    """What is wrong with the configuration."""
    notices: tuple[str, ...] = ()
    """What people who ask for scores are told as well."""
    next_recheck: int | None = None
    """When to decide again (epoch), or None."""
