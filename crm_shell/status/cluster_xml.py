"""Nodes and resources as elements of the XML output (``--output-as=xml``, features 27)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from cib_store.document.element import Element
from crm_shell.status.cluster_text import (
    PENDING_STATE,
    displayed_role,
    health_of,
    is_disabled,
    listed,
)
from crm_shell.status.connectivity import expected_value
from crm_shell.status.details_text import clock_text, shown_attributes
from crm_shell.status.failures import Counted, counted_failures
from crm_shell.status.history import number
from crmd.scheduler.state.bundle import settings_of
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import FailedOperation, Run
from crmd.scheduler.status.entries import history_key
from raftmaker.vocabulary.code_text import code_text, status_text


def status_elements(run: Run) -> tuple[Element, ...]:
    """Return nodes and resources with their state."""
    return (
        Element("nodes", {}, tuple(node_element(run, node) for node in run.nodes)),
        Element("resources", {}, tuple(resource_element(rsc) for rsc in listed(run))),
    )


def _flag(value: bool) -> str:
    return "true" if value else "false"


def node_element(run: Run, node: Node) -> Element:
    """Return one node."""
    attributes = {
        "name": node.name,
        "id": node.id,
        "online": _flag(node.online),
        "standby": _flag(node.standby),
        "standby_onfail": _flag(node.standby_on_fail),
        "maintenance": _flag(node.maintenance),
        "pending": _flag(node.pending),
        "unclean": _flag(node.unclean),
        "health": (health_of(run, node) or "GREEN").lower(),
        **_feature_set(node),
        "shutdown": _flag(node.shutdown),
        "expected_up": _flag(node.expected_up),
        "is_dc": _flag(node is run.dc_node),
        "resources_running": str(len(node.running)),
        "type": "remote" if node.is_remote_kind else "member",
    }
    if node.is_guest and node.remote is not None and node.remote.launcher is not None:
        attributes["id_as_resource"] = node.remote.launcher.id
    return Element("node", attributes)


def _feature_set(node: Node) -> dict[str, str]:
    """What a node has not said is older than the first version that says it."""
    if not node.online or not node.expected_up or node.is_remote_kind:
        return {}
    return {"feature_set": node.attributes.get("#feature-set", "<3.15.1")}


def resource_element(rsc: Resource) -> Element:
    """Return one resource with all below it."""
    common = {
        "orphaned": _flag(rsc.removed),
        "removed": _flag(rsc.removed),
        "blocked": _flag(rsc.blocked),
        "maintenance": _flag(rsc.maintenance),
        "managed": _flag(rsc.managed),
        "failed": _flag(rsc.failed),
        "failure_ignored": _flag(rsc.ignore_failure),
    }
    whole = {
        "maintenance": common["maintenance"],
        "managed": common["managed"],
        "disabled": _flag(is_disabled(rsc)),
    }
    parts = tuple(resource_element(child) for child in rsc.children)
    match rsc.variant:
        case Variant.PRIMITIVE:
            return _primitive(rsc, common)
        case Variant.GROUP:
            group = {"id": rsc.id, "number_resources": str(len(parts))}
            return Element("group", group | whole, parts)
        case Variant.CLONE:
            kind = {"multi_state": _flag(rsc.promotable), "unique": _flag(rsc.unique)}
            told = {name: common[name] for name in ("failed", "failure_ignored")} | _target(rsc)
            return Element("clone", {"id": rsc.id} | kind | whole | told, parts)
        case Variant.BUNDLE:
            return _bundle(rsc, common)


def _target(rsc: Resource) -> dict[str, str]:
    return {"target_role": rsc.meta["target-role"]} if "target-role" in rsc.meta else {}


def _bundle(rsc: Resource, common: dict[str, str]) -> Element:
    settings = settings_of(rsc)
    replicas = []
    for replica in settings.replicas:
        parts = (replica.ip, replica.child, replica.container, replica.remote)
        told = tuple(resource_element(part) for part in parts if part is not None)
        replicas.append(Element("replica", {"id": str(replica.number)}, told))
    attributes = {
        "id": rsc.id,
        "type": settings.agent,
        "image": settings.image,
        "unique": _flag(rsc.unique),
    }
    attributes |= {name: common[name] for name in ("maintenance", "managed", "failed")}
    return Element("bundle", attributes, tuple(replicas))


def _primitive(rsc: Resource, common: dict[str, str]) -> Element:
    agent = [rsc.standard, rsc.element.get("provider"), rsc.element.get("type")]
    attributes = {
        "id": rsc.id if rsc.unique else rsc.xml_id,
        "resource_agent": ":".join(part for part in agent if part),
        "role": displayed_role(rsc).value,
    }
    attributes |= _target(rsc)
    attributes["active"] = _flag(rsc.kind.active(rsc, True))
    attributes |= common
    attributes["nodes_running_on"] = str(len(rsc.active_on))
    if rsc.pending_task is not None:
        attributes["pending"] = PENDING_STATE.get(rsc.pending_task, "Monitoring")
    if rsc.lock_node is not None:
        attributes["locked_to"] = rsc.lock_node.name
    nodes = tuple(
        Element("node", {"name": node.name, "id": node.id, "cached": _flag(node.online)})
        for node in rsc.active_on
    )
    return Element("resource", attributes, nodes)


def attribute_elements(run: Run, cluster_nodes: Iterable[Node]) -> tuple[Element, ...]:
    """Return the attributes of the nodes that are online, in one element or, without any, none."""
    nodes = tuple(
        Element("node", {"name": node.name}, tuple(_attribute(run, node, name) for name in shown))
        for node in cluster_nodes
        if node.online and (shown := shown_attributes(node))
    )
    return (Element("node_attributes", {}, nodes),) if nodes else ()


def _attribute(run: Run, node: Node, name: str) -> Element:
    given = {"name": name, "value": node.attributes[name]}
    expected = expected_value(run, node, name)
    if expected is not None:
        given["expected"] = str(expected)
    return Element("attribute", given)


def failcount_elements(run: Run, cluster_nodes: Iterable[Node]) -> Element:
    """Return the failures counted on every node."""
    nodes = [
        Element("node", {"name": node.name}, tuple(counted_element(each) for each in found))
        for node, found in counted_failures(run, cluster_nodes)
    ]
    return Element("node_history", {}, tuple(nodes))


def counted_element(counted: Counted) -> Element:
    """Return how often what has an entry in a history failed."""
    given = {
        "id": counted.name,
        "orphan": "false",
        "removed": "false",
        "migration-threshold": str(counted.threshold),
    }
    if counted.count:
        given["fail-count"] = str(counted.count)
    if counted.last > 0:
        given["last-failure"] = clock_text(counted.last)
    return Element("resource_history", given)


def failure_elements(failed: Sequence[FailedOperation]) -> tuple[Element, ...]:
    """Return the failed operations in one element or, without any, none."""
    if not failed:
        return ()
    return (Element("failures", {}, tuple(_failure(each) for each in failed)),)


def _failure(failed: FailedOperation) -> Element:
    entry = failed.entry
    code = number(entry, "rc-code")
    given = {
        "op_key" if entry.get("operation_key") else "id": history_key(entry),
        "node": failed.node,
        "exitstatus": code_text(code),
        "exitreason": entry.get("exit-reason") or "none",
        "exitcode": str(code),
        "call": entry.get("call-id"),
        "status": status_text(number(entry, "op-status")),
    }
    changed = number(entry, "last-rc-change")
    if changed > 0:
        given["last-rc-change"] = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(changed))
        times = {"queued": "queue-time", "exec": "exec-time"}
        given |= {name: entry.get(key) for name, key in times.items() if entry.get(key)}
        given |= {"interval": str(number(entry, "interval")), "task": entry.get("operation")}
    return Element("failure", given)
