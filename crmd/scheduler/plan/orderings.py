"""Applying orders: relating the actions, then working out what follows until nothing changes."""

from __future__ import annotations

from cib_store.model.scores import INFINITY
from crmd.scheduler.actions.book import find_actions, find_newest, find_task, register
from crmd.scheduler.actions.keys import notify_key, operation_key, parse_key
from crmd.scheduler.constraints.colocations import with_this_colocations
from crmd.scheduler.graph_inputs import has_loop
from crmd.scheduler.plan.consequences import FIRST_CHANGED, THEN_CHANGED, consequences
from crmd.scheduler.plan.instances import only_place
from crmd.scheduler.plan.probes import order_probes
from crmd.scheduler.plan.words import apply_relation
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN,
    GUEST_ALLOWED,
    IF_ON_SAME_NODE,
    IF_ON_SAME_NODE_OR_TARGET,
    MIGRATION_ABORT,
    NOTHING,
    OPTIONAL,
    RUNNABLE,
    THEN_CANCELS_FIRST,
    Action,
    Relation,
    order,
)
from crmd.scheduler.state.constraint import Ordering
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Stage
from raftmaker.vocabulary.roles import Role

_AFTERMATH = {
    "stop": "stopped",
    "start": "running",
    "notify": "notified",
    "promote": "promoted",
    "demote": "demoted",
}
_DONE = frozenset(_AFTERMATH.values())


def apply_orderings(run: Run) -> None:
    """Relate all actions by the recorded orders, and update them until all is consistent."""
    for ordering in run.orderings:
        run.trail.place = (Stage.ORDERINGS, *ordering.place)
        _relate(run, ordering)
    for action in reversed(run.actions):
        block_colocation_dependents(run, action)
    order_probes(run)
    for action in reversed(list(run.actions)):
        update_action(run, action)
    for action in reversed(run.actions):
        for relation in reversed(action.before):
            if _is_invalid(action, relation):
                relation.flags = NOTHING


def _is_invalid(action: Action, relation: Relation) -> bool:
    first = relation.action
    if not relation.flags & GUEST_ALLOWED and first.rsc is not None:
        rsc, node = action.rsc, first.node
        if (
            rsc is not None
            and rsc.launched
            and node is not None
            and node.remote is not None
            and node.remote.launcher is rsc
        ):
            return True
    return (
        relation.flags == IF_ON_SAME_NODE_OR_TARGET
        and action.rsc is not None
        and action.task == "migrate_to"
        and has_loop(action, action, relation)
    )


def _by_task(rsc: Resource, key: str) -> list[Action]:
    found = find_actions(rsc, key)
    if not found:
        parsed = parse_key(key)
        if parsed is not None:
            found = find_actions(rsc, operation_key(rsc.id, parsed[1], parsed[2]))
    return found


def _relate(run: Run, ordering: Ordering) -> None:
    if ordering.first_rsc is not None:
        _relate_from(run, ordering, ordering.first_rsc)
    elif ordering.then_rsc is not None:
        _relate_to(ordering.first, ordering.then_rsc, ordering)
    else:
        order(ordering.first, ordering.then, ordering.flags)


def _relate_from(run: Run, ordering: Ordering, rsc: Resource) -> None:
    if ordering.first is not None:
        firsts = [ordering.first]
    else:
        assert ordering.first_key is not None
        firsts = _by_task(rsc, ordering.first_key)
        if not firsts and rsc is not ordering.then_rsc:
            firsts = _supplied(run, rsc, ordering.first_key)
    then_rsc = ordering.then_rsc
    if then_rsc is None:
        if ordering.then is None:
            return
        then_rsc = ordering.then.rsc
    for first in firsts:
        if then_rsc is None:
            order(first, ordering.then, ordering.flags)
        else:
            _relate_to(first, then_rsc, ordering)


def _supplied(run: Run, rsc: Resource, key: str) -> list[Action]:
    """Register the first action where it is missing, unless its effect is given already."""
    parsed = parse_key(key)
    if parsed is None:
        return []
    _, task, interval = parsed
    role = rsc.kind.role(rsc, True)
    if (role is Role.STOPPED and task == "stop") or (role is Role.UNPROMOTED and task == "demote"):
        return []
    own = operation_key(rsc.id, task, interval)
    return [register(run, rsc, own, task, None, optional=True)]


def _relate_to(first: Action | None, rsc: Resource, ordering: Ordering) -> None:
    flags = ordering.flags
    if ordering.then is not None:
        thens = [ordering.then]
    else:
        assert ordering.then_key is not None
        thens = _by_task(rsc, ordering.then_key)
    if first is not None and first.rsc is rsc and first.flags & MIGRATION_ABORT:
        flags &= ~FIRST_IMPLIES_THEN
    if first is None and not flags & FIRST_IMPLIES_THEN:
        return
    for then in thens:
        if first is not None:
            order(first, then, flags)
        else:
            then.flags &= ~RUNNABLE


def block_colocation_dependents(run: Run, action: Action) -> None:
    """What must be with something that cannot start (or be promoted) cannot either."""
    if action.flags & RUNNABLE or action.task not in ("start", "promote"):
        return
    assert action.rsc is not None
    rsc = action.rsc.top
    if rsc.parent is not None:
        rsc = rsc.parent
    for child in rsc.children:
        its = find_task(child, action.task)
        if its is None or its.runnable:
            return
    for each in with_this_colocations(rsc):
        if each.score < INFINITY:
            continue
        if action.task == "promote" and each.primary_role is not Role.PROMOTED:
            continue
        promoted = each.dependent_role is Role.PROMOTED
        _block(run, each.dependent, "promote" if promoted else "start", action.rsc)


def _block(run: Run, rsc: Resource, task: str, because: Resource) -> None:
    for action in reversed(rsc.actions):
        if action.runnable and action.task == task:
            action.flags &= ~RUNNABLE
            action.set_reason(f"colocation with {because.id}", overwrite=False)
            block_colocation_dependents(run, action)
            update_action(run, action)
    for child in rsc.children:
        _block(run, child, task, because)


def _flags_for_ordering(run: Run, action: Action, node: Node | None) -> int:
    rsc = action.rsc
    if rsc is None or rsc.variant is Variant.PRIMITIVE:
        return action.flags
    flags = rsc.kind.action_flags(run, action, None)
    if node is None or rsc.variant is not Variant.CLONE:
        return flags
    runnable = flags & RUNNABLE
    return rsc.kind.action_flags(run, action, node) | runnable


def _for_ordering(action: Action) -> Action:
    """For something with parts, what others wait for is the end of an action, not its begin."""
    rsc = action.rsc
    if rsc is None or rsc.variant < Variant.GROUP:
        return action
    found = find_newest(rsc, _key_for_ordering(action.key, rsc))
    return found if found is not None else action


def _key_for_ordering(key: str, rsc: Resource) -> str:
    parsed = None if "notify" in key else parse_key(key)
    if parsed is None or parsed[2] > 0:
        return key
    id_, task, _ = parsed
    remapped = task if task in _DONE else _AFTERMATH.get(task)
    if remapped is None:
        return key
    if rsc.notify and (rsc.variant is Variant.CLONE or rsc.bundle is not None):
        return notify_key(id_, "confirmed-post", remapped)
    return operation_key(id_, remapped)


def _place_of_group_start(action: Action, node: Node | None) -> Node | None:
    rsc = action.rsc
    if rsc is not None and rsc.variant is Variant.GROUP and action.task == "start":
        return only_place(rsc, current=False)
    return node


def update_action(run: Run, then: Action) -> None:
    """Work out what all actions before `then` mean for it, and go on to what that changes."""
    changed = 0
    before = then.flags
    if then.required_runnable_before > 0:
        then.runnable_before = 0
        then.flags &= ~RUNNABLE
    for relation in reversed(then.before):
        changed = _update_relation(run, then, relation, changed)
    if then.required_runnable_before > 0:
        changed &= ~THEN_CHANGED
        if before != then.flags:
            changed |= THEN_CHANGED
    if changed & THEN_CHANGED:
        if before & RUNNABLE and not then.flags & RUNNABLE:
            block_colocation_dependents(run, then)
        update_action(run, then)
        for relation in reversed(then.after):
            update_action(run, relation.action)


def _update_relation(run: Run, then: Action, relation: Relation, changed: int) -> int:
    first = relation.action
    first_node = _place_of_group_start(first, first.node)
    then_node = _place_of_group_start(then, then.node)
    if (
        relation.flags & IF_ON_SAME_NODE
        and first_node is not None
        and then_node is not None
        and first_node is not then_node
    ):
        relation.flags = NOTHING
        return changed
    changed &= ~FIRST_CHANGED
    if first.rsc is not None and relation.flags & THEN_CANCELS_FIRST and not then.optional:
        first.flags |= OPTIONAL
        if first.task == "reload-agent":
            first.rsc.reloading = False
    if (
        first.rsc is not None
        and then.rsc is not None
        and first.rsc is not then.rsc
        and not then.rsc.is_below(first.rsc)
    ):
        first = _for_ordering(first)
    if first is relation.action:
        first_flags = _flags_for_ordering(run, first, then_node)
        then_flags = _flags_for_ordering(run, then, first_node)
        changed |= apply_relation(run, relation, then, first_flags, then_flags)
    elif order(first, then, relation.flags):
        changed |= THEN_CHANGED
        relation.flags = NOTHING
    if changed & FIRST_CHANGED:
        for following in reversed(first.after):
            update_action(run, following.action)
        update_action(run, first)
    return changed


def update_ordered(
    run: Run,
    first: Action,
    then: Action,
    node: Node | None,
    given: int,
    counted: int,
    word: int,
) -> int:
    """Apply one word of an order to two actions; return which of them changed (`Behaviour`)."""
    changed = consequences(first, then, given, counted, word)
    if changed & THEN_CHANGED and then.rsc is not None and then.rsc.parent is not None:
        update_action(run, then)
    return changed
