"""Order constraints (features 12.x)."""

from __future__ import annotations

from enum import Enum, auto

from cib_store.document.element import Element
from cib_store.model.scores import parse_score
from cib_store.model.values import is_true, parse_boolean, parse_integer
from crmd.scheduler.actions.book import pseudo
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.constraints.ordering import add_ordering, order_resources
from crmd.scheduler.constraints.references import (
    as_set,
    find_resource,
    is_known,
    with_tags_in_sets,
)
from crmd.scheduler.state.action import (
    ASYMMETRIC,
    FIRST_IMPLIES_THEN,
    FIRST_IMPLIES_THEN_GRAPHED,
    MIN_RUNNABLE,
    NOTHING,
    ORDERED,
    SERIALIZE,
    THEN_IMPLIES_FIRST,
    UNRUNNABLE_FIRST_BLOCKS,
)
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run

_INVERSE = {
    "start": "stop",
    "stop": "start",
    "promote": "demote",
    "demote": "promote",
    "promoted": "demoted",
    "demoted": "promoted",
    "running": "stopped",
    "stopped": "running",
}
_UP = frozenset(("start", "promote", "migrate_from"))


class Kind(Enum):
    """``kind`` of an order constraint."""

    OPTIONAL = auto()
    MANDATORY = auto()
    SERIALIZE = auto()


class Symmetry(Enum):
    """Whether the inverse follows, and whether this is it."""

    ASYMMETRIC = auto()
    SYMMETRIC = auto()
    INVERSE = auto()


def _kind(element: Element) -> Kind:
    kind = element.attributes.get("kind")
    if kind is None:
        score = element.attributes.get("score")
        optional = score is not None and parse_score(score) == 0
        return Kind.OPTIONAL if optional else Kind.MANDATORY
    return {"Optional": Kind.OPTIONAL, "Serialize": Kind.SERIALIZE}.get(kind, Kind.MANDATORY)


def _symmetry(element: Element, outer: Kind, outer_text: str | None) -> Symmetry:
    has_own = "kind" in element.attributes or "score" in element.attributes
    kind = _kind(element) if has_own else outer
    symmetric = parse_boolean(element.attributes.get("symmetrical"))
    if symmetric is None and outer_text is not None:
        symmetric = is_true(outer_text)
    if symmetric is None:
        symmetric = kind is not Kind.SERIALIZE
    symmetric = symmetric and kind is not Kind.SERIALIZE
    return Symmetry.SYMMETRIC if symmetric else Symmetry.ASYMMETRIC


def _flags(kind: Kind, first_task: str, symmetry: Symmetry) -> int:
    if kind is Kind.OPTIONAL:
        return ORDERED
    if kind is Kind.SERIALIZE:
        return SERIALIZE
    match symmetry:
        case Symmetry.ASYMMETRIC:
            return ORDERED | ASYMMETRIC
        case Symmetry.SYMMETRIC:
            blocks = UNRUNNABLE_FIRST_BLOCKS if first_task in _UP else NOTHING
            return ORDERED | FIRST_IMPLIES_THEN | blocks
        case Symmetry.INVERSE:
            return ORDERED | THEN_IMPLIES_FIRST


def read_order(run: Run, original: Element) -> None:
    """Bind one ``rsc_order``, with or without resource sets."""
    kind = _kind(original)
    symmetry = _symmetry(original, kind, None)
    text = original.attributes.get("symmetrical")
    element = _with_sets(run, original)
    if element is None:
        return
    last: Element | None = None
    for each in run.index.children(element, "resource_set"):
        if not _bind_set(run, each, kind, text):
            return
        if last is not None:
            if not _bind_sets(run, last, each, kind, symmetry):
                return
            if symmetry is Symmetry.SYMMETRIC and not _bind_sets(
                run, each, last, kind, Symmetry.INVERSE
            ):
                return
        last = each
    if last is None:
        _bind_simple(run, original, kind, symmetry)


def _with_sets(run: Run, original: Element) -> Element | None:
    expanded = with_tags_in_sets(run, original)
    if expanded is not None:
        return expanded
    names = original.attributes.get("first"), original.attributes.get("then")
    if names[0] is None or names[1] is None:
        return original
    if not (is_known(run, names[0]) and is_known(run, names[1])):
        run.ignore(
            "unknown-resource", f"Ignoring constraint {original.id}: unknown resource or tag"
        )
        return None
    if all(find_resource(run, name) is not None for name in names):
        return original
    sets = []
    for name, action_name in (("first", "first-action"), ("then", "then-action")):
        made = as_set(run, original, name, always=True)
        assert made is not None
        task = original.attributes.get(action_name)
        sets.append(made.with_attributes({"action": task}) if task is not None else made)
    return original.with_children((*original.children, *sets))


def _bind_simple(run: Run, element: Element, kind: Kind, symmetry: Symmetry) -> None:
    first = find_resource(run, element.attributes.get("first"))
    then = find_resource(run, element.attributes.get("then"))
    if first is None or then is None:
        run.ignore("unknown-resource", f"Ignoring constraint {element.id}: resource does not exist")
        return
    first_task = element.get("first-action", "start")
    then_task = element.get("then-action", first_task)
    flags = _flags(kind, first_task, symmetry)
    minimum = _minimum_instances(first, element)
    if minimum > 0:
        _order_after_some(run, element.id, first, first_task, then, then_task, flags, minimum)
    else:
        order_resources(run, first, first_task, then, then_task, flags)
    if symmetry is Symmetry.SYMMETRIC:
        inverse_first, inverse_then = _INVERSE.get(first_task), _INVERSE.get(then_task)
        if inverse_first is None or inverse_then is None:
            run.ignore("no-inverse", f"Cannot invert constraint {element.id}")
            return
        flags = _flags(kind, inverse_first, Symmetry.INVERSE)
        order_resources(run, then, inverse_then, first, inverse_first, flags)


def _minimum_instances(rsc: Resource, element: Element) -> int:
    if rsc.variant is not Variant.CLONE:
        return 0
    minimum = rsc.meta.get("clone-min")
    if minimum is not None:
        return max(0, parse_integer(minimum) or 0)
    if "require-all" in element.attributes and not is_true(element.get("require-all")):
        return 1
    return 0


def _order_after_some(
    run: Run,
    id_: str,
    first: Resource,
    first_task: str,
    then: Resource,
    then_task: str,
    flags: int,
    minimum: int,
) -> None:
    met = pseudo(run, f"clone-one-or-more:{id_}")
    met.required_runnable_before = minimum
    for child in first.children:
        add_ordering(
            run,
            MIN_RUNNABLE | FIRST_IMPLIES_THEN_GRAPHED,
            first_rsc=child,
            first_key=operation_key(child.id, first_task),
            then=met,
        )
    add_ordering(
        run,
        flags | UNRUNNABLE_FIRST_BLOCKS,
        first=met,
        then_rsc=then,
        then_key=operation_key(then.id, then_task),
    )


def _members(run: Run, resources: Element) -> list[Resource] | None:
    found = []
    for reference in resources.each("resource_ref"):
        rsc = find_resource(run, reference.id)
        if rsc is None:
            run.ignore("unknown-resource", f"{resources.id}: there is no resource {reference.id}")
            return None
        found.append(rsc)
    return found


def _bind_set(run: Run, resources: Element, outer: Kind, outer_text: str | None) -> bool:
    """Order the members of one set among each other."""
    kind = _kind(resources) if "kind" in resources.attributes else outer
    task = resources.get("action", "start")
    symmetry = _symmetry(resources, outer, outer_text)
    sequential = is_true(resources.get("sequential", "1"))
    flags = _flags(kind, task, symmetry)
    members = _members(run, resources)
    if members is None:
        return False
    if len(members) == 1:
        return True
    for at, rsc in enumerate(members):
        if kind is Kind.SERIALIZE:
            for other in members[at + 1 :]:
                order_resources(run, rsc, task, other, task, flags)
        elif sequential and at:
            order_resources(run, members[at - 1], task, rsc, task, flags)
    inverse = _INVERSE.get(task)
    if symmetry is Symmetry.ASYMMETRIC or inverse is None or not sequential:
        return True
    flags = _flags(kind, inverse, Symmetry.INVERSE)
    for at, rsc in enumerate(members):
        if at:
            order_resources(run, rsc, inverse, members[at - 1], inverse, flags)
    return True


def _bind_sets(run: Run, one: Element, other: Element, kind: Kind, symmetry: Symmetry) -> bool:
    """Order a set before another."""
    task, other_task = one.get("action", "start"), other.get("action", "start")
    if symmetry is Symmetry.INVERSE:
        task, other_task = _INVERSE.get(task, ""), _INVERSE.get(other_task, "")
    require_all = parse_boolean(one.attributes.get("require-all")) is not False
    require_all = require_all or task in ("stop", "demote")
    flags = _flags(kind, task, symmetry)
    firsts, thens = _members(run, one), _members(run, other)
    if firsts is None or thens is None:
        return False
    if not require_all:
        _order_after_any(run, one.id, firsts, task, thens, other_task, flags)
        return True
    last, nearest = (0, -1) if symmetry is Symmetry.INVERSE else (-1, 0)
    if is_true(one.attributes.get("sequential")) and firsts:
        firsts = [firsts[last]]
    if is_true(other.attributes.get("sequential")) and thens:
        thens = [thens[nearest]]
    for first in firsts:
        for then in thens:
            order_resources(run, first, task, then, other_task, flags)
    return True


def _order_after_any(
    run: Run,
    id_: str,
    firsts: list[Resource],
    task: str,
    thens: list[Resource],
    then_task: str,
    flags: int,
) -> None:
    met = pseudo(run, f"one-or-more:{id_}")
    met.required_runnable_before = 1
    for first in firsts:
        add_ordering(
            run,
            MIN_RUNNABLE | FIRST_IMPLIES_THEN_GRAPHED,
            first_rsc=first,
            first_key=operation_key(first.id, task),
            then=met,
        )
    for then in thens:
        add_ordering(
            run,
            flags | UNRUNNABLE_FIRST_BLOCKS,
            first=met,
            then_rsc=then,
            then_key=operation_key(then.id, then_task),
        )
