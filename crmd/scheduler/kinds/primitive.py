"""Primitives: a single resource with an agent."""

from __future__ import annotations

from crmd.scheduler.constraints.locations import apply_location
from crmd.scheduler.placement.colocation import add_colocated_scores, colocated_resources
from crmd.scheduler.placement.criteria import lock_to_shutdown_node
from crmd.scheduler.placement.primitive import (
    apply_colocation,
    assign_primitive,
    this_with,
    with_this,
)
from crmd.scheduler.placement.utilization import add_primitive_utilization
from crmd.scheduler.plan.orderings import update_ordered
from crmd.scheduler.plan.primitive import create_actions, internal_constraints
from crmd.scheduler.plan.probes import create_probe
from crmd.scheduler.state.action import Action
from crmd.scheduler.state.behaviour import Behaviour
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def _role(rsc: Resource, now: bool) -> Role:
    return rsc.role if now else rsc.next_role


def _active(rsc: Resource, every: bool) -> bool:
    return any(node.unclean or node.online or not rsc.managed for node in rsc.active_on)


def _happy(node: Node) -> bool:
    return node.online and not node.unclean


def active_node(rsc: Resource) -> tuple[Node | None, int, int]:
    """Return the node a resource counts as active on, on how many it is, on how many clean ones.

    While it migrates that is the source; else, unless it needs fencing, the first clean node.
    """
    active: Node | None = None
    clean = 0
    for node in rsc.active_on:
        happy = _happy(node)
        clean += happy
        if rsc.migration_source is not None:
            if node is rsc.migration_source:
                active = node
        elif not rsc.needs_fencing and happy and (active is None or not _happy(active)):
            active = node
        if active is None:
            active = node
    return active, len(rsc.active_on), clean


def _action_flags(run: Run, action: Action, node: Node | None) -> int:
    return action.flags


def no_preparation(run: Run, rsc: Resource) -> None:
    """Nothing is left to do before the graph."""


def _graph_meta(rsc: Resource, attributes: dict[str, str]) -> None:
    for name in ("clone", "remote-node"):
        value = rsc.meta.get(name)
        if value is not None:
            attributes["CRM_meta_" + name.replace("-", "_")] = value
    at: Resource | None = rsc
    while at is not None:
        if at.launcher is not None:
            attributes["CRM_meta_container"] = at.launcher.id
        at = at.parent
    address = rsc.meta.get("external-ip")
    if address is not None:
        attributes["pcmk_external_ip"] = address


PRIMITIVE = Behaviour(
    role=_role,
    active=_active,
    active_node=active_node,
    max_per_node=lambda rsc: 1,
    assign=assign_primitive,
    apply_location=apply_location,
    apply_colocation=apply_colocation,
    colocated=colocated_resources,
    with_this=with_this,
    this_with=this_with,
    add_colocated_scores=add_colocated_scores,
    add_utilization=add_primitive_utilization,
    shutdown_lock=lock_to_shutdown_node,
    internal_constraints=internal_constraints,
    create_probe=create_probe,
    create_actions=create_actions,
    action_flags=_action_flags,
    update_ordered=update_ordered,
    before_graph=no_preparation,
    graph_order=lambda rsc: [rsc],
    told=lambda rsc: [],
    graph_meta=_graph_meta,
)
