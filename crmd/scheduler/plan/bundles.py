"""Orders, probes and actions of a bundle and its parts (features 11.18)."""

from __future__ import annotations

from cib_store.model.scores import INFINITY
from crmd.scheduler.actions.book import find_exact, resource_pseudo
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.constraints.colocations import new_colocation
from crmd.scheduler.constraints.ordering import add_ordering, order_resources
from crmd.scheduler.plan.collective import collective_action_flags, create_instance_actions
from crmd.scheduler.plan.instances import instances_of
from crmd.scheduler.plan.promotable import order_role_changes
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN_GRAPHED,
    GUEST_ALLOWED,
    IF_ON_SAME_NODE,
    NESTED_REMOTE_PROBE,
    ORDERED,
    THEN_IMPLIES_FIRST,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
)
from crmd.scheduler.state.bundle import Replica, settings_of
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run

_OF_THE_INNER = ("notify", "notified", "promote", "promoted", "demote", "demoted")


def internal_constraints(run: Run, rsc: Resource) -> None:
    """Order the parts of a bundle among each other and with its own actions."""
    settings = settings_of(rsc)
    for replica in settings.replicas:
        _constrain_replica(run, rsc, replica)
    inner = settings.inner
    if inner is None:
        return
    _pass_on(run, rsc, inner, "start", "running")
    _pass_on(run, rsc, inner, "stop", "stopped")
    inner.kind.internal_constraints(run, inner)
    if inner.promotable:
        order_role_changes(run, rsc)
        _pass_on(run, rsc, inner, "demote", "demoted")
        _pass_on(run, rsc, inner, "promote", "promoted")


def _pass_on(run: Run, rsc: Resource, inner: Resource, task: str, done: str) -> None:
    order_resources(run, rsc, task, inner, task, THEN_IMPLIES_FIRST_GRAPHED)
    order_resources(run, inner, done, rsc, done, FIRST_IMPLIES_THEN_GRAPHED)


def _constrain_replica(run: Run, rsc: Resource, replica: Replica) -> None:
    """The address comes before its container and goes after it (features 11.18)."""
    container, ip, child = replica.container, replica.ip, replica.child
    container.kind.internal_constraints(run, container)
    starts = UNRUNNABLE_FIRST_BLOCKS | THEN_IMPLIES_FIRST_GRAPHED
    order_resources(run, rsc, "start", container, "start", starts)
    if child is not None:
        order_resources(run, rsc, "stop", child, "stop", THEN_IMPLIES_FIRST_GRAPHED)
    order_resources(run, rsc, "stop", container, "stop", THEN_IMPLIES_FIRST_GRAPHED)
    order_resources(run, container, "start", rsc, "running", FIRST_IMPLIES_THEN_GRAPHED)
    order_resources(run, container, "stop", rsc, "stopped", FIRST_IMPLIES_THEN_GRAPHED)
    if ip is not None:
        ip.kind.internal_constraints(run, ip)
        starts = UNRUNNABLE_FIRST_BLOCKS | GUEST_ALLOWED
        order_resources(run, ip, "start", container, "start", starts)
        order_resources(run, container, "stop", ip, "stop", THEN_IMPLIES_FIRST | GUEST_ALLOWED)
        new_colocation(run, "#ip-with-container", INFINITY, ip, container, influence=True)
    if replica.remote is not None:
        replica.remote.kind.internal_constraints(run, replica.remote)


def create_probes(run: Run, rsc: Resource, node: Node) -> bool:
    """Probe the parts on a node; what is inside only where its container is the node."""
    created = [_probe_replica(run, rsc, replica, node) for replica in settings_of(rsc).replicas]
    return any(created)


def _probe_replica(run: Run, rsc: Resource, replica: Replica, node: Node) -> bool:
    created = False
    container, ip = replica.container, replica.ip
    child, remote = replica.child, replica.remote
    if ip is not None:
        created = ip.kind.create_probe(run, ip, node)
    if child is not None and node is replica.node:
        created = child.kind.create_probe(run, child, node) or created
    if container.kind.create_probe(run, container, node):
        created = True
        _order_others_after(run, rsc, container)
    if remote is not None and remote.kind.create_probe(run, remote, node):
        probes = find_exact(remote, operation_key(remote.id, "monitor"), node)
        for probe in probes[:1]:
            created = True
            add_ordering(
                run,
                NESTED_REMOTE_PROBE,
                first_rsc=container,
                first_key=operation_key(container.id, "start"),
                then_rsc=remote,
                then=probe,
            )
    return created


def _order_others_after(run: Run, rsc: Resource, probed: Resource) -> None:
    """With one container a host, none starts on a host where another may yet be found."""
    if settings_of(rsc).replicas_per_host != 1:
        return
    for other in instances_of(rsc):
        if other is not probed:
            flags = ORDERED | IF_ON_SAME_NODE
            order_resources(run, probed, "monitor", other, "start", flags)


def create_actions(run: Run, rsc: Resource) -> None:
    """Register the actions of all parts, and those that stand for them together."""
    settings = settings_of(rsc)
    for replica in settings.replicas:
        for part in replica.implied:
            part.kind.create_actions(run, part)
    create_instance_actions(run, rsc, instances_of(rsc))
    inner = settings.inner
    if inner is None:
        return
    inner.kind.create_actions(run, inner)
    if inner.promotable:
        for task, done in (("promote", "promoted"), ("demote", "demoted")):
            resource_pseudo(run, rsc, task, optional=True, runnable=True)
            end = resource_pseudo(run, rsc, done, optional=True, runnable=True)
            end.priority = INFINITY


def action_flags(run: Run, action: Action, node: Node | None) -> int:
    """Roles are the affair of what is inside, all else that of the containers."""
    assert action.rsc is not None
    inner = settings_of(action.rsc).inner
    parts = instances_of(action.rsc)
    if inner is not None and action.task in _OF_THE_INNER:
        parts = inner.children
    return collective_action_flags(run, action, parts, node)


def told_parts(rsc: Resource) -> list[Resource]:
    """Return the parts in the order in which people are told of changes."""
    return [part for replica in settings_of(rsc).replicas for part in replica.parts]


def graph_order(rsc: Resource) -> list[Resource]:
    """What is inside comes first; a bundle's own actions come with those of no resource."""
    settings = settings_of(rsc)
    implied = [part for replica in settings.replicas for part in replica.implied]
    return implied if settings.inner is None else [settings.inner, *implied]
