"""Bundles: containers, and the resource that runs inside them (features 11)."""

from __future__ import annotations

from crmd.scheduler.kinds.primitive import no_preparation
from crmd.scheduler.placement.bundles import (
    add_bundle_utilization,
    apply_location_to_bundle,
    assign_bundle,
    bundle_with,
    follow_bundle,
    with_bundle,
)
from crmd.scheduler.placement.colocation import add_colocated_scores, colocated_resources
from crmd.scheduler.plan.bundles import (
    action_flags,
    create_actions,
    create_probes,
    graph_order,
    internal_constraints,
    told_parts,
)
from crmd.scheduler.plan.collective import update_collective
from crmd.scheduler.plan.instances import instances_of
from crmd.scheduler.state.behaviour import Behaviour
from crmd.scheduler.state.bundle import settings_of
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def _active(rsc: Resource, every: bool) -> bool:
    """Whether any part is active, or every one."""
    found = [
        part.kind.active(part, every)
        for replica in settings_of(rsc).replicas
        for part in replica.parts
    ]
    return all(found) if every else any(found)


def _active_node(rsc: Resource) -> tuple[Node | None, int, int]:
    """Judge by the containers: a bundle is where they are."""
    containers = [each for each in instances_of(rsc) if each.active_on]
    if not containers:
        return None, 0, 0
    if len(containers) == 1:
        return containers[0].kind.active_node(containers[0])
    nodes = dict.fromkeys(node for each in containers for node in each.active_on)
    clean = [node for node in nodes if node.online and not node.unclean]
    preferred = clean if clean and not rsc.needs_fencing else list(nodes)
    return preferred[0], len(nodes), len(clean)


def _no_shutdown_lock(run: Run, rsc: Resource) -> None:
    """Bundles are not kept for a node that shuts down (features 16.26)."""


def _no_meta(rsc: Resource, attributes: dict[str, str]) -> None:
    """Bundles add nothing to the attributes of their parts' actions."""


BUNDLE = Behaviour(
    role=lambda rsc, now: Role.UNKNOWN,
    active=_active,
    active_node=_active_node,
    max_per_node=lambda rsc: settings_of(rsc).replicas_per_host,
    assign=assign_bundle,
    apply_location=apply_location_to_bundle,
    apply_colocation=follow_bundle,
    colocated=colocated_resources,
    with_this=with_bundle,
    this_with=bundle_with,
    add_colocated_scores=add_colocated_scores,
    add_utilization=add_bundle_utilization,
    shutdown_lock=_no_shutdown_lock,
    internal_constraints=internal_constraints,
    create_probe=create_probes,
    create_actions=create_actions,
    action_flags=action_flags,
    update_ordered=update_collective,
    before_graph=no_preparation,
    graph_order=graph_order,
    told=told_parts,
    graph_meta=_no_meta,
)
