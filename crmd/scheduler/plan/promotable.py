"""Actions and orders of promotable clones (features 9.25)."""

from __future__ import annotations

from cib_store.model.scores import INFINITY
from crmd.scheduler.actions.book import resource_pseudo
from crmd.scheduler.constraints.ordering import order_resources
from crmd.scheduler.plan.notifications import announce_role_changes
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN_GRAPHED,
    OPTIONAL,
    ORDERED,
    THEN_IMPLIES_FIRST_GRAPHED,
)
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def _changes_role(rsc: Resource, task: str) -> bool:
    """Whether anything in an instance is to be promoted or demoted."""
    if rsc.children:
        return any(_changes_role(child, task) for child in rsc.children)
    return any(action.task == task and not action.flags & OPTIONAL for action in rsc.actions)


def create_promotable_actions(run: Run, clone: Resource) -> None:
    """Register the changes of role of all instances, and what stands for them together."""
    promoting = demoting = False
    for instance in clone.children:
        instance.kind.create_actions(run, instance)
        promoting = promoting or _changes_role(instance, "promote")
        demoting = demoting or _changes_role(instance, "demote")
    promote = resource_pseudo(run, clone, "promote", optional=not promoting, runnable=True)
    promoted = resource_pseudo(run, clone, "promoted", optional=not promoting, runnable=True)
    promoted.priority = INFINITY
    announce_role_changes(run, clone, "promote", promote, promoted)
    demote = resource_pseudo(run, clone, "demote", optional=not demoting, runnable=True)
    demoted = resource_pseudo(run, clone, "demoted", optional=not demoting, runnable=True)
    demoted.priority = INFINITY
    announce_role_changes(run, clone, "demote", demote, demoted)
    for instance in clone.children:
        # Placement used the instances' priority for their promotion.
        instance.priority = clone.priority


def order_role_changes(run: Run, rsc: Resource) -> None:
    """Order what a promotable clone (or bundle) does as a whole: down first, then up."""
    for first, then in (
        ("stopped", "start"),
        ("stopped", "promote"),
        ("demoted", "stop"),
        ("demoted", "start"),
        ("demoted", "promote"),
        ("running", "promote"),
        ("demote", "demoted"),
    ):
        order_resources(run, rsc, first, rsc, then, ORDERED)


def order_promotable_instances(run: Run, clone: Resource) -> None:
    """Order the changes of role of the instances."""
    assert clone.clone is not None
    order_role_changes(run, clone)
    previous: Resource | None = None
    for instance in clone.children:
        order_resources(run, instance, "demote", instance, "promote", ORDERED)
        order_resources(run, clone, "promote", instance, "promote", ORDERED)
        order_resources(run, instance, "promote", clone, "promoted", ORDERED)
        follows = previous if clone.clone.ordered else None
        if follows is not None:
            order_resources(run, follows, "promote", instance, "promote", ORDERED)
        order_resources(run, clone, "demote", instance, "demote", THEN_IMPLIES_FIRST_GRAPHED)
        order_resources(run, instance, "demote", clone, "demoted", FIRST_IMPLIES_THEN_GRAPHED)
        if follows is not None:
            order_resources(run, instance, "demote", follows, "demote", ORDERED)
        previous = instance
