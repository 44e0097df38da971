"""What an executor tells at a join, held against what the cluster knows of its failures.

Every failure that counts is counted in the change that stores it. So one that the CIB has and does
not count was cleared while its node was away, and one that it neither has nor counts is news.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.values import parse_integer
from crmd.fsa.cib import lrm_resources, transient
from crmd.fsa.executor import Inventory
from crmd.fsa.failures import failure_attributes
from lrmd.operations.values import Result


class Reconciled(Struct, frozen=True, kw_only=True):
    """The last failures of an inventory that are not counted and that nobody is about to count."""

    cleared: tuple[Result, ...] = ()
    """The executor has to forget them."""
    uncounted: tuple[Result, ...] = ()
    """They happened out of contact, and have to be counted."""


def reconciled(
    state: Element | None, inventory: Inventory, *, start_is_fatal: bool = True
) -> Reconciled:
    """Judge the failures of an inventory by the node's state as the CIB has it.

    What the executor still holds for its controller is left out: that counts it.
    """
    cleared: list[Result] = []
    uncounted: list[Result] = []
    for failure in _last_failures(inventory.history):
        values = failure_attributes(failure, start_is_fatal=start_is_fatal)
        held = failure.serial > inventory.confirmed_serial
        if not values or held or _is_counted(state, failure, values):
            continue
        (cleared if _is_stored(state, failure) else uncounted).append(failure)
    return Reconciled(cleared=tuple(cleared), uncounted=tuple(uncounted))


def _last_failures(history: Iterable[Result]) -> tuple[Result, ...]:
    last: dict[str, Result] = {}
    for result in sorted(history, key=lambda one: one.serial):
        if result.is_failure and not result.cleared:
            last[result.request.resource] = result
    return tuple(last.values())


def _is_counted(state: Element | None, failure: Result, values: dict[str, str]) -> bool:
    at_s = failure.failure_id.changed_s
    times = (name for name in values if name.startswith("last-failure-"))
    return all((parse_integer(transient(state, name)) or 0) >= at_s for name in times)


def _is_stored(state: Element | None, failure: Result) -> bool:
    name = str(failure.request.resource)
    wanted = {
        "id": f"{name}_last_failure_0",
        "call-id": str(failure.call_id),
        "last-rc-change": str(failure.failure_id.changed_s),
        "transition-key": failure.request.transition_key,
    }
    return any(
        wanted.items() <= op.attributes.items()
        for resource in lrm_resources(state)
        if resource.id == name
        for op in resource.children
    )
