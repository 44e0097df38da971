"""Orders that free capacity on a node before it is used again (features section 9)."""

from __future__ import annotations

from crmd.scheduler.actions.book import pseudo
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.constraints.ordering import add_ordering
from crmd.scheduler.state.action import IF_ON_SAME_NODE_OR_TARGET, OPTIONAL, Action
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def _load_stopped(run: Run, node: Node) -> Action:
    action = pseudo(run, f"load_stopped_{node.name}")
    if action.node is None:
        action.node = node
        action.flags &= ~OPTIONAL
    return action


def create_load_orderings(run: Run, rsc: Resource, allowed: list[Node]) -> None:
    """Order stops before, and starts and migrations after, the freeing of a node."""
    for node in rsc.active_on:
        add_ordering(
            run,
            IF_ON_SAME_NODE_OR_TARGET,
            first_rsc=rsc,
            first_key=operation_key(rsc.id, "stop"),
            then=_load_stopped(run, node),
        )
    for node in allowed:
        for task in ("start", "migrate_to"):
            add_ordering(
                run,
                IF_ON_SAME_NODE_OR_TARGET,
                first=_load_stopped(run, node),
                then_rsc=rsc,
                then_key=operation_key(rsc.id, task),
            )
