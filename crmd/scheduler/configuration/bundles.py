"""Bundles: the tree of resources that a container set-up stands for (features 11.13, 11.14).

For each replica there is a container, an address if the bundle has a range of them, and, where a
resource runs inside, an instance of that and the connection to the node that the container is.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from cib_store.document.element import Element
from cib_store.model.scores import INFINITY
from crmd.scheduler.configuration.containers import (
    Description,
    address_element,
    addresses_of,
    container_element,
    describe,
    host_options,
    inner_clone,
)
from crmd.scheduler.configuration.implied import connection_element
from crmd.scheduler.configuration.nodes import add_node
from crmd.scheduler.limits import allowed_instances
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.state.bundle import BundleSettings, Replica
from crmd.scheduler.state.constraint import ProbeMode
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node, NodeKind
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run

Build = Callable[[Run, Element, Resource], Resource | None]
"""Builds a resource below another one."""

_GUEST_SCORE = 500
_REPLICA_SIZE = 8
"""A replica is worth more than its four resources: each is a node as well, for all others."""


def build_bundle(run: Run, rsc: Resource, build: Build) -> bool:
    """Build all that a bundle stands for; False where its configuration is unusable."""
    said: list[str] = []
    described = describe(rsc.element, said)
    _report(run, said)
    if described is None:
        return False
    option = "replicas" if "replicas" in described.technology.attributes else "promoted-max"
    replicas = allowed_instances(run, rsc.id, option, described.replicas, _REPLICA_SIZE)
    described = replace(described, replicas=replicas)
    rsc.unique = described.unique
    settings = rsc.containers = BundleSettings(
        agent=described.agent,
        image=described.technology.get("image"),
        replicas_per_host=described.replicas_per_host,
        replica_count=described.replicas,
    )
    if described.content is not None:
        settings.inner = build(run, inner_clone(described), rsc)
        if settings.inner is None:
            return False
        for child in settings.inner.children:
            child.exclusive_discovery = True
            _share_settings(rsc, settings.inner, child)
    if not _build_replicas(run, rsc, settings, described, build):
        return False
    if settings.inner is not None:
        rsc.children.append(settings.inner)
    return True


def _report(run: Run, said: list[str]) -> None:
    for each in said:
        run.ignore("bad-bundle", each)


def _share_settings(rsc: Resource, inner: Resource, child: Resource) -> None:
    """What the resource inside says about notifications and attributes goes for the whole."""
    inner.notify = inner.notify or child.notify
    target = child.meta.get("container-attribute-target")
    if target is not None:
        rsc.meta["container-attribute-target"] = target
        inner.meta["container-attribute-target"] = target


def _build_replicas(
    run: Run, rsc: Resource, settings: BundleSettings, described: Description, build: Build
) -> bool:
    instances = settings.inner.children if settings.inner is not None else ()
    said: list[str] = []
    addresses = addresses_of(described, len(instances) or described.replicas, said)
    _report(run, said)
    hosts = host_options(described, addresses)
    for number, address in enumerate(addresses):
        container = build(run, container_element(described, number, address, hosts), rsc)
        if container is None:
            return False
        container.replica_container = True
        rsc.children.append(container)
        replica = Replica(number=number, container=container, address=address)
        settings.replicas.append(replica)
        if address is not None:
            replica.ip = build(run, address_element(described, number, address), rsc)
            if replica.ip is None:
                return False
            rsc.children.append(replica.ip)
        if instances:
            replica.child = instances[number]
            if not _build_connection(run, rsc, described, replica, replica.child, build):
                return False
    return True


def _build_connection(
    run: Run,
    rsc: Resource,
    described: Description,
    replica: Replica,
    child: Resource,
    build: Build,
) -> bool:
    """Make the container a node, with a connection to it, where only the child may run."""
    name = f"{described.prefix}-{replica.number}"
    if name in run.by_id:
        name = f"pcmk-internal-{child.id}-remote-{replica.number}"
    node = replica.node = _node_of(run, name)
    assert child.parent is not None
    child.scores = {node: _GUEST_SCORE}
    child.probe_modes = {node: ProbeMode.EXCLUSIVE}
    child.parent.scores[node] = -INFINITY
    child.parent.probe_modes[node] = ProbeMode.EXCLUSIVE
    # Without an address of its own, a container is reached at its host's.
    given = {"server": replica.address or "#uname", "port": described.port}
    remote = build(run, connection_element(name, replica.container.id, given), rsc)
    if remote is None:
        return False
    with noted(run, remote, Origin.CONTAINER, "a connection is made from a cluster node"):
        for each in remote.scores:
            if each.is_remote_kind:
                remote.scores[each] = -INFINITY
    replica.remote = node.remote = remote
    node.attributes["#kind"] = "container"
    remote.launcher = replica.container
    remote.remote_nesting_allowed = True
    rsc.children.append(remote)
    if replica.address is not None:
        child.meta["external-ip"] = replica.address
    container = replica.container
    container.utilization, child.utilization = child.utilization, container.utilization
    return True


def _node_of(run: Run, name: str) -> Node:
    """Return the node that a container is; nothing else may run or be probed there.

    The resources built so far are told, later ones learn it from the node itself.
    """
    node = run.find_node(name)
    if node is None:
        node = add_node(run, id_=name, name=name, kind=NodeKind.REMOTE)
    node.score = -INFINITY
    node.probe_mode = ProbeMode.NEVER
    for rsc in run.resources:
        _keep_away(rsc, node)
    return node


def _keep_away(rsc: Resource, node: Node) -> None:
    if node in rsc.scores:
        rsc.scores[node] = -INFINITY
        rsc.probe_modes[node] = ProbeMode.NEVER
    for child in rsc.children:
        _keep_away(child, node)
