"""A status as Pacemaker's XML (``--output-as=xml``), and the frame of every XML answer (27)."""

from __future__ import annotations

import time

from cib_store.document.element import Element
from crm_shell.status.model import FailedAction, NodeState, NodeView, ResourceView, Status
from crm_shell.syntax.printer import xml_lines

API_VERSION = "2.38"


def framed(request: str, children: tuple[Element, ...], *, code: int = 0, message: str = "OK",
           errors: tuple[str, ...] = ()) -> str:  # fmt: skip
    """Return a whole ``pacemaker-result`` document."""
    ending = Element("status", {"code": str(code), "message": message})
    if errors:
        told = tuple(Element("error", {}, (), text) for text in errors)
        ending = ending.with_children((Element("errors", {}, told),))
    root = Element(
        "pacemaker-result", {"api-version": API_VERSION, "request": request}, (*children, ending)
    )
    return "\n".join(('<?xml version="1.0"?>', *xml_lines(root)))


def elements(status: Status, *, now: str) -> tuple[Element, ...]:
    """Return summary, nodes, resources, bans, failures."""
    found = [
        _summary(status, now),
        Element("nodes", {}, tuple(_node(each) for each in status.nodes)),
        Element("resources", {}, tuple(resource_element(each) for each in status.resources)),
    ]
    if status.bans:
        bans = tuple(
            Element("ban", {"id": key, "resource": rsc, "node": node, "weight": score,
                            "promoted-only": "false"})
            for key, rsc, node, score in status.bans
            if score.startswith("-")
        )  # fmt: skip
        found.append(Element("bans", {}, bans))
    if status.failed_actions:
        failures = tuple(_failure(each) for each in status.failed_actions)
        found.append(Element("failures", {}, failures))
    return tuple(found)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _summary(status: Status, now: str) -> Element:
    if status.dc:
        dc = {"present": "true", "version": status.version, "name": status.dc, "id": status.dc,
              "with_quorum": _flag(bool(status.quorate)), "mixed_version": "false"}  # fmt: skip
    else:
        dc = {"present": "false"}
    changed = {
        "time": status.last_change, "user": status.change_user, "client": status.change_client,
        "origin": status.change_origin,
    }  # fmt: skip
    options = {
        "fencing-enabled": _flag(status.fencing_enabled),
        "stonith-enabled": _flag(status.fencing_enabled),
        "maintenance-mode": _flag(status.maintenance),
    }
    counts = {
        "number": str(status.instances),
        "disabled": str(status.disabled),
        "blocked": str(status.blocked),
    }
    return Element(
        "summary",
        {},
        (
            Element("stack", {"type": "raftmaker"}),
            Element("current_dc", dc),
            Element("last_update", {"time": now}),
            Element("last_change", changed),
            Element("nodes_configured", {"number": str(len(status.nodes))}),
            Element("resources_configured", counts),
            Element("cluster_options", options),
        ),
    )


def _node(node: NodeView) -> Element:
    standby = node.state in (
        NodeState.STANDBY, NodeState.STANDBY_ACTIVE, NodeState.OFFLINE_STANDBY
    )  # fmt: skip
    maintained = node.state in (NodeState.MAINTENANCE, NodeState.OFFLINE_MAINTENANCE)
    pending = node.state in (NodeState.PENDING, NodeState.UNCLEAN_PENDING)
    attributes = {
        "name": node.name, "id": node.id, "online": _flag(node.online and not pending),
        "standby": _flag(standby), "standby_onfail": "false", "maintenance": _flag(maintained),
        "pending": _flag(pending), "unclean": _flag(node.unclean), "health": "green",
        "shutdown": "false", "expected_up": _flag(node.online), "is_dc": _flag(node.is_dc),
        "resources_running": str(node.running), "type": node.kind,
    }  # fmt: skip
    return Element("node", attributes)


def resource_element(view: ResourceView) -> Element:
    """Return a resource and what it contains."""
    match view.kind:
        case "group":
            attributes = {
                "id": view.id, "number_resources": str(len(view.members)),
                "maintenance": _flag(view.maintenance), "managed": _flag(view.managed),
                "disabled": _flag(view.disabled),
            }  # fmt: skip
            return Element(
                "group", attributes, tuple(resource_element(each) for each in view.members)
            )
        case "clone":
            attributes = {
                "id": view.id, "multi_state": _flag(view.promotable),
                "unique": _flag(view.unique), "maintenance": _flag(view.maintenance),
                "managed": _flag(view.managed), "disabled": _flag(view.disabled),
                "failed": _flag(_failed(view)), "failure_ignored": "false",
            }  # fmt: skip
            if view.target_role:
                attributes["target_role"] = view.target_role
            return Element(
                "clone", attributes, tuple(resource_element(each) for each in view.members)
            )
        case _:
            return _primitive(view)


def _failed(view: ResourceView) -> bool:
    return any(each.failed for each in view.activities) or any(map(_failed, view.members))


def _primitive(view: ResourceView) -> Element:
    active = [each for each in view.activities if each.role != "Stopped"]
    attributes = {
        "id": view.id, "resource_agent": view.agent,
        "role": active[0].role if active else "Stopped",
    }  # fmt: skip
    if view.target_role:
        attributes["target_role"] = view.target_role
    attributes |= {
        "active": _flag(bool(active)), "orphaned": _flag(view.orphan),
        "removed": _flag(view.orphan), "blocked": _flag(view.blocked),
        "maintenance": _flag(view.maintenance), "managed": _flag(view.managed),
        "failed": _flag(_failed(view)), "failure_ignored": "false",
        "nodes_running_on": str(len(active)),
    }  # fmt: skip
    pending = next((each.pending for each in view.activities if each.pending), "")
    if pending:
        attributes["pending"] = pending
    nodes = tuple(
        Element("node", {"name": each.node, "id": each.node, "cached": "true"}) for each in active
    )
    return Element("resource", attributes, nodes)


def _failure(failure: FailedAction) -> Element:
    when = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(failure.last_change))
    return Element(
        "failure",
        {
            "op_key": failure.key, "node": failure.node, "exitstatus": failure.code_text,
            "exitreason": failure.exit_reason, "exitcode": str(failure.code),
            "call": failure.call_id, "status": failure.status, "last-rc-change": when,
            "queued": failure.queued_ms, "exec": failure.exec_ms,
            "interval": str(failure.interval_ms), "task": failure.operation,
        },
    )  # fmt: skip
