"""Bundles: containers, and the resource that runs inside them (features 11)."""

from __future__ import annotations

from cib_store.model.scores import INFINITY, add_scores
from crmd.scheduler.actions.book import find_exact, resource_pseudo
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.constraints.colocations import (
    extend_this_with,
    extend_with_this,
    new_colocation,
)
from crmd.scheduler.constraints.locations import apply_location
from crmd.scheduler.constraints.ordering import add_ordering, order_resources
from crmd.scheduler.kinds.primitive import no_preparation
from crmd.scheduler.placement.choice import assign_to, sorted_nodes
from crmd.scheduler.placement.colocation import (
    add_colocated_scores,
    colocated_resources,
    keep_to,
)
from crmd.scheduler.placement.criteria import banned_by_failures
from crmd.scheduler.placement.instances import assign_instances, sorted_instances
from crmd.scheduler.placement.promotion import score_there
from crmd.scheduler.placement.score_lines import show_scores
from crmd.scheduler.plan.collective import (
    collective_action_flags,
    create_instance_actions,
    update_collective,
)
from crmd.scheduler.plan.instances import (
    any_blocked,
    instance_matches,
    instances_of,
    only_place,
)
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
from crmd.scheduler.state.behaviour import Behaviour
from crmd.scheduler.state.bundle import BundleSettings, Replica
from crmd.scheduler.state.constraint import Colocation, Location
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

_OF_THE_INNER = ("notify", "notified", "promote", "promoted", "demote", "demoted")


def settings_of(rsc: Resource) -> BundleSettings:
    """Return what only bundles have."""
    assert rsc.containers is not None, f"{rsc.id} is no bundle"
    return rsc.containers


def _active(rsc: Resource, every: bool) -> bool:
    """Whether any part is active, or every one."""
    found = [
        part.kind.active(part, every)
        for replica in settings_of(rsc).replicas
        for part in (replica.ip, replica.child, replica.container, replica.remote)
        if part is not None
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


def _assign(run: Run, rsc: Resource, prefer: Node | None, stop_if_fail: bool) -> Node | None:
    """Place the containers, what comes with each, and then what runs inside."""
    settings = settings_of(rsc)
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
    for node in child.scores:
        if node is not replica.node:
            child.scores[node] = -INFINITY
        elif banned_by_failures(run, child, node) is None:
            child.scores[node] = INFINITY
    assert child.parent is not None
    child.parent.assigning = True
    child.kind.assign(run, child, replica.node, stop_if_fail)
    child.parent.assigning = False


def _apply_location(run: Run, rsc: Resource, location: Location) -> None:
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


def _apply_colocation(
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


def _with_this(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    if _shares_colocations(rsc, origin):
        extend_with_this(found, rsc.with_this)


def _this_with(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    if _shares_colocations(rsc, origin):
        extend_this_with(found, rsc.this_with)


def _add_utilization(
    rsc: Resource, origin: Resource, together: list[Resource], used: dict[str, str]
) -> None:
    """Count one container."""
    containers = instances_of(rsc)
    if rsc.unassigned and containers:
        first = containers[0]
        first.kind.add_utilization(first, origin, together, used)


def _no_shutdown_lock(run: Run, rsc: Resource) -> None:
    """Bundles are not kept for a node that shuts down (features 16.26)."""


def _internal_constraints(run: Run, rsc: Resource) -> None:
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


def _create_probe(run: Run, rsc: Resource, node: Node) -> bool:
    created = [_probe_replica(run, rsc, replica, node) for replica in settings_of(rsc).replicas]
    return any(created)


def _probe_replica(run: Run, rsc: Resource, replica: Replica, node: Node) -> bool:
    created = False
    container, ip, child, remote = (
        replica.container,
        replica.ip,
        replica.child,
        replica.remote,
    )
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


def _create_actions(run: Run, rsc: Resource) -> None:
    settings = settings_of(rsc)
    for replica in settings.replicas:
        for part in (replica.ip, replica.container, replica.remote):
            if part is not None:
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


def _action_flags(run: Run, action: Action, node: Node | None) -> int:
    """Roles are the affair of what is inside, all else that of the containers."""
    assert action.rsc is not None
    inner = settings_of(action.rsc).inner
    parts = instances_of(action.rsc)
    if inner is not None and action.task in _OF_THE_INNER:
        parts = inner.children
    return collective_action_flags(run, action, parts, node)


def _told(rsc: Resource) -> list[Resource]:
    return [
        part
        for replica in settings_of(rsc).replicas
        for part in (replica.ip, replica.container, replica.remote, replica.child)
        if part is not None
    ]


def _graph_order(rsc: Resource) -> list[Resource]:
    """What is inside comes first; a bundle's own actions come with those of no resource."""
    settings = settings_of(rsc)
    found = [settings.inner] if settings.inner is not None else []
    for replica in settings.replicas:
        found += [
            part for part in (replica.ip, replica.container, replica.remote) if part is not None
        ]
    return found


def _no_meta(rsc: Resource, attributes: dict[str, str]) -> None:
    """Bundles add nothing to the attributes of their parts' actions."""


BUNDLE = Behaviour(
    role=lambda rsc, now: Role.UNKNOWN,
    active=_active,
    active_node=_active_node,
    max_per_node=lambda rsc: settings_of(rsc).replicas_per_host,
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
    before_graph=no_preparation,
    graph_order=_graph_order,
    told=_told,
    graph_meta=_no_meta,
)
