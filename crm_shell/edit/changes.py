"""The difference between two configurations as operations on single objects (features 4.2-4.5).

Only what differs is sent, so that edits by several people at once meet only where they touch the
same object.
"""

from __future__ import annotations

from collections.abc import Iterator

from cib_store.document.element import COMMENT, Element
from crm_shell.edit.pool import SECTIONS
from crm_shell.xml_text import xml_lines
from raftmaker.vocabulary.commands import CibOperation, OperationKind


def operations(old: Element, new: Element) -> tuple[CibOperation, ...]:
    """Return what turns the configuration `old` into `new`."""
    removals: list[CibOperation] = []
    rest: list[CibOperation] = []
    for name in SECTIONS:
        before, after = old.child(name), new.child(name)
        if before is after or before == after:
            continue
        for operation in _section(name, before, after):
            gone = operation.kind is OperationKind.DELETE
            (removals if gone else rest).append(operation)
    # Constraints and tags go before the resources they name.
    removals.reverse()
    return (*removals, *rest)


def _section(name: str, before: Element | None, after: Element | None) -> Iterator[CibOperation]:
    if after is None:
        yield CibOperation(kind=OperationKind.DELETE, scope="configuration", xml=f"<{name}/>")
        return
    if before is None:
        yield _operation(OperationKind.CREATE, "configuration", after)
        return
    if not _addressable(before) or not _addressable(after) or _reordered(before, after):
        yield _operation(OperationKind.REPLACE, name, after)
        return
    olds = {(child.tag, child.id): child for child in before.children}
    news = {(child.tag, child.id): child for child in after.children}
    for key, child in olds.items():
        if key not in news:
            head = Element(child.tag, {"id": child.id})
            yield _operation(OperationKind.DELETE, name, head)
    for key, child in news.items():
        if key not in olds:
            yield _operation(OperationKind.CREATE, name, child)
        elif olds[key] != child:
            yield _operation(OperationKind.REPLACE, name, child)


def _addressable(section: Element) -> bool:
    keys = [(child.tag, child.id) for child in section.children if child.tag != COMMENT]
    return all(identity for _, identity in keys) and len(set(keys)) == len(section.children)


def _reordered(before: Element, after: Element) -> bool:
    olds = [child.id for child in before.children]
    kept = [child.id for child in after.children if child.id in set(olds)]
    added = [child.id for child in after.children if child.id not in set(olds)]
    in_order = [identity for identity in olds if identity in set(kept)] == kept
    return not in_order or [child.id for child in after.children] != [*kept, *added]


def _operation(kind: OperationKind, scope: str, element: Element) -> CibOperation:
    return CibOperation(kind=kind, scope=scope, xml="\n".join(xml_lines(element)))
