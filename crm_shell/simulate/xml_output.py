"""What a simulation says as XML, or the same tree as JSON (``--output-as``, features 27)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from cib_store.document.element import Element
from crm_shell.simulate.details_text import primitives
from crm_shell.simulate.status_text import displayed_role
from crm_shell.status.xml import framed
from crmd.scheduler.schedule import ResourceChange, Schedule
from crmd.scheduler.state.bundle import settings_of
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from crmd.scheduler.status.failcounts import failures
from raftmaker.vocabulary.roles import Role

_SCORE = re.compile(r"(\S+): (\S+) allocation score on (\S+): (\S+)")
_PROMOTION = re.compile(r"(\S+) promotion score (?:on (\S+)|\(inactive\)): (\S+)")
_CAPACITY = re.compile(r"(Original|Remaining): (\S+) capacity:(.*)")
_USE = re.compile(r"(\S+): (\S+) utilization on (\S+):(.*)")


def status_elements(run: Run) -> tuple[Element, ...]:
    """Return nodes and resources with their state."""
    shown = [rsc for rsc in run.resources if not rsc.removed or rsc.kind.active(rsc, True)]
    return (
        Element("nodes", {}, tuple(_node(run, node) for node in run.nodes)),
        Element("resources", {}, tuple(resource_element(rsc) for rsc in shown)),
    )


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _node(run: Run, node: Node) -> Element:
    attributes = {
        "name": node.name,
        "id": node.id,
        "online": _flag(node.online),
        "standby": _flag(node.standby),
        "standby_onfail": _flag(node.standby_on_fail),
        "maintenance": _flag(node.maintenance),
        "pending": _flag(node.pending),
        "unclean": _flag(node.unclean),
        "shutdown": _flag(node.shutdown),
        "expected_up": _flag(node.expected_up),
        "is_dc": _flag(node is run.dc_node),
        "resources_running": str(len(node.running)),
        "type": "remote" if node.is_remote_kind else "member",
    }
    if node.is_guest and node.remote is not None and node.remote.launcher is not None:
        attributes["container_id"] = node.remote.launcher.id
    return Element("node", attributes)


def resource_element(rsc: Resource) -> Element:
    """Return one resource with all below it."""
    common = {
        "removed": _flag(rsc.removed),
        "blocked": _flag(rsc.blocked),
        "maintenance": _flag(rsc.maintenance),
        "managed": _flag(rsc.managed),
        "failed": _flag(rsc.failed),
        "failure_ignored": _flag(rsc.ignore_failure),
    }
    parts = tuple(resource_element(child) for child in rsc.children)
    match rsc.variant:
        case Variant.PRIMITIVE:
            return _primitive(rsc, common)
        case Variant.GROUP:
            return Element(
                "group", {"id": rsc.id, "number_resources": str(len(parts)), **common}, parts
            )
        case Variant.CLONE:
            kind = {"multi_state": _flag(rsc.promotable), "unique": _flag(rsc.unique)}
            return Element("clone", {"id": rsc.id, **kind, **common}, parts)
        case Variant.BUNDLE:
            return _bundle(rsc, common)


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
    if "target-role" in rsc.meta:
        attributes["target_role"] = rsc.meta["target-role"]
    attributes["active"] = _flag(rsc.kind.active(rsc, True))
    attributes |= common
    attributes["nodes_running_on"] = str(len(rsc.active_on))
    if rsc.pending_task is not None:
        attributes["pending"] = rsc.pending_task
    if rsc.lock_node is not None:
        attributes["locked_to"] = rsc.lock_node.name
    nodes = tuple(
        Element("node", {"name": node.name, "id": node.id, "cached": _flag(node.online)})
        for node in rsc.active_on
    )
    return Element("resource", attributes, nodes)


def attribute_elements(run: Run) -> Element:
    """Return the attributes of the nodes that are online."""
    return Element(
        "node_attributes",
        {},
        tuple(
            Element(
                "node",
                {"name": node.name},
                tuple(
                    Element("attribute", {"name": name, "value": node.attributes[name]})
                    for name in sorted(node.attributes)
                    if not name.startswith(("fail-count-", "last-failure-", "#"))
                ),
            )
            for node in run.nodes
            if node.online
        ),
    )


def failcount_elements(run: Run) -> Element:
    """Return the failures counted on every node."""
    nodes: list[Element] = []
    for node in run.nodes:
        counted = []
        for rsc in primitives(run.resources):
            count, last = failures(run, rsc, node, effective=False)
            if count:
                given = {"id": rsc.id, "migration-threshold": str(rsc.migration_threshold)}
                given |= {"fail-count": str(count)} | ({"last-failure": str(last)} if last else {})
                counted.append(Element("resource_history", given))
        if counted:
            nodes.append(Element("node", {"name": node.name}, tuple(counted)))
    return Element("node_history", {}, tuple(nodes))


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
            yield Element("capacity", given | _amounts(found[3]))
        elif found := _USE.fullmatch(line):
            given = {"resource": found[2], "node": found[3], "function": found[1]}
            yield Element("utilization", given | _amounts(found[4]))


def _amounts(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split())


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
