"""The step from 2.x to 3.0: names of old and values in the wrong place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cib_store.document.element import Element
from cib_store.model.upgrade.rewriting import nvpair, rewritten, same

_PROPERTIES = {
    name.replace("-", "_"): name
    for name in (
        "cluster-recheck-interval",
        "dc-deadtime",
        "election-timeout",
        "no-quorum-policy",
        "remove-after-stop",
        "shutdown-escalation",
        "startup-fencing",
        "stonith-action",
        "stonith-enabled",
        "stop-orphan-actions",
        "stop-orphan-resources",
        "symmetric-cluster",
    )
} | {"transition_idle_timeout": "cluster-delay"}
_DROPPED_PROPERTIES = frozenset(
    {
        "default-migration-threshold",
        "expected-quorum-votes",
        "notification-agent",
        "notification-recipient",
    }
)
_NO_INFRASTRUCTURE = (
    "heartbeat",
    "openais",
    "classic openais",
    "classic openais (with plugin)",
    "cman",
)
_DEFAULTS = {
    "default-action-timeout": ("op_defaults", "timeout"),
    "default-resource-stickiness": ("rsc_defaults", "resource-stickiness"),
    "is-managed-default": ("rsc_defaults", "is-managed"),
}
_FAILURE_STICKINESS = "resource-failure-stickiness"
_ISOLATION = ("isolation", "isolation-host", "isolation-instance", "isolation-wrapper")
_FENCE_PARAMETERS = {
    f"pcmk_{one}_cmd": f"pcmk_{one}_action"
    for one in ("list", "monitor", "off", "on", "reboot", "status")
}
_OPERATION_META = (
    "interval-origin",
    "start-delay",
    "enabled",
    "on-fail",
    "record-pending",
    "role",
    "timeout",
)
_RESOURCES = ("primitive", "template", "group", "clone", "master", "bundle")


def from_2_to_3(configuration: Element) -> Element:
    """Return a 2.x configuration in the form of 3.0 (features 4.23)."""
    return _with_defaults(rewritten(configuration, _rule), _old_defaults(configuration))


def _rule(element: Element, parent: str) -> tuple[Element, ...]:
    match element.tag:
        case "cluster_property_set":
            return (_with_pairs(element, _property),)
        case "node" if element.get("type") == "normal":
            return (element.with_attributes({"type": "member"}),)
        case "instance_attributes" if parent in _RESOURCES:
            return (_with_pairs(element, _parameter),)
        case "meta_attributes" if parent in _RESOURCES:
            return (_with_pairs(element, _meta),)
        case "op":
            return (_operation(element),)
        case "rsc_colocation":
            dropped = {"score-attribute": None, "score-attribute-mangle": None}
            return (element.with_attributes(dropped),)
        case _:
            return same(element)


def _with_pairs(nvset: Element, change: Callable[[Element], Element | None]) -> Element:
    pairs = [change(child) if child.tag == "nvpair" else child for child in nvset.children]
    kept = tuple(pair for pair in pairs if pair is not None)
    return nvset if kept == nvset.children else nvset.with_children(kept)


def _property(pair: Element) -> Element | None:
    name = pair.get("name")
    dashed = name.replace("_", "-")
    if name in _PROPERTIES:
        return pair.with_attributes({"name": _PROPERTIES[name]})
    if dashed in _DROPPED_PROPERTIES or dashed in _DEFAULTS:
        return None
    if dashed == f"default-{_FAILURE_STICKINESS}":
        return None
    if name == "cluster-infrastructure" and pair.get("value") in _NO_INFRASTRUCTURE:
        return None
    return pair


def _parameter(pair: Element) -> Element | None:
    name = pair.get("name")
    if name in _FENCE_PARAMETERS:
        return pair.with_attributes({"name": _FENCE_PARAMETERS[name]})
    if name == "pcmk_arg_map":
        value = pair.get("value")
        if not value.startswith("port:"):
            return None
        renamed = {"name": "pcmk_host_argument", "value": value.removeprefix("port:")}
        return pair.with_attributes(renamed)
    return pair


def _meta(pair: Element) -> Element | None:
    name = pair.get("name")
    if name in _ISOLATION:
        return pair.with_attributes({"name": "target-role", "value": "Stopped"})
    if name.replace("_", "-") == _FAILURE_STICKINESS:
        if pair.get("value") != "-INFINITY":
            return None
        return pair.with_attributes({"name": "migration-threshold", "value": "1"})
    return pair


def _operation(element: Element) -> Element:
    """Move what is about the operation itself out of its parameters."""
    if element.get("name") not in ("start", "promote"):
        element = element.with_attributes({"requires": None})
    children: list[Element] = []
    for child in element.children:
        pairs = child.children if child.tag == "instance_attributes" else ()
        moved = tuple(pair for pair in pairs if pair.get("name") in _OPERATION_META)
        kept = tuple(pair for pair in pairs if pair not in moved and pair.get("name") != "requires")
        if len(kept) == len(pairs):
            children.append(child)
            continue
        if any(pair.tag == "nvpair" for pair in kept):
            children.append(child.with_children(kept))
        if moved:
            rules = tuple(child.each("rule"))
            id_ = {"id": f"_2TO3_{element.id}-meta"}
            children.append(Element("meta_attributes", id_, rules + moved))
    new = tuple(children)
    return element if new == element.children else element.with_children(new)


def _old_defaults(configuration: Element) -> dict[str, list[Element]]:
    """Collect the cluster options that became defaults of resources or operations."""
    found: dict[str, list[Element]] = {}
    options = configuration.child("crm_config")
    for each in options.each("cluster_property_set") if options is not None else ():
        for pair in each.each("nvpair"):
            dashed = pair.get("name").replace("_", "-")
            place, name, value = *_DEFAULTS.get(dashed, ("", "")), pair.get("value")
            if dashed == f"default-{_FAILURE_STICKINESS}" and value == "-INFINITY":
                place, name, value = "rsc_defaults", "migration-threshold", "1"
            if place:
                found.setdefault(place, []).append(nvpair(pair.id, name, value))
    return found


def _with_defaults(configuration: Element, defaults: Mapping[str, Iterable[Element]]) -> Element:
    for place in sorted(defaults):
        section = configuration.child(place)
        sets = tuple(section.each("meta_attributes")) if section is not None else ()
        known = {pair.get("name") for one in sets if not one.child("rule") for pair in one.each()}
        pairs = tuple(pair for pair in defaults[place] if pair.get("name") not in known)
        if not pairs:
            continue
        nvset = Element("meta_attributes", {"id": f"_2TO3_-{place.replace('_', '-')}"}, pairs)
        if section is None:
            added = (*configuration.children, Element(place, {}, (nvset,)))
        else:
            filled = section.with_children((nvset, *section.children))
            added = tuple(filled if one is section else one for one in configuration.children)
        configuration = configuration.with_children(added)
    return configuration
