"""What a live migration that was under way left behind (features section 14)."""

from __future__ import annotations

from cib_store.document.element import Element
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from crmd.scheduler.status.active import add_active
from crmd.scheduler.status.entries import age, number
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.roles import Role

_STATE_CHANGING = frozenset(("start", "stop", "migrate_to", "migrate_from"))


def _history(run: Run, rsc_id: str, node_name: str) -> list[Element]:
    """Return the entries of a resource on a node."""
    status = run.cib.child("status")
    for state in status.each("node_state") if status is not None else ():
        if state.get("uname") != node_name:
            continue
        lrm = state.child("lrm")
        resources = lrm.child("lrm_resources") if lrm is not None else None
        for history in resources.each("lrm_resource") if resources is not None else ():
            if history.id == rsc_id:
                return list(history.each("lrm_rsc_op"))
    return []


def _find(
    run: Run,
    rsc_id: str,
    task: str,
    node: str,
    *,
    partner: tuple[str, str] | None = None,
    code: int | None = None,
) -> Element | None:
    for entry in _history(run, rsc_id, node):
        if entry.get("operation") != task:
            continue
        if partner is not None and entry.get(partner[0]) != partner[1]:
            continue
        if code is not None and (
            number(entry, "rc-code") != code or number(entry, "op-status") != OpStatus.DONE
        ):
            return None
        return entry
    return None


def _unknown_on(run: Run, rsc: Resource, node: str) -> bool:
    entries = _history(run, rsc.id, node)
    return all(entry.get("rc-code") == str(int(OcfCode.UNKNOWN)) for entry in entries)


def _changed_after(run: Run, rsc_id: str, node: str, entry: Element) -> bool:
    """Whether the resource was started, stopped or migrated there after `entry`."""
    return any(
        other.get("operation") in _STATE_CHANGING and other is not entry and age(other, entry) > 0
        for other in _history(run, rsc_id, node)
    )


def _newer_state(
    run: Run, rsc_id: str, node: str, to_entry: Element | None, from_entry: Element | None
) -> bool:
    entry = from_entry if from_entry is not None else to_entry
    assert entry is not None
    if (
        entry is not to_entry
        and to_entry is not None
        and node.lower() == entry.get("migrate_source").lower()
    ):
        entry = to_entry
    if _changed_after(run, rsc_id, node, entry):
        return True
    monitor = _find(run, rsc_id, "monitor", node, code=OcfCode.NOT_RUNNING)
    return monitor is not None and age(monitor, entry) > 0


def _partners(
    entry: Element, *, source: Node | None = None, target: Node | None = None
) -> tuple[str, str] | None:
    names = entry.attributes.get("migrate_source"), entry.attributes.get("migrate_target")
    if names[0] is None or names[1] is None:
        return None
    for node, name in ((source, names[0]), (target, names[1])):
        if node is not None and node.name.lower() != name.lower():
            return None
    return names[0], names[1]


def after_success(run: Run, rsc: Resource, node: Node, entry: Element) -> None:
    """migrate_to succeeded: the rest depends on what happened on the target."""
    names = _partners(entry, source=node)
    if names is None:
        return
    source, target = names
    source_changed = _changed_after(run, rsc.id, source, entry)
    from_entry = _find(run, rsc.id, "migrate_from", target, partner=("migrate_source", source))
    code, status = int(OcfCode.OK), int(OpStatus.PENDING)
    if from_entry is not None:
        if source_changed:
            return
        code = number(from_entry, "rc-code") or 0
        recorded = number(from_entry, "op-status")
        status = status if recorded is None else recorded
    target_changed = _newer_state(run, rsc.id, target, entry, from_entry)
    if source_changed and target_changed:
        return
    if code == OcfCode.OK and status == OpStatus.DONE:
        rsc.role = Role.STOPPED
        rsc.dangling_sources.insert(0, node)
        return
    rsc.role = Role.STARTED
    target_node = run.find_node(target)
    target_online = target_node is not None and target_node.online
    active = target_node if target_online and not target_changed else None
    if status != OpStatus.PENDING:
        _after_failed_arrival(run, rsc, active)
        return
    if target_online and _unknown_on(run, rsc, target):
        return
    if active is not None:
        add_active(run, rsc, active, failed=False)
        source_node = run.find_node(source)
        if source_node is not None and source_node.online:
            rsc.migration_target = active
            rsc.migration_source = source_node
    elif not source_changed:
        _give_up(rsc)


def _after_failed_arrival(run: Run, rsc: Resource, active: Node | None) -> None:
    if active is not None:
        add_active(run, rsc, active, failed=True)
    else:
        _give_up(rsc)


def _give_up(rsc: Resource) -> None:
    rsc.failed = rsc.stop_if_failed = True
    rsc.migratable = False


def after_failed_to(run: Run, rsc: Resource, node: Node, entry: Element) -> None:
    """migrate_to failed: the resource may be on either side."""
    names = _partners(entry, source=node)
    if names is None:
        return
    source, target = names
    rsc.role = Role.STARTED
    from_entry = _find(
        run,
        rsc.id,
        "migrate_from",
        target,
        partner=("migrate_source", source),
        code=OcfCode.OK,
    )
    if not _unknown_on(run, rsc, target) and not _newer_state(
        run, rsc.id, target, entry, from_entry
    ):
        target_node = run.find_node(target)
        if target_node is not None and target_node.online:
            add_active(run, rsc, target_node, failed=False)
    elif not _changed_after(run, rsc.id, source, entry):
        rsc.dangling_sources.insert(0, node)


def after_failed_from(run: Run, rsc: Resource, node: Node, entry: Element) -> None:
    """migrate_from failed: the source may still have it."""
    names = _partners(entry, target=node)
    if names is None:
        return
    source, target = names
    rsc.role = Role.STARTED
    to_entry = _find(
        run,
        rsc.id,
        "migrate_to",
        source,
        partner=("migrate_target", target),
        code=OcfCode.OK,
    )
    if not _unknown_on(run, rsc, source) and not _newer_state(run, rsc.id, source, to_entry, entry):
        source_node = run.find_node(source)
        if source_node is not None and source_node.online:
            add_active(run, rsc, source_node, failed=True)
