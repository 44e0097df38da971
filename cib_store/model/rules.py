"""Rules: conditions on time, node attributes, resources and operations (features section 11)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.dates import Moment, date_expression_holds
from cib_store.model.references import Index
from cib_store.model.values import interval_ms, parse_integer, parse_version, whole


class RuleInput(Struct, frozen=True, kw_only=True):
    """Everything a rule can ask about; what is None or empty makes such conditions fail."""

    now: Moment
    node_attributes: Mapping[str, str] | None = None
    parameters: Mapping[str, str] | None = None
    meta: Mapping[str, str] | None = None
    standard: str | None = None
    provider: str | None = None
    agent: str | None = None
    operation: str | None = None
    interval_ms: int = 0
    matches: tuple[str | None, ...] = ()
    """What a ``rsc-pattern`` matched: %0 is the whole, %1 the first group."""


class Verdicts(Struct):
    """Gathers when the outcome of the rules seen so far may next change."""

    next_change: int | None = None
    """Seconds since the epoch, or None where no rule depends on time."""

    def note(self, when: int | None) -> None:
        """Record a moment at which a rule may turn."""
        if when is not None and (self.next_change is None or when < self.next_change):
            self.next_change = when


def rule_holds(rule: Element, given: RuleInput, index: Index, verdicts: Verdicts) -> bool:
    """Whether a rule applies. Broken rules never do (features section 11)."""
    resolved = index.resolve(rule)
    if resolved is None or not resolved.id:
        return False
    combine = resolved.get("boolean-op", "and").lower()
    if combine not in ("and", "or"):
        return False
    empty = True
    for condition in resolved.each():
        empty = False
        held = _condition_holds(condition, given, index, verdicts)
        if held and combine == "or":
            return True
        if not held and combine == "and":
            return False
    return empty or combine == "and"


def _condition_holds(
    condition: Element, given: RuleInput, index: Index, verdicts: Verdicts
) -> bool:
    match condition.tag:
        case "rule":
            return rule_holds(condition, given, index, verdicts)
        case "expression":
            return _expression_holds(condition, given)
        case "date_expression":
            held, change = date_expression_holds(condition, given.now)
            verdicts.note(change)
            return held
        case "rsc_expression":
            asked = (("class", given.standard), ("provider", given.provider), ("type", given.agent))
            return bool(condition.id) and all(
                name not in condition.attributes or condition.get(name) == actual
                for name, actual in asked
            )
        case "op_expression":
            return _operation_holds(condition, given)
        case _:
            return False


def _operation_holds(condition: Element, given: RuleInput) -> bool:
    if not condition.id or condition.attributes.get("name") != given.operation:
        return False
    interval = condition.attributes.get("interval")
    return interval is None or interval_ms(interval) == given.interval_ms


def with_matches(text: str, matches: tuple[str | None, ...]) -> str:
    """Replace %0 to %9 by what a resource pattern matched."""
    if not matches or "%" not in text:
        return text

    def replacement(found: re.Match[str]) -> str:
        number = whole(found.group(1))
        return (matches[number] or "") if number < len(matches) else ""

    return re.sub(r"%(\d)", replacement, text)


def _expression_holds(expression: Element, given: RuleInput) -> bool:
    name = expression.attributes.get("attribute")
    operation = expression.get("operation").lower()
    if not expression.id or name is None:
        return False
    attributes = given.node_attributes
    actual = attributes.get(with_matches(name, given.matches)) if attributes is not None else None
    if operation == "defined":
        return actual is not None
    if operation == "not_defined":
        return actual is None
    reference = _reference_value(expression, given)
    order = _compare(actual, reference, _kind(expression, operation, actual, reference))
    if operation in ("eq", "ne"):
        return (order == 0) == (operation == "eq")
    if actual is None or reference is None:
        return False
    return {"lt": order < 0, "lte": order <= 0, "gt": order > 0, "gte": order >= 0}.get(
        operation, False
    )


def _reference_value(expression: Element, given: RuleInput) -> str | None:
    value = expression.attributes.get("value")
    table: Mapping[str, str] | None
    match expression.get("value-source", "literal").lower():
        case "literal":
            return value
        case "param":
            table = given.parameters
        case "meta":
            table = given.meta
        case _:
            return None
    return table.get(value) if table is not None and value is not None else None


def _kind(expression: Element, operation: str, one: str | None, other: str | None) -> str:
    declared = expression.attributes.get("type")
    if declared is not None:
        return declared.lower()
    if operation in ("eq", "ne"):
        return "string"
    return "number" if "." in (one or "") or "." in (other or "") else "integer"


def _compare(one: str | None, other: str | None, kind: str) -> int:
    """Return less than, equal to or greater than 0; an absent value sorts first."""
    if one is None or other is None:
        return (one is not None) - (other is not None)
    if kind == "integer":
        first, second = parse_integer(one), parse_integer(other)
        if first is not None and second is not None:
            return (first > second) - (first < second)
    elif kind == "number":
        try:
            return (float(one) > float(other)) - (float(one) < float(other))
        except ValueError:
            pass
    elif kind == "version":
        older, newer = parse_version(one), parse_version(other)
        return (older > newer) - (older < newer)
    elif kind != "string":
        return 0
    return (one.lower() > other.lower()) - (one.lower() < other.lower())
