"""Which nodes are remote ones, and which member the way to each of them leads over.

The CIB alone says so: a connection is a resource with the name of its node, and its history shows
where it runs.
"""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.connections import is_connection
from cib_store.model.values import parse_integer
from crmd.fsa.cib import (
    attribute_removals,
    lrm_resources,
    merge_status,
    node_state,
    remove_at,
    state_path,
    state_with,
)
from raftmaker.vocabulary.commands import CibOperation
from raftmaker.vocabulary.ids import NodeName

REMOTE = "remote_node"
"""The attribute by which the state of a remote node is told from a member's (features 24.20)."""
BOOT = "remote_boot"
"""The boot of the remote node that its history and transient attributes are of."""


def is_remote(cib: Element | None, node: NodeName) -> bool:
    """Tell whether a node is a remote one: configured so, or left so in the status section."""
    state = node_state(cib, node)
    if state is not None and state.get(REMOTE) == "true":
        return True
    configuration = cib.child("configuration") if cib is not None else None
    resources = configuration.child("resources") if configuration is not None else None
    return resources is not None and any(
        one.id == node and is_connection(one) for one in resources.walk() if one.tag == "primitive"
    )


def router_of(cib: Element | None, node: NodeName) -> NodeName | None:
    """Return the member on which a remote node's connection runs; None: on none.

    Of several, while it moves, the one where it was started last.
    """
    status = cib.child("status") if cib is not None else None
    found: list[tuple[int, NodeName]] = []
    for state in status.each("node_state") if status is not None else ():
        for history in lrm_resources(state):
            if history.id == node and is_connection(history):
                since = _active_since(history)
                if since is not None:
                    found.append((since, NodeName(state.id)))
    return max(found)[1] if found else None


def _active_since(history: Element) -> int | None:
    """When the operation that left the connection active was done; None: it is not."""
    since: int | None = None
    newest = -1
    for op in history.each("lrm_rsc_op"):
        name, code = op.get("operation"), op.get("rc-code")
        number = parse_integer(op.get("call-id")) or 0
        recurring = op.get("interval", "0") != "0"
        if op.get("op-status") != "0" or recurring or number <= newest or name == "migrate_to":
            continue
        if name in ("start", "migrate_from", "monitor", "stop"):
            newest = number
            active = name != "stop" and code == "0"
            since = (parse_integer(op.get("last-rc-change")) or 0) if active else None
    return since


FENCE_FAILURES = "fence_failures"


def fence_failures(cib: Element | None, node: NodeName) -> int:
    """Return how often fencing a remote node has failed since it last succeeded."""
    state = node_state(cib, node)
    return parse_integer(state.get(FENCE_FAILURES)) or 0 if state is not None else 0


def unfenced_operations(cib: Element | None, node: NodeName) -> tuple[CibOperation, ...]:
    """Return what a failed fencing does to a remote node's state."""
    failures = {REMOTE: "true", FENCE_FAILURES: str(fence_failures(cib, node) + 1)}
    return (merge_status(state_with(node, failures)),)


def fenced_operations(cib: Element | None, node: NodeName, now_s: int) -> tuple[CibOperation, ...]:
    """Return what a confirmed fencing does to a remote node's state (features 24.20).

    Nothing runs there any more, so nothing of it is kept; when it was fenced is.
    """
    state = node_state(cib, node)
    gone = tuple(
        remove_at(f"{state_path(node)}/{child.tag}[@id='{node}']")
        for child in (state.children if state is not None else ())
        if child.tag in ("lrm", "transient_attributes")
    )
    marks = {REMOTE: "true", "in_ccm": "0", "node_fenced": str(now_s), FENCE_FAILURES: "0"}
    return (*gone, merge_status(state_with(node, marks)))


def left_operations(cib: Element | None, node: NodeName) -> tuple[CibOperation, ...]:
    """Return what ends a remote node's wish to leave, once it has left (features 22.13).

    It would keep the connection from being started for ever: only the start of it finds out that
    the node has come back.
    """
    state = node_state(cib, node)
    return attribute_removals(state, frozenset({"shutdown"})) if state is not None else ()


def maintenance_operations(states: tuple[tuple[str, bool], ...]) -> tuple[CibOperation, ...]:
    """Return what notes that remote nodes are in maintenance, or are no more (features 22.10)."""
    marked = tuple(
        state_with(NodeName(name), {REMOTE: "true", "node_in_maintenance": "1" if on else "0"})
        for name, on in states
    )
    return (merge_status(*marked),) if marked else ()
