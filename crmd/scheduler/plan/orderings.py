"""Applying orders: relating the actions, then working out what follows until nothing changes."""

from __future__ import annotations

from cib_store.model.scores import INFINITY
from crmd.scheduler.actions.book import find_actions, find_newest, find_task, register
from crmd.scheduler.actions.keys import notify_key, operation_key, parse_key
from crmd.scheduler.constraints.colocations import with_this_colocations
from crmd.scheduler.graph_inputs import has_loop
from crmd.scheduler.plan.instances import only_place
from crmd.scheduler.plan.probes import order_probes
from crmd.scheduler.state.action import (
    ALWAYS_IN_GRAPH,
    ASYMMETRIC,
    FIRST_ELSE_THEN,
    FIRST_IMPLIES_SAME_NODE_THEN,
    FIRST_IMPLIES_THEN,
    FIRST_IMPLIES_THEN_GRAPHED,
    GUEST_ALLOWED,
    IF_ON_SAME_NODE,
    IF_ON_SAME_NODE_OR_TARGET,
    INTERMEDIATE_STOP,
    MIGRATABLE,
    MIGRATION_ABORT,
    MIN_RUNNABLE,
    NESTED_REMOTE_PROBE,
    NOTHING,
    OPTIONAL,
    ORDERED,
    PROMOTED_THEN_IMPLIES_FIRST,
    PSEUDO,
    RUNNABLE,
    THEN_CANCELS_FIRST,
    THEN_IMPLIES_FIRST,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNMIGRATABLE_THEN_BLOCKS,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
    Relation,
    order,
)
from crmd.scheduler.state.constraint import Ordering
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

FIRST_CHANGED = 1
THEN_CHANGED = 2
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
    if rsc is None:
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
        changed |= _apply_relation(run, first, then, first_flags, then_flags, relation)
    elif order(first, then, relation.flags):
        changed |= THEN_CHANGED
        relation.flags = NOTHING
    if changed & FIRST_CHANGED:
        for following in reversed(first.after):
            update_action(run, following.action)
        update_action(run, first)
    return changed


def _apply_relation(
    run: Run,
    first: Action,
    then: Action,
    first_flags: int,
    then_flags: int,
    relation: Relation,
) -> int:
    """Apply each thing that a relation says, in a fixed order."""
    changed = 0
    node = then.node
    if relation.flags & FIRST_IMPLIES_SAME_NODE_THEN:
        relation.flags &= ~FIRST_IMPLIES_SAME_NODE_THEN
        relation.flags |= FIRST_IMPLIES_THEN
        node = first.node
    flags, owner = relation.flags, then.rsc

    def update(rsc: Resource, given: int, counted: int, kind: int) -> int:
        return rsc.kind.update_ordered(run, first, then, node, given, counted, kind)

    if flags & FIRST_IMPLIES_THEN:
        if owner is not None:
            changed |= update(owner, first_flags & OPTIONAL, OPTIONAL, FIRST_IMPLIES_THEN)
        elif not first_flags & OPTIONAL and then.flags & OPTIONAL:
            then.flags &= ~OPTIONAL
            changed |= THEN_CHANGED
    if flags & INTERMEDIATE_STOP and owner is not None:
        changed |= update(owner, first_flags, OPTIONAL | RUNNABLE, INTERMEDIATE_STOP)
    if flags & THEN_IMPLIES_FIRST:
        if first.rsc is not None:
            changed |= update(first.rsc, first_flags, OPTIONAL, THEN_IMPLIES_FIRST)
        elif not first_flags & OPTIONAL and first.flags & RUNNABLE:
            first.flags &= ~RUNNABLE
            changed |= FIRST_CHANGED
    if flags & PROMOTED_THEN_IMPLIES_FIRST and owner is not None:
        changed |= update(owner, first_flags & OPTIONAL, OPTIONAL, PROMOTED_THEN_IMPLIES_FIRST)
    if flags & MIN_RUNNABLE:
        if owner is not None:
            changed |= update(owner, first_flags, RUNNABLE, MIN_RUNNABLE)
        elif first_flags & RUNNABLE:
            then.runnable_before += 1
            if then.runnable_before >= then.required_runnable_before and not then.flags & RUNNABLE:
                then.flags |= RUNNABLE
                changed |= THEN_CHANGED
    if flags & NESTED_REMOTE_PROBE and owner is not None:
        if not first_flags & RUNNABLE and first.rsc is not None and first.rsc.active_on:
            relation.flags = flags = NOTHING
        else:
            changed |= update(owner, first_flags, RUNNABLE, UNRUNNABLE_FIRST_BLOCKS)
    if flags & UNRUNNABLE_FIRST_BLOCKS:
        if owner is not None:
            changed |= update(owner, first_flags, RUNNABLE, UNRUNNABLE_FIRST_BLOCKS)
        elif not first_flags & RUNNABLE and then.flags & RUNNABLE:
            then.flags &= ~RUNNABLE
            changed |= THEN_CHANGED
    if owner is not None:
        for kind, counted in (
            (UNMIGRATABLE_THEN_BLOCKS, OPTIONAL),
            (FIRST_ELSE_THEN, OPTIONAL),
            (ORDERED, RUNNABLE),
            (ASYMMETRIC, RUNNABLE),
        ):
            if flags & kind:
                changed |= update(owner, first_flags, counted, kind)
    return changed | _apply_graphed(first, then, first_flags, then_flags, flags)


def _apply_graphed(
    first: Action, then: Action, first_flags: int, then_flags: int, flags: int
) -> int:
    if first.flags & RUNNABLE and flags & FIRST_IMPLIES_THEN_GRAPHED and not first_flags & OPTIONAL:
        then.flags |= ALWAYS_IN_GRAPH
    if flags & THEN_IMPLIES_FIRST_GRAPHED and not then_flags & OPTIONAL:
        first.flags |= ALWAYS_IN_GRAPH
    rsc = first.rsc
    if (
        flags & (FIRST_IMPLIES_THEN | THEN_IMPLIES_FIRST | INTERMEDIATE_STOP)
        and rsc is not None
        and not rsc.managed
        and rsc.blocked
        and not first.flags & RUNNABLE
        and first.task == "stop"
        and then.flags & RUNNABLE
    ):
        then.flags &= ~RUNNABLE
        return THEN_CHANGED
    return 0


def _clear(action: Action, flag: int, because: Action) -> None:
    """Clear a flag; when that is the doing of another resource, say so."""
    if not action.flags & flag:
        return
    action.flags &= ~flag
    if action.rsc is because.rsc or action.reason is not None:
        return
    change = {RUNNABLE: "unrunnable", MIGRATABLE: "unmigrateable", OPTIONAL: "required"}[flag]
    rsc = f" {because.rsc.id}" if because.rsc is not None else ""
    action.reason = f"{change}{rsc} {because.task}"


def _only_active_on(rsc: Resource, node: Node | None) -> bool:
    return len(rsc.active_on) == 1 and rsc.active_on[0] is node


def _apply_asymmetric(first: Action, then: Action) -> None:
    rsc = then.rsc
    if rsc is None or first.flags & RUNNABLE:
        return
    if then.flags & OPTIONAL:
        role = rsc.kind.role(rsc, True)
        if role is Role.STOPPED and then.task == "stop":
            return
        if role >= Role.STARTED and then.task == "start" and _only_active_on(rsc, then.node):
            return
    _clear(then, OPTIONAL, first)
    _clear(then, RUNNABLE, first)


def _apply_restart(first: Action, then: Action, counted: int) -> None:
    """first is a stop, then the start after it."""
    assert then.rsc is not None
    needed = counted & OPTIONAL and not then.flags & OPTIONAL
    stuck = (
        counted & RUNNABLE
        and not then.flags & RUNNABLE
        and then.rsc.managed
        and first.rsc is then.rsc
    )
    if not needed and not stuck:
        return
    if first.flags & RUNNABLE:
        _clear(first, OPTIONAL, then)
    if not then.flags & OPTIONAL:
        _clear(first, OPTIONAL, then)
    if not then.flags & MIGRATABLE:
        _clear(first, MIGRATABLE, then)
    if not first.flags & (OPTIONAL | RUNNABLE):
        _clear(then, RUNNABLE, first)


def update_ordered(
    run: Run,
    first: Action,
    then: Action,
    node: Node | None,
    flags: int,
    counted: int,
    kind: int,
) -> int:
    """Apply one kind of relation to two actions; return which of them changed."""
    then_flags, first_flags = then.flags, first.flags
    if kind & ASYMMETRIC:
        _apply_asymmetric(first, then)
    if kind & THEN_IMPLIES_FIRST and not then_flags & OPTIONAL:
        if counted & OPTIONAL and not flags & OPTIONAL and first_flags & OPTIONAL:
            _clear(first, OPTIONAL, then)
        if flags & MIGRATABLE and not then.flags & MIGRATABLE:
            _clear(first, MIGRATABLE, then)
    if (
        kind & PROMOTED_THEN_IMPLIES_FIRST
        and then.rsc is not None
        and then.rsc.role is Role.PROMOTED
        and counted & OPTIONAL
        and not then.flags & OPTIONAL
    ):
        _clear(first, OPTIONAL, then)
        if first.flags & MIGRATABLE and not then.flags & MIGRATABLE:
            _clear(first, MIGRATABLE, then)
    if kind & UNMIGRATABLE_THEN_BLOCKS and counted & OPTIONAL:
        if then.flags & (MIGRATABLE | RUNNABLE) != MIGRATABLE | RUNNABLE:
            _clear(first, RUNNABLE, then)
        if not then.flags & OPTIONAL:
            _clear(first, OPTIONAL, then)
    if kind & FIRST_ELSE_THEN and counted & OPTIONAL and not first.flags & RUNNABLE:
        _clear(then, MIGRATABLE, first)
        then.flags &= ~PSEUDO
    if (
        kind & UNRUNNABLE_FIRST_BLOCKS
        and counted & RUNNABLE
        and then.flags & RUNNABLE
        and not flags & RUNNABLE
    ):
        _clear(then, RUNNABLE, first)
        _clear(then, MIGRATABLE, first)
    if (
        kind & FIRST_IMPLIES_THEN
        and counted & OPTIONAL
        and then.flags & OPTIONAL
        and not flags & OPTIONAL
        and not first.flags & MIGRATABLE
    ):
        _clear(then, OPTIONAL, first)
    if kind & INTERMEDIATE_STOP:
        _apply_restart(first, then, counted)
    changed = 0
    if then_flags != then.flags:
        changed |= THEN_CHANGED
        if then.rsc is not None and then.rsc.parent is not None:
            update_action(run, then)
    if first_flags != first.flags:
        changed |= FIRST_CHANGED
    return changed
