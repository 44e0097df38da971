"""Where location constraints forbid a fence device to be run from (features 17.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from cib_store.document.element import Element
from cib_store.model.references import Index
from cib_store.model.rules import RuleInput, Verdicts, rule_holds
from cib_store.model.scores import INFINITY, add_scores, parse_score
from raftmaker.vocabulary.ids import NodeName
from stonithd.configuration.resources import Found


class Places(Struct, frozen=True, kw_only=True):
    """What decides about places: constraints, tags, nodes with their attributes, the default."""

    constraints: Element | None
    tags: Element | None
    nodes: Mapping[NodeName, Mapping[str, str]]
    symmetric: bool
    given: RuleInput
    index: Index


def banned_nodes(device: Found, places: Places) -> tuple[NodeName, ...]:
    """Return the nodes with a negative score for the device, sorted.

    In a cluster that is not symmetric, all those that no constraint names for it.
    """
    names = set(device.names) | _tags_of(device.names, places.tags)
    concerned = [
        constraint
        for constraint in (places.constraints.each("rsc_location") if places.constraints else ())
        if _concerns(constraint, names)
    ]
    return tuple(node for node in sorted(places.nodes) if _score(node, concerned, places) < 0)


def _tags_of(names: tuple[str, ...], tags: Element | None) -> set[str]:
    return {
        tag.id
        for tag in (tags.each("tag") if tags is not None else ())
        if any(reference.id in names for reference in tag.each("obj_ref"))
    }


def _concerns(constraint: Element, names: set[str]) -> bool:
    pattern = constraint.get("rsc-pattern")
    if constraint.get("rsc") in names or (pattern and _matches(pattern, names)):
        return True
    references = (
        reference.id
        for one in constraint.each("resource_set")
        for reference in one.each("resource_ref")
    )
    return any(reference in names for reference in references)


def _matches(pattern: str, names: set[str]) -> bool:
    try:
        return any(re.search(pattern, name) for name in names)
    except re.error:
        return False


def _score(node: NodeName, constraints: list[Element], places: Places) -> int:
    total: int | None = 0 if places.symmetric else None
    for constraint in constraints:
        for score in _scores(node, constraint, places):
            total = add_scores(total or 0, score)
    return -INFINITY if total is None else total


def _scores(node: NodeName, constraint: Element, places: Places) -> Iterator[int]:
    if constraint.get("node") == node:
        yield parse_score(constraint.attributes.get("score"))
    attributes = places.nodes[node]
    given = replace(places.given, node_attributes={"#uname": node, "#id": node, **attributes})
    for rule in places.index.children(constraint, "rule"):
        if not rule_holds(rule, given, places.index, Verdicts()):
            continue
        attribute = rule.get("score-attribute")
        text = attributes.get(attribute) if attribute else rule.attributes.get("score")
        yield parse_score(text)
