"""Deleting objects: what refers to them goes or shrinks with them (features 30.45).

A deleted container leaves its members; a deleted member leaves its container, which goes when
nothing is left in it. A deleted set or option is an object too.
"""

from __future__ import annotations

from collections.abc import Sequence

from cib_store.document.element import Element
from crm_shell.edit.pool import Pool
from crm_shell.syntax.faults import nearest
from crm_shell.syntax.words import MEMBER

_ENDS = ("rsc", "with-rsc", "first", "then")


class NoSuchObject(LookupError):
    """Some of the ids are unknown; the message says which and what is alike."""


def remove(configuration: Element, identities: Sequence[str]) -> Element:
    """Return `configuration` without these objects. Raises `NoSuchObject` when one is unknown."""
    pool = Pool.of(configuration)
    known = [each for table in pool.sections.values() for each in table]
    unknown = [each for each in identities if pool.find(each) is None]
    if unknown:
        hints = [
            f"{each!r}" + (f" (did you mean {like!r}?)" if (like := nearest(each, known)) else "")
            for each in unknown
        ]
        raise NoSuchObject(f"no object has the id {', '.join(hints)}")
    for identity in identities:
        found = pool.find(identity)
        if found is not None:
            _remove(pool, found)
    return pool.configuration(configuration)


def _remove(pool: Pool, found: Element) -> None:
    for table in pool.sections.values():
        table.pop(found.id, None)
    resources = pool.sections["resources"]
    for container in pool.containers_of(found.id):
        left = tuple(
            child
            for child in container.children
            if not (child.tag == MEMBER and child.id == found.id)
        )
        resources[container.id] = container.with_children(left)
        if not any(child.tag == MEMBER for child in left):
            _remove(pool, container)
    _clean_references(pool, found.id)


def _clean_references(pool: Pool, identity: str) -> None:
    constraints, tags = pool.sections["constraints"], pool.sections["tags"]
    for key, each in list(constraints.items()):
        shrunk = without_reference(each, identity)
        if shrunk is None:
            del constraints[key]
        elif shrunk is not each:
            constraints[key] = shrunk
    for key, tag in list(tags.items()):
        left = tuple(child for child in tag.children if child.id != identity)
        if len(left) != len(tag.children):
            tags[key] = tag.with_children(left)
            if not left:
                _remove(pool, tag)


def without_reference(constraint: Element, identity: str) -> Element | None:
    """Return the constraint without the resource; None when nothing is left of it."""
    if any(constraint.get(end) == identity for end in _ENDS):
        return None
    sets: list[Element] = []
    for each in constraint.children:
        if each.tag != "resource_set":
            sets.append(each)
            continue
        left = tuple(child for child in each.children if child.id != identity)
        if left:
            sets.append(each if len(left) == len(each.children) else each.with_children(left))
    if tuple(sets) == constraint.children:
        return constraint
    members = sum(len(each.children) for each in sets if each.tag == "resource_set")
    least = 1 if constraint.tag in ("rsc_location", "rsc_ticket") else 2
    return constraint.with_children(tuple(sets)) if members >= least else None
