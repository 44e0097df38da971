"""Building the transition graph from the planned actions."""

from __future__ import annotations

from cib_store.model.values import parse_integer
from crmd.scheduler.actions.book import pseudo
from crmd.scheduler.actions.keys import notify_key, operation_key
from crmd.scheduler.digests import meta_name
from crmd.scheduler.graph import ActionKind, ActionResource, Graph, GraphAction
from crmd.scheduler.graph_inputs import belongs, input_belongs, merge_inputs
from crmd.scheduler.parameters import host_address, parameters_on
from crmd.scheduler.placement.choice import current_node
from crmd.scheduler.plan.remote import connection_host
from crmd.scheduler.state.action import ALWAYS_IN_GRAPH, IN_GRAPH, PSEUDO, Action
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Stage
from raftmaker.vocabulary.feature_set import FEATURE_SET


def build_graph(run: Run) -> Graph:
    """Collect all actions that belong: by resource, then those of nodes."""
    found: list[GraphAction] = []
    for rsc in run.resources:
        run.trail.place = (Stage.GRAPH, rsc.id)
        _collect_resource(run, rsc, found)
    run.collected_by_resource = len(found)
    remote = [node for node in run.nodes if node.is_remote_kind]
    if any(node.maintenance is not node.remote_maintenance for node in remote):
        pseudo(run, "maintenance_nodes").flags |= ALWAYS_IN_GRAPH
    for action in reversed(run.actions):
        _collect(run, action, found)
    present = {action.id for action in found}
    needed = {id_ for action in found for id_ in action.inputs} - present
    options = run.options
    limit = options.text("migration-limit")
    if run.verdicts.next_change is not None:
        run.note_recheck(run.verdicts.next_change)
    return Graph(
        actions=tuple(found),
        absent=tuple(graph_action(run, run.actions[id_ - 1], ()) for id_ in sorted(needed)),
        cluster_delay=options.text("cluster-delay"),
        fencing_timeout=options.text("fencing-timeout"),
        failed_start_offset="INFINITY" if run.start_failure_fatal else "1",
        batch_limit=options.text("batch-limit"),
        migration_limit=limit if (parse_integer(limit) or 0) > 0 else None,
        recheck_by=run.recheck_by,
    )


def _collect_resource(run: Run, rsc: Resource, found: list[GraphAction]) -> None:
    rsc.kind.before_graph(run, rsc)
    for part in rsc.kind.graph_order(rsc):
        if part is not rsc:
            _collect_resource(run, part, found)
            continue
        for action in reversed(rsc.actions):
            _collect(run, action, found)


def _collect(run: Run, action: Action, found: list[GraphAction]) -> None:
    merge_inputs(action)
    if action.flags & IN_GRAPH or not belongs(action):
        return
    action.flags |= IN_GRAPH
    inputs = []
    for relation in action.before:
        if input_belongs(action, relation):
            relation.graphed = True
            inputs.append(relation.action.id)
    found.append(graph_action(run, action, tuple(inputs)))


def _kind(action: Action) -> ActionKind:
    if action.task == "stonith":
        return ActionKind.PSEUDO if action.flags & PSEUDO else ActionKind.CLUSTER
    if action.task in ("do_shutdown", "clear_failcount", "lrm_delete"):
        return ActionKind.CLUSTER
    return ActionKind.PSEUDO if action.flags & PSEUDO else ActionKind.RESOURCE


def graph_action(run: Run, action: Action, inputs: tuple[int, ...]) -> GraphAction:
    """Return an action as the graph has it."""
    rsc, node, kind = action.rsc, action.node, _kind(action)
    has_node = node is not None and (kind is not ActionKind.PSEUDO or action.task == "stonith")
    router = connection_host(action) if has_node else None
    if has_node:
        assert node is not None
        action.meta["on_node"] = node.name
        action.meta["on_node_uuid"] = node.id
    priority = max(action.priority, rsc.priority if rsc is not None else 0)
    real = rsc is not None and not action.flags & PSEUDO
    return GraphAction(
        id=action.id,
        kind=kind,
        operation=action.task,
        operation_key=_history_key(action),
        internal_operation_key=_internal_key(action),
        on_node=node.name if has_node and node is not None else None,
        on_node_uuid=node.id if has_node and node is not None else None,
        router_node=router.name if router is not None else None,
        shutdown_lock=_lock_time(action) if real else None,
        resource=_resource(rsc) if real and rsc is not None else None,
        attributes=_attributes(run, action),
        priority=max(priority, 0),
        downed=_downed(run, action) if has_node else (),
        maintenance=_maintenance(run) if action.task == "maintenance_nodes" else (),
        inputs=inputs,
    )


def _history_key(action: Action) -> str:
    rsc = action.rsc
    if rsc is None or rsc.history_id is None:
        return action.key
    if action.task == "notify":
        kind = action.meta.get("notify_type", "")
        return notify_key(rsc.history_id, kind, action.meta.get("notify_operation", ""))
    interval = parse_integer(action.meta.get("interval")) or 0
    return operation_key(rsc.history_id, action.cancel_task or action.task, interval)


def _internal_key(action: Action) -> str | None:
    return action.key if action.rsc is not None and action.rsc.history_id is not None else None


def _lock_time(action: Action) -> int | None:
    rsc = action.rsc
    if rsc is None or action.node is None or action.node is not rsc.lock_node:
        return None
    if action.node.shutdown and action.task != "stop":
        return None
    return rsc.lock_time


def _resource(rsc: Resource) -> ActionResource:
    long_id: str | None = None
    if rsc.removed and rsc.history_id is not None:
        id_, long_id = rsc.history_id, rsc.id
    elif not rsc.unique:
        id_ = rsc.xml_id
        known = rsc.history_id
        long_id = known if known is not None and known != id_ else rsc.id
    else:
        id_ = rsc.id
    return ActionResource(
        id=id_,
        long_id=long_id,
        standard=rsc.meta.get("class", ""),
        provider=rsc.meta.get("provider"),
        type=rsc.meta.get("type", ""),
    )


def _attributes(run: Run, action: Action) -> dict[str, str]:
    """Parameters of the operation, of the resource, then meta-attributes; the first one counts."""
    attributes = {"crm_feature_set": FEATURE_SET}
    for name, value in action.extra.items():
        attributes.setdefault(name, value)
    rsc, node = action.rsc, action.node
    if rsc is not None and (node is not None or rsc.variant is Variant.PRIMITIVE):
        parameters = parameters_on(run, rsc, node)
        address = host_address(run, rsc)
        if address is not None:
            attributes.setdefault("addr", address)
        for name, value in parameters.items():
            attributes.setdefault(name, value)
    for name, value in action.meta.items():
        attributes.setdefault(meta_name(name), value)
    at = rsc
    while at is not None:
        at.kind.graph_meta(at, attributes)
        at = at.parent
    if rsc is not None:
        _add_guest_meta(action, rsc, attributes)
    return dict(sorted(attributes.items()))


def _add_guest_meta(action: Action, rsc: Resource, attributes: dict[str, str]) -> None:
    guest = action.node
    if guest is None or not guest.is_guest:
        return
    assert guest.remote is not None
    machine = guest.remote.launcher
    assert machine is not None
    task = action.task
    if task in ("notify", "notified"):
        task = action.meta.get("notify_operation", "")
    if task in ("stop", "stopped", "demote", "demoted"):
        host = current_node(machine)
    elif task in ("start", "running", "monitor", "promote", "promoted"):
        host = machine.assigned
    else:
        host = None
    if host is not None:
        target = rsc.meta.get("container-attribute-target")
        if target is not None:
            attributes.setdefault(meta_name("container-attribute-target"), target)
        attributes.setdefault(meta_name("physical-host"), host.name)


def _downed(run: Run, action: Action) -> tuple[str, ...]:
    """Which nodes the action takes down on purpose."""
    node, rsc = action.node, action.rsc
    assert node is not None
    if action.task == "do_shutdown":
        return (node.id,)
    if action.task == "stonith":
        if action.meta.get("stonith_action") not in ("off", "reboot"):
            return ()
        guests = [
            run.find_node(each.id)
            for each in node.running
            if each.remote_connection and each.launcher is not None
        ]
        return (node.id, *(guest.id for guest in guests if guest is not None))
    if rsc is not None and rsc.remote_connection and action.task == "stop":
        migrating = any(
            relation.action.task == "migrate_from" and relation.action.rsc is rsc
            for relation in action.before
        )
        return () if migrating else (rsc.id,)
    return ()


def _maintenance(run: Run) -> tuple[tuple[str, bool], ...]:
    return tuple(
        (node.id, node.maintenance)
        for node in run.nodes
        if node.is_remote_kind and node.maintenance is not node.remote_maintenance
    )
