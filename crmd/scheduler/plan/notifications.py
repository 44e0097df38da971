"""Notifications: telling all instances of a clone of what happens to some (features section 10)."""

from __future__ import annotations

from collections.abc import Iterable

from cib_store.model.scores import INFINITY
from crmd.scheduler.actions.book import find_task, register
from crmd.scheduler.actions.keys import notify_key
from crmd.scheduler.configuration.nodes import natural_key
from crmd.scheduler.placement.choice import current_node
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN,
    OPTIONAL,
    ORDERED,
    PSEUDO,
    RUNNABLE,
    Action,
    order,
)
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.notification import Entry, Notification
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

_ANNOUNCED = ("stop", "start", "demote", "promote")
_EMPTY = " "
"""How an empty list is told to agents (features 10.7)."""


def _pseudo(run: Run, rsc: Resource, about: Action, task: str, kind: str) -> Action:
    key = notify_key(rsc.id, kind, about.task)
    action = register(run, rsc, key, task, None, optional=about.optional)
    action.flags |= PSEUDO
    action.meta["notify_key_type"] = kind
    action.meta["notify_key_operation"] = about.task
    return action


def announce(
    run: Run, rsc: Resource, task: str, begin: Action | None, end: Action | None
) -> Notification | None:
    """Register what marks the notifications before `begin` and after `end`, where wanted."""
    if not rsc.notify:
        return None
    found = Notification(task=task)
    if begin is not None:
        found.pre = _pseudo(run, rsc, begin, "notify", "pre")
        found.pre_done = _pseudo(run, rsc, begin, "notified", "confirmed-pre")
        for action in (found.pre, found.pre_done):
            action.flags |= RUNNABLE
            action.meta |= {"notify_type": "pre", "notify_operation": task}
        order(found.pre, found.pre_done, ORDERED)
        order(found.pre_done, begin, ORDERED)
    if end is not None:
        found.post = _pseudo(run, rsc, end, "notify", "post")
        found.post_done = _pseudo(run, rsc, end, "notified", "confirmed-post")
        for action in (found.post, found.post_done):
            action.priority = INFINITY
            action.flags = action.flags & ~RUNNABLE | end.flags & RUNNABLE
            action.meta |= {"notify_type": "post", "notify_operation": task}
        order(end, found.post, FIRST_IMPLIES_THEN)
        order(found.post, found.post_done, FIRST_IMPLIES_THEN)
    if begin is not None and end is not None:
        order(found.pre_done, found.post, ORDERED)
    return found


def _announce_once(run: Run, clone: Resource, task: str, begin: Action, end: Action) -> bool:
    assert clone.clone is not None
    known = clone.clone.notifications
    if task in known:
        return False
    found = announce(run, clone, task, begin, end)
    if found is not None:
        known[task] = found
    return found is not None


def _chain(clone: Resource, first: str, then: str) -> None:
    """Finish the notifications of one task before those of another begin."""
    assert clone.clone is not None
    known = clone.clone.notifications
    if first in known and then in known:
        order(known[first].post_done, known[then].pre, ORDERED)


def announce_start_and_stop(
    run: Run, clone: Resource, start: Action, started: Action, stop: Action, stopped: Action
) -> None:
    """Register the notifications of starts and stops."""
    _announce_once(run, clone, "start", start, started)
    if _announce_once(run, clone, "stop", stop, stopped):
        _chain(clone, "stop", "start")


def announce_role_changes(run: Run, clone: Resource, task: str, begin: Action, end: Action) -> None:
    """Register the notifications of promotions, then of demotions."""
    if _announce_once(run, clone, task, begin, end) and task == "demote":
        for first, then in (
            ("stop", "promote"),
            ("start", "promote"),
            ("demote", "promote"),
            ("demote", "start"),
            ("demote", "stop"),
        ):
            _chain(clone, first, then)


def create_notifications(run: Run, clone: Resource) -> None:
    """Register the notifications of each instance, now that it is known what happens."""
    assert clone.clone is not None
    for task in ("start", "stop", "promote", "demote"):
        notification = clone.clone.notifications.get(task)
        if notification is not None:
            _collect(clone, notification, with_actions=True)
            _set_values(run, clone, notification)
            _notify(run, clone, notification)


def announce_after_fencing(run: Run, rsc: Resource, stop: Action, fencing: Action) -> None:
    """Tell the other instances that one was stopped by fencing its node."""
    notification = announce(run, rsc, "stop", None, fencing)
    if notification is None:
        return
    assert stop.node is not None
    _collect(rsc, notification, with_actions=False)
    notification.values["notify_stop_resource"] = rsc.id
    notification.values["notify_stop_uname"] = stop.node.name
    _notify(run, rsc.top, notification)


def _collect(rsc: Resource, notification: Notification, *, with_actions: bool) -> None:
    """Find out what is in which state, and what will happen to it."""
    if rsc.children:
        for child in rsc.children:
            _collect(child, notification, with_actions=with_actions)
        return
    states = {
        Role.STOPPED: ("inactive",),
        Role.STARTED: ("active",),
        Role.UNPROMOTED: ("unpromoted", "active"),
        Role.PROMOTED: ("promoted", "active"),
    }.get(rsc.role, ())
    entry = (rsc, rsc.active_on[0] if rsc.active_on else None)
    for state in states:
        notification.in_state.setdefault(state, []).append(entry)
    if not with_actions:
        return
    for action in rsc.actions:
        if action.optional or action.node is None or action.task not in _ANNOUNCED:
            continue
        if action.runnable or (action.task == "stop" and action.node.unclean):
            entries = notification.acted_on.setdefault(action.task, [])
            entries.append((rsc, action.node))


def _sort_key(entry: Entry) -> tuple[str, bool, str]:
    rsc, node = entry
    return rsc.id, node is None, node.id if node is not None else ""


def _texts(entries: list[Entry], *, placed: bool) -> tuple[str, str]:
    """Return the lists of resources and of their nodes; the first place of each counts."""
    nodes: dict[str, str] = {}
    for rsc, node in sorted(entries, key=_sort_key):
        if node is not None:
            nodes.setdefault(rsc.id, node.name)
        elif not placed:
            nodes.setdefault(rsc.id, "")
    return " ".join(nodes) or _EMPTY, " ".join(nodes.values()) or _EMPTY


def _names(nodes: Iterable[Node]) -> str:
    return " ".join(node.name for node in nodes) or _EMPTY


def _host(node: Node) -> Node:
    """Return where a guest runs; another node itself."""
    if not node.is_guest:
        return node
    assert node.remote is not None
    assert node.remote.launcher is not None
    return current_node(node.remote.launcher) or node


def _set_values(run: Run, rsc: Resource, notification: Notification) -> None:
    """Put together what agents are told (features 10.3 to 10.6)."""
    values = notification.values
    for task in _ANNOUNCED:
        resources, nodes = _texts(notification.acted_on.get(task, []), placed=True)
        values[f"notify_{task}_resource"] = resources
        values[f"notify_{task}_uname"] = nodes
    for state, names in (
        ("active", ("active",)),
        ("unpromoted", ("unpromoted", "slave")),
        ("promoted", ("promoted", "master")),
    ):
        resources, nodes = _texts(notification.in_state.get(state, []), placed=True)
        for name in names:
            values[f"notify_{name}_resource"] = resources
            values[f"notify_{name}_uname"] = nodes
    inactive, _ = _texts(notification.in_state.get("inactive", []), placed=False)
    values["notify_inactive_resource"] = inactive
    by_name = sorted(rsc.scores, key=lambda node: natural_key(node.name))
    values["notify_available_uname"] = _names(by_name)
    if rsc.meta.get("container-attribute-target") == "host":
        values["notify_all_hosts"] = _names(_host(node) for node in run.nodes)
    values["notify_all_uname"] = _names(run.nodes)
    if notification.acted_on.get(notification.task):
        for action in (
            notification.pre,
            notification.pre_done,
            notification.post,
            notification.post_done,
        ):
            if action is not None:
                action.flags &= ~OPTIONAL


def _notify(run: Run, rsc: Resource, notification: Notification) -> None:
    if rsc.children:
        for child in rsc.children:
            _notify(run, child, notification)
        return
    for action in rsc.actions:
        if not action.optional and action.node is not None and action.task in _ANNOUNCED:
            action.meta |= notification.values
    task = notification.task
    if task != "stop" and not notification.acted_on.get(task):
        return
    if rsc.role is not Role.STOPPED and task in ("stop", "demote"):
        _notify_where_active(run, rsc, notification)
    if rsc.next_role is not Role.STOPPED and task in ("start", "promote"):
        _notify_where_assigned(run, rsc, notification)


def _notify_where_active(run: Run, rsc: Resource, notification: Notification) -> None:
    stop = find_task(rsc, "stop")
    for node in rsc.active_on:
        if stop is not None and stop.pseudo and (node.unclean or node.remote_reset):
            continue
        _tell(run, rsc, node, notification, notification.pre, notification.pre_done)
        if notification.task == "demote" or stop is None or stop.optional:
            _tell_after(run, rsc, node, notification)


def _notify_where_assigned(run: Run, rsc: Resource, notification: Notification) -> None:
    start = find_task(rsc, "start")
    if start is not None and start.node is not None and start.node.remote is not None:
        connection = find_task(start.node.remote, "start")
        if connection is not None and not connection.runnable:
            return
    node = rsc.assigned
    if node is None:
        return
    if notification.task != "start" or start is None or start.optional:
        _tell(run, rsc, node, notification, notification.pre, notification.pre_done)
    _tell_after(run, rsc, node, notification)


def _tell(
    run: Run,
    rsc: Resource,
    node: Node,
    notification: Notification,
    begin: Action | None,
    end: Action | None,
) -> Action | None:
    """Register the notification of one instance; None where it cannot be notified."""
    if begin is None or end is None or not node.online or not begin.runnable:
        return None
    key = notify_key(rsc.id, begin.meta["notify_type"], begin.meta["notify_operation"])
    action = register(run, rsc, key, begin.task, node, optional=begin.optional)
    for name, value in begin.meta.items():
        action.meta.setdefault(name, value)
    action.meta |= notification.values
    order(begin, action, ORDERED)
    order(action, end, ORDERED)
    return action


def _tell_after(run: Run, rsc: Resource, node: Node, notification: Notification) -> None:
    """Notify after the fact; recurring operations wait for that."""
    action = _tell(run, rsc, node, notification, notification.post, notification.post_done)
    if action is not None:
        action.priority = INFINITY
    if notification.post_done is None:
        return
    for other in reversed(list(rsc.actions)):
        if other.meta.get("interval", "0") != "0" and other.task != "cancel":
            order(notification.post_done, other, ORDERED)
