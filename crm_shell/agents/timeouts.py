"""Timeouts of operations as their agents advise them (features 30.45: ``default-timeouts``)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.values import parse_duration_ms
from lrmd.client import ActionMetadata, AgentMetadata

_IMPLIED = ("start", "stop")
"""What runs also where nobody has configured it."""


def with_advised_timeouts(primitive: Element, metadata: AgentMetadata) -> Element:
    """Return a primitive whose operations have the timeouts that its agent advises.

    A start and a stop that are not configured are added; what the agent says nothing of stays.
    """
    held = primitive.child("operations")
    known = held.children if held is not None else ()
    ops = [_advised(each, metadata) if each.tag == "op" else each for each in known]
    for name in _IMPLIED:
        if not any(each.tag == "op" and each.get("name") == name for each in known):
            added = _advised(Element("op", {"name": name, "interval": "0s"}), metadata)
            if added.get("timeout"):
                ops.append(added)
    if tuple(ops) == known:
        return primitive
    if held is None:
        return primitive.with_children((*primitive.children, Element("operations", {}, tuple(ops))))
    operations = held.with_children(tuple(ops))
    return primitive.with_children(
        tuple(operations if each is held else each for each in primitive.children)
    )


def _advised(op: Element, metadata: AgentMetadata) -> Element:
    same = [each for each in metadata.actions if each.name == op.get("name") and each.timeout]
    role = op.get("role")
    of_role = [each for each in same if (each.role.value if each.role else "") == role]
    found = max(of_role or same, key=_milliseconds, default=None)
    return op.with_attributes({"timeout": found.timeout}) if found is not None else op


def _milliseconds(action: ActionMetadata) -> int:
    return parse_duration_ms(action.timeout) or 0
