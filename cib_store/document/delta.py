"""What must be sent to one who has the last version of a tree, so that he has the next.

Both ends hold persistent trees: the delta names what is kept by its place, and the receiver keeps
those very objects, so that unchanged subtrees keep their identity there too.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from cib_store.document.element import Element


class Kept(Struct, frozen=True):
    """Children from one position to before another are those of the old element."""

    start: int
    stop: int


class Changed(Struct, frozen=True):
    """The child in that position of the old element, with changes."""

    position: int
    delta: Delta


class Delta(Struct, frozen=True):
    """How one element became another of the same tag."""

    attributes: Mapping[str, str] | None
    """None where they are the same."""
    text: str
    children: tuple[Kept | Changed | Element, ...]


def delta_of(old: Element, new: Element) -> Delta:
    """Return what makes `new` of `old`; it costs what differs and the siblings of that."""
    positions = {id(child): at for at, child in enumerate(old.children)}
    parts: list[Kept | Changed | Element] = []
    following = 0
    """Where in `old` the next child would stand if nothing were inserted or removed."""
    for child in new.children:
        at = positions.get(id(child))
        if at is None:
            parts.append(_told(old, following, child))
            following += 1
            continue
        last = parts[-1] if parts else None
        if isinstance(last, Kept) and last.stop == at:
            parts[-1] = Kept(last.start, at + 1)
        else:
            parts.append(Kept(at, at + 1))
        following = at + 1
    same = old.attributes is new.attributes or old.attributes == new.attributes
    return Delta(None if same else new.attributes, new.text, tuple(parts))


def _told(old: Element, at: int, child: Element) -> Changed | Element:
    if at < len(old.children):
        before = old.children[at]
        if before.tag == child.tag and before.id == child.id and before.children:
            return Changed(at, delta_of(before, child))
    return child


def count_told(delta: Delta) -> int:
    """Return how many elements it has to tell of."""
    total = 0
    for part in delta.children:
        match part:
            case Kept():
                pass
            case Changed():
                total += 1 + count_told(part.delta)
            case Element():
                total += sum(1 for _ in part.walk())
    return total


def applied(old: Element, delta: Delta) -> Element:
    """Return the new element. The delta must be one of `old`."""
    children: list[Element] = []
    for part in delta.children:
        match part:
            case Kept(start, stop):
                children += old.children[start:stop]
            case Changed(position, below):
                children.append(applied(old.children[position], below))
            case Element():
                children.append(part)
    attributes = old.attributes if delta.attributes is None else delta.attributes
    return Element(old.tag, attributes, tuple(children), delta.text)
