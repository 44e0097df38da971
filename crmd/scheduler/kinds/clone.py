"""Clones: a resource in several instances, promotable or not (features 9.5 to 9.26)."""

from __future__ import annotations

from cib_store.model.scores import INFINITY, add_scores
from cib_store.model.values import is_true
from crmd.scheduler.constraints.colocations import (
    extend_this_with,
    extend_with_this,
    this_with_colocations,
    with_this_colocations,
)
from crmd.scheduler.constraints.locations import apply_location
from crmd.scheduler.constraints.ordering import order_resources
from crmd.scheduler.digests import meta_name
from crmd.scheduler.kinds.group import highest_role, parts_active
from crmd.scheduler.kinds.primitive import active_node
from crmd.scheduler.placement.choice import assign_to
from crmd.scheduler.placement.colocation import (
    add_colocated_scores,
    add_dependent_scores,
    colocated_resources,
    keep_to,
)
from crmd.scheduler.placement.instances import (
    assign_instances,
    instance_number,
    sorted_instances,
)
from crmd.scheduler.placement.promotion import (
    add_promotion_scores,
    follow_role,
    prefer_promotion,
    score_there,
    set_instance_roles,
)
from crmd.scheduler.placement.score_lines import show_scores
from crmd.scheduler.plan.collective import (
    collective_action_flags,
    create_instance_actions,
    update_collective,
)
from crmd.scheduler.plan.instances import any_blocked, compatible_instance, only_place
from crmd.scheduler.plan.notifications import create_notifications
from crmd.scheduler.plan.promotable import create_promotable_actions, order_promotable_instances
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN_GRAPHED,
    ORDERED,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
)
from crmd.scheduler.state.behaviour import Behaviour
from crmd.scheduler.state.constraint import Colocation, Location, ProbeMode
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import CloneSettings, Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def _settings(rsc: Resource) -> CloneSettings:
    assert rsc.clone is not None, f"{rsc.id} is no clone"
    return rsc.clone


def _assign(run: Run, rsc: Resource, prefer: Node | None, stop_if_fail: bool) -> Node | None:
    """Place what the clone depends on, then its instances; a clone as a whole has no node."""
    if not rsc.unassigned or rsc.assigning:
        return None
    rsc.assigning = True
    if rsc.promotable:
        add_promotion_scores(run, rsc)
    for each in this_with_colocations(rsc):
        each.primary.kind.assign(run, each.primary, prefer, stop_if_fail)
    for each in with_this_colocations(rsc):
        add_dependent_scores(run, each, rsc)
    show_scores(run, rsc, "pcmk__clone_assign")
    rsc.children = sorted_instances(run, rsc.children)
    settings = _settings(rsc.top)
    assign_instances(run, rsc, rsc.children, settings.clone_max, settings.clone_node_max)
    if rsc.promotable:
        set_instance_roles(run, rsc)
    rsc.unassigned = rsc.assigning = False
    return None


def _apply_location(run: Run, rsc: Resource, location: Location) -> None:
    apply_location(run, rsc, location)
    for instance in rsc.children:
        instance.kind.apply_location(run, instance, location)


def _can_interleave(run: Run, colocation: Colocation) -> bool:
    dependent, primary = colocation.dependent, colocation.primary
    if dependent.variant <= Variant.GROUP or not is_true(dependent.meta.get("interleave")):
        return False
    if dependent.kind.max_per_node(dependent) != primary.kind.max_per_node(primary):
        run.ignore(
            "interleave-mismatch",
            f"Cannot interleave {dependent.id} and {primary.id}: "
            "they allow different numbers of instances per node",
        )
        return False
    return True


def _apply_colocation(
    run: Run, dependent: Resource, clone: Resource, colocation: Colocation, ask_primary: bool
) -> int:
    """Place (or promote) a primitive by where the instances of the clone are."""
    if clone.unassigned:
        return 0
    if clone.promotable and colocation.primary_role is not Role.UNKNOWN:
        if dependent.unassigned:
            follow_role(run, dependent, clone, colocation)
            return 0
        if colocation.dependent_role is Role.PROMOTED:
            return prefer_promotion(run, dependent, clone, colocation)
    if _can_interleave(run, colocation):
        return _follow_neighbour(run, dependent, clone, colocation)
    if colocation.score >= INFINITY:
        places: dict[Node, int] = {}
        for instance in clone.children:
            place = only_place(instance, current=False)
            if place is not None and not any_blocked(instance):
                places[place] = score_there(instance)
        keep_to(dependent, places, add=False)
        return 0
    change = 0
    for instance in clone.children:
        delta = instance.kind.apply_colocation(run, dependent, instance, colocation, False)
        change = add_scores(change, delta)
    return change


def _follow_neighbour(
    run: Run, dependent: Resource, clone: Resource, colocation: Colocation
) -> int:
    """Place an instance with the one of the clone that it can be with."""
    instance = compatible_instance(run, dependent, clone, role=Role.UNKNOWN, current=False)
    if instance is not None:
        return dependent.kind.apply_colocation(run, dependent, instance, colocation, True)
    if colocation.score >= INFINITY:
        assign_to(run, dependent, None, force=True, stop_if_fail=True)
    return 0


def _with_this(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    extend_with_this(found, rsc.with_this)
    if rsc.parent is not None:
        rsc.parent.kind.with_this(rsc.parent, origin, found)


def _this_with(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    extend_this_with(found, rsc.this_with)
    if rsc.parent is not None:
        rsc.parent.kind.this_with(rsc.parent, origin, found)


def _add_utilization(
    rsc: Resource, origin: Resource, together: list[Resource], used: dict[str, str]
) -> None:
    """Count the instances that are among what goes together, or else the first."""
    if not rsc.unassigned:
        return
    counted = False
    for instance in rsc.children:
        if instance in together:
            counted = True
        elif any(member in together for member in instance.children):
            instance.kind.add_utilization(instance, origin, together, used)
            counted = True
    if not counted and rsc.children:
        first = rsc.children[0]
        first.kind.add_utilization(first, origin, together, used)


def _no_shutdown_lock(run: Run, rsc: Resource) -> None:
    """Clones are not kept for a node that shuts down (features 16.26)."""


def _internal_constraints(run: Run, rsc: Resource) -> None:
    order_resources(run, rsc, "stopped", rsc, "start", ORDERED)
    order_resources(run, rsc, "start", rsc, "running", UNRUNNABLE_FIRST_BLOCKS)
    order_resources(run, rsc, "stop", rsc, "stopped", UNRUNNABLE_FIRST_BLOCKS)
    if rsc.promotable:
        order_resources(run, rsc, "demoted", rsc, "stop", ORDERED)
        order_resources(run, rsc, "running", rsc, "promote", UNRUNNABLE_FIRST_BLOCKS)
    ordered = _settings(rsc).ordered
    if ordered:
        rsc.children.sort(key=instance_number)
    starts = UNRUNNABLE_FIRST_BLOCKS | THEN_IMPLIES_FIRST_GRAPHED
    for at, instance in enumerate(rsc.children):
        instance.kind.internal_constraints(run, instance)
        order_resources(run, rsc, "start", instance, "start", starts)
        order_resources(run, instance, "start", rsc, "running", FIRST_IMPLIES_THEN_GRAPHED)
        order_resources(run, rsc, "stop", instance, "stop", THEN_IMPLIES_FIRST_GRAPHED)
        order_resources(run, instance, "stop", rsc, "stopped", FIRST_IMPLIES_THEN_GRAPHED)
        for later in rsc.children[at + 1 :] if ordered else ():
            order_resources(run, instance, "start", later, "start", ORDERED)
            order_resources(run, later, "stop", instance, "stop", ORDERED)
    if rsc.promotable:
        order_promotable_instances(run, rsc)


def _is_probed(rsc: Resource, node: Node) -> bool:
    if rsc.children:
        return any(_is_probed(child, node) for child in rsc.children)
    return node in rsc.probed_on


def _create_probe(run: Run, rsc: Resource, node: Node) -> bool:
    """Probe each unique instance; of anonymous ones, one that belongs there (features 9.26)."""
    if rsc.exclusive_discovery and (
        node not in rsc.scores or rsc.probe_modes.get(node) is not ProbeMode.EXCLUSIVE
    ):
        rsc.scores.pop(node, None)
        return False
    rsc.children.sort(key=instance_number)
    if rsc.unique:
        created = [child.kind.create_probe(run, child, node) for child in rsc.children]
        return any(created)
    chosen = next((each for each in rsc.children if _is_probed(each, node)), None)
    if chosen is None:
        here = (each for each in rsc.children if only_place(each, current=False) is node)
        chosen = next(here, rsc.children[0])
    return chosen.kind.create_probe(run, chosen, node)


def _create_actions(run: Run, rsc: Resource) -> None:
    create_instance_actions(run, rsc, rsc.children)
    if rsc.promotable:
        create_promotable_actions(run, rsc)


def _action_flags(run: Run, action: Action, node: Node | None) -> int:
    assert action.rsc is not None
    return collective_action_flags(run, action, action.rsc.children, node)


def _before_graph(run: Run, rsc: Resource) -> None:
    for action in reversed(rsc.actions):
        _action_flags(run, action, None)
    create_notifications(run, rsc)


def _graph_meta(rsc: Resource, attributes: dict[str, str]) -> None:
    settings = _settings(rsc.top)
    told = {
        "globally-unique": "true" if rsc.unique else "false",
        "notify": "true" if rsc.notify else "false",
        "clone-max": str(settings.clone_max),
        "clone-node-max": str(settings.clone_node_max),
    }
    if rsc.promotable:
        for prefix in ("promoted", "master"):
            told[f"{prefix}-max"] = str(settings.promoted_max)
            told[f"{prefix}-node-max"] = str(settings.promoted_node_max)
    attributes.update((meta_name(name), value) for name, value in told.items())


CLONE = Behaviour(
    role=highest_role,
    active=parts_active,
    active_node=active_node,
    max_per_node=lambda rsc: _settings(rsc).clone_node_max,
    assign=_assign,
    apply_location=_apply_location,
    apply_colocation=_apply_colocation,
    colocated=colocated_resources,
    with_this=_with_this,
    this_with=_this_with,
    add_colocated_scores=add_colocated_scores,
    add_utilization=_add_utilization,
    shutdown_lock=_no_shutdown_lock,
    internal_constraints=_internal_constraints,
    create_probe=_create_probe,
    create_actions=_create_actions,
    action_flags=_action_flags,
    update_ordered=update_collective,
    before_graph=_before_graph,
    graph_order=lambda rsc: [*rsc.children, rsc],
    told=lambda rsc: rsc.children,
    graph_meta=_graph_meta,
)
