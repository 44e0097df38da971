"""Actions on remote and guest nodes, and the state of their connections (features 16)."""

from __future__ import annotations

from enum import Enum, auto

from crmd.scheduler.actions.fencing import fence_node
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.constraints.ordering import add_ordering
from crmd.scheduler.placement.choice import current_node
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN,
    GUEST_ALLOWED,
    NOTHING,
    ORDERED,
    THEN_IMPLIES_FIRST,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
)
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from crmd.scheduler.status.nodes import shutdown_requested
from raftmaker.vocabulary.roles import Role

_KNOWN_TASKS = frozenset(
    (
        "stop",
        "stopped",
        "start",
        "running",
        "do_shutdown",
        "stonith",
        "monitor",
        "notify",
        "notified",
        "promote",
        "promoted",
        "demote",
        "demoted",
    )
)


class Connection(Enum):
    """State of the connection to a remote node."""

    UNKNOWN = auto()
    ALIVE = auto()
    RESTING = auto()
    FAILED = auto()
    STOPPED = auto()


def connection_state(node: Node) -> Connection:
    """Judge the connection to a remote node."""
    rsc = node.remote
    assert rsc is not None
    host = current_node(rsc)
    if rsc.next_role is Role.STOPPED or rsc.assigned is None:
        if host is not None and host.unclean:
            return Connection.FAILED
        if not rsc.failed:
            return Connection.STOPPED
        if (
            rsc.next_role is Role.STOPPED
            and rsc.reconnect_interval_ms > 0
            and node.remote_fenced
            and not shutdown_requested(node)
        ):
            return Connection.UNKNOWN
        return Connection.FAILED
    if host is None:
        return Connection.UNKNOWN
    if host.unclean or not host.online:
        return Connection.RESTING
    if len(rsc.active_on) > 1 and rsc.migration_source and rsc.migration_target:
        return Connection.RESTING
    return Connection.ALIVE


def is_failed_remote(node: Node) -> bool:
    """Whether a remote node's connection is lost for good."""
    return (
        node.is_remote and node.remote is not None and connection_state(node) is Connection.FAILED
    )


def _start_then(run: Run, first: Resource, then: Action, extra: int) -> None:
    add_ordering(
        run,
        GUEST_ALLOWED | UNRUNNABLE_FIRST_BLOCKS | extra,
        first_rsc=first,
        first_key=operation_key(first.id, "start"),
        then=then,
    )


def _then_stop(run: Run, first: Action, then: Resource, extra: int) -> None:
    add_ordering(
        run,
        GUEST_ALLOWED | extra,
        first=first,
        then_rsc=then,
        then_key=operation_key(then.id, "stop"),
    )


def order_remote_actions(run: Run) -> None:
    """Order the actions on remote and guest nodes around their connections."""
    if not run.have_remote_nodes:
        return
    for action in reversed(list(run.actions)):
        rsc = action.rsc
        if rsc is None:
            continue
        if rsc.remote_connection and action.task == "clear_failcount":
            add_ordering(
                run,
                ORDERED,
                first=action,
                then_rsc=rsc,
                then_key=operation_key(rsc.id, "start"),
            )
            continue
        node = action.node
        if node is None or not node.is_remote_kind or action.pseudo or node.remote is None:
            continue
        remote = node.remote
        if action.task == "start":
            for other in reversed(rsc.actions):
                if other.node is not node and other.task == "stop":
                    add_ordering(
                        run,
                        ORDERED,
                        first_rsc=remote,
                        first_key=operation_key(remote.id, "start"),
                        then_rsc=rsc,
                        then=other,
                    )
        if remote.launcher is not None:
            _order_on_guest(run, action, node, remote, remote.launcher)
        else:
            _order_on_remote(run, action, node, remote)


def _is_recurring(action: Action) -> bool:
    return int(action.meta.get("interval", "0")) > 0


def _order_on_remote(run: Run, action: Action, node: Node, remote: Resource) -> None:
    state = connection_state(node)
    task = "stop" if action.task in ("migrate_to", "migrate_from") else action.task
    match task:
        case "start" | "promote":
            failed = state is Connection.FAILED
            _start_then(run, remote, action, FIRST_IMPLIES_THEN if failed else NOTHING)
        case "stop":
            if state is Connection.ALIVE:
                _then_stop(run, action, remote, THEN_IMPLIES_FIRST)
            elif state is Connection.FAILED:
                reason = "resources are active but connection is unrecoverable"
                fence_node(run, node, reason)
            elif remote.next_role is Role.STOPPED:
                _then_stop(run, action, remote, THEN_IMPLIES_FIRST)
            else:
                _start_then(run, remote, action, NOTHING)
        case "demote":
            if state in (Connection.RESTING, Connection.UNKNOWN):
                _start_then(run, remote, action, NOTHING)
        case _ if _is_recurring(action):
            _start_then(run, remote, action, FIRST_IMPLIES_THEN)
        case _:
            if task == "monitor" and state is Connection.FAILED:
                reason = "resources are in unknown state and connection is unrecoverable"
                fence_node(run, node, reason)
            if current_node(remote) is not None and state is Connection.STOPPED:
                _then_stop(run, action, remote, UNRUNNABLE_FIRST_BLOCKS)
            else:
                _start_then(run, remote, action, NOTHING)


def _order_on_guest(
    run: Run, action: Action, node: Node, remote: Resource, machine: Resource
) -> None:
    if machine.failed:
        fence_node(run, node, "container failed")
    task = "stop" if action.task in ("migrate_to", "migrate_from") else action.task
    match task:
        case "start" | "promote":
            _start_then(run, machine, action, FIRST_IMPLIES_THEN)
            _start_then(run, remote, action, NOTHING)
        case "stop" | "demote":
            if not machine.failed:
                _then_stop(run, action, remote, NOTHING)
        case _ if _is_recurring(action):
            if task in _KNOWN_TASKS:
                _start_then(run, remote, action, FIRST_IMPLIES_THEN)
        case _:
            _start_then(run, remote, action, NOTHING)


def connection_host(action: Action) -> Node | None:
    """Return the cluster node that carries an action to its remote or guest node."""
    if action.task == "stonith" or action.node is None or not action.node.is_remote_kind:
        return None
    remote = action.node.remote
    assert remote is not None
    began, ended = current_node(remote), remote.assigned
    if began is None or ended is None or began is ended:
        return began or ended
    task = action.task
    if task == "notify":
        task = action.meta.get("notify_operation", "")
    migrating = remote.launcher is None and remote.migration_target is not None
    if not migrating and task in ("cancel", "stop", "demote", "migrate_from", "migrate_to"):
        return began
    return ended
