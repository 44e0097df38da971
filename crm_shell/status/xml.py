"""A status as Pacemaker's XML (``--output-as=xml``), and the frame of every XML answer (27)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cib_store.document.element import Element
from cib_store.model.values import is_true
from crm_shell.actions.tickets import is_granted
from crm_shell.status.cluster_xml import (
    attribute_elements,
    counted_element,
    failcount_elements,
    node_element,
    resource_element,
)
from crm_shell.status.details_text import clock_text
from crm_shell.status.fencing_text import event_element
from crm_shell.status.model import FailedAction, Status
from crm_shell.status.operations import histories, operation_element
from crm_shell.status.sections import EVERYTHING, SUMMARY
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


def elements(
    status: Status, *, now: str, sections: frozenset[str] = EVERYTHING, bans_prefix: str = ""
) -> tuple[Element, ...]:
    """Return the sections that are wanted, in Pacemaker's order (features 27.2)."""
    return tuple(_elements(status, now, sections, bans_prefix))


def _elements(
    status: Status, now: str, sections: frozenset[str], bans_prefix: str
) -> Iterator[Element]:
    run, nodes = status.cluster, status.nodes
    if sections & {*SUMMARY, "options"}:
        yield _summary(status, now, sections)
    if "nodes" in sections:
        yield Element("nodes", {}, tuple(node_element(run, each) for each in nodes))
    if "resources" in sections:
        yield Element("resources", {}, tuple(resource_element(each) for each in status.resources))
    if "attributes" in sections:
        yield from attribute_elements(run, nodes)
    if "operations" in sections:
        yield Element("node_history", {}, tuple(_history(status)))
    elif "failcounts" in sections:
        yield failcount_elements(run, nodes)
    if "failures" in sections and status.failed_actions:
        yield Element("failures", {}, tuple(_failure(each) for each in status.failed_actions))
    fencings = tuple(each for each in status.fencings if _section_of(each.state) in sections)
    if fencings:
        yield Element("fence_history", {}, tuple(map(event_element, fencings)))
    if "tickets" in sections and status.tickets:
        yield Element("tickets", {}, tuple(map(_ticket, status.tickets)))
    if "bans" in sections and (bans := tuple(_bans(status, bans_prefix))):
        yield Element("bans", {}, bans)


def _section_of(state: str) -> str:
    kinds = {"failed": "fencing-failed", "confirmed": "fencing-succeeded"}
    return kinds.get(state, "fencing-pending")


def _history(status: Status) -> Iterator[Element]:
    for node, found in histories(status.cluster, status.nodes):
        resources = tuple(
            counted_element(each.counted).with_children(tuple(map(operation_element, each.entries)))
            for each in found
        )
        yield Element("node", {"name": node.name}, resources)


def _ticket(state: Element) -> Element:
    given = {"id": state.id, "status": "granted" if is_granted(state) else "revoked",
             "standby": _flag(is_true(state.get("standby")))}  # fmt: skip
    last = state.get("last-granted")
    return Element("ticket", given | ({"last-granted": clock_text(int(last))} if last else {}))


def _bans(status: Status, prefix: str) -> Iterator[Element]:
    for key, rsc, node, score in status.avoided:
        if key.startswith(prefix):
            yield Element("ban", {"id": key, "resource": rsc, "node": node, "weight": score,
                                  "promoted-only": "false"})  # fmt: skip


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _summary(status: Status, now: str, sections: frozenset[str]) -> Element:
    if status.dc:
        dc = {"present": "true", "version": status.version, "name": status.dc, "id": status.dc,
              "with_quorum": _flag(bool(status.quorate)), "mixed_version": "false"}  # fmt: skip
    else:
        dc = {"present": "false"}
    changed = {
        "time": status.last_change, "user": status.change_user, "client": status.change_client,
        "origin": status.change_origin,
    }  # fmt: skip
    text = status.cluster.options.text
    options = {
        "fencing-enabled": _flag(status.fencing_enabled),
        "stonith-enabled": _flag(status.fencing_enabled),
        "symmetric-cluster": _flag(is_true(text("symmetric-cluster"))),
        "no-quorum-policy": text("no-quorum-policy"),
        "maintenance-mode": _flag(status.maintenance),
        "stop-all-resources": _flag(is_true(text("stop-all-resources"))),
    }
    counts = {
        "number": str(status.instances),
        "disabled": str(status.disabled),
        "blocked": str(status.blocked),
    }
    parts = (
        ("stack", Element("stack", {"type": "raftmaker"})),
        ("dc", Element("current_dc", dc)),
        ("times", Element("last_update", {"time": now})),
        ("times", Element("last_change", changed)),
        ("counts", Element("nodes_configured", {"number": str(len(status.nodes))})),
        ("counts", Element("resources_configured", counts)),
        ("options", Element("cluster_options", options)),
    )
    return Element("summary", {}, tuple(part for name, part in parts if name in sections))


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
