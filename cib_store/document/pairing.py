"""Which children of two versions of an element belong together, and which of them differ.

Unchanged children are told by identity, so what this costs is the number of siblings, not the size
of what is below them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cib_store.document.element import COMMENT, Element
from cib_store.document.path import Step


class Unpaired(Exception):
    """The children cannot be told apart by tag and id, or stand in another order."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A child that differs, at `path`; `old` or `new` is None where it is not there."""

    path: str
    old: Element | None
    new: Element | None


def differing(old: Element, new: Element, path: str) -> Iterator[Pair]:
    """Yield the children that differ. Raises `Unpaired` for what is more than that."""
    if old.children == new.children:
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


def _keyed(parent: Element) -> dict[tuple[str, str | None], Element]:
    keyed = {
        (child.tag, child.attributes.get("id")): child
        for child in parent.children
        if child.tag != COMMENT
    }
    if len(keyed) < len(parent.children):  # a comment, or siblings that only their place tells
        raise Unpaired
    return keyed
