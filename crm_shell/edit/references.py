"""``$id-ref=OBJECT``: the name of an object stands for the set of that kind that it has."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.edit.pool import Pool


def resolve_references(pool: Pool) -> None:
    """Put a set's id in the place of its owner's, wherever a reference names the owner."""
    for table in pool.sections.values():
        for identity, each in list(table.items()):
            if any("id-ref" in below.attributes for below in each.walk()):
                table[identity] = _resolved(each, pool)


def _resolved(element: Element, pool: Pool) -> Element:
    reference = element.get("id-ref")
    owner = pool.find(reference) if reference else None
    if owner is not None and owner.tag != element.tag:
        for each in owner.walk():
            if each.tag == element.tag and each.id:
                return element.with_attributes({"id-ref": each.id})
    children = tuple(_resolved(child, pool) for child in element.children)
    return element.with_children(children) if children != element.children else element
