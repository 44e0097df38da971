"""A status as JSON data (``--json``). Pure."""

from __future__ import annotations

from crm_shell.console import Json
from crm_shell.status.advice import advice
from crm_shell.status.cluster_text import agent_of, displayed_role, is_disabled, node_state
from crm_shell.status.model import Status
from crm_shell.status.text import failure_text
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource


def data_of(status: Status) -> Json:
    """Return a status."""
    return {
        "cluster": status.cluster_name,
        "dc": status.dc,
        "quorate": status.quorate,
        "version": status.version,
        "last_change": status.last_change,
        "nodes": [node_data(each, status.dc) for each in status.nodes],
        "resources": [resource_data(each) for each in status.resources],
        "failed_actions": [
            {"key": each.key, "resource": each.resource, "node": each.node, "code": each.code,
             "status": each.status, "reason": each.exit_reason, "text": failure_text(each)}
            for each in status.failed_actions
        ],
        "constraints_made_by_move": [
            {"id": key, "resource": rsc, "node": node, "score": score}
            for key, rsc, node, score in status.bans
        ],
        "advice": [{"what": what, "type": how} for what, how in advice(status)],
    }  # fmt: skip


def own_attributes(node: Node) -> dict[str, str]:
    """Return a node's attributes without those that every node is given (``#uname`` …)."""
    return {
        name: value
        for name, value in sorted(node.attributes.items())
        if not name.startswith("#") or name.startswith("#health")
    }


def node_data(node: Node, dc: str) -> Json:
    """Return a node; `dc`: the name of the DC."""
    return {
        "name": node.name,
        "id": node.id,
        "state": node_state(node),
        "online": node.online,
        "unclean": node.unclean,
        "dc": node.name == dc,
        "running": len(node.running),
        "attributes": own_attributes(node),
    }


def resource_data(rsc: Resource) -> Json:
    """Return a resource and what it contains."""
    return {
        "id": rsc.id if rsc.unique or rsc.children else rsc.xml_id,
        "kind": rsc.variant.name.lower(),
        "agent": agent_of(rsc) if not rsc.children else "",
        "target_role": rsc.meta.get("target-role", ""),
        "managed": rsc.managed,
        "maintenance": rsc.maintenance,
        "orphan": rsc.removed,
        "disabled": is_disabled(rsc),
        "blocked": rsc.blocked,
        "running": [] if rsc.children else _running(rsc),
        "members": [resource_data(each) for each in rsc.children],
    }


def _running(rsc: Resource) -> list[Json]:
    nodes = rsc.nodes_now(pending=True)
    return [
        {"node": node.name, "role": displayed_role(rsc).value, "failed": rsc.failed,
         "pending": rsc.pending_task or ""}
        for node in nodes
    ]  # fmt: skip
