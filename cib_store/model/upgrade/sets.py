"""The step from 3.10 to 4.0, first part: sets of pairs, cluster options, nodes, clones."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.references import Index
from cib_store.model.scores import parse_score
from cib_store.model.upgrade.rewriting import PREFIX, nvpair, rewritten, same

NVSETS = ("cluster_property_set", "instance_attributes", "meta_attributes", "utilization")
_PROPERTIES = {
    "crmd-finalization-timeout": "join-finalization-timeout",
    "crmd-integration-timeout": "join-integration-timeout",
    "crmd-transition-delay": "transition-delay",
}
_LEVEL_MAX = 9


def with_modern_sets(configuration: Element, index: Index) -> Element:
    """Sort the sets, rename options, turn masters into clones, ping nodes into members."""

    def rule(element: Element, parent: str) -> tuple[Element, ...]:
        element = _sorted_sets(element, index)
        match element.tag:
            case "nvpair":
                return _pair(element, parent, index)
            case "date_spec":
                return (element.with_attributes({"moon": None}),)
            case "fencing-level" if element.get("index", "1").isdigit():
                return () if int(element.get("index", "1")) > _LEVEL_MAX else (element,)
            case "node" if element.get("type") == "ping":
                return (element.with_attributes({"type": "member"}),)
            case "constraints":
                bans = _ping_bans(configuration)
                return (element.with_children(element.children + bans),) if bans else (element,)
            case "master":
                return (_clone(element),)
            case _ if element.tag in NVSETS:
                return (_without_doubles(element),)
            case _:
                return same(element)

    return rewritten(configuration, rule)


def _sorted_sets(element: Element, index: Index) -> Element:
    """Put the sets last, higher scores first; ``cib-bootstrap-options`` before all."""

    def rank(nvset: Element) -> tuple[bool, int]:
        meant = index.resolve(nvset) or nvset
        bootstrap = meant.tag == "cluster_property_set" and meant.id == "cib-bootstrap-options"
        return (not bootstrap, -parse_score(meant.attributes.get("score")))

    sets = [child for child in element.children if child.tag in NVSETS]
    if not sets:
        return element
    others = tuple(child for child in element.children if child.tag not in NVSETS)
    children = others + tuple(sorted(sets, key=rank))
    return element if children == element.children else element.with_children(children)


def _pair(pair: Element, parent: str, index: Index) -> tuple[Element, ...]:
    given = pair.attributes
    if "id-ref" in given:
        meant = index.resolve(pair)
        if meant is None or "name" not in given or "value" not in meant.attributes:
            return same(pair)
        id_ = f"{PREFIX}{meant.id}-{given['name']}"
        return (nvpair(id_, given["name"], meant.get("value")),)
    if "value" not in given:
        return ()
    if parent != "cluster_property_set":
        return same(pair)
    name = pair.get("name")
    if name == "remove-after-stop":
        return ()
    if name == "stonith-action" and given["value"] == "poweroff":
        return (pair.with_attributes({"value": "off"}),)
    return (pair.with_attributes({"name": _PROPERTIES.get(name, name)}),) if name else (pair,)


def _without_doubles(nvset: Element) -> Element:
    """Keep of several pairs with one name the first; the last ``#default`` before others."""
    pairs: dict[str, list[Element]] = {}
    for pair in nvset.each("nvpair"):
        if "name" in pair.attributes:
            pairs.setdefault(pair.get("name"), []).append(pair)
    if all(len(same_name) == 1 for same_name in pairs.values()):
        return nvset
    drop: set[int] = set()
    for same_name in pairs.values():
        unset = [pair for pair in same_name if pair.get("value") == "#default"]
        after = same_name[same_name.index(unset[-1]) + 1 :] if unset else same_name
        keep = after[:1] or unset[-1:]
        drop.update(id(pair) for pair in same_name if not any(pair is one for one in keep))
    return nvset.with_children(tuple(one for one in nvset.children if id(one) not in drop))


def _ping_bans(configuration: Element) -> tuple[Element, ...]:
    nodes = configuration.child("nodes")
    return tuple(
        Element(
            "rsc_location",
            {
                "id": f"{PREFIX}ping-node-ban-{node.get('uname')}",
                "rsc-pattern": ".*",
                "node": node.get("uname"),
                "score": "-INFINITY",
                "resource-discovery": "never",
            },
        )
        for node in (nodes.each("node") if nodes is not None else ())
        if node.get("type") == "ping"
    )


def _clone(master: Element) -> Element:
    id_ = f"{PREFIX}promotable-legacy-{master.id}-meta_attributes"
    pair = nvpair(f"{id_}-promotable", "promotable", "true")
    promotable = Element("meta_attributes", {"id": id_, "score": "INFINITY"}, (pair,))
    return Element("clone", master.attributes, (promotable, *master.children))
