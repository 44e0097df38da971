"""What a simulation says as XML, or the same tree as JSON (``--output-as``, features 27)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from cib_store.document.element import Element
from crm_shell.status.xml import framed
from crmd.scheduler.schedule import ResourceChange, Schedule
from raftmaker.vocabulary.roles import Role

_SCORE = re.compile(r"(\S+): (\S+) allocation score on (\S+): (\S+)")
_PROMOTION = re.compile(r"(\S+) promotion score (?:on (\S+)|\(inactive\)): (\S+)")
_CAPACITY = re.compile(r"(Original|Remaining): (\S+) capacity:(.*)")
_USE = re.compile(r"(\S+): (\S+) utilization on (\S+):(.*)")


def score_elements(lines: Iterable[str]) -> Iterator[Element]:
    """Yield the recorded scores, capacities and uses as elements."""
    for line in lines:
        if found := _SCORE.fullmatch(line):
            names = ("function", "id", "node", "score")
            yield Element("node_weight", dict(zip(names, found.groups(), strict=True)))
        elif found := _PROMOTION.fullmatch(line):
            node = {"node": found[2]} if found[2] is not None else {}
            yield Element("promotion_score", {"id": found[1], "score": found[3], **node})
        elif found := _CAPACITY.fullmatch(line):
            given = {"node": found[2], "comment": found[1]}
            yield Element("capacity", given, _amounts(found[3]))
        elif found := _USE.fullmatch(line):
            given = {"resource": found[2], "node": found[3], "function": found[1]}
            yield Element("utilization", given, _amounts(found[4]))


def _amounts(text: str) -> tuple[Element, ...]:
    pairs = (part.split("=", 1) for part in text.split())
    return tuple(Element(name, {}, (), amount) for name, amount in pairs)


def decision_element(schedule: Schedule) -> Element:
    """Return what the transition summary says."""
    nodes = tuple(
        Element("node_action", {"task": each.task, "node": each.node, "reason": each.reason})
        for each in schedule.node_changes
        if each.reason is not None
    )
    return Element(
        "actions", {}, nodes + tuple(_change(each) for each in schedule.resource_changes)
    )


def _change(each: ResourceChange) -> Element:
    given = {"action": each.change.value.lower(), "resource": each.resource}
    same_role = each.role is each.next_role
    if each.role > Role.STARTED or each.next_role > Role.UNPROMOTED:
        given["role"] = each.role.value
        if not same_role and each.destination is not None:
            given["next-role"] = each.next_role.value
    both = each.origin is not None and each.destination is not None
    if not both:
        starting_in_role = "next-role" in given
        key = "dest" if starting_in_role else "node"
        given[key] = each.destination or each.origin or ""
    else:
        given["source"] = each.origin or ""
        if each.origin != each.destination:
            given["dest"] = each.destination or ""
    if each.reason is not None:
        given["reason"] = each.reason
    if each.blocked:
        given["blocked"] = "true"
    return Element("rsc_action", given)


def as_json(request: str, parts: tuple[Element, ...], *, code: int, message: str) -> str:
    """Return the same tree as JSON: attributes as members, children as lists by tag."""
    tree: dict[str, object] = {"request": request}
    for part in parts:
        tree[part.tag] = _json(part)
    tree["status"] = {"code": code, "message": message}
    return json.dumps(tree, indent=2)


def _json(element: Element) -> object:
    if element.text and not element.children:
        return element.text
    value: dict[str, object] = dict(element.attributes)
    for child in element.each():
        below = value.setdefault(child.tag, [])
        assert isinstance(below, list)
        below.append(_json(child))
    return value


def as_xml(request: str, parts: tuple[Element, ...], *, code: int, message: str) -> str:
    """Return the whole ``pacemaker-result`` document."""
    return framed(request, parts, code=code, message=message)
