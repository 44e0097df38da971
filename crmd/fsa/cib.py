"""What the controller reads in the CIB, and the operations by which it writes the status."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.document.path import Step
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from raftmaker.vocabulary.ids import NodeName


def node_state(cib: Element | None, node: NodeName) -> Element | None:
    """Return the node's state in the status section."""
    status = cib.child("status") if cib is not None else None
    if status is None:
        return None
    for state in status.each("node_state"):
        if state.id == node:
            return state
    return None


def transient(state: Element | None, name: str) -> str:
    """Return a transient attribute of a node; empty where it is not set (features 15.6)."""
    for pair in transient_pairs(state):
        if pair.get("name") == name:
            return pair.get("value")
    return ""


def transient_pairs(state: Element | None) -> tuple[Element, ...]:
    """Return the node's transient attributes as nvpairs."""
    attributes = state.child("transient_attributes") if state is not None else None
    if attributes is None:
        return ()
    return tuple(
        pair for pairs in attributes.each("instance_attributes") for pair in pairs.each("nvpair")
    )


def lrm_resources(state: Element | None) -> tuple[Element, ...]:
    """Return the operation history of a node, an element a resource (features 3.14)."""
    lrm = state.child("lrm") if state is not None else None
    resources = lrm.child("lrm_resources") if lrm is not None else None
    return tuple(resources.each("lrm_resource")) if resources is not None else ()


def state_path(node: NodeName) -> str:
    """Return the element path of a node's state."""
    return f"/cib/status{Step('node_state', node)}"


def lrm_path(node: NodeName) -> str:
    """Return the element path of a node's operation history."""
    return f"{state_path(node)}{Step('lrm', node)}"


def resource_path(node: NodeName, resource: str) -> str:
    """Return the element path of a resource's history on a node."""
    return f"{state_path(node)}{Step('lrm', node)}/lrm_resources{Step('lrm_resource', resource)}"


def merge_status(*states: Element, score: bool = False) -> CibOperation:
    """Merge node states into the status section, making what is absent."""
    return CibOperation(
        kind=OperationKind.MODIFY,
        path="/cib/status",
        xml=render(Element("status", {}, states), indent=0),
        all=True,
        score=score,
    )


def stamped(feature_set: str) -> CibOperation:
    """Set the feature set of the DC that wrote the CIB last (features 3.4)."""
    root = Element("cib", {"crm_feature_set": feature_set})
    return CibOperation(kind=OperationKind.MODIFY, scope="cib", xml=render(root, indent=0))


def put_at(path: str, element: Element) -> CibOperation:
    """Put `element` in the place of the one at `path`, which must be there."""
    return CibOperation(kind=OperationKind.REPLACE, path=path, xml=render(element, indent=0))


def remove_at(path: str) -> CibOperation:
    """Remove the element at `path`; nothing there is no error."""
    return CibOperation(kind=OperationKind.DELETE, path=path)


def state_with(node: NodeName, attributes: Mapping[str, str], *children: Element) -> Element:
    """Return a node state that sets these attributes and children when merged."""
    return Element("node_state", {"id": node, "uname": node, **attributes}, children)


def attributes_with(node: NodeName, values: Mapping[str, str]) -> Element:
    """Return transient attributes that set these values when merged (features 3.13)."""
    pairs = tuple(
        Element("nvpair", {"id": attribute_id(node, name), "name": name, "value": value})
        for name, value in values.items()
    )
    held = Element("instance_attributes", {"id": f"status-{node}"}, pairs)
    return Element("transient_attributes", {"id": node}, (held,))


def attribute_id(node: NodeName, name: str) -> str:
    """Return the id of a transient attribute's nvpair; what XML ids do not allow becomes a dot."""
    allowed = "".join(one if one.isalnum() or one in "-_." else "." for one in name)
    return f"status-{node}-{allowed}"


def attribute_path(node: NodeName, pairs_id: str, pair_id: str) -> str:
    """Return the element path of a transient attribute."""
    return (
        f"{state_path(node)}{Step('transient_attributes', node)}"
        f"{Step('instance_attributes', pairs_id)}{Step('nvpair', pair_id)}"
    )


def attribute_removals(state: Element, names: frozenset[str]) -> tuple[CibOperation, ...]:
    """Return the operations that remove these transient attributes of a node."""
    attributes = state.child("transient_attributes")
    if attributes is None:
        return ()
    node = NodeName(state.id)
    return tuple(
        remove_at(attribute_path(node, pairs.id, pair.id))
        for pairs in attributes.each("instance_attributes")
        for pair in pairs.each("nvpair")
        if pair.get("name") in names
    )
