"""Which actions, and which of the actions before them, become part of the transition graph."""

from __future__ import annotations

from crmd.scheduler.state.action import (
    ALWAYS_IN_GRAPH,
    FIRST_IMPLIES_THEN_GRAPHED,
    IF_FIRST_UNMIGRATABLE,
    IF_ON_SAME_NODE_OR_TARGET,
    IF_REQUIRED_ON_SAME_NODE,
    IN_GRAPH,
    INPUTS_MERGED,
    MIGRATABLE,
    MIN_RUNNABLE,
    NOTHING,
    ON_DC,
    OPTIONAL,
    ORDERED,
    PSEUDO,
    RUNNABLE,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNMIGRATABLE_THEN_BLOCKS,
    Action,
    Relation,
)
from crmd.scheduler.state.resource import Variant

_CHANGES_NOTHING = THEN_IMPLIES_FIRST_GRAPHED | FIRST_IMPLIES_THEN_GRAPHED | ORDERED


def merge_inputs(action: Action) -> None:
    """Make one relation of several with the same action; ascending by its number."""
    if action.flags & INPUTS_MERGED:
        return
    action.flags |= INPUTS_MERGED
    merged: dict[int, Relation] = {}
    # The newest relation first: the reference's list is so, and the first one is kept.
    for relation in reversed(action.before):
        known = merged.get(relation.action.id)
        if known is None:
            relation.graphed = False
            merged[relation.action.id] = relation
        else:
            known.flags |= relation.flags
            known.graphed = known.graphed or relation.graphed
    action.before = [merged[number] for number in sorted(merged)]


def belongs(action: Action) -> bool:
    """Whether an action has to be done, and can be."""
    flags = action.flags
    if not flags & RUNNABLE or flags & (OPTIONAL | ALWAYS_IN_GRAPH) == OPTIONAL:
        return False
    rsc, node = action.rsc, action.node
    # Unmanaged resources are monitored, and their recurring operations cancelled; nothing else.
    recurs = action.task == "monitor" or action.meta.get("interval", "0") != "0"
    if rsc is not None and not rsc.managed and not recurs:
        return False
    if flags & PSEUDO or action.task in ("stonith", "do_shutdown"):
        return True
    if node is None:
        return False
    if flags & ON_DC or (node.is_guest and not node.remote_reset):
        return True
    return node.online and not node.unclean


def input_belongs(action: Action, relation: Relation) -> bool:
    """Whether `action` waits for the action of the relation."""
    if relation.graphed:
        return True
    flags, first = relation.flags, relation.action
    if flags == NOTHING:
        return False
    runnable = first.flags & RUNNABLE
    if not runnable and (
        not flags & ~_CHANGES_NOTHING or flags & MIN_RUNNABLE or flags & UNMIGRATABLE_THEN_BLOCKS
    ):
        return False
    migratable = first.flags & MIGRATABLE
    if migratable and flags & IF_FIRST_UNMIGRATABLE:
        return False
    if migratable and flags == ORDERED and first.key.endswith("_stop_0"):
        return False
    if flags == IF_ON_SAME_NODE_OR_TARGET:
        if not _is_on_target(action, first):
            relation.flags = NOTHING
            return False
        return True
    if flags == IF_REQUIRED_ON_SAME_NODE:
        elsewhere = (
            first.node is not None and action.node is not None and first.node is not action.node
        )
        if elsewhere or first.flags & OPTIONAL:
            relation.flags = NOTHING
            return False
        return True
    rsc = first.rsc
    if (
        rsc is not None
        and rsc is not action.rsc
        and rsc.failed
        and not rsc.managed
        and first.key.endswith("_stop_0")
        and action.rsc is not None
        and action.rsc.variant is Variant.CLONE
    ):
        return False
    return not (
        first.flags & OPTIONAL
        and not first.flags & (ALWAYS_IN_GRAPH | IN_GRAPH)
        and not belongs(first)
    )


def _is_on_target(action: Action, first: Action) -> bool:
    if action.rsc is not None and action.task == "migrate_to":
        return first.node is action.rsc.assigned
    return first.node is action.node and not first.flags & OPTIONAL


def has_loop(start: Action, action: Action, relation: Relation) -> bool:
    """Whether `start` would, through this relation, wait for itself."""
    first = relation.action
    if first.visiting or not input_belongs(action, relation):
        return False
    if first is start:
        return True
    first.visiting = True
    found = any(has_loop(start, first, further) for further in reversed(first.before))
    first.visiting = False
    return found
