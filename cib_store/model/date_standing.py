"""How a moment stands to a date expression: before it, within it, after it (features 14.20).

A rule holds or does not; who asks about one rule wants to know whether it is over or still to come.
"""

from __future__ import annotations

from enum import Enum

from cib_store.document.element import Element
from cib_store.model.dates import (
    Moment,
    date_expression_holds,
    parse_moment,
    side_of,
    spec_values,
)


class Standing(Enum):
    """How a moment stands to a date expression; the value is what to say of its rule."""

    WITHIN = "is still in effect"
    SATISFIED = "satisfies conditions"
    BEFORE = "has not yet taken effect"
    AFTER = "is expired"


def standing(expression: Element, now: Moment) -> Standing | None:
    """Return how `now` stands to a date expression; None where that cannot be read."""
    operation = expression.get("operation", "in_range").lower()
    if operation == "date_spec":
        return _of_spec(expression.child("date_spec"), now)
    start, end = (parse_moment(expression.attributes.get(name)) for name in ("start", "end"))
    needed = {"gt": (start,), "lt": (end,), "in_range": (start or end,)}.get(operation)
    if needed is None or None in needed or not expression.id:
        return None
    if date_expression_holds(expression, now)[0]:
        return Standing.WITHIN
    comes = operation == "gt" or (
        operation == "in_range" and start is not None and now.epoch < start.epoch
    )
    return Standing.BEFORE if comes else Standing.AFTER


def _of_spec(spec: Element | None, now: Moment) -> Standing | None:
    """The first part that is not met decides: a year that is over is over whatever the hour."""
    if spec is None or not spec.id:
        return None
    for name, value in spec_values(now).items():
        if name in spec.attributes:
            side = side_of(spec.attributes[name], value)
            if side is None:
                return None
            if side:
                return Standing.BEFORE if side < 0 else Standing.AFTER
    return Standing.SATISFIED
