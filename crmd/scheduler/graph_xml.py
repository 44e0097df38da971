"""The transition graph as XML, as ``crm_simulate -G`` writes it (features 27)."""

from __future__ import annotations

from cib_store.document.escaping import IN_ATTRIBUTE
from crmd.scheduler.graph import Graph, GraphAction

_IN_GRAPH = IN_ATTRIBUTE | {code: f"&#x{code:02X};" for code in (*range(32), 127)}


def _quoted(value: str) -> str:
    return f'"{value.translate(_IN_GRAPH)}"'


def _element(tag: str, attributes: dict[str, str | None]) -> str:
    written = "".join(
        f" {name}={_quoted(value)}" for name, value in attributes.items() if value is not None
    )
    return f"<{tag}{written}"


def _action(action: GraphAction) -> dict[str, str | None]:
    """The attributes that name an action."""
    attributes: dict[str, str | None] = {}
    if action.operation == "lrm_delete":
        attributes["mode"] = "cib"
    return attributes | {
        "id": str(action.id),
        "operation": action.operation,
        "operation_key": action.operation_key,
        "internal_operation_key": action.internal_operation_key,
        "on_node": action.on_node,
        "on_node_uuid": action.on_node_uuid,
        "router_node": action.router_node,
    }


def _parameters(action: GraphAction) -> list[str]:
    plain: dict[str, str | None] = {
        name: value for name, value in action.attributes.items() if not name[:1].isdigit()
    }
    lines = [_element("        attributes", plain)]
    numbered = [name for name in action.attributes if name[:1].isdigit()]
    if not numbered:
        return [lines[0].replace("<        ", "        <", 1) + "/>"]
    lines = [lines[0].replace("<        ", "        <", 1) + ">"]
    for name in numbered:
        parameter = _element("param", {"name": name, "value": action.attributes[name]})
        lines.append(f"          {parameter}/>")
    return [*lines, "        </attributes>"]


def _details(action: GraphAction) -> list[str]:
    lines: list[str] = []
    rsc = action.resource
    if rsc is not None:
        named = _element(
            "primitive",
            {
                "id": rsc.id,
                "long-id": rsc.long_id,
                "class": rsc.standard,
                "provider": rsc.provider,
                "type": rsc.type,
            },
        )
        lines.append(f"        {named}/>")
    lines += _parameters(action)
    if action.downed:
        lines.append("        <downed>")
        lines += [f"          {_element('node', {'id': id_})}/>" for id_ in action.downed]
        lines.append("        </downed>")
    if action.maintenance:
        lines.append("        <maintenance>")
        for id_, state in action.maintenance:
            flag = "1" if state else "0"
            lines.append(
                f"          {_element('node', {'id': id_, 'node_in_maintenance': flag})}/>"
            )
        lines.append("        </maintenance>")
    return lines


def _synapse(number: int, action: GraphAction, by_id: dict[int, GraphAction]) -> list[str]:
    priority = str(action.priority) if action.priority > 0 else None
    synapse = _element("synapse", {"id": str(number), "priority": priority})
    lock = action.shutdown_lock
    head = _action(action) | {"shutdown-lock": str(lock) if lock is not None else None}
    tag = action.kind.value
    lines = [f"  {synapse}>", "    <action_set>", f"      {_element(tag, head)}>"]
    lines += _details(action)
    lines += [f"      </{tag}>", "    </action_set>"]
    if not action.inputs:
        return [*lines, "    <inputs/>", "  </synapse>"]
    lines.append("    <inputs>")
    for id_ in action.inputs:
        first = by_id[id_]
        lines.append("      <trigger>")
        lines.append(f"        {_element(first.kind.value, _action(first))}/>")
        lines.append("      </trigger>")
    return [*lines, "    </inputs>", "  </synapse>"]


def graph_xml(graph: Graph, *, transition_id: int = 1) -> str:
    """Write the graph as XML."""
    recheck = graph.recheck_by
    root = _element(
        "transition_graph",
        {
            "cluster-delay": graph.cluster_delay,
            "fencing-timeout": graph.fencing_timeout,
            "failed-stop-offset": graph.failed_stop_offset,
            "failed-start-offset": graph.failed_start_offset,
            "batch-limit": graph.batch_limit,
            "transition_id": str(transition_id),
            "migration-limit": graph.migration_limit,
            "recheck-by": str(recheck) if recheck is not None else None,
        },
    )
    if not graph.actions:
        return f"{root}/>\n"
    by_id = {action.id: action for action in (*graph.actions, *graph.absent)}
    lines = [f"{root}>"]
    for number, action in enumerate(graph.actions):
        lines += _synapse(number, action, by_id)
    return "\n".join([*lines, "</transition_graph>", ""])
