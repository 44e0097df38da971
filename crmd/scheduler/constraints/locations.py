"""Location constraints: scores for a resource on nodes, fixed or by rule (features 12.x)."""

from __future__ import annotations

import re

from cib_store.document.element import Element
from cib_store.model.rules import RuleInput, rule_holds, with_matches
from cib_store.model.scores import add_scores
from crmd.scheduler.constraints.references import (
    as_set,
    find_resource,
    is_known,
    with_tags_in_sets,
)
from crmd.scheduler.node_attributes import attribute_for
from crmd.scheduler.parameters import parameters_on
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.state.constraint import Location, ProbeMode
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role, parse_role

_PROBE_MODES = {
    "always": ProbeMode.ALWAYS,
    "never": ProbeMode.NEVER,
    "exclusive": ProbeMode.EXCLUSIVE,
}


def new_location(
    run: Run,
    id_: str,
    rsc: Resource,
    *,
    scores: dict[Node, int],
    discovery: str | None = None,
    role: Role = Role.UNKNOWN,
) -> Location:
    """Bind a location constraint to a resource."""
    mode = _PROBE_MODES.get((discovery or "always").lower(), ProbeMode.ALWAYS)
    if mode is ProbeMode.EXCLUSIVE:
        rsc.exclusive_discovery = True
    location = Location(id=id_, rsc=rsc, role=role, scores=scores, probe_mode=mode)
    run.locations.append(location)
    rsc.locations.append(location)
    return location


def _role(text: str | None) -> Role | None:
    """Only the promoted and the stopped role narrow a location constraint."""
    role = parse_role(text)
    if role is Role.UNKNOWN and text is not None:
        return None
    return Role.UNKNOWN if role in (Role.STARTED, Role.UNPROMOTED) else role


def read_location(run: Run, original: Element) -> None:
    """Bind one ``rsc_location``."""
    element = with_tags_in_sets(run, original)
    if element is None:
        element = original
        id_ = original.attributes.get("rsc")
        if id_ is not None and find_resource(run, id_) is None:
            if not is_known(run, id_):
                run.ignore(
                    "unknown-resource",
                    f"Ignoring constraint {original.id}: there is no resource or tag {id_}",
                )
                return
            element = _tag_as_set(run, original)
    found_set = False
    for each in run.index.children(element, "resource_set"):
        found_set = True
        if not _read_set(run, element, each):
            return
    if not found_set:
        _read_simple(run, original)


def _tag_as_set(run: Run, constraint: Element) -> Element:
    members = as_set(run, constraint, "rsc", always=False)
    assert members is not None
    role = constraint.attributes.get("role")
    if role is not None:
        members = members.with_attributes({"role": role})
    stripped = constraint.with_attributes({"rsc": None, "role": None})
    return stripped.with_children((*stripped.children, members))


def _read_set(run: Run, constraint: Element, resources: Element) -> bool:
    if not resources.id:
        return False
    for reference in resources.each("resource_ref"):
        rsc = find_resource(run, reference.id)
        if rsc is None:
            run.ignore("unknown-resource", f"{resources.id}: there is no resource {reference.id}")
            return False
        _bind(
            run,
            constraint,
            rsc,
            role=resources.attributes.get("role"),
            score=resources.attributes.get("score"),
        )
    return True


def _read_simple(run: Run, constraint: Element) -> None:
    id_ = constraint.attributes.get("rsc")
    if id_ is not None:
        rsc = find_resource(run, id_)
        if rsc is not None:
            _bind(run, constraint, rsc)
    pattern = constraint.attributes.get("rsc-pattern")
    if pattern is None:
        return
    invert = pattern.startswith("!")
    try:
        expression = re.compile(pattern.removeprefix("!"))
    except re.error as error:
        run.ignore("bad-pattern", f"Ignoring constraint {constraint.id}: bad rsc-pattern: {error}")
        return
    for rsc in run.resources:
        match = expression.search(rsc.id)
        if match is not None and not invert:
            _bind(run, constraint, rsc, matches=(match.group(0), *match.groups()))
        elif match is None and invert:
            _bind(run, constraint, rsc)


def _bind(
    run: Run,
    constraint: Element,
    rsc: Resource,
    *,
    role: str | None = None,
    score: str | None = None,
    matches: tuple[str | None, ...] = (),
) -> None:
    node_name = constraint.attributes.get("node")
    score = score if score is not None else constraint.attributes.get("score")
    discovery = constraint.attributes.get("resource-discovery")
    if node_name is None or score is None:
        rule = next(run.index.children(constraint, "rule"), None)
        if rule is not None:
            _bind_rule(run, constraint, rule, rsc, discovery, matches)
        return
    node = run.find_node(node_name)
    wanted = _role(role if role is not None else constraint.attributes.get("role"))
    if node is not None and wanted is not None:
        new_location(
            run,
            constraint.id,
            rsc,
            scores={node: run.score(score)},
            discovery=discovery,
            role=wanted,
        )


def _bind_rule(
    run: Run,
    constraint: Element,
    rule: Element,
    rsc: Resource,
    discovery: str | None,
    matches: tuple[str | None, ...],
) -> None:
    """Give the rule's score to each node where it holds (features 11, 12.x)."""
    role = _role(rule.attributes.get("role"))
    attribute = rule.attributes.get("score-attribute")
    fixed = rule.attributes.get("score")
    if not rule.id or role is None or (attribute is None and fixed is None):
        return
    if rule.get("boolean-op", "and").lower() not in ("and", "or"):
        return
    location = new_location(run, rule.id, rsc, scores={}, discovery=discovery, role=role)
    location.constraint = constraint.id
    if attribute is not None:
        attribute = with_matches(attribute, matches)
    target = rsc.meta.get("container-attribute-target")
    for node in run.nodes:
        given = RuleInput(
            now=run.now,
            node_attributes=node.attributes,
            parameters=parameters_on(run, rsc, node),
            meta=rsc.meta,
            matches=matches,
        )
        if not rule_holds(rule, given, run.index, run.verdicts):
            continue
        text = fixed
        if attribute is not None:
            text = attribute_for(node, attribute, target, assigned=False)
            if not text:
                continue
        location.scores[node] = run.score(text)


def apply_locations(run: Run) -> None:
    """Add the scores of all location constraints, the newest constraint first."""
    for location in reversed(run.locations):
        if run.contributions is None:
            location.rsc.kind.apply_location(run, location.rsc, location)
            continue
        healthy = location.id.startswith("node-health-strategy=")
        origin = Origin.HEALTH if healthy else Origin.LOCATION
        with noted(run, location.rsc, origin, _name(location)):
            location.rsc.kind.apply_location(run, location.rsc, location)


def _name(location: Location) -> str:
    if location.constraint in ("", location.id):
        return location.id
    return f"{location.constraint}: rule {location.id}"


def apply_location(run: Run, rsc: Resource, location: Location) -> None:
    """Add the scores of one location constraint to one resource."""
    if location.role > Role.UNKNOWN and location.role is not rsc.next_role:
        return
    scores = rsc.scores
    for node, score in location.scores.items():
        known = scores.get(node)
        scores[node] = score if known is None else add_scores(known, score)
        if rsc.probe_modes.get(node, node.probe_mode) < location.probe_mode:
            if location.probe_mode is ProbeMode.EXCLUSIVE:
                rsc.exclusive_discovery = True
            rsc.probe_modes[node] = location.probe_mode
