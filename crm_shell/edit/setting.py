"""One value of an object set by its path, ``ID.[OPERATION.[INTERVAL.]]NAME`` (features 30.45)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.values import interval_ms
from crm_shell.edit.pool import Pool
from crm_shell.edit.rewriting import rewritten
from crm_shell.syntax.faults import nearest
from crm_shell.syntax.words import OP_ATTRIBUTES


class NoSuchValue(LookupError):
    """The path names nothing that is configured, or more than one thing; the message says which."""


class _Place(Struct, frozen=True):
    """A value: the element that has it, and the attribute."""

    element: Element
    attribute: str


def with_value(configuration: Element, path: str, value: str) -> Element:
    """Return the configuration with the value at `path` changed. Raises `NoSuchValue`."""
    owner, names = _owner(configuration, path)
    place = _place(owner, names, path)
    changed = place.element.with_attributes({place.attribute: value})
    if value == place.element.attributes.get(place.attribute):
        return configuration
    pool = Pool.of(configuration)
    for table in pool.sections.values():
        for key, each in table.items():
            if each.id == owner.id:
                table[key] = rewritten(each, lambda one: changed if one is place.element else one)
    return pool.configuration(configuration)


def _owner(configuration: Element, path: str) -> tuple[Element, list[str]]:
    """Part the path into an object, whose name may have dots, and the names after it."""
    words = path.split(".")
    pool = Pool.of(configuration)
    for end in range(len(words) - 1, 0, -1):
        found = pool.find(".".join(words[:end]))
        if found is not None:
            return found, words[end:]
    known = [key for table in pool.sections.values() for key in table]
    like = nearest(words[0], known)
    hint = f"; did you mean {like!r}?" if like else ""
    raise NoSuchValue(f"no object {words[0]!r}{hint}; a path is ID.[OPERATION.[INTERVAL.]]NAME")


def _place(owner: Element, names: Sequence[str], path: str) -> _Place:
    pairs = [each for each in _pairs(owner) if each.get("name") == ".".join(names)]
    if len(pairs) > 1:
        sets = ", ".join(each.id for each in pairs)
        raise NoSuchValue(f"{path} is set more than once ({sets}): crm configure edit {owner.id}")
    if pairs:
        return _Place(pairs[0], "value")
    if len(names) == 1:
        known = sorted({each.get("name") for each in _pairs(owner)})
        raise NoSuchValue(f"{owner.id} has no value {names[0]!r}; it has: {_listed(known)}")
    return _of_operation(_operation(owner, names, path), names[-1])


def _operation(owner: Element, names: Sequence[str], path: str) -> Element:
    task, *interval, _ = names
    every = [each for held in owner.each("operations") for each in held.each("op")]
    found = [
        each
        for each in every
        if each.get("name") == task
        and (not interval or interval_ms(each.get("interval")) == interval_ms(interval[0]))
    ]
    if len(found) == 1:
        return found[0]
    listed = _listed([f"{each.get('name')}.{each.get('interval')}" for each in found or every])
    if found:
        raise NoSuchValue(f"{path}: say which {task}, with its interval: {listed}")
    wanted = ".".join((task, *interval))
    raise NoSuchValue(f"{owner.id} has no operation {wanted!r}; it has: {listed}")


def _of_operation(operation: Element, name: str) -> _Place:
    for pair in _pairs(operation):
        if pair.get("name") == name:
            return _Place(pair, "value")
    if name in OP_ATTRIBUTES:
        return _Place(operation, name)
    allowed = ", ".join(OP_ATTRIBUTES)
    raise NoSuchValue(f"{operation.get('name')} has no value {name!r}; allowed: {allowed}")


def _pairs(owner: Element) -> Iterator[Element]:
    """The pairs of the object itself, not of its operations."""
    for each in owner.children:
        if each.tag == "nvpair" and "value" in each.attributes:
            yield each
        elif each.tag != "operations":
            yield from _pairs(each)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
