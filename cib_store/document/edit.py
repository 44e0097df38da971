"""Create, modify, replace, delete; elements match by tag and id, as Pacemaker's (features 4.2-4.5).

Every function returns the new tree or a `Refusal`; none raises, whatever it is given. Where
nothing differs the tree that was given is returned itself.
"""

from __future__ import annotations

from cib_store.document.element import COMMENT, NO_XML_ID, Element
from cib_store.document.path import Trail, element_at, insert, path_of, put
from cib_store.document.refusal import Refusal, refused
from raftmaker.vocabulary.codes import ExitCode

INFINITY = 1_000_000
Edited = Element | Refusal


def matches(element: Element, pattern: Element) -> bool:
    """Same tag, and same id where the pattern has one."""
    if element.tag != pattern.tag:
        return False
    return "id" not in pattern.attributes or element.attributes.get("id") == pattern.id


def search(top: Element, pattern: Element, *, every_attribute: bool = False) -> Trail | None:
    """Find the first match in document order, `top` itself first; the trail starts at `top`.

    With `every_attribute` all attributes of the pattern must be there with the same value.
    """
    # Names are worth keeping for the configuration alone: the status changes its ids all the time.
    by_id = "id" in pattern.attributes and pattern.tag not in NO_XML_ID
    if by_id and top.tag not in ("cib", "status"):
        if not every_attribute:
            return _search_id(top, pattern)
        if not top.names.is_repeated:  # then no other one has that id
            found = _search_id(top, pattern)
            same = found is not None and _has_all(element_at(top, found), pattern)
            return found if same else None
    stack: list[tuple[Element, Trail]] = [(top, ())]
    while stack:
        element, trail = stack.pop()
        if every_attribute:
            if element.tag == pattern.tag and _has_all(element, pattern):
                return trail
        elif matches(element, pattern):
            return trail
        stack.extend(
            (child, (*trail, position))
            for position, child in reversed(tuple(enumerate(element.children)))
            if child.tag != COMMENT
        )
    return None


def _has_all(element: Element, pattern: Element) -> bool:
    return pattern.attributes.items() <= element.attributes.items()


def _search_id(top: Element, pattern: Element) -> Trail | None:
    """Find the same as `search`, going only where the id is defined."""
    stack: list[tuple[Element, Trail]] = [(top, ())]
    while stack:
        element, trail = stack.pop()
        if matches(element, pattern):
            return trail
        if not element.names.is_repeated:
            home = element.homes.get(pattern.id)
            if home is not None:
                stack.append((element.children[home], (*trail, home)))
            continue
        stack.extend(
            (child, (*trail, position))
            for position, child in reversed(tuple(enumerate(element.children)))
            if pattern.id in child.names.defined
        )
    return None


def create(root: Element, parent: Trail, new: Element) -> Edited:
    """Add `new` below `parent`; an element of that tag and id must not be there (features 4.2)."""
    there = element_at(root, parent)
    if _may_be_there(there, new) and any(matches(child, new) for child in there.children):
        name = f"{new.tag} {new.id!r}" if new.id else new.tag
        return refused(
            ExitCode.EXISTS,
            "exists",
            path_of(root, parent),
            f"{name} is there already",
            "modify or replace it, or choose another id",
        )
    return insert(root, parent, new)


def _may_be_there(parent: Element, new: Element) -> bool:
    by_id = "id" in new.attributes and new.tag not in NO_XML_ID
    return not by_id or new.id in parent.names.defined


def modify(
    root: Element, top: Trail, update: Element, *, create_absent: bool = False, score: bool = False
) -> Edited:
    """Merge `update` into the first match at or below `top` (features 4.3)."""
    found = search(element_at(root, top), update)
    if found is not None:
        trail = (*top, *found)
        there = element_at(root, trail)
        new = merged(there, update, score=score)
        return root if new is there else put(root, trail, new)
    if create_absent:
        return insert(root, top, summed_from_nothing(update) if score else update)
    return _absent(root, top, update)


def replace(root: Element, top: Trail, new: Element) -> Edited:
    """Put `new` in the place of the first match at or below `top` (features 4.4)."""
    found = search(element_at(root, top), new)
    if found is None:
        return _absent(root, top, new)
    trail = (*top, *found)
    return root if element_at(root, trail) == new else put(root, trail, new)


def delete(root: Element, top: Trail, pattern: Element) -> Element:
    """Remove the first element at or below `top` with the pattern's tag and attributes.

    Where the pattern is called as `top` is, each of its children is a pattern (features 4.5).
    Nothing that matches is no error.
    """
    section = element_at(root, top)
    if section.tag == pattern.tag:
        for child in pattern.each():
            root = _delete_first(root, top, child)
        return root
    return _delete_first(root, top, pattern)


def _delete_first(root: Element, top: Trail, pattern: Element) -> Element:
    found = search(element_at(root, top), pattern, every_attribute=True)
    return put(root, (*top, *found), None) if found else root


def _absent(root: Element, top: Trail, wanted: Element) -> Refusal:
    name = f"{wanted.tag} with id {wanted.id!r}" if wanted.id else wanted.tag
    return refused(
        ExitCode.NOSUCH,
        "no-such-element",
        path_of(root, top),
        f"there is no {name}",
        "check tag, id and scope, or allow it to be created",
    )


def _key(element: Element) -> tuple[str, str | None]:
    if element.tag == COMMENT:
        return COMMENT, element.text
    return element.tag, element.attributes.get("id")


def merged(there: Element, update: Element, *, score: bool = False) -> Element:
    """Return `there` with the update's attributes and children merged in, children by tag and id.

    An update child without an id goes into the first child of its tag.
    """
    changes: dict[str, str | None] = dict(update.attributes)
    if score:
        changes = {
            name: summed(name, there.attributes.get(name), value)
            for name, value in update.attributes.items()
        }
    result = there.with_attributes(changes)
    if not update.children:
        return result
    children = list(there.children)
    places: dict[tuple[str, str | None], int] = {}
    for position, child in enumerate(children):
        places.setdefault(_key(child), position)
        places.setdefault((child.tag, None), position)
    for child in update.children:
        position = places.get(_key(child), -1)
        if position >= 0:
            children[position] = merged(children[position], child, score=score)
        else:
            places[_key(child)] = len(children)
            children.append(summed_from_nothing(child) if score else child)
    same = len(children) == len(there.children) and all(
        new is old for new, old in zip(children, there.children, strict=True)
    )
    return result if same else result.with_children(tuple(children))


def summed_from_nothing(new: Element) -> Element:
    """Return a new element with its scored values summed on nothing, that is, from 0."""
    changes = {name: summed(name, None, value) for name, value in new.attributes.items()}
    below = tuple(summed_from_nothing(child) for child in new.children)
    return Element(new.tag, changes, below, new.text)


def summed(name: str, old: str | None, value: str) -> str:
    """Resolve ``name++`` and ``name+=N`` against the present value (features 4.14)."""
    if value == f"{name}++":
        step = 1
    elif value.startswith(f"{name}+="):
        step = _score(value[len(name) + 2 :])
    else:
        return value
    total = max(-INFINITY, min(INFINITY, _score(old or "0") + step))
    return {INFINITY: "INFINITY", -INFINITY: "-INFINITY"}.get(total, str(total))


def _score(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    digits = text[1:] if text[:1] in ("-", "+") else text
    if digits == "INFINITY":
        return sign * INFINITY
    if not (digits.isascii() and digits.isdigit()):
        return 0
    return sign * (INFINITY if len(digits) > 7 else min(INFINITY, int(digits)))
