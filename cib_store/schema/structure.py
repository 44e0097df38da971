"""Structure and values: what is unknown, missing, of the wrong kind, or empty."""

from __future__ import annotations

from collections.abc import Iterator

from cib_store.document.element import COMMENT, Element
from cib_store.document.path import child_position, step_to
from cib_store.document.sections import RESOURCES
from cib_store.schema.options import OPTIONS
from cib_store.schema.values import ATTRIBUTES, ID, META, Kind
from cib_store.schema.vocabulary import NAMES_FROM_ELSEWHERE, SHAPES
from raftmaker.vocabulary.reports import Report

_HOLDERS = {
    "group": ("primitive",),
    "clone": ("primitive", "group"),
    "master": ("primitive", "group"),
}
_OF_PAIRS = {"meta_attributes": META, "cluster_property_set": OPTIONS}
"""The names that are known in sets of nvpairs."""
_JUDGED_BY_CHILDREN = frozenset((*_HOLDERS, *_OF_PAIRS))


def structure_faults(configuration: Element) -> Iterator[Report]:
    """Yield every fault that an element shows by itself, in document order."""
    yield from faults_below(configuration, "/cib/configuration")


def faults_below(element: Element, where: str) -> Iterator[Report]:
    """Yield every fault of an element that is known, and of what is below it."""
    yield from _own_faults(element, where)
    for position in range(len(element.children)):
        yield from _child_faults(element, position, where)


def new_faults(old: Element, new: Element, where: str) -> Iterator[Report]:
    """Yield the faults of `new`, and of what is below it, that `old` in its place has not.

    What both hold is not looked at again.
    """
    if not _shows_the_same(old, new):
        faults = tuple(_own_faults(new, where))
        known = set(_own_faults(old, where)) if faults else set()
        yield from (fault for fault in faults if fault not in known)
    held = {id(child) for child in old.children}
    for position, child in enumerate(new.children):
        if id(child) in held:
            continue
        there = child_position(old, step_to(new, position))
        if there is None or child.tag not in SHAPES:
            yield from _child_faults(new, position, where)
        elif child.tag in SHAPES[new.tag].children:
            place = where + str(step_to(new, position))
            yield from new_faults(old.children[there], child, place)


def _shows_the_same(old: Element, new: Element) -> bool:
    """Tell whether two elements of one tag have the same faults of their own for certain."""
    if new.tag in _JUDGED_BY_CHILDREN:
        return False
    return old.attributes == new.attributes and old.text == new.text


def _own_faults(element: Element, where: str) -> Iterator[Report]:
    yield from _attribute_faults(element, where)
    if element.tag in _HOLDERS:
        yield from _holder_faults(element, where)
    if element.tag in ("primitive", "template"):
        yield from _agent_faults(element, where)
    if element.text:
        yield Report(
            code="unexpected-text",
            where=where,
            what=f"{element.tag} holds text",
            mend="the configuration has no text",
        )


def _child_faults(element: Element, position: int, where: str) -> Iterator[Report]:
    child = element.children[position]
    if child.tag == COMMENT:
        return
    place = where + str(step_to(element, position))
    if child.tag in SHAPES[element.tag].children and child.tag in SHAPES:
        yield from faults_below(child, place)
    else:
        yield _misplaced(element, child, place)


def _misplaced(parent: Element, child: Element, where: str) -> Report:
    if parent.tag in _HOLDERS and child.tag in RESOURCES:
        name = f"{parent.tag} {parent.id!r}"
        return Report(
            code="wrong-member",
            where=where,
            what=f"{name} holds the {child.tag} {child.id!r}",
            mend=f"a {parent.tag} holds: {', '.join(_HOLDERS[parent.tag])}",
        )
    allowed = ", ".join(sorted(SHAPES[parent.tag].children)) or "nothing"
    return Report(
        code="unknown-element",
        where=where,
        what=f"{parent.tag} cannot hold {child.tag}",
        mend=f"allowed here: {allowed}",
    )


def _attribute_faults(element: Element, where: str) -> Iterator[Report]:
    shape = SHAPES[element.tag]
    present = element.attributes.keys()
    for name in sorted(present - shape.allowed):
        yield Report(
            code="unknown-attribute",
            where=where,
            what=f"{element.tag} has no attribute {name}",
            mend=f"known: {', '.join(sorted(shape.allowed)) or 'none'}",
        )
    if "id-ref" not in present:
        for name in sorted(shape.required - present):
            yield Report(
                code="missing-attribute",
                where=where,
                what=f"{element.tag} lacks the attribute {name}",
                mend=f"needed: {', '.join(sorted(shape.required))}",
            )
    if "id" in present:
        yield from _id_faults(element, where)
    for name, value in element.attributes.items():
        kind = ATTRIBUTES.get((element.tag, name))
        if kind is not None and not kind.accepts(value):
            yield bad_value(where, f"{element.tag} {element.id!r}: {name}", value, kind)
    if element.tag in _OF_PAIRS:
        yield from _pair_faults(element, where)


def _id_faults(element: Element, where: str) -> Iterator[Report]:
    if not element.id.strip():
        yield Report(code="empty-id", where=where, what="the id is empty", mend="choose one")
    elif element.tag not in NAMES_FROM_ELSEWHERE and not ID.accepts(element.id):
        yield bad_value(where, f"the id of a {element.tag}", element.id, ID)


def bad_value(where: str, what: str, value: str, kind: Kind) -> Report:
    """Report a value that is not of its kind."""
    return Report(
        code="bad-value",
        where=where,
        what=f"{what} is {value!r}, which is no {kind.name}",
        mend=f"allowed: {kind.allowed}",
    )


def _pair_faults(owner: Element, where: str) -> Iterator[Report]:
    kinds = _OF_PAIRS[owner.tag]
    for pair in owner.each("nvpair"):
        name, value = pair.get("name"), pair.attributes.get("value")
        kind = kinds.get(name)
        if kind is None or value is None or value.lower() == "#default" or kind.accepts(value):
            continue
        yield bad_value(f"{where}/nvpair[@id='{pair.id}']", name, value, kind)


def _holder_faults(element: Element, where: str) -> Iterator[Report]:
    held = list(element.each(*_HOLDERS[element.tag]))
    if not held:
        yield Report(
            code=f"empty-{element.tag}",
            where=where,
            what=f"the {element.tag} {element.id!r} holds no resource",
            mend=f"put a {' or '.join(_HOLDERS[element.tag])} in it, or delete it",
        )
    elif element.tag != "group" and len(held) > 1:
        yield Report(
            code="several-members",
            where=where,
            what=f"the {element.tag} {element.id!r} holds {len(held)} resources",
            mend="put them in a group, and that in the clone",
        )


def _agent_faults(element: Element, where: str) -> Iterator[Report]:
    standard = element.get("class")
    if element.tag == "primitive" and "template" in element.attributes:
        return
    name = f"the {element.tag} {element.id!r}"
    if element.tag == "primitive":
        for needed in ("class", "type"):
            if not element.get(needed):
                yield Report(
                    code="missing-attribute",
                    where=where,
                    what=f"{name} lacks the attribute {needed}",
                    mend="give class and type (and provider for ocf), or a template",
                )
    if standard == "ocf" and not element.get("provider"):
        yield Report(
            code="missing-attribute",
            where=where,
            what=f"{name} is of class ocf and lacks a provider",
            mend="give the provider, such as heartbeat",
        )
    if standard and standard not in ("ocf", "systemd", "lsb", "service", "stonith"):
        yield Report(
            code="bad-value",
            where=where,
            what=f"{name} has the class {standard!r}",
            mend="allowed: ocf, systemd, lsb, service, stonith",
        )
