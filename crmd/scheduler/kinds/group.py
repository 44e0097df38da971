"""Groups: members that start in order, stop in reverse, and stay together (features section 3)."""

from __future__ import annotations

from cib_store.model.scores import INFINITY, add_scores
from cib_store.model.values import is_true
from crmd.scheduler.actions.book import find_task, operation
from crmd.scheduler.constraints.colocations import (
    extend_this_with,
    extend_with_this,
    insert_this_with,
    new_colocation,
)
from crmd.scheduler.constraints.locations import apply_location
from crmd.scheduler.constraints.ordering import order_resources
from crmd.scheduler.kinds.primitive import active_node, no_preparation
from crmd.scheduler.placement.colocation import colocated_resources
from crmd.scheduler.placement.score_lines import show_scores
from crmd.scheduler.plan.instances import part_task
from crmd.scheduler.plan.orderings import update_ordered
from crmd.scheduler.plan.probes import create_probe
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN,
    FIRST_IMPLIES_THEN_GRAPHED,
    INTERMEDIATE_STOP,
    NOTHING,
    OPTIONAL,
    ORDERED,
    PSEUDO,
    RUNNABLE,
    THEN_IMPLIES_FIRST,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
)
from crmd.scheduler.state.behaviour import Behaviour, Selection
from crmd.scheduler.state.constraint import Colocation, Location
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def highest_role(rsc: Resource, now: bool) -> Role:
    """Return the highest role of any part."""
    return max(child.kind.role(child, now) for child in rsc.children)


def parts_active(rsc: Resource, every: bool) -> bool:
    """Whether any part is active, or every one."""
    found = [child.kind.active(child, every) for child in rsc.children]
    return all(found) if every else any(found)


def _assign(run: Run, rsc: Resource, prefer: Node | None, stop_if_fail: bool) -> Node | None:
    """Place the members in order; they follow the first."""
    if not rsc.unassigned:
        return rsc.assigned
    if rsc.assigning:
        return None
    rsc.assigning = True
    first = rsc.children[0]
    rsc.role = first.role
    show_scores(run, rsc, "pcmk__group_assign")
    chosen: Node | None = None
    for member in rsc.children:
        node = member.kind.assign(run, member, prefer, stop_if_fail)
        chosen = chosen or node
    rsc.next_role = first.next_role
    rsc.assigning = rsc.unassigned = False
    return chosen if rsc.group_colocated else None


def _apply_location(run: Run, rsc: Resource, location: Location) -> None:
    """Members after the first follow it, so they only learn where the group is known."""
    apply_location(run, rsc, location)
    neutral = Location(
        id=location.id,
        rsc=location.rsc,
        role=location.role,
        scores=dict.fromkeys(location.scores, 0),
        probe_mode=location.probe_mode,
    )
    for at, member in enumerate(rsc.children):
        follows = rsc.group_colocated and at > 0
        member.kind.apply_location(run, member, neutral if follows else location)


def _apply_colocation(
    run: Run, dependent: Resource, primary: Resource, colocation: Colocation, ask_primary: bool
) -> int:
    if ask_primary:
        return _colocate(run, dependent, primary, colocation)
    return _colocate_with(run, dependent, primary, colocation)


def _colocate(run: Run, group: Resource, primary: Resource, colocation: Colocation) -> int:
    change = 0
    if group.group_colocated:
        member = group.children[0]
        change = member.kind.apply_colocation(run, member, primary, colocation, True)
    elif colocation.score >= INFINITY:
        return 0
    else:
        for member in group.children:
            delta = member.kind.apply_colocation(run, member, primary, colocation, False)
            change = add_scores(change, delta)
    if change:
        group.priority = add_scores(change, group.priority)
    return change


def _colocate_with(run: Run, dependent: Resource, group: Resource, colocation: Colocation) -> int:
    if group.unassigned:
        return 0
    mandatory = colocation.score >= INFINITY
    if group.group_colocated:
        member = group.children[-1 if mandatory else 0]
        return member.kind.apply_colocation(run, dependent, member, colocation, False)
    if mandatory:
        return 0
    change = 0
    for member in group.children:
        delta = member.kind.apply_colocation(run, dependent, member, colocation, False)
        change = add_scores(change, delta)
    return change


def _colocated(
    run: Run, rsc: Resource, origin: Resource | None, found: list[Resource]
) -> list[Resource]:
    origin = origin or rsc
    cloned = rsc.parent is not None and rsc.parent.variant is Variant.CLONE
    if not (rsc.group_colocated or cloned):
        return colocated_resources(run, rsc, origin, found)
    found = [rsc, *found]
    for member in rsc.children:
        found = member.kind.colocated(run, member, origin, found)
    return found


def _with_this(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    """What is with the group is with its last member."""
    if origin is not rsc and origin is not rsc.children[-1]:
        return
    extend_with_this(found, rsc.with_this)
    if rsc.parent is not None:
        rsc.parent.kind.with_this(rsc.parent, origin, found)
    if rsc.group_colocated:
        for member in rsc.children:
            if member is not origin:
                member.kind.with_this(member, origin, found)


def _this_with(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    """What the group is with, its first member is with."""
    if origin is rsc or origin is rsc.children[0]:
        extend_this_with(found, rsc.this_with)
        if rsc.parent is not None:
            rsc.parent.kind.this_with(rsc.parent, origin, found)
        if rsc.group_colocated:
            for member in rsc.children:
                if member is not origin:
                    member.kind.this_with(member, origin, found)
        return
    for member in rsc.children:
        if member is origin:
            return
        if not member.managed:
            # The first cannot carry the rest, as it is not placed.
            for each in rsc.this_with:
                if each.score == INFINITY:
                    insert_this_with(found, each)
            return


def _add_colocated_scores(
    run: Run,
    source: Resource,
    target: Resource | None,
    scores: dict[Node, int] | None,
    colocation: Colocation | None,
    factor: float,
    selection: Selection,
) -> dict[Node, int] | None:
    if source.updating_scores:
        return scores
    source.updating_scores = True
    member = source.children[-1 if scores is None else 0]
    result = member.kind.add_colocated_scores(
        run, member, target, scores, colocation, factor, selection
    )
    source.updating_scores = False
    return result


def _add_utilization(
    rsc: Resource, origin: Resource, together: list[Resource], used: dict[str, str]
) -> None:
    if not rsc.unassigned:
        return
    cloned = rsc.parent is not None and rsc.parent.variant is Variant.CLONE
    members = rsc.children if rsc.group_colocated or cloned else rsc.children[:1]
    for member in members:
        if member.unassigned and member not in together:
            member.kind.add_utilization(member, origin, together, used)


def _shutdown_lock(run: Run, rsc: Resource) -> None:
    for member in rsc.children:
        member.kind.shutdown_lock(run, member)


def _internal_constraints(run: Run, rsc: Resource) -> None:
    order_resources(run, rsc, "stop", rsc, "stopped", UNRUNNABLE_FIRST_BLOCKS)
    order_resources(run, rsc, "stopped", rsc, "start", ORDERED)
    order_resources(run, rsc, "start", rsc, "running", UNRUNNABLE_FIRST_BLOCKS)
    previous: Resource | None = None
    last_active: Resource | None = None
    for member in rsc.children:
        member.kind.internal_constraints(run, member)
        _constrain_member(run, rsc, member, previous)
        if member.active_on:
            if (
                rsc.group_ordered
                and previous is not None
                and not previous.active_on
                and last_active is not None
                and last_active.active_on
            ):
                order_resources(run, member, "stop", last_active, "stop", ORDERED)
            last_active = member
        previous = member


def _constrain_member(
    run: Run, group: Resource, member: Resource, previous: Resource | None
) -> None:
    down, done = THEN_IMPLIES_FIRST_GRAPHED, FIRST_IMPLIES_THEN_GRAPHED
    up = UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN | FIRST_IMPLIES_THEN_GRAPHED
    if previous is None:
        if group.group_ordered:
            down |= ORDERED
            done = FIRST_IMPLIES_THEN
    elif group.group_colocated:
        new_colocation(run, "#group-members", INFINITY, member, previous, influence=member.critical)
    promotable = group.top.promotable
    if promotable:
        order_resources(run, group, "demote", member, "demote", down)
        order_resources(run, member, "demote", group, "demoted", done)
        order_resources(run, member, "promote", group, "promoted", up)
        order_resources(run, group, "promote", member, "promote", THEN_IMPLIES_FIRST_GRAPHED)
    order_resources(run, group, "stop", member, "stop", down)
    order_resources(run, member, "stop", group, "stopped", done)
    order_resources(run, group, "start", member, "start", THEN_IMPLIES_FIRST_GRAPHED)
    order_resources(run, member, "start", group, "running", up)
    _order_member(run, group, member, previous, promotable)


def _order_member(
    run: Run, group: Resource, member: Resource, previous: Resource | None, promotable: bool
) -> None:
    follows = FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS
    if not group.group_ordered:
        flags = follows | THEN_IMPLIES_FIRST_GRAPHED
        order_resources(run, group, "start", member, "start", flags)
        if promotable:
            order_resources(run, group, "promote", member, "promote", flags)
    elif previous is None:
        order_resources(run, group, "start", member, "start", NOTHING)
        if promotable:
            order_resources(run, group, "promote", member, "promote", NOTHING)
    else:
        order_resources(run, previous, "start", member, "start", follows)
        order_resources(run, member, "stop", previous, "stop", ORDERED | INTERMEDIATE_STOP)
        if member.active_on and not previous.active_on:
            # A member out of order has to go before the gap is filled.
            flags = THEN_IMPLIES_FIRST | UNRUNNABLE_FIRST_BLOCKS
            order_resources(run, member, "stop", previous, "start", flags)
        if promotable:
            order_resources(run, previous, "promote", member, "promote", follows)
            order_resources(run, member, "demote", previous, "demote", ORDERED)


def _create_actions(run: Run, rsc: Resource) -> None:
    for member in rsc.children:
        member.kind.create_actions(run, member)
    tasks = ["start", "running", "stop", "stopped"]
    if is_true(rsc.meta.get("promotable")):
        tasks += ["demote", "demoted", "promote", "promoted"]
    for task in tasks:
        action = operation(run, rsc, task, None, optional=True)
        action.flags |= PSEUDO | RUNNABLE


def _action_flags(run: Run, action: Action, node: Node | None) -> int:
    """A group's action is needed if that of a member is, and possible if that of all is."""
    assert action.rsc is not None
    flags = OPTIONAL | RUNNABLE | PSEUDO
    for member in action.rsc.children:
        task = part_task(member, action.task)
        its = find_task(member, task, node)
        if its is not None:
            member_flags = member.kind.action_flags(run, its, node)
            if flags & OPTIONAL and not member_flags & OPTIONAL:
                flags &= ~OPTIONAL
                action.flags &= ~OPTIONAL
            if task != action.task and flags & RUNNABLE and not member_flags & RUNNABLE:
                flags &= ~RUNNABLE
                action.flags &= ~RUNNABLE
        elif task not in ("stop", "demote"):
            flags &= ~RUNNABLE
    return flags


def _update_ordered(
    run: Run,
    first: Action,
    then: Action,
    node: Node | None,
    flags: int,
    counted: int,
    kind: int,
) -> int:
    assert then.rsc is not None
    changed = update_ordered(run, first, then, node, flags, counted, kind)
    for member in then.rsc.children:
        its = find_task(member, then.task, node)
        if its is not None:
            changed |= member.kind.update_ordered(run, first, its, node, flags, counted, kind)
    return changed


def _no_meta(rsc: Resource, attributes: dict[str, str]) -> None:
    """Groups add nothing to the attributes of their members' actions."""


GROUP = Behaviour(
    role=highest_role,
    active=parts_active,
    active_node=active_node,
    max_per_node=lambda rsc: 1,
    assign=_assign,
    apply_location=_apply_location,
    apply_colocation=_apply_colocation,
    colocated=_colocated,
    with_this=_with_this,
    this_with=_this_with,
    add_colocated_scores=_add_colocated_scores,
    add_utilization=_add_utilization,
    shutdown_lock=_shutdown_lock,
    internal_constraints=_internal_constraints,
    create_probe=create_probe,
    create_actions=_create_actions,
    action_flags=_action_flags,
    update_ordered=_update_ordered,
    before_graph=no_preparation,
    graph_order=lambda rsc: [rsc, *rsc.children],
    told=lambda rsc: rsc.children,
    graph_meta=_no_meta,
)
