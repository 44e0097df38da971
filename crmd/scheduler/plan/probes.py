"""Probes: finding out where resources are active (features 7.x resource-discovery)."""

from __future__ import annotations

from cib_store.model.values import is_true
from crmd.scheduler.actions.book import find_actions, operation
from crmd.scheduler.actions.fencing import fence_node
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.constraints.ordering import add_ordering, order_resources
from crmd.scheduler.plan.instances import compatible_instance
from crmd.scheduler.plan.primitive import guest_connection, order_after_unfencing
from crmd.scheduler.plan.recurring import expect
from crmd.scheduler.plan.remote import is_failed_remote
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN,
    IF_FIRST_UNMIGRATABLE,
    IF_ON_SAME_NODE,
    IF_ON_SAME_NODE_OR_TARGET,
    IF_REQUIRED_ON_SAME_NODE,
    OPTIONAL,
    ORDERED,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
    Relation,
    order,
)
from crmd.scheduler.state.constraint import Ordering, ProbeMode
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Stage
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.roles import Role


def schedule_probes(run: Run) -> None:
    """Register the probes that are needed on each node."""
    for at, node in enumerate(run.nodes):
        run.trail.place = (Stage.PROBES, at)
        if not node.online:
            if is_failed_remote(node):
                fence_node(run, node, "the connection is unrecoverable")
        elif not node.unclean and node.probes_allowed:
            for rsc in run.resources:
                run.trail.place = (Stage.PROBES, at, rsc.id)
                rsc.kind.create_probe(run, rsc, node)


def create_probe(run: Run, rsc: Resource, node: Node) -> bool:
    """Register a probe of a primitive (or all members of a group) on a node, if needed."""
    if not run.probes_enabled:
        return False
    if node.is_remote_kind and (
        rsc.fence_device
        or rsc.remote_connection
        or (node.is_guest and guest_connection(run, rsc) is not None)
    ):
        return False
    if rsc.children:
        created = [child.kind.create_probe(run, child, node) for child in rsc.children]
        return any(created)
    if (rsc.launcher is not None and not rsc.remote_connection) or rsc.removed:
        return False
    if node in rsc.probed_on or not _may_be_discovered(rsc, node):
        return False
    top = rsc.top
    if node.is_guest and _waits_for_guest(run, top, node):
        return False
    probe = _probe(run, rsc, node)
    if top.variant is not Variant.CLONE:
        top = rsc
    flags = ORDERED
    if not probe.runnable and not top.active_on:
        flags |= UNRUNNABLE_FIRST_BLOCKS
    for task, relation in (("start", flags), ("reload-agent", ORDERED)):
        owner = top if task == "start" else rsc
        add_ordering(
            run,
            relation,
            first_rsc=rsc,
            first=probe,
            then_rsc=top,
            then_key=operation_key(owner.id, task),
        )
    return True


def _may_be_discovered(rsc: Resource, node: Node) -> bool:
    mode = rsc.probe_modes.get(node, node.probe_mode)
    if rsc.exclusive_discovery or rsc.top.exclusive_discovery:
        return node in rsc.scores and mode is ProbeMode.EXCLUSIVE
    return mode is not ProbeMode.NEVER


def _waits_for_guest(run: Run, top: Resource, node: Node) -> bool:
    """Whether the guest is down or will go down, so that nothing can be probed there."""
    assert node.remote is not None
    guest = node.remote.launcher
    assert guest is not None
    if guest.role is Role.STOPPED:
        if guest.assigned is not None and guest.assigned not in guest.probed_on:
            order_resources(run, guest, "monitor", top, "start", ORDERED)
        return True
    will_stop = (
        node.remote_reset
        or node.unclean
        or guest.failed
        or guest.next_role is Role.STOPPED
        or (
            guest.role > Role.STOPPED
            and guest.assigned is not None
            and guest.assigned not in guest.active_on
        )
    )
    if will_stop:
        order_resources(run, guest, "stop", top, "start", ORDERED)
    return will_stop


def _probe(run: Run, rsc: Resource, node: Node) -> Action:
    probe = operation(run, rsc, "monitor", node, optional=False)
    probe.flags &= ~OPTIONAL
    order_after_unfencing(run, rsc, node, probe, ORDERED)
    if node not in rsc.active_on:
        expect(probe, OcfCode.NOT_RUNNING)
    elif rsc.role is Role.PROMOTED:
        expect(probe, OcfCode.PROMOTED)
    return probe


def order_probes(run: Run) -> None:
    """Order probes before what depends on their results."""
    for rsc in run.resources:
        _order_starts_after(run, rsc)
    for ordering in run.orderings:
        _order_stops_after(ordering)


def _order_starts_after(run: Run, rsc: Resource) -> None:
    if rsc.variant is not Variant.PRIMITIVE:
        for child in rsc.children:
            _order_starts_after(run, child)
        return
    for probe in find_actions(rsc, operation_key(rsc.id, "monitor")):
        for relation in reversed(probe.after):
            _order_instances_after(probe, relation)
            visited: list[Action] = []
            _order_restarts_after(run, probe, relation.action, visited)
            for action in visited:
                action.visiting = False


def _order_instances_after(probe: Action, relation: Relation) -> None:
    """An unrunnable probe of one instance keeps the whole idle clone from starting."""
    after = relation.action
    if after.rsc is None or after.rsc.variant <= Variant.GROUP:
        return
    assert probe.rsc is not None
    if (
        probe.runnable
        or relation.flags & UNRUNNABLE_FIRST_BLOCKS
        or probe.rsc.top is not after.rsc
        or after.task != "start"
    ):
        return
    for then in reversed(after.after):
        rsc = then.action.rsc
        if rsc is None or rsc.active_on or rsc.top is not after.rsc:
            continue
        if then.action.task == "start":
            order(probe, then.action, ORDERED | UNRUNNABLE_FIRST_BLOCKS)


def _order_restarts_after(run: Run, probe: Action, after: Action, visited: list[Action]) -> None:
    """What restarts because of a probe's result must not stop before it is known."""
    assert probe.rsc is not None
    if after.visiting or probe.rsc.variant is not Variant.PRIMITIVE:
        return
    if probe.task != "monitor":
        return
    after.visiting = True
    visited.append(after)
    rsc = after.rsc
    if rsc is not None and rsc.variant is Variant.PRIMITIVE and rsc is not probe.rsc:
        task = {"start": "stop", "promote": "demote"}.get(after.task)
        if task is not None:
            for then in find_actions(rsc, operation_key(rsc.id, task)):
                if not then.pseudo:
                    order(probe, then, ORDERED)
    interleave = False
    compatible: Resource | None = None
    if rsc is not None and rsc.variant > Variant.GROUP:
        interleave = is_true(rsc.meta.get("interleave"))
        if interleave:
            compatible = compatible_instance(run, probe.rsc, rsc, role=Role.UNKNOWN, current=False)
    for relation in reversed(after.after):
        if not relation.flags & FIRST_IMPLIES_THEN and not _is_chained(
            probe, after, relation.action, interleave, compatible
        ):
            continue
        _order_restarts_after(run, probe, relation.action, visited)


def _is_chained(
    probe: Action,
    after: Action,
    then: Action,
    interleave: bool,
    compatible: Resource | None,
) -> bool:
    rsc, chained = after.rsc, then.rsc
    if rsc is None or rsc.variant < Variant.GROUP or chained is None:
        return False
    assert probe.rsc is not None
    if probe.rsc.parent is rsc or chained.variant > Variant.GROUP or rsc is not chained.parent:
        return False
    return not (rsc.variant > Variant.GROUP and interleave and compatible is not chained)


def _order_stops_after(ordering: Ordering) -> None:
    """What comes after a stop also comes after the probe that may find it stopped."""
    first_rsc, then_rsc = ordering.first_rsc, ordering.then_rsc
    if ordering.flags == 0 or first_rsc is None or first_rsc is then_rsc:
        return
    if ordering.first is None and ordering.first_key is None:
        return
    if ordering.then is None and ordering.then_key is None:
        return
    if ordering.first is not None:
        if ordering.first.task != "stop":
            return
    elif not (ordering.first_key or "").endswith("_stop_0"):
        return
    if then_rsc is not None and first_rsc.launcher is then_rsc:
        if ordering.then is not None:
            if ordering.then.task == "stop":
                return
        elif (ordering.then_key or "").endswith("_stop_0"):
            return
    flags = ORDERED | (ordering.flags & (IF_FIRST_UNMIGRATABLE | IF_ON_SAME_NODE))
    if ordering.flags in (IF_REQUIRED_ON_SAME_NODE, IF_ON_SAME_NODE_OR_TARGET):
        flags = ordering.flags
    probes = find_actions(first_rsc, operation_key(first_rsc.id, "monitor"))
    if not probes:
        return
    if ordering.then is not None:
        thens = [ordering.then]
    elif then_rsc is not None and ordering.then_key is not None:
        thens = find_actions(then_rsc, ordering.then_key)
    else:
        thens = []
    for probe in probes:
        for then in thens:
            if _matters_before(probe, then):
                order(probe, then, flags)


def _matters_before(probe: Action, then: Action) -> bool:
    if then.task == "stonith" and probe.node is then.node:
        return then.meta.get("stonith_action", "").lower() != "on"
    if then.task == "do_shutdown" and probe.node is not None and then.node is not None:
        return probe.node is then.node
    return True
