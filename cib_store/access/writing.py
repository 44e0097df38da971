"""What of a change a user may not do: every element that it touches is looked at (20.7, 20.11).

Changed, deleted and moved elements need the right to write as the document was, changed and created
ones also as it would be: so nobody changes an element into one that they may write. A frame that
has only an id may be created around something that may be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cib_store.access.permissions import Right
from cib_store.access.rights import Marks
from cib_store.document.element import COMMENT, Element
from cib_store.document.operations import OURS, STAMPS
from cib_store.document.path import step_to
from raftmaker.vocabulary.reports import Report

_IGNORED = frozenset((*OURS, *STAMPS, "num_updates"))
"""Attributes of the root that the store sets itself."""
_Side = tuple[Element, Marks, Right | None]
_Key = tuple[str, str, int]


def faults(old: Element, before: Marks, new: Element, after: Marks) -> tuple[Report, ...]:
    """Return a report for everything that was done without the right to; empty: all is allowed."""
    return tuple(_changed((old, before, None), (new, after, None), f"/{old.tag}"))


def _changed(old: _Side, new: _Side, path: str) -> Iterator[Report]:
    (one, before, above_before), (other, after, above_after) = old, new
    if one is other:
        return
    was, would = before.right or above_before, after.right or above_after
    may_write = was is Right.WRITE and would is Right.WRITE
    same = one.attributes == other.attributes or _plain(one, path) == _plain(other, path)
    if not may_write and not (same and one.text == other.text):
        yield _report("change", path)
    olds, news = _keyed(one), _keyed(other)
    for key, at in olds.items():
        below = path + str(step_to(one, at))
        if key in news:
            place = news[key]
            yield from _changed(
                (one.children[at], before.under(at), was),
                (other.children[place], after.under(place), would),
                below,
            )
        elif not before.under(at).is_writable(was):
            yield _report("delete", below)
    for key, place in news.items():
        if key not in olds:
            child = (other.children[place], after.under(place), would)
            yield from _created(child, path + str(step_to(other, place)), inside=other.tag)
    fixed = [key for key, at in olds.items() if not _is_free(before.under(at), was)]
    if [key for key in fixed if key in news] != [key for key in news if key in set(fixed)]:
        yield _report("move what is in", path)


def _plain(element: Element, path: str) -> Mapping[str, str]:
    if path != "/cib":
        return element.attributes
    return {name: value for name, value in element.attributes.items() if name not in _IGNORED}


def _is_free(marks: Marks, inherited: Right | None) -> bool:
    return (marks.right or inherited) is Right.WRITE


def _created(new: _Side, path: str, *, inside: str) -> Iterator[Report]:
    element, marks, above = new
    right = marks.right or above
    is_frame = (
        element.attributes.keys() <= {"id"}
        and not element.text
        and inside != "acls"
        and _holds_writable(marks)
    )
    if right is not Right.WRITE and not is_frame:
        yield _report("create", path)
        return
    if right is Right.WRITE and not marks.below:
        return
    for position, child in enumerate(element.children):
        below = (child, marks.under(position), right)
        yield from _created(below, path + str(step_to(element, position)), inside=element.tag)


def _holds_writable(marks: Marks) -> bool:
    return any(each.right is Right.WRITE or _holds_writable(each) for each in marks.below.values())


def _keyed(parent: Element) -> dict[_Key, int]:
    found: dict[_Key, int] = {}
    count: dict[tuple[str, str], int] = {}
    for position, child in enumerate(parent.children):
        name = child.text if child.tag == COMMENT else child.attributes.get("id", "")
        number = count[child.tag, name] = count.get((child.tag, name), 0) + 1
        found[child.tag, name, number] = position
    return found


def _report(what: str, path: str) -> Report:
    return Report(
        code="not-permitted",
        where=path,
        what=f"you have no right to {what} this",
        mend="ask for a role with that permission ('crm configure role', 'acl_target')",
    )
