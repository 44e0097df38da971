"""`status/node_state` kept in step with the facts, so that the scheduler needs the CIB alone.

The table is in docs/internals.md (features 3.12): a node's id is its name; `in_ccm` and `crmd` are
the seconds of joining, or 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cib_store.document.element import Element
from cib_store.document.path import Step, find, insert, put, trail_of
from raftmaker.vocabulary.ids import NodeName

OUT: Mapping[str, str | None] = {"in_ccm": "0", "crmd": "0"}
"""Not a member; what it ran is unknown, as `join` and `expected` stay."""
DOWN: Mapping[str, str | None] = {**OUT, "join": "down", "expected": "down"}
"""Known to be down: nothing runs there."""


def joining(at_us: int) -> dict[str, str | None]:
    """Return the attributes of a node that has a session and is not joined yet.

    Not ``join="down"``: with that a node that is to be fenced and gets lost counts as fenced.
    """
    seconds = str(max(1, at_us // 1_000_000))
    return {"in_ccm": seconds, "crmd": seconds, "join": "pending"}


def with_node_state(
    cib: Element,
    node: NodeName,
    attributes: Mapping[str, str | None],
    without: Collection[str] = (),
) -> Element:
    """Return the CIB with the node's state so changed; children called as in `without` go."""
    path = f"/cib/status{Step('node_state', node)}"
    trail = trail_of(cib, path)
    if trail is None:
        status = trail_of(cib, "/cib/status")
        if status is None:
            return cib
        new = Element("node_state", {"id": node, "uname": node})
        return insert(cib, status, new.with_attributes(attributes))
    old = find(cib, path)
    assert old is not None
    new = old.with_attributes({"uname": node, **attributes})
    children = tuple(child for child in new.children if child.tag not in without)
    if len(children) != len(new.children):
        new = new.with_children(children)
    return cib if new is old else put(cib, trail, new)


def without_shutdown(cib: Element, node: NodeName) -> Element:
    """Return the CIB without the node's wish to shut down.

    The scheduler takes a node that is shutting down for clean when it is gone; a lost one is not,
    since what was ordered there last may not be recorded.
    """
    path = f"/cib/status{Step('node_state', node)}/transient_attributes"
    there = find(cib, path)
    trail = trail_of(cib, path)
    if there is None or trail is None:
        return cib
    sets = tuple(
        one.with_children(tuple(pair for pair in one.children if pair.get("name") != "shutdown"))
        for one in there.children
    )
    return cib if sets == there.children else put(cib, trail, there.with_children(sets))


def with_node_entry(cib: Element, node: NodeName) -> Element:
    """Return the CIB with an entry of the node in its configuration (features 3.10)."""
    trail = trail_of(cib, "/cib/configuration/nodes")
    if trail is None:
        return cib
    nodes = find(cib, "/cib/configuration/nodes")
    assert nodes is not None
    if any(node in (entry.id, entry.get("uname")) for entry in nodes.each("node")):
        return cib
    return insert(cib, trail, Element("node", {"id": node, "uname": node}))


def with_dc(cib: Element, dc: NodeName | None) -> Element:
    """Return the CIB that names this DC, which also proves a quorum (features 3.7)."""
    if dc is None:
        return cib.with_attributes({"dc-uuid": None})
    return cib.with_attributes({"dc-uuid": dc, "have-quorum": "1"})
