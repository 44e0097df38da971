"""References: what a constraint, a template, an id-ref or a level names must be there."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from cib_store.document.element import REFERENCES, Element
from cib_store.document.ids import defined_ids
from cib_store.document.sections import RESOURCES
from raftmaker.vocabulary.reports import Report

_CONSTRAINTS = ("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket")
_RESOURCE_ATTRIBUTES = {tag: REFERENCES[tag] for tag in _CONSTRAINTS}


class _Names(Struct, frozen=True):
    """What there is to refer to."""

    tags_of: dict[str, str]
    nodes: frozenset[str]

    @property
    def resources(self) -> frozenset[str]:
        wanted = (*RESOURCES, "tag")
        return frozenset(name for name, tag in self.tags_of.items() if tag in wanted)


def _names(configuration: Element) -> _Names:
    nodes = configuration.child("nodes")
    known: set[str] = set()
    for node in nodes.each("node") if nodes is not None else ():
        known |= {node.id, node.get("uname")}
    return _Names(dict(defined_ids(configuration)), frozenset(known))


def reference_faults(configuration: Element, within: Element | None = None) -> Iterator[Report]:
    """Yield every reference to something that is not there; only those `within` if given."""
    names = _names(configuration)
    resources = names.resources
    for element in (within or configuration).walk():
        here = f"//{element.tag}[@id='{element.id}']"
        for attribute in _RESOURCE_ATTRIBUTES.get(element.tag, ()):
            name = element.attributes.get(attribute)
            if name is not None and name not in resources:
                yield _unknown(here, f"{element.tag} {element.id!r}", attribute, name, "resource")
        if element.tag == "resource_set":
            for each in element.each("resource_ref"):
                if each.id not in resources:
                    yield _unknown(here, "the set", element.id, each.id, "resource")
        elif element.tag == "fencing-level":
            for device in element.get("devices").split(","):
                if device.strip() and names.tags_of.get(device.strip()) != "primitive":
                    yield _unknown(here, "fencing-level", "devices", device.strip(), "device")
        elif element.tag in ("acl_target", "acl_group"):
            for role in element.each("role"):
                if names.tags_of.get(role.id) != "acl_role":
                    yield _unknown(here, f"{element.tag} {element.id!r}", "role", role.id, "role")
        yield from _template_and_id_ref(element, names, here)
        if element.tag in _RESOURCE_ATTRIBUTES:
            yield from _incomplete(element, here)


def _template_and_id_ref(element: Element, names: _Names, here: str) -> Iterator[Report]:
    reference = element.attributes.get("id-ref")
    if reference is not None and names.tags_of.get(reference) != element.tag:
        here = here if element.id else f"//{element.tag}[@id-ref='{reference}']"
        yield _unknown(here, element.tag, "id-ref", reference, element.tag)
    template = element.attributes.get("template") if element.tag == "primitive" else None
    if template is not None and names.tags_of.get(template) != "template":
        yield _unknown(here, f"primitive {element.id!r}", "template", template, "template")


def _unknown(where: str, owner: str, attribute: str, name: str, kind: str) -> Report:
    return Report(
        code="unknown-reference",
        where=where,
        what=f"{owner}: {attribute} names {name!r}, and there is no such {kind}",
        mend=f"create the {kind} first, or in the same change, or correct the name",
    )


def _incomplete(element: Element, here: str) -> Iterator[Report]:
    """A constraint needs its resources, one way or the other (features 12, 13)."""
    given = element.attributes.keys()
    if element.child("resource_set") is not None:
        return
    if element.tag == "rsc_location":
        lacking = [] if given & {"rsc", "rsc-pattern"} else ["rsc"]
        if not ({"node", "score"} <= given or element.child("rule") is not None):
            lacking += ["node and score, or a rule"]
    else:
        lacking = [name for name in _RESOURCE_ATTRIBUTES[element.tag] if name not in given]
    if lacking:
        yield Report(
            code="missing-attribute",
            where=here,
            what=f"{element.tag} {element.id!r} lacks {', '.join(lacking)}",
            mend="name them, or give resource sets",
        )


def node_warnings(configuration: Element) -> Iterator[Report]:
    """Yield location constraints on nodes that are not (yet) known."""
    nodes = _names(configuration).nodes
    constraints = configuration.child("constraints")
    for location in constraints.each("rsc_location") if constraints is not None else ():
        node = location.attributes.get("node")
        if node is not None and node not in nodes:
            yield Report(
                code="unknown-node",
                where=f"//rsc_location[@id='{location.id}']",
                what=f"no node {node!r} has joined so far",
                mend="check its name, if it is not to join later",
                is_error=False,
            )
