"""A configuration as a picture in the language of graphviz: who starts after whom (30.45: graph).

Resources are boxes, containers are frames around what they hold, and an arrow leads from what acts
first to what acts then; a dashed one is an order that counts only when both act.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from cib_store.document.element import Element
from cib_store.model.values import is_true
from crm_shell.edit.pool import RESOURCES

_CONTAINERS = ("group", "clone", "master", "bundle")
_OPTIONAL = ("optional", "0")


def drawing(configuration: Element) -> str:
    """Return the dot text."""
    resources = configuration.child("resources") or Element("resources")
    constraints = configuration.child("constraints") or Element("constraints")
    tops = [each for each in resources.each(*RESOURCES) if each.tag != "template"]
    lines = ['digraph "configuration" {', "  compound=true;", "  node [shape=box];"]
    for top in tops:
        lines.extend(_boxes(top, "  "))
    known = {each.id: each for top in tops for each in top.walk() if each.tag in RESOURCES}
    for top in tops:
        lines.extend(_inside(top))
    for order in constraints.each("rsc_order"):
        lines.extend(_arrows(order, known))
    return "\n".join((*lines, "}"))


def _boxes(element: Element, margin: str) -> Iterator[str]:
    if element.tag not in _CONTAINERS:
        yield f"{margin}{_name(element.id)} [label={_name(_label(element))}];"
        return
    yield f"{margin}subgraph {_name(f'cluster_{element.id}')} {{"
    yield f"{margin}  label={_name(f'{element.tag} {element.id}')};"
    for child in element.each(*RESOURCES):
        yield from _boxes(child, margin + "  ")
    yield f"{margin}}}"


def _label(primitive: Element) -> str:
    parts = (primitive.get(name) for name in ("class", "provider", "type"))
    agent = ":".join(part for part in parts if part)
    return f"{primitive.id}\\n{agent or '@' + primitive.get('template')}"


def _inside(element: Element) -> Iterator[str]:
    """The members of a group start one after another."""
    members = list(element.each(*RESOURCES))
    if element.tag == "group" and _is_ordered(element):
        for before, after in itertools.pairwise(members):
            yield f"  {_name(before.id)} -> {_name(after.id)};"
    for member in members:
        yield from _inside(member)


def _is_ordered(group: Element) -> bool:
    said = [
        pair.get("value")
        for held in group.each("meta_attributes")
        for pair in held.each("nvpair")
        if pair.get("name") == "ordered"
    ]
    return not said or is_true(said[0])


def _arrows(order: Element, known: dict[str, Element]) -> Iterator[str]:
    kind = (order.get("kind") or order.get("score")).lower()
    style = {"style": "dashed"} if kind in _OPTIONAL else {}
    if order.get("first"):
        ends = ((order.get("first"), order.get("first-action")),)
        then = ((order.get("then"), order.get("then-action")),)
        yield from _between(ends, then, known, style)
        return
    steps: list[tuple[tuple[str, str], ...]] = []
    for each in order.each("resource_set"):
        members = tuple((ref.id, each.get("action")) for ref in each.each("resource_ref"))
        in_turn = each.get("sequential") == "" or is_true(each.get("sequential"))
        steps.extend(((one,) for one in members) if in_turn else (members,))
    for before, after in itertools.pairwise(steps):
        yield from _between(before, after, known, style)


def _between(
    first: Sequence[tuple[str, str]],
    then: Sequence[tuple[str, str]],
    known: dict[str, Element],
    style: dict[str, str],
) -> Iterator[str]:
    for one, action in first:
        for other, later in then:
            if one in known and other in known:
                yield _arrow((known[one], action), (known[other], later), style)


def _arrow(first: tuple[Element, str], then: tuple[Element, str], style: dict[str, str]) -> str:
    (one, action), (other, later) = first, then
    given = dict(style)
    if action or later:
        given["label"] = f"{action or 'start'} then {later or action}"
    if one.tag in _CONTAINERS:
        given["ltail"] = f"cluster_{one.id}"
    if other.tag in _CONTAINERS:
        given["lhead"] = f"cluster_{other.id}"
    text = ", ".join(f"{name}={_name(value)}" for name, value in given.items())
    end, begin = _name(_primitive(one, -1)), _name(_primitive(other, 0))
    return f"  {end} -> {begin}{f' [{text}]' if text else ''};"


def _primitive(element: Element, place: int) -> str:
    """An arrow ends at a box: at the first (0) or last (-1) one of a container."""
    held = list(element.each(*RESOURCES))
    return _primitive(held[place], place) if held else element.id


def _name(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
