"""Registering actions. One rule numbers them: an action takes the next number when first asked for.

Optional actions count too, so the numbers of the graph have gaps.
"""

from __future__ import annotations

from cib_store.model.options import NoQuorum
from crmd.scheduler.actions.keys import operation_key, parse_key
from crmd.scheduler.actions.operations import (
    find_notify,
    find_operation,
    on_fail_of,
    operation_meta,
    requirement,
    role_after_failure,
)
from crmd.scheduler.parameters import operation_parameters
from crmd.scheduler.state.action import (
    ON_DC,
    OPTIONAL,
    PARAMETERS_READ,
    PSEUDO,
    RUNNABLE,
    Action,
    Needs,
)
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def find_actions(rsc: Resource, key: str, node: Node | None = None) -> list[Action]:
    """Return a resource's actions with that key, on `node` if given; oldest first.

    An action that has no node yet is given the one it is looked for on.
    """
    actions = rsc.by_key.get(key)
    if not actions:
        return []
    if node is None:
        return list(actions)
    found = []
    for action in actions:
        if action.node is None:
            action.node = node
        if action.node is node:
            found.append(action)
    return found


def find_exact(rsc: Resource, key: str, node: Node | None) -> list[Action]:
    """Return a resource's actions with that key on that very node; oldest first."""
    if node is None:
        return []
    return [action for action in rsc.by_key.get(key, ()) if action.node is node]


def find_task(rsc: Resource, task: str, node: Node | None = None) -> Action | None:
    """Return the newest action of that task, on `node` if given."""
    for action in reversed(rsc.actions):
        if action.task == task and (node is None or action.node is node):
            return action
    return None


def find_newest(rsc: Resource, key: str) -> Action | None:
    """Return the newest action with that key."""
    actions = rsc.by_key.get(key)
    return actions[-1] if actions else None


def register(
    run: Run,
    rsc: Resource | None,
    key: str,
    task: str,
    node: Node | None,
    *,
    optional: bool,
) -> Action:
    """Return the action with that key on that node, registering it if it is new.

    An action once needed stays needed. Whether it can run is judged again at each call.
    """
    if rsc is None:
        action = run.singletons.get(key)
    else:
        existing = find_actions(rsc, key, node)
        action = existing[0] if existing else None
    if action is None:
        action = _new(run, rsc, key, task, node, optional)
    _update_optional(action, optional)
    if rsc is not None:
        config, place = action.config, action.node
        if place is not None and config is not None and not action.flags & PARAMETERS_READ:
            action.extra = operation_parameters(run, config, place)
            action.flags |= PARAMETERS_READ
        _update_runnable(run, action, rsc)
    return action


def _new(
    run: Run, rsc: Resource | None, key: str, task: str, node: Node | None, optional: bool
) -> Action:
    flags = RUNNABLE | (OPTIONAL if optional else 0) | (ON_DC if task == "lrm_delete" else 0)
    action = Action(id=0, key=key, task=task, rsc=rsc, node=node, flags=flags)
    if rsc is not None:
        parsed = parse_key(key)
        interval = parsed[2] if parsed is not None else 0
        config = find_operation(rsc, task, interval, disabled_too=True)
        if config is None and "_notify_" in key:
            config = find_notify(rsc)
        meta = operation_meta(run, rsc, node, task, interval, config)
        action.config = config
        action.interval_ms = interval
        action.meta = meta
        action.needs = requirement(rsc, task)
        action.on_fail = on_fail_of(run, rsc, task, interval, meta.get("on-fail"))
        action.fail_role = role_after_failure(rsc, task, action.on_fail)
    action.id = len(run.actions) + 1
    action.place = run.trail.place
    run.actions.append(action)
    if rsc is None:
        run.singletons[key] = action
    else:
        rsc.actions.append(action)
        rsc.by_key.setdefault(key, []).append(action)
    return action


def _update_optional(action: Action, optional: bool) -> None:
    rsc = action.rsc
    if (
        rsc is not None
        and action.node is not None
        and not action.flags & PSEUDO
        and not rsc.managed
        and "interval" not in action.meta
    ):
        action.flags |= OPTIONAL
    elif not optional:
        action.flags &= ~OPTIONAL


def _update_runnable(run: Run, action: Action, rsc: Resource) -> None:
    node = action.node
    if action.flags & PSEUDO:
        return
    if node is None:
        action.flags &= ~RUNNABLE
    elif not action.flags & ON_DC and not node.online and (not node.is_guest or node.remote_reset):
        action.flags &= ~RUNNABLE
        if rsc.managed and action.task == "stop" and not node.unclean:
            from crmd.scheduler.actions.fencing import fence_node

            fence_node(run, node, "stop is unrunnable")
    elif not action.flags & ON_DC and node.pending:
        action.flags &= ~RUNNABLE
    elif action.needs is Needs.NOTHING:
        action.reason = None
        _set_runnable_unless_stuck(run, action, node)
    else:
        _obey_quorum(run, action, rsc)


def _set_runnable_unless_stuck(run: Run, action: Action, node: Node) -> None:
    from crmd.scheduler.actions.fencing import can_fence

    if node.is_guest and not can_fence(run, node):
        action.flags &= ~RUNNABLE
    else:
        action.flags |= RUNNABLE


def _obey_quorum(run: Run, action: Action, rsc: Resource) -> None:
    """What a partition without quorum may do (features section 2)."""
    policy = run.no_quorum
    if run.quorate:
        policy = NoQuorum.IGNORE
    elif policy is NoQuorum.DEMOTE:
        if rsc.role in (Role.PROMOTED, Role.UNPROMOTED):
            rsc.next_role = min(rsc.next_role, Role.UNPROMOTED)
            policy = NoQuorum.IGNORE
        else:
            policy = NoQuorum.STOP
    if policy is NoQuorum.STOP:
        action.flags &= ~RUNNABLE
        action.reason = "no quorum"
    elif policy is NoQuorum.FREEZE:
        if not rsc.kind.active(rsc, True) or rsc.next_role > rsc.role:
            action.flags &= ~RUNNABLE
            action.reason = "quorum freeze"
    else:
        action.flags |= RUNNABLE


def pseudo(run: Run, name: str) -> Action:
    """Return the pseudo-action of that name that belongs to no resource."""
    action = run.singletons.get(name)
    if action is None:
        action = register(run, None, name, name, None, optional=True)
        action.flags |= PSEUDO | RUNNABLE
    return action


def resource_pseudo(
    run: Run, rsc: Resource, task: str, *, optional: bool, runnable: bool
) -> Action:
    """Return a pseudo-action of a resource that has parts."""
    key = operation_key(rsc.id, task)
    action = register(run, rsc, key, task, None, optional=optional)
    action.flags |= PSEUDO
    if runnable:
        action.flags |= RUNNABLE
    return action


def operation(run: Run, rsc: Resource, task: str, node: Node | None, *, optional: bool) -> Action:
    """Return a resource's action that does not recur: start, stop, promote, demote, ..."""
    return register(run, rsc, operation_key(rsc.id, task), task, node, optional=optional)
