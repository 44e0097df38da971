"""Recurring operations: which to issue, to keep, to cancel (features section 7)."""

from __future__ import annotations

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.values import interval_ms
from crmd.scheduler.actions.book import find_actions, find_exact, operation, register
from crmd.scheduler.actions.fencing import trigger_unfencing
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.actions.operations import find_operation
from crmd.scheduler.constraints.ordering import add_ordering
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN,
    OPTIONAL,
    ORDERED,
    RESCHEDULE,
    RUNNABLE,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
    order,
)
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.roles import Role, parse_role

_CANNOT_RECUR = frozenset(
    ("stop", "start", "demote", "promote", "reload-agent", "migrate_to", "migrate_from")
)


class _Recurring(Struct, frozen=True):
    name: str
    interval_ms: int
    role: Role
    key: str


def expect(action: Action, code: OcfCode) -> None:
    """Record the exit code that a monitor should give."""
    action.meta["op_target_rc"] = str(int(code))


def create_recurring_actions(run: Run, rsc: Resource) -> None:
    """Register the recurring operations of a primitive, on all nodes where they belong."""
    if rsc.blocked or rsc.maintenance:
        return
    start: Action | None = None
    node = rsc.assigned
    stays_down = rsc.next_role is Role.STOPPED and rsc.managed
    if node is not None and not node.maintenance and not stays_down:
        start = operation(run, rsc, "start", node, optional=True)
    for config in rsc.operations:
        recurring = _recurring(rsc, config)
        if recurring is None:
            continue
        if start is not None:
            _where_active(run, rsc, start, node, recurring)
        _where_inactive(run, rsc, node, recurring)


def _recurring(rsc: Resource, config: Element) -> _Recurring | None:
    interval = interval_ms(config.attributes.get("interval"))
    name = config.get("name")
    if interval == 0 or not config.id or name in _CANNOT_RECUR:
        return None
    # Of two with the same name and interval, neither is used: which one would be meant?
    same = [
        each
        for each in rsc.operations
        if each.id
        and each.get("name") == name
        and interval_ms(each.attributes.get("interval")) == interval
    ]
    if len(same) > 1:
        return None
    role = Role.UNKNOWN
    if "role" in config.attributes:
        role = parse_role(config.get("role"))
        if role is Role.UNKNOWN:
            return None
    if find_operation(rsc, name, interval, disabled_too=False) is None:
        return None
    return _Recurring(name, interval, role, operation_key(rsc.id, name, interval))


def _keeps_running(run: Run, rsc: Resource, node: Node | None, key: str, start: Action) -> bool:
    """Whether the operation runs there already, and may go on."""
    if node is None or not rsc.kind.action_flags(run, start, None) & OPTIONAL:
        return False
    known = find_exact(rsc, key, node)
    return bool(known) and not any(action.flags & RESCHEDULE for action in known)


def _where_active(
    run: Run, rsc: Resource, start: Action, node: Node | None, recurring: _Recurring
) -> None:
    if recurring.role is Role.STOPPED:
        return
    optional = _keeps_running(run, rsc, node, recurring.key, start)
    if recurring.role is Role.UNKNOWN:
        matches = rsc.next_role is not Role.PROMOTED
    else:
        matches = rsc.next_role is recurring.role
    if not matches:
        if optional and node is not None:
            _cancel_for_role(run, rsc, node, recurring)
        return
    monitor = register(run, rsc, recurring.key, recurring.name, node, optional=optional)
    if not start.runnable or node is None or not node.online or node.unclean:
        monitor.flags &= ~RUNNABLE
    if rsc.next_role is Role.PROMOTED:
        expect(monitor, OcfCode.PROMOTED)
    if node is None or rsc.managed:
        _order_after_start(run, rsc, monitor)


def _order_after_start(run: Run, rsc: Resource, monitor: Action) -> None:
    for task in ("start", "reload-agent"):
        add_ordering(
            run,
            FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS,
            first_rsc=rsc,
            first_key=operation_key(rsc.id, task),
            then=monitor,
        )
    if rsc.next_role is Role.PROMOTED:
        task = "promote"
    elif rsc.role is Role.PROMOTED:
        task = "demote"
    else:
        return
    add_ordering(
        run,
        ORDERED | UNRUNNABLE_FIRST_BLOCKS,
        first_rsc=rsc,
        first_key=operation_key(rsc.id, task),
        then=monitor,
    )


def _cancel_for_role(run: Run, rsc: Resource, node: Node, recurring: _Recurring) -> None:
    """Cancel an operation that is not for the role the resource will have."""
    cancel = new_cancel(run, rsc, recurring.name, recurring.interval_ms, node)
    after: str | None = None
    if rsc.role in (Role.UNPROMOTED, Role.STARTED):
        if rsc.next_role is Role.PROMOTED:
            after = "promote"
        elif rsc.next_role is Role.STOPPED:
            after = "stop"
    elif rsc.role is Role.PROMOTED:
        after = "demote"
    if after is not None:
        add_ordering(
            run,
            UNRUNNABLE_FIRST_BLOCKS,
            first=cancel,
            then_rsc=rsc,
            then_key=operation_key(rsc.id, after),
        )


def _where_inactive(run: Run, rsc: Resource, node: Node | None, recurring: _Recurring) -> None:
    """Monitors for the stopped role run everywhere else (features 7.x)."""
    if recurring.role is not Role.STOPPED or not rsc.unique:
        return
    for other in run.nodes:
        if node is not None and other.name.lower() == node.name.lower():
            _cancel_if_running(run, rsc, node, recurring)
            continue
        optional = bool(find_exact(rsc, recurring.key, other))
        monitor = register(run, rsc, recurring.key, recurring.name, other, optional=optional)
        expect(monitor, OcfCode.NOT_RUNNING)
        if rsc.managed:
            for probe in find_actions(rsc, operation_key(rsc.id, "monitor"), other):
                order(probe, monitor, UNRUNNABLE_FIRST_BLOCKS)
        _order_after_stops(run, rsc, other, monitor)
        if not other.online or other.unclean:
            monitor.flags &= ~RUNNABLE


def _order_after_stops(run: Run, rsc: Resource, node: Node, action: Action) -> None:
    key = operation_key(rsc.id, "stop")
    for stop in find_exact(rsc, key, node):
        if not stop.optional and not action.optional and not rsc.managed:
            action.flags |= OPTIONAL
        if not stop.runnable:
            action.flags &= ~RUNNABLE
        if rsc.managed:
            add_ordering(
                run,
                FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS,
                first_rsc=rsc,
                first_key=key,
                first=stop,
                then=action,
            )


def _cancel_if_running(run: Run, rsc: Resource, node: Node, recurring: _Recurring) -> None:
    if not find_exact(rsc, recurring.key, node):
        return
    cancel = new_cancel(run, rsc, recurring.name, recurring.interval_ms, node)
    if rsc.next_role in (Role.STARTED, Role.UNPROMOTED):
        add_ordering(
            run,
            UNRUNNABLE_FIRST_BLOCKS,
            first=cancel,
            then_rsc=rsc,
            then_key=operation_key(rsc.id, "start"),
        )


def new_cancel(run: Run, rsc: Resource, task: str, interval: int, node: Node) -> Action:
    """Turn a recurring operation on a node into its cancellation."""
    key = operation_key(rsc.id, task, interval)
    cancel = register(run, rsc, key, "cancel", node, optional=False)
    cancel.task = "cancel"
    cancel.cancel_task = task
    cancel.meta["operation"] = task
    cancel.meta["interval"] = str(interval)
    return cancel


def schedule_cancel(
    run: Run, rsc: Resource, call_id: str | None, task: str, interval: int, node: Node
) -> None:
    """Cancel a recurring operation that should not run."""
    cancel = new_cancel(run, rsc, task, interval, node)
    if call_id is not None:
        cancel.meta["call-id"] = call_id
    add_ordering(
        run,
        ORDERED,
        first_rsc=rsc,
        first_key=operation_key(rsc.id, "stop"),
        then_rsc=rsc,
        then=cancel,
    )


def reschedule(run: Run, rsc: Resource, task: str, interval: int, node: Node) -> None:
    """Issue a recurring operation again."""
    trigger_unfencing(run, rsc, node, "Device parameters changed (reschedule)")
    key = operation_key(rsc.id, task, interval)
    action = register(run, rsc, key, task, node, optional=True)
    action.flags |= RESCHEDULE
