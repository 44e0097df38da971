"""Node attributes as a resource sees them: those of a guest node, or of its host (features 8)."""

from __future__ import annotations

from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource


def attribute_for(
    node: Node | None, name: str, target: str | None, *, assigned: bool
) -> str | None:
    """Return a node's attribute; with target "host", that of the host of a guest."""
    if node is None:
        return None
    if not node.is_guest or (target or "").lower() != "host":
        return node.attributes.get(name)
    assert node.remote is not None
    machine = node.remote.launcher
    assert machine is not None
    running_on = machine.active_on[0] if machine.active_on else None
    host = machine.assigned if assigned else running_on
    return host.attributes.get(name) if host is not None else None


def _runs_in_container(rsc: Resource) -> bool:
    """Whether this is what a bundle has inside, or an instance of it."""
    bundle = rsc.bundle
    return (
        bundle is not None and bundle.containers is not None and bundle.containers.inner is rsc.top
    )


def colocation_attribute(node: Node | None, name: str, rsc: Resource) -> str | None:
    """Return the attribute that a colocation compares (features 12.x: node-attribute)."""
    if name == "#uname" and (node is None or not node.is_guest):
        return node.name if node is not None else None
    target = rsc.meta.get("container-attribute-target")
    if _runs_in_container(rsc) and node is not None and node.is_container:
        target = "host"
    return attribute_for(node, name, target, assigned=True)
