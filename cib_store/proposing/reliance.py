"""What a checked change of the configuration relied on, as preconditions for `apply`.

A change relies on the objects that it touches: a resource, a constraint, a node, and within an
object on a single nvpair where only nvpairs differ. So writers of different things never conflict
(protocols, Commands). What no list of objects can say (a whole section replaced, an order changed,
a place that is found by its attributes) relies on the whole configuration.

References need no precondition: `apply` refuses a change that leaves one without its element.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cib_store.document.codec import BadXml, parse
from cib_store.document.element import COMMENT, Element
from cib_store.document.operations import SEPARATE
from cib_store.document.path import Step, find, parse_path
from cib_store.document.sections import SCOPES
from raftmaker.vocabulary.commands import CibOperation, OperationKind, Precondition

_CONFIGURATION = "/cib/configuration"
_OBJECT_DEPTH = 4
"""Steps in the path of an object: cib, configuration, section, object."""


class _Everything(Exception):
    """Only the whole configuration says what was relied on."""


def reliance(
    old: Element, new: Element, operations: Iterable[CibOperation]
) -> tuple[Precondition, ...]:
    """Return the preconditions of a change that made the CIB `new` of `old`."""
    try:
        if not all(_is_pinned(operation) for operation in operations):
            raise _Everything
        paths = tuple(_touched(old, new))
    except _Everything:
        paths = (_CONFIGURATION,)
    return tuple(Precondition(path=path, digest=_digest(old, path)) for path in paths)


def unchanged(conditions: Iterable[Precondition], cib: Element) -> bool:
    """Tell whether the elements are in `cib` as the preconditions have them."""
    return all(_digest(cib, condition.path) == condition.digest for condition in conditions)


def _digest(cib: Element, path: str) -> bytes:
    there = find(cib, path)
    return b"" if there is None else there.digest


def _is_pinned(operation: CibOperation) -> bool:
    """Tell whether the operation means the same objects in any CIB in which they are the same."""
    if operation.kind is OperationKind.BUMP:
        return True
    if operation.kind in (OperationKind.ERASE, OperationKind.PATCH):
        return False
    steps = parse_path(operation.path) or ()
    if len(steps) >= _OBJECT_DEPTH:
        return True
    if not operation.xml:
        return False
    try:
        targets = list(_targets(parse(operation.xml)))
    except BadXml:
        return False
    merges = operation.kind in (OperationKind.CREATE, OperationKind.MODIFY)
    return all(
        bool(target.id) and target.tag not in SCOPES and (merges or not below)
        for target, below in targets
    )


def _targets(xml: Element, below: bool = False) -> Iterator[tuple[Element, bool]]:
    """Yield the objects inside whole sections, and whether they were inside one."""
    if xml.tag not in SCOPES:
        yield xml, below
        return
    if not xml.children:
        yield xml, below
    for child in xml.each():
        yield from _targets(child, True)


def _touched(old: Element, new: Element) -> Iterator[str]:
    kept = [
        {name: value for name, value in root.attributes.items() if name not in SEPARATE}
        for root in (old, new)
    ]
    before, after = find(old, _CONFIGURATION), find(new, _CONFIGURATION)
    if kept[0] != kept[1] or before is None or after is None:
        raise _Everything
    if before.attributes != after.attributes:
        raise _Everything
    for path, one, other in _pairs(before, after, _CONFIGURATION):
        if other is None:
            raise _Everything
        one = one or Element(other.tag)
        if one.attributes != other.attributes:
            raise _Everything
        for place, mine, theirs in _pairs(one, other, path):
            inside = _inside(mine, theirs, place) if mine and theirs else None
            yield from (place,) if inside is None else inside


def _pairs(
    old: Element, new: Element, path: str
) -> Iterator[tuple[str, Element | None, Element | None]]:
    """Yield what differs between the children, by path; both must be in the same order."""
    if old.children == new.children:
        return
    mine, theirs = _keyed(old), _keyed(new)
    both = [key for key in mine if key in theirs]
    if both != [key for key in theirs if key in mine]:
        raise _Everything
    for key in (*mine, *(key for key in theirs if key not in mine)):
        one, other = mine.get(key), theirs.get(key)
        if one is not other and one != other:
            tag, name = key
            yield path + str(Step(tag, name)), one, other


def _keyed(parent: Element) -> dict[tuple[str, str | None], Element]:
    children = [child for child in parent.children if child.tag != COMMENT]
    keyed = {(child.tag, child.attributes.get("id")): child for child in children}
    if len(keyed) < len(parent.children):  # a comment, or siblings that only their place tells
        raise _Everything
    return keyed


def _inside(old: Element, new: Element, path: str) -> Sequence[str] | None:
    """Return the nvpairs that differ within an object; None: more than nvpairs does."""
    if old.attributes != new.attributes or old.text != new.text:
        return None
    found: list[str] = []
    try:
        pairs = list(_pairs(old, new, path))
    except _Everything:
        return None
    for place, mine, theirs in pairs:
        if (mine or theirs or old).tag == "nvpair":
            if mine and theirs and mine.get("name") != theirs.get("name"):
                return None
            found.append(place)
            continue
        inside = _inside(mine, theirs, place) if mine and theirs else None
        if inside is None:
            return None
        found += inside
    return found
