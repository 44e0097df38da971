"""From the CIB to the core's `Setup`: the one entry of this package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.nvsets import merged_pairs
from cib_store.model.options import ClusterOptions
from cib_store.model.references import Index
from cib_store.model.rules import RuleInput, Verdicts
from cib_store.model.values import interval_ms, parse_integer
from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.configuration.devices import device_of
from stonithd.configuration.locations import Places, banned_nodes
from stonithd.configuration.resources import Found, fence_resources
from stonithd.fencing.setup import Abilities, Device, Setup, TopologyLevel

_LEVELS = range(1, 10)


class _Reader(Struct, frozen=True):
    """What all parts of one reading share."""

    cib: Element
    index: Index
    given: RuleInput

    def section(self, name: str) -> Element | None:
        configuration = self.cib.child("configuration")
        return configuration.child(name) if configuration is not None else None

    def pairs(self, owner: Element | None, tag: str) -> dict[str, str]:
        return merged_pairs(owner, tag, self.given, self.index, verdicts=Verdicts())


def agents_of(cib: Element) -> tuple[str, ...]:
    """Return the fence agents that the configuration uses, sorted, each once."""
    return tuple(sorted({found.primitive.get("type") for found in fence_resources(cib)} - {""}))


def setup_of(
    cib: Element,
    *,
    members: Iterable[NodeName],
    abilities: Mapping[str, Abilities],
    now: Moment,
) -> Setup:
    """Decode everything that fencing needs; `abilities` are those of the agents installed here."""
    reader = _Reader(cib, Index.of(cib), RuleInput(now=now))
    options = ClusterOptions.of(
        merged_pairs(
            reader.section("crm_config"),
            "cluster_property_set",
            reader.given,
            reader.index,
            verdicts=Verdicts(),
            first_id="cib-bootstrap-options",
        )
    )
    attributes = _node_attributes(reader)
    present = tuple(sorted(members))
    places = Places(
        constraints=reader.section("constraints"),
        tags=reader.section("tags"),
        nodes={node: attributes.get(node, {}) for node in sorted({*attributes, *present})},
        symmetric=options.flag("symmetric-cluster"),
        given=reader.given,
        index=reader.index,
    )
    return Setup(
        devices=tuple(_device(reader, one, places, abilities) for one in fence_resources(cib)),
        topology=_topology(reader),
        members=present,
        monitored=_monitored(cib),
        attributes=attributes,
        fencing_timeout_ms=options.duration_ms("fencing-timeout"),
    )


def _device(
    reader: _Reader, found: Found, places: Places, abilities: Mapping[str, Abilities]
) -> Device:
    meta: dict[str, str] = {}
    owners = (
        (found.primitive, "meta_attributes"),
        *((parent, "meta_attributes") for parent in found.parents),
        (reader.section("rsc_defaults"), "meta_attributes"),
    )
    for owner, tag in owners:
        meta = {**reader.pairs(owner, tag), **meta}
    return device_of(
        found,
        parameters=reader.pairs(found.primitive, "instance_attributes"),
        meta=meta,
        banned=banned_nodes(found, places),
        abilities=abilities.get(found.primitive.get("type")),
    )


def _topology(reader: _Reader) -> tuple[TopologyLevel, ...]:
    section = reader.section("fencing-topology")
    levels = []
    for element in section.each("fencing-level") if section is not None else ():
        index = parse_integer(element.attributes.get("index"))
        names = (name.strip() for name in element.get("devices").split(","))
        devices = tuple(ResourceId(name) for name in names if name)
        if index is None or index not in _LEVELS or not devices:
            continue  # refused by the schema; ignored as Pacemaker does
        levels.append(
            TopologyLevel(
                index=index,
                devices=devices,
                target=NodeName(element.get("target")),
                pattern=element.get("target-pattern"),
                attribute=element.get("target-attribute"),
                value=element.get("target-value"),
            )
        )
    return tuple(levels)


def _node_attributes(reader: _Reader) -> dict[NodeName, dict[str, str]]:
    """Permanent and transient attributes of every node, the transient ones first."""
    found: dict[NodeName, dict[str, str]] = {}
    nodes = reader.section("nodes")
    for node in nodes.each("node") if nodes is not None else ():
        name = NodeName(node.get("uname") or node.id)
        found[name] = reader.pairs(node, "instance_attributes")
    for state in _node_states(reader.cib):
        name = NodeName(state.get("uname") or state.id)
        for transient in state.each("transient_attributes"):
            own = reader.pairs(transient, "instance_attributes")
            found[name] = {**found.get(name, {}), **own}
    return found


def _node_states(cib: Element) -> Iterable[Element]:
    status = cib.child("status")
    return status.each("node_state") if status is not None else ()


def _monitored(cib: Element) -> tuple[tuple[ResourceId, NodeName], ...]:
    """Where a device's newest operation is a recurring monitor that succeeds (features 17.28)."""
    found = []
    for state in _node_states(cib):
        node = NodeName(state.get("uname") or state.id)
        for resource in _resources_of(state):
            if resource.get("class") == "stonith" and _is_watched(resource):
                found.append((ResourceId(resource.id.partition(":")[0]), node))
    return tuple(sorted(found))


def _resources_of(state: Element) -> Iterable[Element]:
    for lrm in state.each("lrm"):
        for resources in lrm.each("lrm_resources"):
            yield from resources.each("lrm_resource")


def _is_watched(resource: Element) -> bool:
    operations = [
        (parse_integer(one.attributes.get("call-id")) or 0, one)
        for one in resource.each("lrm_rsc_op")
    ]
    if not operations:
        return False
    newest = max(operations, key=lambda pair: pair[0])[1]
    return (
        newest.get("operation") == "monitor"
        and interval_ms(newest.attributes.get("interval")) > 0
        and newest.get("rc-code") == "0"
    )
