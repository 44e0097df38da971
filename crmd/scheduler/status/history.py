"""The operation histories of all nodes: which resource is where, in which role, and failed."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.scores import INFINITY
from cib_store.model.values import parse_boolean, parse_integer, seconds_of
from crmd.scheduler.actions.book import operation, register
from crmd.scheduler.actions.fencing import fence_node
from crmd.scheduler.actions.keys import base_name, operation_key
from crmd.scheduler.configuration.nodes import add_node
from crmd.scheduler.configuration.remote import is_remote_connection, link_connection
from crmd.scheduler.configuration.resources import (
    add_instance,
    build_resource,
    target_role,
)
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.scoring import add_score, ban
from crmd.scheduler.state.action import OPTIONAL, OnFail
from crmd.scheduler.state.constraint import Ticket
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node, NodeKind, condition
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Place, Stage
from crmd.scheduler.status.active import add_active
from crmd.scheduler.status.failcounts import is_recorded
from crmd.scheduler.status.nodes import (
    find_state_node,
    judge_remote,
    read_node_state,
    read_remote_state,
)
from crmd.scheduler.status.reading import Plain
from crmd.scheduler.status.result import Story, read_result
from raftmaker.vocabulary.roles import Role


def read_status(run: Run) -> None:
    """Read the status section: tickets, nodes, then histories until none opens up another."""
    status = run.cib.child("status")
    states = list(status.each("node_state")) if status is not None else []
    for tickets in status.each("tickets") if status is not None else ():
        for state in tickets.each("ticket_state"):
            _read_ticket(run, state)
    for at, state in enumerate(states):
        run.trail.place = (Stage.NODES, at)
        read_node_state(run, state)
    run.trail.conditions = {node.name: condition(node) for node in run.nodes}
    while _read_histories(run, states, also_lost=False):
        pass
    _read_histories(run, states, also_lost=run.fencing_enabled)
    for container in run.containers_to_stop:
        node, _, _ = container.kind.active_node(container)
        if node is not None:
            operation(run, container, "stop", node, optional=False)
    run.containers_to_stop.clear()
    for node in run.nodes:
        if not node.is_remote_kind:
            continue
        if node.shutdown and node.remote is not None:
            node.remote.next_role = Role.STOPPED
        if not node.history_read:
            judge_remote(node)


def _read_ticket(run: Run, state: Element) -> None:
    if not state.id:
        return
    ticket = run.tickets.setdefault(state.id, Ticket(id=state.id))
    ticket.state.update((name, text) for name, text in state.attributes.items() if name != "id")
    ticket.granted = parse_boolean(ticket.state.get("granted")) is True
    last = parse_integer(ticket.state.get("last-granted"))
    if last is not None:
        ticket.last_granted = last
    ticket.standby = parse_boolean(ticket.state.get("standby")) is True


def _read_histories(run: Run, states: list[Element], *, also_lost: bool) -> bool:
    """Read the histories that can be judged by now; whether there were any new ones."""
    found = False
    for at, state in enumerate(states):
        if not state.id or "uname" not in state.attributes:
            continue
        node = find_state_node(run, state)
        if node is None or node.history_read:
            continue
        if not also_lost and not _can_be_judged(run, node):
            continue
        if node.is_remote_kind:
            judge_remote(node)
            read_remote_state(run, state, node)
        node.history_read = True
        _read_history(run, node, state, (Stage.HISTORIES, also_lost, at))
        found = True
    return found


def _can_be_judged(run: Run, node: Node) -> bool:
    remote = node.remote
    if node.is_guest:
        assert remote is not None
        assert remote.launcher is not None
        return remote.role is Role.STARTED and remote.launcher.role is Role.STARTED
    if node.is_remote_kind:
        return remote is not None and (run.shutdown_lock or remote.role is Role.STARTED)
    return run.fencing_enabled or run.shutdown_lock or node.online


def _read_history(run: Run, node: Node, state: Element, place: Place) -> None:
    lrm = state.child("lrm")
    histories = lrm.child("lrm_resources") if lrm is not None else None
    if histories is None:
        return
    found_launched = False
    for history in histories.each("lrm_resource"):
        run.trail.place = (*place, history.id)
        rsc = _read_resource(run, node, history)
        found_launched = found_launched or (rsc is not None and rsc.removed_launched)
    if found_launched:
        _link_removed(run, histories)


def _link_removed(run: Run, histories: Element) -> None:
    for history in histories.each("lrm_resource"):
        launcher = run.find_resource(history.get("container"))
        rsc = run.find_resource(history.id)
        if launcher is None or rsc is None or rsc.launcher is not None:
            continue
        if rsc.removed_launched:
            rsc.launcher = launcher
            launcher.launched.append(rsc)


def _read_resource(run: Run, node: Node, history: Element) -> Resource | None:
    reading, id_ = run.readings.of(history), history.id
    if not id_ or (not reading.entries and not run.shutdown_lock):
        return None
    rsc = _resource_of(run, node, id_)
    if rsc is None:
        if not reading.entries:
            return None
        rsc = _removed_resource(run, history)
        if rsc is None:
            return None
    if run.shutdown_lock:
        _read_lock(run, rsc, node, history)
    saved_role = rsc.role
    story = Story(newest=reading.entries[-1] if reading.entries else None)
    forgets = rsc.failure_timeout_ms > 0 and is_recorded(rsc, node)
    if reading.gist.plain is not None and not forgets:
        _take_as_it_is(rsc, reading.gist.plain)
    else:
        rsc.role = Role.UNKNOWN
        for entry in reading.entries:
            read_result(run, rsc, node, entry, story)
    if node.online:
        for task, interval in reading.gist.recurring:
            register(run, rsc, operation_key(rsc.id, task, interval), task, node, optional=True)
    _conclude(run, rsc, node, story.on_fail)
    wanted = target_role(rsc)
    if wanted is not None and (rsc.next_role is Role.UNKNOWN or wanted < rsc.next_role):
        rsc.next_role = wanted
    rsc.role = max(rsc.role, saved_role)
    return rsc


def _read_lock(run: Run, rsc: Resource, node: Node, history: Element) -> None:
    since = parse_integer(history.attributes.get("shutdown-lock")) or 0
    if since == 0:
        return
    limit = run.shutdown_lock_ms
    if limit > 0 and run.clock(rsc) > since + seconds_of(limit):
        operation(run, rsc, "lrm_delete", node, optional=False)
    else:
        rsc.lock_node = node
        rsc.lock_time = since


def _take_as_it_is(rsc: Resource, plain: Plain) -> None:
    """Conclude what `read_result` would, entry by entry, where all went as expected."""
    rsc.role = plain.role_if_promotable if rsc.top.promotable else plain.role
    if plain.settled:
        rsc.next_role = Role.UNKNOWN


def _resource_of(run: Run, node: Node, id_: str) -> Resource | None:
    """Return the resource that a history is about; for anonymous clones, an instance."""
    rsc = run.find_resource(id_)
    outer: Resource | None = None
    if rsc is None:
        first = run.find_resource(f"{base_name(id_)}:0")
        if first is not None and not first.unique:
            rsc, outer = first, first.top
    elif rsc.variant is not Variant.PRIMITIVE:
        return None
    else:
        outer = rsc.top
    if outer is not None and outer.is_anonymous_clone:
        if outer.parent is not None:
            rsc = _inside(outer.parent, node)
        else:
            rsc = _anonymous_instance(run, node, outer, base_name(id_))
    if rsc is not None and id_ not in (rsc.id, rsc.history_id):
        run.set_history_id(rsc, id_)
    return rsc


def _inside(bundle: Resource, node: Node) -> Resource | None:
    """Return what runs inside the container of a bundle that is the node."""
    assert bundle.containers is not None
    inside = (each.child for each in bundle.containers.replicas if each.node is node)
    return next(inside, None)


def _anonymous_instance(run: Run, node: Node, clone: Resource, id_: str) -> Resource:
    """Choose the instance for a history: the one there, else an idle one, else a new one."""
    found: Resource | None = None
    idle: Resource | None = None
    only_new = False
    for child in clone.children:
        nodes = child.nodes_now(pending=True)
        if nodes:
            if nodes[0] is node:
                found = child.part(id_)
                if found is not None and found.active_on:
                    only_new = True
                    found = None
        elif not only_new and idle is None and not child.blocked:
            idle = child.part(id_)
            if idle is not None and idle.pending_node not in (None, node):
                idle = None
        if found is not None:
            break
    if found is None and not only_new:
        found = idle
    if (
        found is not None
        and not found.needs_fencing
        and (not node.online or node.unclean)
        and not node.is_guest
        and not _runs_everywhere(run, clone)
    ):
        found = None
    if found is None:
        instance = add_instance(run, clone)
        assert instance is not None, f"{clone.id} cannot have another instance"
        found = instance.part(id_)
        assert found is not None, f"{clone.id} has no {id_}"
    return found


def _runs_everywhere(run: Run, clone: Resource) -> bool:
    assert clone.clone is not None
    return clone.clone.clone_max == len(run.nodes)


def _removed_resource(run: Run, history: Element) -> Resource | None:
    """Make up a resource that only the history knows: it was removed (features 7.x)."""
    element = Element("primitive", dict(history.attributes))
    rsc = build_resource(run, element)
    if rsc is None:
        return None
    if is_remote_connection(element):
        node = run.find_node(rsc.id)
        if node is None:
            node = add_node(run, id_=rsc.id, name=rsc.id, kind=NodeKind.REMOTE)
        link_connection(run, rsc)
        node.shutdown = True
    rsc.removed_launched = "container" in history.attributes
    rsc.removed = True
    run.resources.append(rsc)
    if run.stop_removed:
        with noted(run, rsc, Origin.REMOVED, "it is not in the configuration any more"):
            ban(run, rsc)
    else:
        rsc.managed = False
    return rsc


def _conclude(run: Run, rsc: Resource, node: Node, on_fail: OnFail) -> None:
    """Draw the conclusions from a resource's history on a node."""
    known_active = rsc.role > Role.STOPPED
    if rsc.role is not Role.UNKNOWN:
        _mark_probed(rsc, node)
    if known_active and not node.online and not node.maintenance and rsc.managed:
        _fence_for(run, rsc, node)
    recorded = on_fail
    if node.unclean:
        # Fencing will deal with it.
        on_fail = OnFail.IGNORE
    _react(run, rsc, node, on_fail, known_active)
    if rsc.failed and rsc.remote_connection:
        remote = run.find_node(rsc.id)
        if remote is not None and remote.unclean:
            remote.seen = True
    if known_active:
        add_active(run, rsc, node, failed=recorded is not OnFail.IGNORE)
        if on_fail is not OnFail.IGNORE:
            rsc.failed = True
            if on_fail not in (OnFail.DEMOTE, OnFail.BLOCK):
                rsc.stop_if_failed = True
    elif rsc.history_id is not None and ":" in rsc.history_id:
        run.set_history_id(rsc, None)
    elif rsc.by_key:
        for stop in rsc.by_key.get(operation_key(rsc.id, "stop"), ()):
            if stop.node is None:
                stop.node = node
            if stop.node is node:
                stop.flags |= OPTIONAL
    if (
        rsc.role is Role.STOPPED
        and rsc.active_on
        and rsc.migration_target is not None
        and rsc.migration_source is node
    ):
        rsc.role = Role.STARTED


def _mark_probed(rsc: Resource, node: Node) -> None:
    at: Resource | None = rsc
    while at is not None:
        at.probed_on.setdefault(node)
        if at.unique:
            break
        at = at.parent


def _fence_for(run: Run, rsc: Resource, node: Node) -> None:
    reason = f"{rsc.id} is thought to be active there"
    if node.is_guest:
        rsc.failed = rsc.stop_if_failed = True
    elif not run.fencing_enabled:
        return
    elif node.is_remote and node.remote is not None and not node.remote.failed:
        node.seen = False
        reason = (
            f"{rsc.id} is active there (fencing will be revoked if remote "
            "connection can be re-established elsewhere)"
        )
    fence_node(run, node, reason)


def _react(run: Run, rsc: Resource, node: Node, on_fail: OnFail, known_active: bool) -> None:
    """Do what ``on-fail`` says (features 7.x)."""
    match on_fail:
        case OnFail.IGNORE:
            pass
        case OnFail.DEMOTE:
            rsc.failed = True
            operation(run, rsc, "demote", node, optional=False)
        case OnFail.FENCE:
            fence_node(run, node, f"{rsc.id} failed there")
        case OnFail.STANDBY:
            node.standby = node.standby_on_fail = True
        case OnFail.BLOCK:
            rsc.managed = False
            rsc.blocked = True
        case OnFail.BAN:
            with noted(run, rsc, Origin.FAILURES, f"{rsc.id} failed on {node.name}"):
                add_score(rsc, node, -INFINITY)
        case OnFail.STOP:
            rsc.next_role = Role.STOPPED
        case OnFail.RESTART:
            if known_active:
                rsc.failed = rsc.stop_if_failed = True
                operation(run, rsc, "stop", node, optional=False)
        case OnFail.RESTART_CONTAINER:
            _restart_container(run, rsc, node, known_active)
        case OnFail.RESET_REMOTE:
            _reset_remote(run, rsc, node, known_active)


def _restart_container(run: Run, rsc: Resource, node: Node, known_active: bool) -> None:
    rsc.failed = rsc.stop_if_failed = True
    if rsc.launcher is not None and rsc.bundle is not None:
        run.containers_to_stop.insert(0, rsc.launcher)
    elif rsc.launcher is not None:
        operation(run, rsc.launcher, "stop", node, optional=False)
    elif known_active:
        operation(run, rsc, "stop", node, optional=False)


def _reset_remote(run: Run, rsc: Resource, node: Node, known_active: bool) -> None:
    rsc.failed = rsc.stop_if_failed = True
    remote = run.find_node(rsc.id) if rsc.remote_connection else None
    lost = remote is not None and remote.is_remote and not remote.remote_fenced
    if remote is not None and lost and run.fencing_enabled:
        fence_node(run, remote, "remote connection is unrecoverable")
    if known_active:
        operation(run, rsc, "stop", node, optional=False)
    if rsc.reconnect_interval_ms > 0:
        rsc.next_role = Role.STOPPED
