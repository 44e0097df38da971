"""What a kind of resource does differently: one table a kind (`crmd.scheduler.kinds`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from raftmaker.vocabulary.roles import Role

if TYPE_CHECKING:
    from crmd.scheduler.state.action import Action
    from crmd.scheduler.state.constraint import Colocation, Location
    from crmd.scheduler.state.node import Node
    from crmd.scheduler.state.resource import Resource
    from crmd.scheduler.state.run import Run


class Selection(Struct, frozen=True):
    """Which colocations carry scores over from one resource to another."""

    this_with: bool = False
    """Follow what a resource is colocated with, instead of what is colocated with it."""
    nonnegative: bool = False
    """Never turn a usable node unusable."""
    active: bool = False
    """Give up where no node is usable."""


class Behaviour(Struct, frozen=True, kw_only=True):
    """The functions that differ between primitives, groups, clones and bundles."""

    # Status
    role: Callable[[Resource, bool], Role]
    """(resource, now) -> its role now, or the one it shall have."""
    active: Callable[[Resource, bool], bool]
    """(resource, every part) -> whether it is active."""
    active_node: Callable[[Resource], tuple[Node | None, int, int]]
    """The node it counts as active on; on how many it is; on how many clean ones."""
    max_per_node: Callable[[Resource], int]

    # Placement
    assign: Callable[[Run, Resource, Node | None, bool], Node | None]
    """(run, resource, preferred node, whether to stop it where none fits) -> node."""
    apply_location: Callable[[Run, Resource, Location], None]
    apply_colocation: Callable[[Run, Resource, Resource, Colocation, bool], int]
    """(run, dependent, primary, colocation, ask the dependent's kind first) -> priority change."""
    colocated: Callable[[Run, Resource, Resource | None, list[Resource]], list[Resource]]
    """(run, resource, origin, found so far) -> all that must be on one node with it."""
    with_this: Callable[[Resource, Resource, list[Colocation]], None]
    """(resource, origin, list to extend): colocations of others with it."""
    this_with: Callable[[Resource, Resource, list[Colocation]], None]
    add_colocated_scores: Callable[
        [
            Run,
            Resource,
            Resource | None,
            dict[Node, int] | None,
            Colocation | None,
            float,
            Selection,
        ],
        dict[Node, int] | None,
    ]
    """(run, source, target, scores, colocation, factor, selection) -> new scores."""
    add_utilization: Callable[[Resource, Resource, list[Resource], dict[str, str]], None]
    shutdown_lock: Callable[[Run, Resource], None]

    # Plan
    internal_constraints: Callable[[Run, Resource], None]
    create_probe: Callable[[Run, Resource, Node], bool]
    create_actions: Callable[[Run, Resource], None]
    action_flags: Callable[[Run, Action, Node | None], int]
    update_ordered: Callable[[Run, Action, Action, Node | None, int, int, int], int]
    """(run, first, then, node, flags of first, flags that count, relation) -> what changed."""

    # Schedule
    before_graph: Callable[[Run, Resource], None]
    """Last changes before the actions are collected (notifications)."""
    graph_order: Callable[[Resource], list[Resource]]
    """Its parts, and itself for its own actions, in the order of the graph."""
    told: Callable[[Resource], list[Resource]]
    """Its parts in the order in which people are told of changes; none of a single resource."""
    graph_meta: Callable[[Resource, dict[str, str]], None]
