"""Move, ban, clear: location constraints of fixed names (features 12.9, 30.13)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cib_store.document.element import Element
from cib_store.model.date_standing import Standing, standing
from cib_store.model.dates import Moment
from cib_store.model.values import parse_duration_ms
from crm_shell.actions import tree
from raftmaker.vocabulary.commands import CibOperation, OperationKind

INFINITY = "INFINITY"


def prefer(cib: Element, identity: str, node: str, *, end: str = "",
           role: str = "") -> CibOperation:  # fmt: skip
    """Make a resource prefer a node above all; `end`: until that date. Raises `tree.NotThere`."""
    resource = tree.resource(cib, identity)
    name = tree.node(cib, node).get("uname")
    key = f"cli-prefer-{resource.id}"
    return _put(cib, _location(resource.id, key, "cli-prefer", name, INFINITY, end, role))


def ban(cib: Element, identity: str, node: str, *, end: str = "", role: str = "") -> CibOperation:
    """Keep a resource away from a node; `end`: until that date. Raises `tree.NotThere`."""
    resource = tree.resource(cib, identity)
    name = tree.node(cib, node).get("uname")
    key = f"cli-ban-{resource.id}-on-{name}"
    return _put(cib, _location(resource.id, key, "cli-ban", name, f"-{INFINITY}", end, role))


def _location(
    resource: str, key: str, prefix: str, node: str, score: str, end: str, role: str
) -> Element:
    base = {"id": key, "rsc": resource, "role": role or "Started"}
    if not end:
        return Element("rsc_location", {**base, "node": node, "score": score})
    tail = key.removeprefix(f"{prefix}-")
    where = {
        "id": f"{prefix}-expr-{tail}", "attribute": "#uname", "operation": "eq",
        "value": node, "type": "string",
    }  # fmt: skip
    until = {"id": f"{prefix}-lifetime-end-{tail}", "operation": "lt", "end": end}
    rule = Element(
        "rule",
        {"id": f"{prefix}-rule-{tail}", "score": score, "boolean-op": "and"},
        (Element("expression", where), Element("date_expression", until)),
    )
    return Element("rsc_location", base, (rule,))


def _put(cib: Element, location: Element) -> CibOperation:
    there = any(each.id == location.id for each in tree.section(cib, "constraints").children)
    kind = OperationKind.REPLACE if there else OperationKind.CREATE
    return CibOperation(kind=kind, scope="constraints", xml=tree.text(location))


def cleared(cib: Element, identity: str, node: str = "") -> tuple[CibOperation, ...]:
    """Lift what `prefer` and `ban` made for a resource (`node`: only what concerns it)."""
    resource = tree.resource(cib, identity).id
    found = [each for each in made_for(cib, resource) if not node or node_of(each) == node]
    return removal_of(found)


def removal_of(locations: Iterable[Element]) -> tuple[CibOperation, ...]:
    """Return what deletes these constraints."""
    return tuple(
        CibOperation(
            kind=OperationKind.DELETE,
            scope="constraints",
            xml=tree.text(Element("rsc_location", {"id": each.id})),
        )
        for each in locations
    )


def expired(cib: Element, resource: str, now: Moment) -> list[Element]:
    """Return those of `made_for` whose lifetime is over."""
    return [each for each in made_for(cib, resource) if _is_over(each, now)]


def _is_over(location: Element, now: Moment) -> bool:
    dates = [each for each in location.walk() if each.tag == "date_expression"]
    return len(dates) == 1 and standing(dates[0], now) is Standing.AFTER


def made_for(cib: Element, resource: str = "") -> list[Element]:
    """Return the constraints that moving and banning made, for one resource or for all."""
    return [
        each
        for each in tree.section(cib, "constraints").each("rsc_location")
        if each.id.startswith(("cli-prefer-", "cli-ban-"))
        and (not resource or each.get("rsc") == resource)
    ]


def node_of(location: Element) -> str:
    """Return the node that such a constraint is about."""
    if "node" in location.attributes:
        return location.get("node")
    for each in location.walk():
        if each.tag == "expression" and each.get("attribute") == "#uname":
            return each.get("value")
    return ""


def end_of_lifetime(lifetime: str, now: datetime) -> str:
    """Return the date at which a lifetime such as ``PT30M``, ``30min`` or a date ends.

    Raises ValueError when it is neither.
    """
    is_date = "-" in lifetime
    duration = None if is_date else parse_duration_ms(lifetime)
    if duration is not None and duration > 0:
        end = now.astimezone(UTC) + timedelta(milliseconds=duration)
        return end.strftime("%Y-%m-%d %H:%M:%SZ")
    try:
        return datetime.fromisoformat(lifetime).isoformat(sep=" ")
    except ValueError:
        raise ValueError(
            f"{lifetime!r} is no lifetime: write a duration (PT30M, 30min) or a date"
        ) from None
