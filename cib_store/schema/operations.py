"""Operations that do not count as they stand: twice the same, or an on-fail that cannot be.

The scheduler goes on without them, as Pacemaker's does: so they are told where they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cib_store.document.element import Element
from cib_store.model.values import interval_ms
from raftmaker.vocabulary.reports import Report
from raftmaker.vocabulary.roles import Role, parse_role

_NOT_FOR_STOP = ("standby", "demote", "stop")


def operation_warnings(objects: Iterable[Element]) -> Iterator[Report]:
    """Yield what is odd about the operations of resources and templates (features 8.2, 8.8)."""
    for one in objects:
        for element in one.walk():
            if element.tag in ("primitive", "template"):
                yield from _of_resource(element)


def _of_resource(resource: Element) -> Iterator[Report]:
    seen: set[tuple[str, int]] = set()
    for operations in resource.each("operations"):
        for op in operations.each("op"):
            key = op.get("name"), interval_ms(op.attributes.get("interval"))
            if key in seen and key[1]:
                yield _report(
                    "double-operation",
                    op,
                    f"{resource.id!r} has two {key[0]} operations of one interval; none recurs",
                    "give each an interval of its own, or delete one",
                )
            seen.add(key)
            yield from _of_on_fail(resource, op)


def _of_on_fail(resource: Element, op: Element) -> Iterator[Report]:
    name, on_fail = op.get("name"), _on_fail(op).lower()
    if name == "stop" and on_fail in _NOT_FOR_STOP:
        yield _report(
            "bad-on-fail",
            op,
            f"{resource.id!r}: a stop cannot have on-fail={on_fail}; what is usual counts",
            "allowed: ignore, block, fence",
        )
    elif on_fail == "demote" and name != "demote" and not _may_demote(op):
        yield _report(
            "bad-on-fail",
            op,
            f"{resource.id!r}: on-fail=demote does not count for this {name}",
            "it is for promote, and for a recurring monitor with role=Promoted",
        )


def _on_fail(op: Element) -> str:
    if "on-fail" in op.attributes:
        return op.get("on-fail")
    for owner in op.each("meta_attributes"):
        for pair in owner.each("nvpair"):
            if pair.get("name") == "on-fail":
                return pair.get("value")
    return ""


def _may_demote(op: Element) -> bool:
    recurs = interval_ms(op.attributes.get("interval")) > 0
    is_promoted = parse_role(op.attributes.get("role")) is Role.PROMOTED
    return op.get("name") == "promote" or (op.get("name") == "monitor" and recurs and is_promoted)


def _report(code: str, op: Element, what: str, mend: str) -> Report:
    where = f"//op[@id='{op.id}']"
    return Report(code=code, where=where, what=what, mend=mend, is_error=False)
