"""Patchsets of format 2: the difference of two CIBs, and its application (features 4.18).

``apply_patchset(old, difference(old, new)) == new``. The difference is found by identity first, so
it costs in proportion to what changed. Changes stand in the order in which they are applied:
deletions and modifications by paths of the source, then creations and moves by final position.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec import Struct

from cib_store.document.element import COMMENT, Element
from cib_store.document.path import Step, Trail, element_at, parse_path, put, trail_of
from cib_store.document.refusal import Refusal, refused
from cib_store.document.version import version_attributes, version_of
from raftmaker.vocabulary.codes import ExitCode

_Key = tuple[str, str | None, int]


def difference(old: Element, new: Element) -> Element:
    """Return the patchset that makes `new` of `old`; both have the same tag and no text."""
    found = _Found([], [], [])
    _compare(old, new, str(Step(old.tag)), found)
    version = Element(
        "version",
        {},
        (
            Element("source", version_attributes(version_of(old))),
            Element("target", version_attributes(version_of(new))),
        ),
    )
    # Later deletions first, so that numbers in the paths of earlier ones stay true.
    changes = (*reversed(found.deletions), *found.modifications, *found.placements)
    return Element("diff", {"format": "2"}, (version, *changes))


class _Found(Struct, frozen=True):
    deletions: list[Element]
    modifications: list[Element]
    placements: list[Element]


def _compare(old: Element, new: Element, path: str, found: _Found) -> None:
    if old is new:
        return
    if old.attributes != new.attributes:
        found.modifications.append(_modification(old, new, path))
    if old.children == new.children:
        return
    if _compare_one_by_one(old, new, path, found):
        return
    old_keys, new_keys = _keys(old), _keys(new)
    if not _can_tell_apart(old, new, old_keys, new_keys):
        _rebuild(old, new, path, found)
        return
    old_at = {key: position for position, key in enumerate(old_keys)}
    kept = _kept(old, new, old_at, new_keys)
    staying = _longest_rise(kept, old_at)
    # A comment has no path of its own: where it does not stay it is deleted and created again.
    lasting = {key for key in kept if key[0] != COMMENT or key in staying}
    for key, position in old_at.items():
        if key not in lasting:
            found.deletions.append(_change("delete", path, key, position))
    for position, key in enumerate(new_keys):
        after = new.children[position]
        if key not in lasting:
            attributes = {"operation": "create", "path": path, "position": str(position)}
            found.placements.append(Element("change", attributes, (after,)))
            continue
        if key not in staying:
            found.placements.append(_change("move", path, key, position))
        if key[0] != COMMENT:
            _compare(old.children[old_at[key]], after, path + _step(key), found)


def _compare_one_by_one(old: Element, new: Element, path: str, found: _Found) -> bool:
    """Compare children that stayed in their places and can be named; False: it is not so."""
    if len(old.children) != len(new.children):
        return False
    differing = list(new.exchanged(old))
    ids = {before.attributes.get("id") for before, _ in differing}
    alike: list[Element] = []
    if len(old.places) < len(old.children):  # some have no id, or not alone
        alike = [each for each in old.children if each.attributes.get("id") in ids]
    named = Counter((each.tag, each.attributes.get("id")) for each in alike)
    tags = Counter(each.tag for each in old.children) if None in ids else Counter()
    for before, after in differing:
        name = before.attributes.get("id")
        key = (after.tag, after.attributes.get("id"), after.text)
        if before.tag == COMMENT or key != (before.tag, name, before.text):
            return False
        if (tags[before.tag] if name is None else named[before.tag, name]) > 1:
            return False
    for before, after in differing:
        _compare(before, after, path + str(Step(before.tag, before.attributes.get("id"))), found)
    return True


def _kept(
    old: Element, new: Element, old_at: dict[_Key, int], new_keys: Sequence[_Key]
) -> list[_Key]:
    """Return the keys of both with equal text, in the new order; text cannot be modified."""
    return [
        key
        for position, key in enumerate(new_keys)
        if key in old_at and old.children[old_at[key]].text == new.children[position].text
    ]


def _can_tell_apart(
    old: Element, new: Element, old_keys: Sequence[_Key], new_keys: Sequence[_Key]
) -> bool:
    """Whether paths name the children for certain while some are deleted and moved."""
    for parent, keys in ((old, old_keys), (new, new_keys)):
        if len(set(keys)) < len(keys):
            return False
        with_id = {tag for tag, name, _ in keys if name is not None}
        if any(name is None and tag in with_id for tag, name, _ in keys):
            return False
        if any(child.text and child.tag != COMMENT for child in parent.children):
            return False
    return True


def _rebuild(old: Element, new: Element, path: str, found: _Found) -> None:
    """Take everything out and put the new in: siblings share a tag and id, no path tells apart."""
    ordinal: dict[str, int] = {}
    for position, child in enumerate(old.children):
        ordinal[child.tag] = ordinal.get(child.tag, 0) + 1
        key = (child.tag, None, ordinal[child.tag])
        found.deletions.append(_change("delete", path, key, position))
    for position, child in enumerate(new.children):
        attributes = {"operation": "create", "path": path, "position": str(position)}
        found.placements.append(Element("change", attributes, (child,)))


def _keys(parent: Element) -> list[_Key]:
    keys: list[_Key] = []
    numbers: dict[str, int] = {}
    for child in parent.children:
        numbers[child.tag] = numbers.get(child.tag, 0) + 1
        if "id" in child.attributes:
            keys.append((child.tag, child.id, 1))
        else:
            keys.append((child.tag, None, numbers[child.tag]))
    return keys


def _step(key: _Key) -> str:
    tag, name, number = key
    return "/comment" if tag == COMMENT else str(Step(tag, name, number))


def _change(operation: str, path: str, key: _Key, position: int) -> Element:
    attributes = {"operation": operation, "path": path + _step(key)}
    if operation == "move" or key[0] == COMMENT:
        attributes["position"] = str(position)
    return Element("change", attributes)


def _modification(old: Element, new: Element, path: str) -> Element:
    changes: list[Element] = []
    for name, value in new.attributes.items():
        if old.attributes.get(name) != value:
            changes.append(
                Element("change-attr", {"name": name, "operation": "set", "value": value})
            )
    for name in old.attributes:
        if name not in new.attributes:
            changes.append(Element("change-attr", {"name": name, "operation": "unset"}))
    result = Element("change-result", {}, (Element(new.tag, new.attributes),))
    return Element(
        "change",
        {"operation": "modify", "path": path},
        (Element("change-list", {}, tuple(changes)), result),
    )


def _longest_rise(keys: Sequence[_Key], place: dict[_Key, int]) -> frozenset[_Key]:
    """Return a largest choice of `keys` whose places rise: these need not be moved."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, key in enumerate(keys):
        at = bisect_left(tails, place[key])
        previous.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [place[key]]
        ends[at : at + 1] = [index]
    chosen: list[_Key] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chosen.append(keys[index])
        index = previous[index]
    return frozenset(chosen)


def apply_patchset(old: Element, patchset: Element) -> Element | Refusal:
    """Return what the patchset makes of `old`. The source version is the caller's to check."""
    if patchset.tag != "diff" or patchset.get("format") != "2":
        return _bad("diff", "this is no patchset of format 2")
    changes = list(patchset.each("change"))
    root = old
    in_place = [each for each in changes if each.get("operation") in ("delete", "modify")]
    # Thousands of siblings that go, or come, are taken together: each copies the list of them all.
    for home, run in groupby(in_place, _home_of_deleted):
        edited = _run_in_place(root, home, run)
        if isinstance(edited, Refusal):
            return edited
        root = edited
    return _placed(root, changes)


def _home_of_deleted(change: Element) -> str:
    """Return the path of the parent of what is deleted by its id; empty for any other change."""
    steps = parse_path(change.get("path")) or ()
    by_id = len(steps) > 1 and steps[-1].id is not None
    return _parent_path(change) if by_id and change.get("operation") == "delete" else ""


def _without(root: Element, home: str, deletions: Iterable[Element]) -> Element | Refusal:
    """Delete children of one element, in their order."""
    trail, gone = trail_of(root, home), set[int]()

    def left() -> Element:
        assert trail is not None
        parent = element_at(root, trail)
        kept = [child for at, child in enumerate(parent.children) if at not in gone]
        return put(root, trail, parent.with_children(tuple(kept)))

    for change in deletions:
        path = change.get("path")
        found = trail_of(root, path)
        if found is not None and found[-1] in gone:  # there may be another one of that id
            root, gone = left(), set()
            found = trail_of(root, path)
        if found is None:
            return _bad(path, "the patch deletes an element that is not there")
        gone.add(found[-1])
    return left()


def _run_in_place(root: Element, home: str, changes: Iterable[Element]) -> Element | Refusal:
    if home:
        return _without(root, home, changes)
    for change in changes:
        edited = _in_place(root, change)
        if isinstance(edited, Refusal):
            return edited
        root = edited
    return root


def _in_place(root: Element, change: Element) -> Element | Refusal:
    path = change.get("path")
    if change.get("operation") == "delete":
        trail = _deleted_trail(root, change)
        if trail is None:
            return _bad(path, "the patch deletes an element that is not there")
        return put(root, trail, None) if trail else _bad(path, "the root cannot be deleted")
    trail = trail_of(root, path)
    if trail is None:
        return _bad(path, "the patch modifies an element that is not there")
    attributes: dict[str, str | None] = {}
    listed = change.child("change-list")
    for edit in listed.each("change-attr") if listed else ():
        unset = edit.get("operation") == "unset"
        attributes[edit.get("name")] = None if unset else edit.get("value")
    return put(root, trail, element_at(root, trail).with_attributes(attributes))


def _placed(root: Element, changes: Sequence[Element]) -> Element | Refusal:
    """Carry out creations and moves. Moved elements are all taken out before any is put in."""
    moving: dict[Trail, int] = {}
    for number, change in enumerate(changes):
        if change.get("operation") == "move":
            trail = trail_of(root, change.get("path"))
            if not trail:
                return _bad(change.get("path"), "the patch moves an element that is not there")
            if trail in moving:
                return _bad(change.get("path"), "the patch moves one element twice")
            moving[trail] = number
    taken: dict[int, Element] = {}
    # Last and deepest first: then no trail of those still to come is touched.
    for trail, number in sorted(moving.items(), reverse=True):
        taken[number] = element_at(root, trail)
        root = put(root, trail, None)
    return _put_in(root, changes, taken)


def _put_in(
    root: Element, changes: Sequence[Element], taken: dict[int, Element]
) -> Element | Refusal:
    numbered = [
        (number, change)
        for number, change in enumerate(changes)
        if change.get("operation") not in ("delete", "modify")
    ]
    for home, run in groupby(numbered, lambda each: _home_of_placed(each[1])):
        trail = trail_of(root, home)
        children = list(element_at(root, trail).children) if trail is not None else []
        for number, change in run:
            operation, path = change.get("operation"), change.get("path")
            if operation not in ("create", "move"):
                return _bad(path, f"unknown operation {operation!r}")
            new = taken.get(number) or next(iter(change.children), None)
            if trail is None or new is None:
                return _bad(path, "the patch adds to an element that is not there")
            position = change.get("position")
            at = int(position) if position.isascii() and position.isdigit() else len(children)
            children.insert(min(at, len(children)), new)
        assert trail is not None
        root = put(root, trail, element_at(root, trail).with_children(tuple(children)))
    return root


def _home_of_placed(change: Element) -> str:
    return change.get("path") if change.get("operation") == "create" else _parent_path(change)


def _parent_path(change: Element) -> str:
    steps = parse_path(change.get("path")) or ()
    return "".join(str(step) for step in steps[:-1])


def _deleted_trail(root: Element, change: Element) -> Trail | None:
    """Find what a deletion names; a comment is named by its parent and its position."""
    path, position = change.get("path"), change.get("position")
    if not path.endswith("/comment") or not (position.isascii() and position.isdigit()):
        return trail_of(root, path)
    parent = trail_of(root, path.removesuffix("/comment"))
    if parent is None:
        return None
    children = element_at(root, parent).children
    at = int(position)
    return (*parent, at) if at < len(children) and children[at].tag == COMMENT else None


def _bad(where: str, what: str) -> Refusal:
    return refused(
        ExitCode.DATAERR, "bad-patch", where, what, "make the patch again from the present CIB"
    )
