"""Actions of a primitive: stop, start, demote, promote, as its roles now and then require."""

from __future__ import annotations

from cib_store.model.scores import INFINITY
from crmd.scheduler.actions.book import find_exact, operation
from crmd.scheduler.actions.fencing import fence_action, is_unfenced, trigger_unfencing
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.configuration.nodes import natural_key
from crmd.scheduler.constraints.colocations import new_colocation
from crmd.scheduler.constraints.ordering import add_ordering, order_resources
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.plan.migration import (
    abort_dangling_migration,
    can_migrate,
    create_migration_actions,
)
from crmd.scheduler.plan.recurring import create_recurring_actions
from crmd.scheduler.plan.utilization import create_load_orderings
from crmd.scheduler.state.action import (
    ALWAYS_IN_GRAPH,
    FIRST_IMPLIES_SAME_NODE_THEN,
    FIRST_IMPLIES_THEN,
    IF_ON_SAME_NODE,
    INTERMEDIATE_STOP,
    OPTIONAL,
    ORDERED,
    PROMOTED_THEN_IMPLIES_FIRST,
    PSEUDO,
    RUNNABLE,
    THEN_CANCELS_FIRST,
    THEN_IMPLIES_FIRST,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
    order,
)
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import MultipleActive, Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

_STEPS: dict[Role, dict[Role, Role]] = {
    Role.UNKNOWN: {
        Role.UNKNOWN: Role.UNKNOWN,
        Role.STOPPED: Role.STOPPED,
        Role.STARTED: Role.STOPPED,
        Role.UNPROMOTED: Role.STOPPED,
        Role.PROMOTED: Role.STOPPED,
    },
    Role.STOPPED: {
        Role.UNKNOWN: Role.STOPPED,
        Role.STOPPED: Role.STOPPED,
        Role.STARTED: Role.STARTED,
        Role.UNPROMOTED: Role.UNPROMOTED,
        Role.PROMOTED: Role.UNPROMOTED,
    },
    Role.STARTED: {
        Role.UNKNOWN: Role.STOPPED,
        Role.STOPPED: Role.STOPPED,
        Role.STARTED: Role.STARTED,
        Role.UNPROMOTED: Role.UNPROMOTED,
        Role.PROMOTED: Role.PROMOTED,
    },
    Role.UNPROMOTED: {
        Role.UNKNOWN: Role.STOPPED,
        Role.STOPPED: Role.STOPPED,
        Role.STARTED: Role.STOPPED,
        Role.UNPROMOTED: Role.UNPROMOTED,
        Role.PROMOTED: Role.PROMOTED,
    },
    Role.PROMOTED: {
        Role.UNKNOWN: Role.STOPPED,
        Role.STOPPED: Role.UNPROMOTED,
        Role.STARTED: Role.UNPROMOTED,
        Role.UNPROMOTED: Role.UNPROMOTED,
        Role.PROMOTED: Role.PROMOTED,
    },
}
"""The next role on the way from one role to another."""


def _step(
    run: Run, rsc: Resource, start: Role, end: Role, node: Node | None, optional: bool
) -> bool:
    """Take one step between neighbouring roles; False where nothing is to be done."""
    match start, end:
        case ((Role.UNKNOWN | Role.STARTED | Role.UNPROMOTED), Role.STOPPED):
            _stop(run, rsc, optional)
        case Role.UNPROMOTED, Role.STARTED:
            _stop(run, rsc, optional)
        case Role.STOPPED, (Role.STARTED | Role.UNPROMOTED):
            assert node is not None, f"{rsc.id} cannot start nowhere"
            _start(run, rsc, node, optional)
        case ((Role.STARTED | Role.UNPROMOTED), Role.PROMOTED):
            assert node is not None, f"{rsc.id} cannot be promoted nowhere"
            _promote(run, rsc, node, optional)
        case Role.PROMOTED, (Role.STOPPED | Role.STARTED | Role.UNPROMOTED):
            _demote(run, rsc, optional)
        case _:
            return False
    return True


def create_actions(run: Run, rsc: Resource) -> None:
    """Register all actions that take a primitive from what it is to what it shall be."""
    if rsc.next_role is Role.UNKNOWN:
        rsc.next_role = Role.STOPPED if rsc.assigned is None else Role.STARTED
    current, everywhere, clean = rsc.kind.active_node(rsc)
    for node in rsc.dangling_sources:
        abort_dangling_migration(run, rsc, node)
    moving = (
        current is not None
        and rsc.assigned is not None
        and current is not rsc.assigned
        and rsc.next_role >= Role.STARTED
    )
    migrates = moving and can_migrate(rsc, current)
    need_stop = moving
    multiply_active = False
    if rsc.migration_source is not None or rsc.migration_target is not None:
        continues = (
            rsc.migration_source is not None
            and rsc.migration_target is not None
            and migrates
            and everywhere == 2
            and current is rsc.migration_source
            and rsc.assigned is rsc.migration_target
        )
        if not continues:
            need_stop = True
            rsc.migration_source = rsc.migration_target = None
            migrates = False
    else:
        multiply_active = (everywhere if rsc.needs_fencing else clean) > 1
    rsc.stop_unexpected = False
    if multiply_active:
        if rsc.multiple_active is MultipleActive.STOP_START:
            need_stop = True
        elif rsc.multiple_active is MultipleActive.STOP_UNEXPECTED:
            need_stop = rsc.stop_unexpected = True
    if rsc.start_pending:
        start = operation(run, rsc, "start", rsc.assigned, optional=True)
        start.flags |= ALWAYS_IN_GRAPH
    need_stop, need_promote = _restart_needs(run, rsc, current, moving, need_stop)
    _restart(run, rsc, current, need_stop, need_promote)
    _change_role(run, rsc)
    create_recurring_actions(run, rsc)
    if migrates:
        assert current is not None
        create_migration_actions(run, rsc, current)


def _restart_needs(
    run: Run, rsc: Resource, current: Node | None, moving: bool, need_stop: bool
) -> tuple[bool, bool]:
    need_promote = False
    if moving:
        pass
    elif rsc.failed:
        if rsc.stop_if_failed:
            need_stop = True
        else:
            need_promote = rsc.next_role is Role.PROMOTED
    elif rsc.blocked:
        need_stop = True
    elif rsc.role > Role.STARTED and current is not None and rsc.assigned is not None:
        start = operation(run, rsc, "start", rsc.assigned, optional=True)
        need_stop = need_stop or not start.optional
    return need_stop, need_promote


def _restart(
    run: Run, rsc: Resource, current: Node | None, need_stop: bool, need_promote: bool
) -> None:
    """Register the way down to stopped and back up, optional unless needed."""
    rsc.restarting = True
    role = rsc.role
    while role is not Role.STOPPED:
        following = _STEPS[role][Role.STOPPED]
        if not _step(run, rsc, role, following, current, not need_stop):
            break
        role = following
    while rsc.role <= rsc.next_role and role is not rsc.role and not rsc.blocked:
        following = _STEPS[role][rsc.role]
        required = need_stop or (following is Role.PROMOTED and need_promote)
        if not _step(run, rsc, role, following, rsc.assigned, not required):
            break
        role = following
    rsc.restarting = False


def _change_role(run: Run, rsc: Resource) -> None:
    role = rsc.role
    while role is not rsc.next_role:
        following = _STEPS[role][rsc.next_role]
        if not _step(run, rsc, role, following, rsc.assigned, False):
            break
        role = following


def _is_expected(rsc: Resource, node: Node) -> bool:
    """Whether a multiply active resource may stay on this node."""
    return (
        rsc.stop_unexpected
        and rsc.restarting
        and rsc.next_role > Role.STOPPED
        and rsc.assigned is node
    )


def _stop(run: Run, rsc: Resource, optional: bool) -> None:
    for node in rsc.active_on:
        if _is_expected(rsc, node):
            continue
        if rsc.migration_target is not None:
            if node is rsc.migration_target and node is rsc.assigned:
                continue
            optional = False
        stop = operation(run, rsc, "stop", node, optional=optional)
        if rsc.assigned is None:
            stop.set_reason("node availability", overwrite=True)
        elif rsc.restarting and rsc.stop_unexpected:
            stop.set_reason("being multiply active", overwrite=True)
        if not rsc.managed:
            stop.flags &= ~RUNNABLE
        if rsc.needs_unfencing:
            unfence = fence_action(run, node, operation="on", optional=True, reason=None)
            order(stop, unfence, THEN_IMPLIES_FIRST)


def _start(run: Run, rsc: Resource, node: Node, optional: bool) -> None:
    start = operation(run, rsc, "start", node, optional=True)
    order_after_unfencing(run, rsc, node, start, FIRST_IMPLIES_THEN)
    if start.runnable and not optional:
        start.flags &= ~OPTIONAL
    if _is_expected(rsc, node):
        start.flags |= PSEUDO


def _promote(run: Run, rsc: Resource, node: Node, optional: bool) -> None:
    starts = find_exact(rsc, operation_key(rsc.id, "start"), node)
    if all(start.runnable for start in starts):
        promote = operation(run, rsc, "promote", node, optional=optional)
        if _is_expected(rsc, node):
            promote.flags |= PSEUDO
        return
    for promote in find_exact(rsc, operation_key(rsc.id, "promote"), node):
        promote.flags &= ~RUNNABLE


def _demote(run: Run, rsc: Resource, optional: bool) -> None:
    for node in rsc.active_on:
        if not _is_expected(rsc, node):
            operation(run, rsc, "demote", node, optional=optional)


def order_after_unfencing(run: Run, rsc: Resource, node: Node, action: Action, flags: int) -> None:
    """Have the node unfenced before an action that depends on it (features 13.x)."""
    if not ((rsc.fence_device and run.unfencing_enabled) or rsc.needs_unfencing):
        return
    unfence = fence_action(run, node, operation="on", optional=True, reason=None)
    order(unfence, action, flags)
    if not is_unfenced(node):
        trigger_unfencing(run, None, node, f"required by {rsc.id} {action.task}")


def internal_constraints(run: Run, rsc: Resource) -> None:
    """Order a primitive's own actions, and tie it to its launcher."""
    if not rsc.managed:
        return
    order_resources(
        run, rsc, "stop", rsc, "start", ORDERED | FIRST_IMPLIES_THEN | INTERMEDIATE_STOP
    )
    if rsc.top.promotable or rsc.role > Role.UNPROMOTED:
        order_resources(run, rsc, "demote", rsc, "stop", PROMOTED_THEN_IMPLIES_FIRST)
        order_resources(run, rsc, "start", rsc, "promote", UNRUNNABLE_FIRST_BLOCKS)
    order_resources(run, rsc, "lrm_delete", rsc, "monitor", IF_ON_SAME_NODE | THEN_CANCELS_FIRST)
    nodes = sorted(rsc.scores, key=lambda node: natural_key(node.name))
    if not rsc.fence_device and run.unfencing_enabled and rsc.needs_unfencing:
        for node in nodes:
            _order_restart_around_unfencing(run, rsc, node)
    if rsc.utilization and run.placement_strategy != "default":
        create_load_orderings(run, rsc, nodes)
    if rsc.launcher is not None:
        _tie_to_launcher(run, rsc, rsc.launcher)
    if rsc.remote_connection or rsc.fence_device:
        _avoid_remote_nodes(run, rsc)


def _order_restart_around_unfencing(run: Run, rsc: Resource, node: Node) -> None:
    unfence = fence_action(run, node, operation="on", optional=True, reason=None)
    add_ordering(
        run,
        ORDERED | IF_ON_SAME_NODE,
        first_rsc=rsc,
        first_key=operation_key(rsc.id, "stop"),
        then=unfence,
    )
    add_ordering(
        run,
        FIRST_IMPLIES_SAME_NODE_THEN | IF_ON_SAME_NODE,
        first=unfence,
        then_rsc=rsc,
        then_key=operation_key(rsc.id, "start"),
    )


def _avoid_remote_nodes(run: Run, rsc: Resource) -> None:
    with noted(run, rsc, Origin.CONTAINER, "what hosts a guest node runs on no remote node"):
        for node in rsc.scores:
            if node.remote is not None:
                rsc.scores[node] = -INFINITY


def _tie_to_launcher(run: Run, rsc: Resource, launcher: Resource) -> None:
    """A launched resource starts after its launcher and goes where it is (features 16)."""
    remote: Resource | None = None
    if rsc.remote_connection:
        if not rsc.remote_nesting_allowed:
            _avoid_remote_nodes(run, launcher)
        order_resources(run, launcher, "monitor", rsc, "stop", ORDERED)
    elif launcher.remote_connection:
        remote = launcher
    else:
        remote = guest_connection(run, launcher)
    if remote is not None:
        with noted(run, rsc, Origin.CONTAINER, f"it runs on {remote.id} alone"):
            for node in rsc.scores:
                if node.remote is not remote:
                    rsc.scores[node] = -INFINITY
        return
    order_resources(
        run, launcher, "start", rsc, "start", FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS
    )
    order_resources(run, rsc, "stop", launcher, "stop", THEN_IMPLIES_FIRST)
    score = 10_000 if rsc.remote_nesting_allowed else INFINITY
    new_colocation(run, "#resource-with-container", score, rsc, launcher, influence=True)


def guest_connection(run: Run, machine: Resource) -> Resource | None:
    """Return the connection to the guest node that a resource launches, if it does."""
    if not run.have_remote_nodes:
        return None
    return next((each for each in machine.launched if each.remote_connection), None)
