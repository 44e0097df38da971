"""Fencing and shutdown of nodes, and what waits for them (features section 13)."""

from __future__ import annotations

from crmd.scheduler.actions.book import find_actions, find_task, register
from crmd.scheduler.actions.fencing import can_fence, fence_action
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.constraints.ordering import add_ordering
from crmd.scheduler.plan.notifications import announce_after_fencing
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN,
    GUEST_ALLOWED,
    OPTIONAL,
    ORDERED,
    PSEUDO,
    RUNNABLE,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
    Needs,
    order,
)
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Stage


def _any_managed(resources: list[Resource]) -> bool:
    return any(rsc.managed or _any_managed(rsc.children) for rsc in resources)


def schedule_fencing_and_shutdowns(run: Run) -> None:
    """Register the fencing of unclean nodes and the shutdown of those that ask; the DC last."""
    have_managed = _any_managed(run.resources) or (run.beside is not None and run.beside.managed)
    dc_down: Action | None = None
    fencings: list[Action] = []
    shutdowns: list[Action] = []
    for at, node in enumerate(run.nodes):
        run.trail.place = (Stage.FENCING, at)
        if node.is_guest:
            if node.remote_reset and have_managed and can_fence(run, node):
                _fence_guest(run, node)
            continue
        if have_managed and node.unclean and can_fence(run, node):
            fencing = fence_action(run, node, optional=False, reason="node is unclean")
            _order_around_fencing(run, fencing, run.resources)
            if node is run.dc_node:
                dc_down = fencing
            else:
                if not run.concurrent_fencing and fencings:
                    order(fencings[-1], fencing, ORDERED)
                fencings.append(fencing)
        elif node.online and node.shutdown and not node.is_remote_kind:
            down = _shut_down(run, node)
            if node is run.dc_node:
                dc_down = down
            else:
                shutdowns.append(down)
    if dc_down is None:
        return
    if dc_down.task == "do_shutdown":
        for down in reversed(shutdowns):
            order(down, dc_down, ORDERED)
    for fencing in reversed(fencings) if run.concurrent_fencing else fencings[-1:]:
        order(fencing, dc_down, ORDERED)


def _shut_down(run: Run, node: Node) -> Action:
    key = f"do_shutdown-{node.name}"
    down = register(run, None, key, "do_shutdown", node, optional=False)
    for action in reversed(run.actions):
        rsc = action.rsc
        if action.node is not node or action.task != "stop" or rsc is None:
            continue
        if rsc.maintenance or node.maintenance or not (rsc.managed or rsc.blocked):
            continue
        action.flags &= ~OPTIONAL
        add_ordering(run, ORDERED | UNRUNNABLE_FIRST_BLOCKS, first=action, then=down)
    down.meta["op_no_wait"] = "true"
    return down


def _order_around_fencing(run: Run, fencing: Action, resources: list[Resource]) -> None:
    place = run.trail.place
    for rsc in resources:
        if rsc.parent is None:
            run.trail.place = (*place, rsc.id)
        if rsc.children:
            _order_around_fencing(run, fencing, rsc.children)
        elif rsc.managed:
            _order_starts(rsc, fencing)
            _order_stops(run, rsc, fencing)
    run.trail.place = place


def _is_known_on(rsc: Resource, node: Node) -> bool:
    if node in rsc.probed_on:
        return True
    parent = rsc.parent
    return (
        rsc.variant is Variant.PRIMITIVE
        and parent is not None
        and parent.is_anonymous_clone
        and node in parent.probed_on
    )


def _order_starts(rsc: Resource, fencing: Action) -> None:
    """Nothing that needs fencing starts before it."""
    target = fencing.node
    assert target is not None
    for action in reversed(rsc.actions):
        if action.needs is Needs.FENCING:
            order(fencing, action, ORDERED)
        elif (
            action.needs is Needs.QUORUM
            and action.task == "start"
            and target in rsc.scores
            and not _is_known_on(rsc, target)
        ):
            order(fencing, action, ORDERED | UNRUNNABLE_FIRST_BLOCKS)


def _order_stops(run: Run, rsc: Resource, fencing: Action) -> None:
    """What runs on a fenced node is stopped by its fencing."""
    target = fencing.node
    assert target is not None
    stops = find_actions(rsc, operation_key(rsc.id, "stop"), target)
    implicit = rsc.needs_fencing or target.is_guest
    outer_stop = find_task(rsc.top, "stop") if stops and implicit else None
    for stop in stops:
        stop.flags |= PSEUDO | RUNNABLE
        if implicit:
            if rsc.bundle is None:
                order(fencing, stop, GUEST_ALLOWED)
            order(fencing, outer_stop, GUEST_ALLOWED)
        if rsc.notify:
            announce_after_fencing(run, rsc, stop, fencing)
    for demote in find_actions(rsc, operation_key(rsc.id, "demote"), target):
        if not target.online or target.unclean or rsc.failed:
            demote.flags |= PSEUDO | RUNNABLE
            if implicit and rsc.bundle is None:
                order(fencing, demote, GUEST_ALLOWED | ORDERED)


def _fence_guest(run: Run, node: Node) -> None:
    """Fencing a guest is stopping its machine; the action only marks the moment."""
    connection = node.remote
    assert connection is not None
    machine = connection.launcher
    assert machine is not None
    stop = find_task(machine, "stop")
    restarts = find_task(machine, "start") is not None
    fencing = fence_action(
        run,
        node,
        operation="reboot" if restarts else "off",
        optional=False,
        reason="guest is unclean",
    )
    fencing.flags |= PSEUDO | RUNNABLE
    if stop is not None and stop.pseudo:
        assert stop.node is not None
        host_fencing = fence_action(run, stop.node, optional=False, reason=None)
        order(host_fencing, fencing, UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN)
    elif stop is not None:
        order(stop, fencing, UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN)
    else:
        order(find_task(connection, "stop"), fencing, ORDERED)
    _order_around_fencing(run, fencing, run.resources)
