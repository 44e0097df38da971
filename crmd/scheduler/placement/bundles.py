"""Placing a bundle: its containers, what comes with each, and what runs inside (features 11)."""

from __future__ import annotations

from cib_store.model.scores import INFINITY, add_scores
from crmd.scheduler.constraints.colocations import (
    extend_this_with,
    extend_with_this,
    new_colocation,
)
from crmd.scheduler.constraints.locations import apply_location
from crmd.scheduler.placement.choice import assign_to, sorted_nodes
from crmd.scheduler.placement.colocation import keep_to
from crmd.scheduler.placement.criteria import banned_by_failures
from crmd.scheduler.placement.instances import assign_instances, sorted_instances
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.placement.promotion import score_there
from crmd.scheduler.placement.score_lines import show_scores
from crmd.scheduler.plan.instances import any_blocked, instance_matches, instances_of, only_place
from crmd.scheduler.state.bundle import Replica, settings_of
from crmd.scheduler.state.constraint import Colocation, Location
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

_LOOP = "colocation-loop"
_LOOP_MAX = 16
"""So often placing a bundle may lead back to it. A few times is in order, more is a loop."""


def assign_bundle(run: Run, rsc: Resource, prefer: Node | None, stop_if_fail: bool) -> Node | None:
    """Place the containers, what comes with each, and then what runs inside."""
    settings = settings_of(rsc)
    if settings.entered >= _LOOP_MAX:
        _report_loop(run, rsc)
        return None
    settings.entered += 1
    rsc.assigning = True
    show_scores(run, rsc, "pcmk__bundle_assign")
    containers = sorted_instances(run, instances_of(rsc))
    assign_instances(run, rsc, containers, settings.replica_count, settings.replicas_per_host)
    for replica in settings.replicas:
        _assign_replica(run, replica, prefer, stop_if_fail)
    inner = settings.inner
    if inner is not None:
        nodes = [replica.node for replica in settings.replicas]
        for node in inner.scores:
            inner.scores[node] = 0 if node in nodes else -INFINITY
        inner.kind.assign(run, inner, prefer, stop_if_fail)
    rsc.assigning = rsc.unassigned = False
    settings.entered -= 1
    return None


def _assign_replica(run: Run, replica: Replica, prefer: Node | None, stop_if_fail: bool) -> None:
    if replica.ip is not None:
        replica.ip.kind.assign(run, replica.ip, prefer, stop_if_fail)
    remote, host = replica.remote, replica.container.assigned
    if remote is not None:
        if host is not None and host.is_remote_kind:
            # The connection has to be made where the connection to its host is.
            assert host.remote is not None
            id_ = "#replica-remote-with-host-remote"
            new_colocation(run, id_, INFINITY, remote, host.remote, influence=True)
        remote.kind.assign(run, remote, prefer, stop_if_fail)
    child = replica.child
    if child is None:
        return
    with noted(run, child, Origin.CONTAINER, f"it runs in {replica.container.id} alone"):
        for node in child.scores:
            if node is not replica.node:
                child.scores[node] = -INFINITY
            elif banned_by_failures(run, child, node) is None:
                child.scores[node] = INFINITY
    assert child.parent is not None
    child.parent.assigning = True
    child.kind.assign(run, child, replica.node, stop_if_fail)
    child.parent.assigning = False


def apply_location_to_bundle(run: Run, rsc: Resource, location: Location) -> None:
    """Containers go by a bundle's locations; promotion inside, by those with a role."""
    apply_location(run, rsc, location)
    settings = settings_of(rsc)
    for replica in settings.replicas:
        container, ip = replica.container, replica.ip
        container.kind.apply_location(run, container, location)
        if ip is not None:
            ip.kind.apply_location(run, ip, location)
    inner = settings.inner
    if inner is not None and location.role in (Role.UNPROMOTED, Role.PROMOTED):
        inner.kind.apply_location(run, inner, location)
        inner.locations.append(location)


def _host_of(node: Node | None) -> Node | None:
    """Return the node that hosts a container, if the node is one."""
    if node is None or not node.is_container:
        return node
    assert node.remote is not None
    assert node.remote.launcher is not None
    return only_place(node.remote.launcher, current=False)


def _container_beside(run: Run, dependent: Resource, bundle: Resource) -> Resource | None:
    """Return the container on the node of `dependent`, or else on its best allowed node."""
    place = _host_of(only_place(dependent, current=False))
    if place is not None:
        hosts: list[Node | None] = [place]
    else:
        nodes = sorted_nodes(run, dependent.scores, dependent.scores, None)
        hosts = [_host_of(node) for node in nodes]
    for host in hosts:
        for container in instances_of(bundle) if host is not None else ():
            assert host is not None
            if instance_matches(container, host, role=Role.UNKNOWN, current=False):
                return container
    return None


def follow_bundle(
    run: Run, dependent: Resource, bundle: Resource, colocation: Colocation, ask_primary: bool
) -> int:
    """Place a primitive by where the containers are."""
    if bundle.unassigned:
        return 0
    if colocation.dependent.variant > Variant.GROUP:
        container = _container_beside(run, dependent, bundle)
        if container is not None:
            return dependent.kind.apply_colocation(run, dependent, container, colocation, True)
        if colocation.score >= INFINITY:
            assign_to(run, dependent, None, force=True, stop_if_fail=True)
        return 0
    change = 0
    places: dict[Node, int] = {}
    for replica in settings_of(bundle).replicas:
        container = replica.container
        if colocation.score < INFINITY:
            delta = container.kind.apply_colocation(run, dependent, container, colocation, False)
            change = add_scores(change, delta)
        elif (place := _place_in_role(replica, colocation.primary_role)) is not None:
            places[place] = score_there(container)
    if colocation.score >= INFINITY:
        keep_to(dependent, places, add=False)
    return change


def _place_in_role(replica: Replica, role: Role) -> Node | None:
    """Return the host of a container, if what is inside has the role that is asked for."""
    place = only_place(replica.container, current=False)
    if place is None or any_blocked(replica.container):
        return None
    child = replica.child
    if role >= Role.PROMOTED and (child is None or child.next_role < Role.PROMOTED):
        return None
    return place


def _shares_colocations(rsc: Resource, origin: Resource) -> bool:
    """Whether the bundle's colocations are those of one of its parts.

    They are the containers'; those of a promotable resource inside only where they concern its
    promotion.
    """
    if origin is rsc or origin.replica_container:
        return True
    inner = settings_of(rsc).inner
    if inner is None or not inner.promotable or origin.top is not inner:
        return False
    if origin is inner:
        return inner.clone is not None and inner.clone.promotion_sorted
    return not origin.unassigned


def with_bundle(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    """Collect what is colocated with a bundle."""
    if _shares_colocations(rsc, origin):
        extend_with_this(found, rsc.with_this)


def bundle_with(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    """Collect what a bundle is colocated with."""
    if _shares_colocations(rsc, origin):
        extend_this_with(found, rsc.this_with)


def add_bundle_utilization(
    rsc: Resource, origin: Resource, together: list[Resource], used: dict[str, str]
) -> None:
    """Count one container."""
    containers = instances_of(rsc)
    if rsc.unassigned and containers:
        first = containers[0]
        first.kind.add_utilization(first, origin, together, used)


def _report_loop(run: Run, rsc: Resource) -> None:
    if not any(each.code == _LOOP and each.where == rsc.id for each in run.reports):
        run.ignore(
            _LOOP,
            "colocations lead from what runs inside back to the bundle",
            where=rsc.id,
            mend="remove one of them",
        )
