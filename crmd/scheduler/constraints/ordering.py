"""Recording orders between resources or actions; applied once all actions are known."""

from __future__ import annotations

from crmd.scheduler.actions.keys import operation_key, parse_key
from crmd.scheduler.state.action import (
    IF_FIRST_UNMIGRATABLE,
    ORDERED,
    Action,
)
from crmd.scheduler.state.constraint import Ordering
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def add_ordering(
    run: Run,
    flags: int,
    *,
    first_rsc: Resource | None = None,
    first_key: str | None = None,
    first: Action | None = None,
    then_rsc: Resource | None = None,
    then_key: str | None = None,
    then: Action | None = None,
) -> None:
    """Record one order. Each end is an action, or a resource and the key of its actions."""
    if first is not None:
        first_rsc = first_rsc or first.rsc
        first_key = first_key or first.key
    if then is not None:
        then_rsc = then_rsc or then.rsc
        then_key = then_key or then.key
    ordering = Ordering(
        first_rsc=first_rsc,
        first_key=first_key,
        first=first,
        then_rsc=then_rsc,
        then_key=then_key,
        then=then,
        flags=flags,
        place=run.trail.place,
    )
    run.orderings.append(ordering)
    _order_migrations(run, ordering)


def order_resources(
    run: Run, first: Resource, first_task: str, then: Resource, then_task: str, flags: int
) -> None:
    """Order the tasks of two resources."""
    add_ordering(
        run,
        flags,
        first_rsc=first,
        first_key=operation_key(first.id, first_task),
        then_rsc=then,
        then_key=operation_key(then.id, then_task),
    )


def _task(action: Action | None, key: str | None) -> str | None:
    if action is not None:
        return action.task
    parsed = parse_key(key) if key is not None else None
    return parsed[1] if parsed is not None else None


def _order_migrations(run: Run, ordering: Ordering) -> None:
    """Order live migrations as the starts and stops that they stand for (features 14)."""
    first, then = ordering.first_rsc, ordering.then_rsc
    if first is None or then is None or first is then:
        return
    if not (first.migratable or then.migratable):
        return
    if first.is_below(then) or then.is_below(first):
        return
    tasks = _task(ordering.first, ordering.first_key), _task(ordering.then, ordering.then_key)
    if not then.migratable:
        return
    flags = ORDERED | (IF_FIRST_UNMIGRATABLE if first.migratable else 0)
    match tasks:
        case ("start", "start"):
            if first.migratable:
                order_resources(run, first, "migrate_from", then, "migrate_to", ORDERED)
            order_resources(run, first, "start", then, "migrate_to", flags)
        case ("stop", "stop"):
            order_resources(run, first, "stop", then, "migrate_to", flags)
            if then.migration_target is not None:
                order_resources(run, first, "stop", then, "migrate_from", flags)
        case ("promote", "start"):
            order_resources(run, first, "promote", then, "migrate_to", ORDERED)
        case ("demote", "stop"):
            order_resources(run, first, "demote", then, "migrate_to", ORDERED)
            if then.migration_target is not None:
                order_resources(run, first, "demote", then, "migrate_from", ORDERED)
