"""Matching instances of two clones (or bundles) that run on the same node."""

from __future__ import annotations

from crmd.scheduler.node_attributes import colocation_attribute
from crmd.scheduler.placement.choice import note_choice, sorted_nodes
from crmd.scheduler.placement.colocation import same
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

_PART_TASKS = {"stopped": "stop", "running": "start", "demoted": "demote", "promoted": "promote"}


def part_task(part: Resource, task: str) -> str:
    """Return the task of a part that a task of the whole stands for."""
    if part.variant is Variant.PRIMITIVE:
        return _PART_TASKS.get(task, task)
    return task


def places(rsc: Resource, *, current: bool) -> list[Node]:
    """Return the nodes where a resource and all below it are, or will be."""
    if current:
        return rsc.nodes_now()
    if rsc.children:
        found: dict[Node, None] = {}
        for child in rsc.children:
            found.update(dict.fromkeys(places(child, current=False)))
        return list(found)
    return [rsc.assigned] if rsc.assigned is not None else []


def only_place(rsc: Resource, *, current: bool) -> Node | None:
    """Return the node where a resource is (or will be), if it is one."""
    if not (current or rsc.children):
        return rsc.assigned
    found = places(rsc, current=current)
    return found[0] if len(found) == 1 else None


def instances_of(rsc: Resource) -> list[Resource]:
    """Return the instances of a clone, or the containers of a bundle."""
    if rsc.variant is Variant.BUNDLE:
        return [child for child in rsc.children if child.replica_container]
    return rsc.children


def any_blocked(rsc: Resource) -> bool:
    """Whether a resource or anything below it is blocked."""
    return rsc.blocked or any(any_blocked(child) for child in rsc.children)


def instance_matches(
    instance: Resource,
    node: Node,
    *,
    role: Role,
    current: bool,
    attribute: str | None = None,
) -> bool:
    """Whether an instance is (or will be) on a node, in a role if one is given."""
    if role is not Role.UNKNOWN and role is not instance.kind.role(instance, current):
        return False
    place = only_place(instance, current=current)
    if place is None:
        return False
    if attribute is None:
        return place is node and not any_blocked(instance)
    there = colocation_attribute(place, attribute, instance)
    here = colocation_attribute(node, attribute, instance)
    return same(there, here) and not any_blocked(instance)


def compatible_instance(
    run: Run,
    rsc: Resource,
    collective: Resource,
    *,
    role: Role,
    current: bool,
    attribute: str | None = None,
) -> Resource | None:
    """Return the instance of `collective` on the node of `rsc` (or its best allowed node)."""
    place = only_place(rsc, current=current)
    if place is not None:
        nodes = [place]
    else:
        nodes = sorted_nodes(run, rsc.scores, rsc.scores, None)
        note_choice(run, rsc, nodes, None, whole=True)
    for node in nodes:
        for instance in instances_of(collective):
            if instance_matches(instance, node, role=role, current=current, attribute=attribute):
                return instance
    return None
