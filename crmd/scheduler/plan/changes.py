"""What runs otherwise than configured now: restart, reload, reissue or clean up (features 7.x)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.values import readable_ms
from crmd.scheduler.actions.book import operation, register
from crmd.scheduler.actions.fencing import trigger_unfencing
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.actions.operations import find_operation
from crmd.scheduler.constraints.ordering import add_ordering, order_resources
from crmd.scheduler.digests import DigestResult, compare
from crmd.scheduler.parameters import reached_through_host
from crmd.scheduler.plan.recurring import reschedule, schedule_cancel
from crmd.scheduler.state.action import (
    FIRST_IMPLIES_THEN,
    ORDERED,
    THEN_CANCELS_FIRST,
)
from crmd.scheduler.state.node import Node, available
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import DeferredCheck, Run
from crmd.scheduler.state.trail import Stage
from crmd.scheduler.status.entries import interval_of
from crmd.scheduler.status.failcounts import clear_failures, failures

_WITH_PARAMETERS = frozenset(("monitor", "start", "promote", "migrate_from"))


def handle_changes(run: Run) -> None:
    """Compare all histories with the configuration."""
    status = run.cib.child("status")
    states = list(status.each("node_state")) if status is not None else []
    known: dict[str, list[Resource]] = {}
    by_name = {state.get("uname"): at for at, state in reversed(list(enumerate(states)))}
    for number, node in enumerate(run.nodes):
        at = by_name.get(node.name)
        if at is None or not (node.maintenance or available(node)):
            continue
        lrm = states[at].child("lrm")
        histories = lrm.child("lrm_resources") if lrm is not None else None
        for history in histories.each("lrm_resource") if histories is not None else ():
            if not history.children:
                continue
            id_ = history.id
            run.trail.place = (Stage.CHANGES, number, at, id_)
            if id_ not in known:
                found = matching(run, id_)
                known[id_] = [rsc for rsc in found if rsc.variant is Variant.PRIMITIVE]
            for rsc in known[id_]:
                _check_history(run, rsc, node, history)


def matching(run: Run, id_: str) -> list[Resource]:
    """Return all resources with that id, also by history; the last in the tree first."""
    exact = run.by_id.get(id_)
    by_history = run.by_history.get(id_)
    if not by_history:
        return [exact] if exact is not None else []
    candidates = list(by_history)
    if exact is not None:
        candidates.append(exact)
    candidates = [rsc for rsc in candidates if id_ in (rsc.id, rsc.history_id)]
    unique = list(dict.fromkeys(candidates))
    if len(unique) < 2:
        return unique
    tops = dict.fromkeys(rsc.outermost for rsc in unique)
    found: list[Resource] = []
    for top in (rsc for rsc in run.resources if rsc in tops):
        _collect(top, id_, found)
    found.reverse()
    return found


def _collect(rsc: Resource, id_: str, found: list[Resource]) -> None:
    if id_ in (rsc.id, rsc.history_id):
        found.append(rsc)
    for child in rsc.children:
        _collect(child, id_, found)


def _check_history(run: Run, rsc: Resource, node: Node, history: Element) -> None:
    if rsc.removed:
        if not rsc.top.is_anonymous_clone:
            schedule_cleanup(run, rsc, node)
        return
    active = node in rsc.active_on
    if _agent_changed(run, rsc, node, history, active):
        schedule_cleanup(run, rsc, node)
    if not active:
        return
    reading = run.readings.of(history)
    start = reading.gist.start
    if start < reading.gist.stop:
        return
    for entry in reading.entries[max(start, 0) :]:
        interval = interval_of(entry)
        task = entry.get("operation")
        if interval > 0 and (rsc.maintenance or node.maintenance):
            call_id = entry.attributes.get("call-id")
            schedule_cancel(run, rsc, call_id, task, interval, node)
        elif interval > 0 or task.lower() in _WITH_PARAMETERS:
            if reached_through_host(run, rsc):
                run.deferred_checks.append(DeferredCheck(rsc, node, entry, False))
            else:
                _check_entry_and_failures(run, rsc, node, entry)


def _check_entry_and_failures(run: Run, rsc: Resource, node: Node, entry: Element) -> None:
    """What failed with other parameters may be tried again."""
    if check_entry(run, rsc, node, entry) and failures(run, rsc, node)[0]:
        clear_failures(run, rsc, node)


def handle_deferred_changes(run: Run) -> None:
    """Compare what could not be compared before placement, the latest found first."""
    for check in reversed(run.deferred_checks):
        rsc, node, entry = check.rsc, check.node, check.entry
        if not check.only_failure:
            _check_entry_and_failures(run, rsc, node, entry)
        elif compare(run, rsc, entry, node)[0] in (DigestResult.MISMATCH, DigestResult.RESTART):
            clear_failures(run, rsc, node)


def _agent(element: Element) -> tuple[str | None, str | None, str | None]:
    get = element.attributes.get
    return get("type"), get("class"), get("provider")


def _agent_changed(run: Run, rsc: Resource, node: Node, history: Element, active: bool) -> bool:
    if _agent(rsc.element) == _agent(history):
        return False
    trigger_unfencing(run, rsc, node, "Device definition changed")
    if active:
        operation(run, rsc, "stop", node, optional=False)
        rsc.start_pending = True
    return True


def schedule_cleanup(run: Run, rsc: Resource, node: Node, *, optional: bool = False) -> None:
    """Delete a resource's history from a node, after it was stopped."""
    if rsc.failed or node.unclean or not node.online:
        return
    flags = FIRST_IMPLIES_THEN if optional else ORDERED
    operation(run, rsc, "delete", node, optional=optional)
    order_resources(run, rsc, "stop", rsc, "delete", flags)
    order_resources(run, rsc, "delete", rsc, "start", flags)


def check_entry(run: Run, rsc: Resource, node: Node, entry: Element) -> bool:
    """Compare one entry with the configuration; whether anything was done about it."""
    task, interval = entry.get("operation"), interval_of(entry)
    if interval > 0 and find_operation(rsc, task, interval, disabled_too=False) is None:
        if run.cancel_removed:
            call_id = entry.attributes.get("call-id")
            schedule_cancel(run, rsc, call_id, task, interval, node)
        return True
    result, digests = compare(run, rsc, entry, node)
    secure = entry.attributes.get("op-secure-digest")
    only_private = run.sanitized and secure is not None and digests.secure == secure
    if interval == 0 and task in ("monitor", "migrate_from", "promote"):
        task = "start"
    if only_private and result is not DigestResult.MATCH:
        run.notices.append(
            f"Only 'private' parameters to {readable_ms(interval)}-interval {task} for {rsc.id} "
            f"on {node.name} changed: {entry.get('transition-magic')}"
        )
        return False
    match result:
        case DigestResult.MATCH:
            return False
        case DigestResult.RESTART:
            _force_restart(run, rsc, task, interval, node)
        case DigestResult.UNKNOWN | DigestResult.MISMATCH:
            if interval > 0:
                reschedule(run, rsc, task, interval, node)
            elif "op-restart-digest" in entry.attributes:
                trigger_unfencing(run, rsc, node, "Device parameters changed (reload)")
                _reload(run, rsc, node)
            else:
                _force_restart(run, rsc, task, interval, node)
    return True


def _force_restart(run: Run, rsc: Resource, task: str, interval: int, node: Node) -> None:
    key = operation_key(rsc.id, task, interval)
    required = register(run, rsc, key, task, None, optional=False)
    required.set_reason("resource definition change", overwrite=True)
    trigger_unfencing(run, rsc, node, "Device parameters changed")


def _reload(run: Run, rsc: Resource, node: Node) -> None:
    """Have the agent reload its parameters, unless a restart happens anyway."""
    if rsc.variant is not Variant.PRIMITIVE:
        for child in rsc.children:
            _reload(run, child, node)
        return
    if not rsc.managed or rsc.failed:
        return
    if rsc.start_pending:
        operation(run, rsc, "stop", node, optional=False)
        return
    rsc.reloading = True
    reload = operation(run, rsc, "reload-agent", node, optional=False)
    reload.set_reason("resource definition change", overwrite=False)
    for task in ("stop", "demote"):
        add_ordering(
            run,
            ORDERED | THEN_CANCELS_FIRST,
            first=reload,
            then_rsc=rsc,
            then_key=operation_key(rsc.id, task),
        )
