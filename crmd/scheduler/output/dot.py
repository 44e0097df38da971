"""The dot picture of all actions and orders (features 27)."""

from __future__ import annotations

from cib_store.model.values import parse_integer
from crmd.scheduler.actions.keys import notify_key, operation_key
from crmd.scheduler.schedule import DotEdge, DotNode
from crmd.scheduler.state.action import (
    IF_ON_SAME_NODE_OR_TARGET,
    IN_GRAPH,
    NOTHING,
    OPTIONAL,
    PSEUDO,
    Action,
)
from crmd.scheduler.state.run import Run


def _name(action: Action) -> str:
    host: str | None = None
    if action.node is not None:
        host = action.node.name
    elif not action.flags & PSEUDO:
        host = "<none>"
    prefix, task = "", action.task
    if task == "cancel":
        prefix, task = "Cancel ", action.cancel_task or ""
    rsc = action.rsc
    if rsc is not None and rsc.history_id is not None:
        if task in ("notify", "notified"):
            kind = action.meta.get("notify_key_type", "")
            about = action.meta.get("notify_key_operation", "")
            key = notify_key(rsc.history_id, kind, about)
        else:
            interval = parse_integer(action.meta.get("interval")) or 0
            key = operation_key(rsc.history_id, task, interval)
    elif task == "stonith":
        key = f"stonith '{action.meta.get('stonith_action')}'"
    elif rsc is not None or host is None:
        key = action.key
    else:
        key = action.task
    return f"{prefix}{key} {host}" if host is not None else f"{prefix}{key}"


def dot_picture(run: Run) -> tuple[tuple[DotNode, ...], tuple[DotEdge, ...]]:
    """Return all actions and orders. To be called once the graph is built."""
    nodes: list[DotNode] = []
    shown: set[Action] = set()
    names = {action: _name(action) for action in run.actions}
    for action in reversed(run.actions):
        font = "orange" if action.flags & PSEUDO else "black"
        style, color, optional = "dashed", "red", False
        if action.flags & IN_GRAPH:
            style, color = "bold", "green"
        elif action.rsc is not None and not action.rsc.managed:
            font, optional = "purple", True
        elif action.flags & OPTIONAL:
            color, optional = "blue", True
        if not optional:
            shown.add(action)
        nodes.append(
            DotNode(name=names[action], style=style, color=color, font=font, optional=optional)
        )
    edges: list[DotEdge] = []
    for action in reversed(run.actions):
        for relation in action.before:
            optional = True
            if relation.graphed:
                optional = False
            elif relation.flags == NOTHING:
                continue
            elif relation.action in shown and action in shown:
                optional = relation.flags == IF_ON_SAME_NODE_OR_TARGET
            edges.append(
                DotEdge(
                    first=names[relation.action],
                    then=names[action],
                    style="bold" if relation.graphed else "dashed",
                    optional=optional,
                )
            )
    return tuple(nodes), tuple(edges)
