"""Actions of what has instances, clones and bundles: what its parts' actions mean for them."""

from __future__ import annotations

from cib_store.model.scores import INFINITY
from cib_store.model.values import is_true
from crmd.scheduler.actions.book import find_task, resource_pseudo
from crmd.scheduler.actions.keys import parse_key
from crmd.scheduler.placement.choice import assign_to
from crmd.scheduler.placement.colocation import contained_in
from crmd.scheduler.plan.consequences import FIRST_CHANGED, THEN_CHANGED
from crmd.scheduler.plan.instances import compatible_instance, instances_of, part_task
from crmd.scheduler.plan.notifications import announce_start_and_stop
from crmd.scheduler.plan.orderings import update_action, update_ordered
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN,
    MIGRATABLE,
    OPTIONAL,
    PSEUDO,
    RUNNABLE,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
    order,
)
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

_STARTING = 1
_STOPPING = 2
_RESTARTING = 4
_ACTIVE = 8


def _activity(rsc: Resource) -> int:
    """Return what happens to an instance."""
    state = 0
    if rsc.children:
        for child in rsc.children:
            state |= _activity(child)
        return state
    if rsc.active_on:
        state |= _ACTIVE
    for action in rsc.actions:
        if action.flags & OPTIONAL:
            continue
        if action.task == "start" and action.flags & RUNNABLE:
            state |= _STARTING
        elif action.task == "stop" and action.flags & (PSEUDO | RUNNABLE):
            state |= _STOPPING
    if state & _STARTING and state & _STOPPING:
        state |= _RESTARTING
    return state


def create_instance_actions(run: Run, collective: Resource, instances: list[Resource]) -> None:
    """Register the actions of all instances, then those that stand for them together."""
    state = 0
    for instance in instances:
        instance.kind.create_actions(run, instance)
        state |= _activity(instance)
    idle, settled = not state & _STARTING, not state & _STOPPING
    start = resource_pseudo(run, collective, "start", optional=idle, runnable=True)
    started = resource_pseudo(run, collective, "running", optional=idle, runnable=False)
    started.priority = INFINITY
    if state & (_ACTIVE | _STARTING):
        started.flags |= RUNNABLE
    stop = resource_pseudo(run, collective, "stop", optional=settled, runnable=True)
    stopped = resource_pseudo(run, collective, "stopped", optional=settled, runnable=True)
    stopped.priority = INFINITY
    if not state & _RESTARTING:
        stop.flags |= MIGRATABLE
    if collective.variant is Variant.CLONE:
        announce_start_and_stop(run, collective, start, started, stop, stopped)


def _instance_task(action: Action) -> str:
    """Return the task of an instance that an action of the whole is about."""
    task = action.task
    if task in ("notify", "notified"):
        parsed = parse_key(action.key)
        task = parsed[1].rpartition("_notify_")[2] if parsed is not None else task
    assert action.rsc is not None
    return part_task(action.rsc.children[0], task)


def collective_action_flags(
    run: Run, action: Action, instances: list[Resource], node: Node | None
) -> int:
    """An action is needed if that of any instance is, and possible if that of any is."""
    task = _instance_task(action)
    any_runnable = False
    flags = OPTIONAL | RUNNABLE | PSEUDO
    for instance in instances:
        simple = instance.variant is Variant.PRIMITIVE
        if simple and any_runnable and not flags & OPTIONAL:
            # Nothing more to find out, and asking a primitive changes nothing.
            continue
        its = find_task(instance, task, node if simple else None)
        if its is None:
            continue
        its_flags = instance.kind.action_flags(run, its, node)
        if flags & OPTIONAL and not its_flags & OPTIONAL:
            flags &= ~OPTIONAL
            action.flags &= ~OPTIONAL
        any_runnable = any_runnable or bool(its_flags & RUNNABLE)
    if not any_runnable:
        flags &= ~RUNNABLE
        if node is None:
            action.flags &= ~RUNNABLE
    return flags


def update_collective(
    run: Run,
    first: Action,
    then: Action,
    node: Node | None,
    flags: int,
    counted: int,
    kind: int,
) -> int:
    """Apply one kind of relation to an action of the whole and to those of its instances."""
    assert then.rsc is not None
    if _interleaves(first, then):
        return _update_interleaved(run, first, then, node, counted, kind)
    changed = update_ordered(run, first, then, node, flags, counted, kind)
    for instance in instances_of(then.rsc):
        changed |= _update_instance(run, instance, first, then, node, flags, counted, kind)
    return changed


def _interleaves(first: Action, then: Action) -> bool:
    """Whether instances wait for their neighbours only (features 9.12)."""
    one, other = first.rsc, then.rsc
    if one is None or other is None or one is other:
        return False
    if one.variant < Variant.CLONE or other.variant < Variant.CLONE:
        return False
    down = then.key.endswith(("_stop_0", "_demote_0"))
    return is_true((one if down else other).meta.get("interleave"))


def _update_instance(
    run: Run,
    instance: Resource,
    first: Action,
    then: Action,
    node: Node | None,
    flags: int,
    counted: int,
    kind: int,
) -> int:
    its = find_task(instance, then.task, node)
    if its is None or not instance.kind.action_flags(run, its, node) & RUNNABLE:
        return 0
    changed = instance.kind.update_ordered(run, first, its, node, flags, counted, kind)
    if changed & THEN_CHANGED:
        for relation in reversed(its.after):
            update_action(run, relation.action)
    return changed


def _instance_action(
    action: Action, instance: Resource, task: str, node: Node | None, *, is_first: bool
) -> Action | None:
    """Return an instance's action; what a container holds is on the guest it makes."""
    if is_first:
        inside = action.task not in ("stop", "stopped")
    else:
        inside = action.task in ("promote", "promoted", "demote", "demoted")
    contained = contained_in(instance) if inside else None
    if contained is None:
        return find_task(instance, task, node)
    return find_task(contained, task, None)


def _update_interleaved(
    run: Run, first: Action, then: Action, node: Node | None, counted: int, kind: int
) -> int:
    assert first.rsc is not None
    assert then.rsc is not None
    changed = 0
    task = _instance_task(first)
    current = first.key.endswith(("_stopped_0", "_demoted_0"))
    for instance in instances_of(then.rsc):
        neighbour = compatible_instance(
            run, instance, first.rsc, role=Role.UNKNOWN, current=current
        )
        if neighbour is None:
            required = kind & (UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN) and not current
            if required and assign_to(run, instance, None, force=True, stop_if_fail=True):
                changed |= THEN_CHANGED
            continue
        its_first = _instance_action(first, neighbour, task, node, is_first=True)
        if its_first is None:
            continue
        its_then = _instance_action(then, instance, then.task, node, is_first=False)
        if its_then is None:
            continue
        if order(its_first, its_then, kind):
            changed |= FIRST_CHANGED | THEN_CHANGED
        first_flags = neighbour.kind.action_flags(run, its_first, node)
        changed |= instance.kind.update_ordered(
            run, its_first, its_then, node, first_flags, counted, kind
        )
    return changed
