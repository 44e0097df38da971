"""A status as Pacemaker's XML (``--output-as=xml``), and the frame of every XML answer (27)."""

from __future__ import annotations

import time

from cib_store.document.element import Element
from crm_shell.status.cluster_xml import (
    attribute_elements,
    failcount_elements,
    node_element,
    resource_element,
)
from crm_shell.status.fencing_text import event_element
from crm_shell.status.model import FailedAction, Status
from crm_shell.xml_text import xml_lines

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
    """Return summary, nodes, resources, bans, failures, fencings."""
    found = [
        _summary(status, now),
        Element("nodes", {}, tuple(node_element(status.cluster, each) for each in status.nodes)),
        Element("resources", {}, tuple(resource_element(each) for each in status.resources)),
    ]
    found += attribute_elements(status.cluster, status.nodes)
    found.append(failcount_elements(status.cluster, status.nodes))
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
    if status.fencings:
        found.append(Element("fence_history", {}, tuple(map(event_element, status.fencings))))
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
