"""Ids for elements that a statement left without one: readable, unique, and kept over changes.

An id is made of the owner's id and what the element is (``web-meta_attributes-target-role``).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from cib_store.document.element import COMMENT, Element
from crm_shell.syntax.words import MEMBER

_NEEDS_NONE = frozenset(
    {
        COMMENT, MEMBER, "operations", "select", "select_nodes", "select_fencing",
        "select_resources", "select_attributes", "resource_ref", "obj_ref", "role",
        "docker", "podman", "rkt", "network", "storage", "rsc_defaults", "op_defaults",
        "fencing-topology",
    }
)  # fmt: skip
_NOT_IN_ID = re.compile(r"[^\w.-]")
DEFAULT_SETS = {
    "cluster_property_set": "cib-bootstrap-options",
    "rsc_defaults": "rsc-options",
    "op_defaults": "op-options",
}
"""Ids of the sets that statements mean when they name none."""


def assign(element: Element, taken: Collection[str], old: Element | None = None) -> Element:
    """Return `element` with an id wherever the schema wants one.

    `taken`: ids in use elsewhere. `old`: what the element replaces; its ids are used again for
    children that say the same thing.
    """
    used = set(taken)
    used.update(
        each.id
        for each in element.walk()
        if each.id and each.tag not in ("role", "resource_ref", "obj_ref")
    )
    return _assign(element, element.id or element.get("uname"), used, old)


def _assign(element: Element, owner: str, used: set[str], old: Element | None) -> Element:
    prefix = element.id or owner
    pool = list(old.children) if old else []
    children: list[Element] = []
    for child in element.children:
        before = _counterpart(child, pool)
        if before is not None:
            pool.remove(before)
        if child.tag not in _NEEDS_NONE and not {"id", "id-ref"} & child.attributes.keys():
            kept = before.id if before and before.id and before.id not in used else ""
            name = kept or _fresh(_name(child, prefix, element), used)
            used.add(name)
            child = Element(child.tag, {"id": name, **child.attributes}, child.children, child.text)
        children.append(_assign(child, prefix, used, before))
    if len(children) == len(element.children) and all(
        a is b for a, b in zip(children, element.children, strict=True)
    ):
        return element
    return element.with_children(tuple(children))


def _name(child: Element, prefix: str, parent: Element) -> str:
    match child.tag:
        case "nvpair" | "attribute":
            return f"{prefix}-{child.get('name')}"
        case "op":
            return f"{prefix}-{child.get('name')}-{child.get('interval', '0s')}"
        case "resource_set":
            return f"{prefix}-0"
        case "acl_permission":
            return f"{prefix}-{child.get('kind')}"
        case "recipient":
            return f"{prefix}-recipient-1"
        case "fencing-level":
            target = child.get("target") or child.get("target-value") or child.get("target-pattern")
            return f"fencing-{target}-{child.get('index')}"
        case "date_expression":
            return f"{prefix}-expression"
        case "port-mapping" | "storage-mapping":
            return f"{prefix}_{child.tag.replace('-', '_')}_1"
        case "meta_attributes" if parent.tag in DEFAULT_SETS:
            return DEFAULT_SETS[parent.tag]
        case tag:
            return f"{prefix}-{tag}"


def _fresh(name: str, used: set[str]) -> str:
    name = _NOT_IN_ID.sub("_", name)
    if not (name[0].isalpha() or name[0] == "_"):
        name = f"_{name}"
    if name not in used:
        return name
    counted = re.fullmatch(r"(.*)([-_])(\d{1,6})", name)
    stem, mark, number = (counted[1], counted[2], int(counted[3])) if counted else (name, "-", -1)
    while True:
        number += 1
        if f"{stem}{mark}{number}" not in used:
            return f"{stem}{mark}{number}"


def _counterpart(child: Element, pool: list[Element]) -> Element | None:
    """Return the element among the old ones that `child` continues."""
    keys = {"nvpair": ("name",), "op": ("name", "interval", "role"), "recipient": ("value",)}
    names = keys.get(child.tag, ())
    for candidate in pool:
        if candidate.tag == child.tag and all(candidate.get(n) == child.get(n) for n in names):
            return candidate
    return None
