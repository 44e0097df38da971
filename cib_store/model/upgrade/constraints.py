"""The step from 3.10 to 4.0, second part: one rule a location, and no ``lifetime``."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.upgrade.rewriting import PREFIX, rewritten, same


def with_single_rules(configuration: Element) -> Element:
    """Split locations with several rules; fold a lifetime into the rule (features 4.25)."""
    return rewritten(configuration, _rule)


def _rule(element: Element, parent: str) -> tuple[Element, ...]:
    match element.tag:
        case "rsc_location":
            return tuple(_without_lifetime(one) for one in _split(element))
        case "rsc_colocation" | "rsc_order":
            kept = tuple(child for child in element.children if child.tag != "lifetime")
            return same(element) if kept == element.children else (element.with_children(kept),)
        case _ if "masters" in element.attributes and parent == "bundle":
            value = element.get("masters")
            return (element.with_attributes({"masters": None, "promoted-max": value}),)
        case _:
            return same(element)


def _split(location: Element) -> tuple[Element, ...]:
    rules = list(location.each("rule"))
    if len(rules) < 2:
        return (location,)
    sets, lifetimes = tuple(location.each("resource_set")), tuple(location.each("lifetime"))
    parts: list[Element] = []
    for number, rule in enumerate(rules, 1):
        id_ = f"{PREFIX}{location.id}-{number}"
        children = (*sets, rule, *lifetimes) if number == 1 else _copies(sets, rule, lifetimes)
        parts.append(location.with_attributes({"id": id_}).with_children(children))
    return tuple(parts)


def _copies(
    sets: tuple[Element, ...], rule: Element, lifetimes: tuple[Element, ...]
) -> tuple[Element, ...]:
    """What a further part refers to, so that no id is there twice."""
    references = tuple(Element("resource_set", {"id-ref": one.id}) for one in sets)
    conditions = tuple(
        Element("lifetime", {}, tuple(_reference(each) for each in one.each("rule")))
        for one in lifetimes
    )
    return (*references, rule, *conditions)


def _reference(rule: Element) -> Element:
    return rule if "id-ref" in rule.attributes else Element("rule", {"id-ref": rule.id})


def _without_lifetime(location: Element) -> Element:
    lifetime = location.child("lifetime")
    if lifetime is None:
        return location
    conditions = tuple(lifetime.each("rule"))
    if len(conditions) > 1:
        either = {"id": f"{PREFIX}{location.id}-lifetime-or-rule", "boolean-op": "or"}
        conditions = (Element("rule", either, conditions),)
    rule = location.child("rule") or _rule_for_node(location)
    attributes = {"id": f"{PREFIX}{location.id}-lifetime-and-rule", "boolean-op": "and"}
    both = Element("rule", attributes, (rule, *conditions))
    children = (*location.each("resource_set"), both)
    return location.with_attributes({"node": None, "score": None}).with_children(children)


def _rule_for_node(location: Element) -> Element:
    id_ = f"{PREFIX}{location.id}-node-score-rule"
    here = {
        "id": f"{id_}-expr",
        "attribute": "#uname",
        "operation": "eq",
        "value": location.get("node"),
    }
    attributes = {"id": id_}
    if "score" in location.attributes:
        attributes["score"] = location.get("score")
    return Element("rule", attributes, (Element("expression", here),))
