"""The configuration as one flat, ordered table of objects by id, and the way back into the tree.

In the table a container holds references (`MEMBER`) instead of its members, as in the shell's
language; folding puts each member into its container.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from cib_store.document.element import Element
from crm_shell.syntax.words import MEMBER

SECTIONS = (
    "crm_config", "nodes", "resources", "constraints", "fencing-topology", "rsc_defaults",
    "op_defaults", "alerts", "acls", "tags",
)  # fmt: skip
_REQUIRED = ("crm_config", "nodes", "resources", "constraints")
RESOURCES = ("primitive", "group", "clone", "master", "bundle", "template")
_HOLDERS = ("group", "clone", "master", "bundle")
SECTION_OF = {
    **dict.fromkeys(RESOURCES, "resources"),
    **dict.fromkeys(("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket"), "constraints"),
    **dict.fromkeys(("acl_role", "acl_target", "acl_group", "acl_user"), "acls"),
    "node": "nodes",
    "tag": "tags",
    "alert": "alerts",
    "cluster_property_set": "crm_config",
    "fencing-level": "fencing-topology",
}


class Pool(Struct):
    """Objects by section and id, in order. Mutable: it lives within one edit."""

    sections: dict[str, dict[str, Element]] = field(default_factory=dict)
    top_order: list[str] = field(default_factory=list)
    """Ids of the resources as they stand in the tree, members after their container."""

    @classmethod
    def of(cls, configuration: Element) -> Pool:
        """Flatten a configuration."""
        pool = cls({name: {} for name in SECTIONS})
        for section in configuration.each():
            table = pool.sections.setdefault(section.tag, {})
            if section.tag == "resources":
                for resource in section.each():
                    pool.add_resource(resource)
            else:
                for child in section.children:
                    table[child.id or f"#{len(table)}"] = child
        return pool

    def add_resource(self, element: Element) -> None:
        """Put a resource, and what it contains, into the table; one of that id is replaced."""
        table = self.sections["resources"]
        table[element.id] = flat(element)
        if element.id not in self.top_order:
            self.top_order.append(element.id)
        if element.tag in _HOLDERS:
            for child in element.each(*RESOURCES):
                self.add_resource(child)

    def find(self, identity: str) -> Element | None:
        """Return the object with this id, whatever its section (a node also by its name).

        Nodes come last: a remote node has the name of its connection, and that is what is meant.
        """
        for name, table in self.sections.items():
            if name != "nodes" and identity in table:
                return table[identity]
        for node in self.sections["nodes"].values():
            if identity in (node.id, node.get("uname")):
                return node
        return None

    def containers_of(self, identity: str) -> list[Element]:
        """Return the containers that hold this resource."""
        return [
            each
            for each in self.sections["resources"].values()
            if any(child.id == identity for child in each.each(MEMBER))
        ]

    def configuration(self, old: Element) -> Element:
        """Fold the table into a tree again; sections that did not change keep their identity."""
        sections: list[Element] = []
        for name in SECTIONS:
            before = old.child(name)
            children = (
                tuple(self._tops()) if name == "resources" else tuple(self.sections[name].values())
            )
            if before is None and not children and name not in _REQUIRED:
                continue
            section = before or Element(name)
            sections.append(section if section.children == children else
                            section.with_children(children))  # fmt: skip
        return old.with_children(tuple(sections))

    def _tops(self) -> Iterable[Element]:
        table = self.sections["resources"]
        held = {
            child.id for each in table.values() for child in each.each(MEMBER) if child.id in table
        }
        for identity in self.top_order:
            if identity in table and identity not in held:
                yield self._folded(table[identity], ())

    def _folded(self, element: Element, above: tuple[str, ...]) -> Element:
        table = self.sections["resources"]
        if not any(child.tag == MEMBER for child in element.children):
            return element
        children = tuple(
            self._folded(table[child.id], (*above, element.id)) if child.tag == MEMBER else child
            for child in element.children
            if child.tag != MEMBER or (child.id in table and child.id not in above)
        )
        return element.with_children(children)


def flat(element: Element) -> Element:
    """Return a resource with references in place of the resources that it contains."""
    if element.tag not in _HOLDERS:
        return element
    return element.with_children(
        tuple(
            Element(MEMBER, {"id": child.id}) if child.tag in RESOURCES else child
            for child in element.children
        )
    )
