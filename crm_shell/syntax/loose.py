"""Loose elements: a CIB element as a statement says it, without ids that nobody refers to.

`loosen` is the way from the CIB to the printer: members become references, and ids of sets, pairs,
rules and operations go unless something refers to them. `ids.assign` is the way back.
"""

from __future__ import annotations

from collections.abc import Iterable

from cib_store.document.element import COMMENT, Element
from crm_shell.syntax.words import MEMBER

RESOURCES = ("primitive", "group", "clone", "master", "bundle", "template")
_SETS = ("instance_attributes", "meta_attributes", "utilization")
_MEMBERS = ("primitive", "group", "clone", "master")
_KEEPS_ID = frozenset(
    {
        *RESOURCES, MEMBER, "rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket", "tag",
        "obj_ref", "resource_ref", "acl_role", "acl_target", "acl_group", "role", "alert",
        "cluster_property_set", "node", "port-mapping", "storage-mapping",
    }
)  # fmt: skip


def referenced_ids(roots: Iterable[Element]) -> frozenset[str]:
    """Return every id that an ``id-ref`` below `roots` refers to."""
    return frozenset(
        element.attributes["id-ref"]
        for root in roots
        for element in root.walk()
        if "id-ref" in element.attributes
    )


def loosen(element: Element, referenced: frozenset[str]) -> Element:
    """Return `element` as a statement of its own would define it."""
    if element.tag in ("rsc_defaults", "op_defaults"):
        return element.with_children(tuple(_options(each, referenced) for each in element.children))
    if element.tag == "cluster_property_set":
        return _options(element, referenced)
    loose = _loosen(element, referenced)
    if element.tag == "node":
        gone: dict[str, str | None] = {}
        if element.id == element.get("uname"):
            gone["id"] = None
        if element.get("type") in ("member", "normal", "ping"):
            gone["type"] = None
        return loose.with_attributes(gone)
    if element.tag in ("group", "clone", "master", "bundle"):
        children = tuple(
            Element(MEMBER, {"id": child.id}) if child.tag in _MEMBERS else child
            for child in loose.children
        )
        if element.tag != "bundle":
            children = (
                *(child for child in children if child.tag != MEMBER),
                *(child for child in children if child.tag == MEMBER),
            )
        return loose.with_children(children)
    return loose


def _options(element: Element, referenced: frozenset[str]) -> Element:
    """Keep a set's own id: a CIB may hold several, and people name them."""
    loose = _loosen(element, referenced)
    return loose.with_attributes({"id": element.id}) if element.id else loose


def _loosen(element: Element, referenced: frozenset[str]) -> Element:
    if element.tag == COMMENT:
        return element
    attributes = dict(element.attributes)
    if element.tag not in _KEEPS_ID and attributes.get("id") not in referenced:
        attributes.pop("id", None)
    children = tuple(
        Element(MEMBER, {"id": child.id})
        if child.tag in _MEMBERS and element.tag in ("group", "clone", "master", "bundle")
        else _loosen(child, referenced)
        for child in element.children
    )
    children = tuple(child for child in children if not _is_empty_set(child))
    if element.tag in _SETS:
        children = tuple(_without_plain_score(child) for child in children)
    return Element(element.tag, attributes, children, element.text)


def _is_empty_set(child: Element) -> bool:
    """Whether a set says nothing, as it is left when its last pair is removed."""
    return child.tag in _SETS and not child.children and not child.attributes


def _without_plain_score(child: Element) -> Element:
    # Of a set's rule the score means nothing; files of old give it INFINITY.
    if child.tag == "rule" and child.get("score") == "INFINITY":
        return child.with_attributes({"score": None})
    return child
