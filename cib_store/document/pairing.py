"""Which children of two versions of an element belong together, and which of them differ.

Unchanged children are told by identity, so what this costs is at most the number of siblings, not
the size of what is below them.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from cib_store.document.element import COMMENT, Element
from cib_store.document.path import Step


class Unpaired(Exception):
    """The children cannot be told apart by tag and id, or stand in another order."""


class Pair(Struct, frozen=True):
    """A child that differs, at `path`; `old` or `new` is None where it is not there."""

    path: str
    old: Element | None
    new: Element | None


def differing(old: Element, new: Element, path: str) -> Iterator[Pair]:
    """Yield the children that differ. Raises `Unpaired` for what is more than that."""
    if len(old.children) == len(new.children):
        replaced = _replaced(old, new, path)
        if replaced is not None:
            yield from replaced
            return
    mine, theirs = _keyed(old), _keyed(new)
    if mine.keys() == theirs.keys():
        if list(mine) != list(theirs):
            raise Unpaired
    elif [key for key in mine if key in theirs] != [key for key in theirs if key in mine]:
        raise Unpaired
    for key, one in mine.items():
        other = theirs.get(key)
        if one is not other and one != other:
            yield Pair(path + str(Step(*key)), one, other)
    for key, other in theirs.items():
        if key not in mine:
            yield Pair(path + str(Step(*key)), None, other)


def _replaced(old: Element, new: Element, path: str) -> list[Pair] | None:
    """Return the pairs where some children took the place of others of the same tag and id."""
    pairs: list[Pair] = []
    for one, other in new.exchanged(old):
        if one == other:
            continue
        if one.tag != other.tag or one.id != other.id or not one.id or one.tag == COMMENT:
            return None
        pairs.append(Pair(path + str(Step(one.tag, one.id)), one, other))
    return pairs


def _keyed(parent: Element) -> dict[tuple[str, str | None], Element]:
    keyed = {
        (child.tag, child.attributes.get("id")): child
        for child in parent.children
        if child.tag != COMMENT
    }
    if len(keyed) < len(parent.children):  # a comment, or siblings that only their place tells
        raise Unpaired
    return keyed
