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
from cib_store.document.element import Element
from cib_store.document.operations import SEPARATE
from cib_store.document.pairing import Pair, Unpaired, differing
from cib_store.document.path import find, parse_path
from cib_store.document.sections import SCOPES
from raftmaker.vocabulary.commands import CibOperation, OperationKind, Precondition

_CONFIGURATION = "/cib/configuration"
_OBJECT_DEPTH = 4
"""Steps in the path of an object: cib, configuration, section, object."""


def reliance(
    old: Element, new: Element, operations: Iterable[CibOperation]
) -> tuple[Precondition, ...]:
    """Return the preconditions of a change that made the CIB `new` of `old`."""
    try:
        if not all(_is_pinned(operation) for operation in operations):
            raise Unpaired
        paths = tuple(_touched(old, new))
    except Unpaired:
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
        raise Unpaired
    if before.attributes != after.attributes:
        raise Unpaired
    for section in differing(before, after, _CONFIGURATION):
        if section.new is None:
            raise Unpaired
        old_section = section.old or Element(section.new.tag)
        if old_section.attributes != section.new.attributes:
            raise Unpaired
        for pair in differing(old_section, section.new, section.path):
            inside = _inside(pair)
            yield from (pair.path,) if inside is None else inside


def _inside(pair: Pair) -> Sequence[str] | None:
    """Return the nvpairs that differ within an element; None: more than nvpairs does."""
    old, new = pair.old, pair.new
    if old is None or new is None or old.attributes != new.attributes or old.text != new.text:
        return None
    found: list[str] = []
    try:
        below = list(differing(old, new, pair.path))
    except Unpaired:
        return None
    for child in below:
        if _is_value(child):
            found.append(child.path)
            continue
        inside = _inside(child)
        if inside is None:
            return None
        found += inside
    return found


def _is_value(pair: Pair) -> bool:
    """Tell whether an nvpair came, went, or has another value under the same name."""
    if pair.old is None or pair.new is None:
        return (pair.old or pair.new or Element("")).tag == "nvpair"
    return pair.new.tag == "nvpair" and pair.old.get("name") == pair.new.get("name")
