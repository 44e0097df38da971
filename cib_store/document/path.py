"""Element paths: the one way in which the log and patchsets name a place in the CIB.

``/cib/configuration/resources/primitive[@id='web']``: a step is a tag, with the id where the
element has one, or with its number among the siblings of that tag where it has not and is not
the first (features 4.18). It is a small subset of XPath, so tools may use it as one.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from cib_store.document.element import Element

_FEW = 8
"""So many children are looked through faster than an index of them is made."""
Trail = tuple[int, ...]
"""The way from the root to an element, as positions among children."""


class Step(Struct, frozen=True):
    """One step down. `number` counts siblings of that tag from 1 and is unread beside an id."""

    tag: str
    id: str | None = None
    number: int = 1

    def __str__(self) -> str:
        if self.id is not None:
            quote = '"' if "'" in self.id else "'"
            return f"/{self.tag}[@id={quote}{self.id}{quote}]"
        return f"/{self.tag}" if self.number == 1 else f"/{self.tag}[{self.number}]"


@lru_cache(maxsize=2048)
def parse_path(text: str) -> tuple[Step, ...] | None:
    """Read a path; None where the text is none."""
    steps: list[Step] = []
    rest = text
    while rest:
        if not rest.startswith("/"):
            return None
        end = min((at for at in (rest.find("/", 1), rest.find("[")) if at >= 0), default=len(rest))
        tag, rest = rest[1:end], rest[end:]
        if not tag:
            return None
        if rest.startswith("["):
            found = _predicate(tag, rest)
            if found is None:
                return None
            step, rest = found
            steps.append(step)
        else:
            steps.append(Step(tag))
    return tuple(steps) or None


def _predicate(tag: str, text: str) -> tuple[Step, str] | None:
    if text.startswith("[@id=") and len(text) > 5 and text[5] in "'\"":
        end = text.find(text[5] + "]", 6)
        return None if end < 0 else (Step(tag, text[6:end]), text[end + 2 :])
    end = text.find("]")
    digits = text[1:end] if end > 0 else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) < 8 and int(digits) > 0):
        return None
    return Step(tag, None, int(digits)), text[end + 1 :]


def step_to(parent: Element, position: int) -> Step:
    """Name the child at `position`."""
    child = parent.children[position]
    if "id" in child.attributes:
        return Step(child.tag, child.id)
    before = sum(1 for other in parent.children[:position] if other.tag == child.tag)
    return Step(child.tag, None, before + 1)


def path_of(root: Element, trail: Trail) -> str:
    """Write the path of the element at `trail`."""
    text = str(Step(root.tag))
    element = root
    for position in trail:
        text += str(step_to(element, position))
        element = element.children[position]
    return text


def child_position(parent: Element, step: Step) -> int | None:
    """Return the position of the child that `step` names."""
    if step.id is not None and len(parent.children) > _FEW:
        return parent.places.get((step.tag, step.id))
    count = 0
    for position, child in enumerate(parent.children):
        if child.tag != step.tag:
            continue
        count += 1
        if child.attributes.get("id") == step.id if step.id is not None else count == step.number:
            return position
    return None


def trail_of(root: Element, path: str) -> Trail | None:
    """Find the element that `path` names; None where there is none, or the text is no path."""
    steps = parse_path(path)
    if steps is None or steps[0].tag != root.tag:
        return None
    trail: list[int] = []
    element = root
    for step in steps[1:]:
        position = child_position(element, step)
        if position is None:
            return None
        trail.append(position)
        element = element.children[position]
    return tuple(trail)


def element_at(root: Element, trail: Trail) -> Element:
    """Return the element at a trail that exists."""
    for position in trail:
        root = root.children[position]
    return root


def find(root: Element, path: str) -> Element | None:
    """Return the element that `path` names, if it is there."""
    trail = trail_of(root, path)
    return None if trail is None else element_at(root, trail)


def put(root: Element, trail: Trail, new: Element | None) -> Element:
    """Return the tree with `new` in that place, or without it. Copies only the way down to it."""
    if not trail:
        assert new is not None, "the root stays"
        return new
    position, rest = trail[0], trail[1:]
    children = root.children
    if rest:
        return root.with_child(position, put(children[position], rest, new))
    if new is not None:
        return root.with_child(position, new)
    return root.with_children((*children[:position], *children[position + 1 :]))


def insert(root: Element, trail: Trail, child: Element, position: int | None = None) -> Element:
    """Return the tree with `child` below the element at `trail`, last or at `position`."""
    parent = element_at(root, trail)
    at = len(parent.children) if position is None else max(0, min(position, len(parent.children)))
    return put(root, trail, parent.with_inserted(at, child))
