"""Name-value pairs of resources, nodes and options: read, set, remove (features 27.7, 27.11)."""

from __future__ import annotations

from msgspec import Struct

from cib_store.document.element import Element
from crm_shell.actions import tree
from raftmaker.vocabulary.commands import CibOperation, OperationKind


class Home(Struct, frozen=True, kw_only=True):
    """Where pairs live: a section, the owner's tag and id, and the kind of set.

    `owner` empty: the sets stand in the section itself (cluster options, defaults). `owner_marks`:
    what the owner is made with, should it not be there yet.
    """

    scope: str
    kind: str
    owner: str = ""
    owner_tag: str = ""
    default_set: str = ""
    owner_marks: tuple[tuple[str, str], ...] = ()


def find_pairs(
    home: Home, owner: Element | None, name: str, set_name: str = ""
) -> list[tuple[Element, Element]]:
    """Return (set, pair) of every pair of that name; empty `name`: of all."""
    if owner is None:
        return []
    return [
        (each, pair)
        for each in owner.each(home.kind)
        if not set_name or each.id == set_name
        for pair in each.each("nvpair")
        if not name or pair.get("name") == name
    ]


def set_pair(
    home: Home, owner: Element | None, name: str, value: str, *, set_name: str = "",
    pair_id: str = "", score: bool = False,
) -> CibOperation:  # fmt: skip
    """Return the operation that sets a pair, where it is or in the owner's first plain set."""
    there = find_pairs(home, owner, name, set_name)
    if there:
        each, pair = there[0]
        new = Element("nvpair", {"id": pair.id, "name": name, "value": value})
    else:
        each = _set_for(home, owner, set_name)
        new = Element(
            "nvpair",
            {"id": pair_id or f"{each.id}-{_part(name)}", "name": name, "value": value},
        )
    changed = Element(home.kind, {"id": each.id}, (new,))
    return CibOperation(
        kind=OperationKind.MODIFY,
        scope=home.scope,
        xml=tree.text(_wrapped(home, changed)),
        all=True,
        score=score,
    )


def remove_pair(
    home: Home, owner: Element | None, name: str, *, set_name: str = ""
) -> tuple[CibOperation, ...]:
    """Return the operations that remove every pair of that name."""
    return tuple(
        CibOperation(
            kind=OperationKind.DELETE,
            scope=home.scope,
            xml=tree.text(_wrapped_pair(pair)),
        )
        for _, pair in find_pairs(home, owner, name, set_name)
    )


def _wrapped_pair(pair: Element) -> Element:
    return Element("nvpair", {"id": pair.id})


def _set_for(home: Home, owner: Element | None, set_name: str) -> Element:
    if set_name:
        return Element(home.kind, {"id": set_name})
    if owner is not None:
        for each in owner.each(home.kind):
            if each.id and each.child("rule") is None and "id-ref" not in each.attributes:
                return each
    return Element(home.kind, {"id": home.default_set})


def _wrapped(home: Home, changed: Element) -> Element:
    if home.scope == "status":
        transient = Element("transient_attributes", {"id": home.owner}, (changed,))
        attributes = {"id": home.owner, "uname": home.owner}
        return Element("node_state", attributes, (transient,))
    if not home.owner:
        return changed
    return Element(home.owner_tag, {"id": home.owner, **dict(home.owner_marks)}, (changed,))


def _part(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_.-" else "-" for c in name)


def of_resource(element: Element, kind: str = "meta_attributes") -> Home:
    """Return the home of a resource's pairs: meta_attributes, instance_attributes, utilization."""
    return Home(
        scope="resources",
        kind=kind,
        owner=element.id,
        owner_tag=element.tag,
        default_set=f"{element.id}-{kind}",
    )


def of_node(entry: Element, kind: str = "instance_attributes") -> Home:
    """Return the home of a node's permanent attributes."""
    prefix = "nodes" if kind == "instance_attributes" else "nodes-utilization"
    is_remote = entry.get("type") == "remote"
    return Home(
        scope="nodes",
        kind=kind,
        owner=entry.id,
        owner_tag="node",
        default_set=f"{prefix}-{entry.id}",
        owner_marks=(("uname", entry.get("uname")), ("type", "remote")) if is_remote else (),
    )


def of_status(node_id: str, kind: str = "instance_attributes") -> Home:
    """Return the home of a node's transient attributes; they go when the node leaves."""
    return Home(
        scope="status",
        kind=kind,
        owner=node_id,
        owner_tag="node_state",
        default_set=f"status-{node_id}" if kind == "instance_attributes"
        else f"status-utilization-{node_id}",
    )  # fmt: skip


OPTIONS = Home(scope="crm_config", kind="cluster_property_set", default_set="cib-bootstrap-options")
RSC_DEFAULTS = Home(scope="rsc_defaults", kind="meta_attributes", default_set="rsc-options")
OP_DEFAULTS = Home(scope="op_defaults", kind="meta_attributes", default_set="op-options")


def transient_owner(cib: Element, node_id: str) -> Element | None:
    """Return a node's ``transient_attributes``, which hold the sets."""
    for state in tree.section(cib, "status").each("node_state"):
        if node_id in (state.id, state.get("uname")):
            return state.child("transient_attributes")
    return None
