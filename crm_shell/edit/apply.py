"""Statements applied to a configuration. Pure: the old one goes in, the new one comes out.

Create refuses ids that exist; update replaces them; push also removes what is not mentioned;
replace begins from an empty configuration and keeps the nodes (features 30.42). Options,
defaults and nodes are always merged.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from cib_store.document.element import COMMENT, Element
from cib_store.model.connections import is_connection
from crm_shell.edit.merging import merged_node, merged_options
from crm_shell.edit.pool import RESOURCES, SECTION_OF, Pool, flat
from crm_shell.edit.references import resolve_references
from crm_shell.edit.structure import structure_faults
from crm_shell.syntax import Parsed, Statement
from crm_shell.syntax.faults import Fault
from crm_shell.syntax.ids import DEFAULT_SETS, assign
from crm_shell.syntax.words import MEMBER


class Mode(Enum):
    """What happens to objects that exist, and to those that the text does not mention."""

    CREATE = "create"
    UPDATE = "update"
    PUSH = "push"
    REPLACE = "replace"


class Edited(Struct, frozen=True, kw_only=True):
    """The new configuration and all that is wrong with it; with faults it must not be used."""

    configuration: Element
    faults: tuple[Fault, ...]


def apply(configuration: Element, parsed: Parsed, mode: Mode) -> Edited:
    """Apply everything that `parsed` says."""
    edit = _Edit(configuration, mode)
    if mode is Mode.REPLACE:
        edit.clear()
    for statement in parsed.statements:
        edit.define(statement)
    if mode is Mode.PUSH:
        edit.forget_unmentioned()
    resolve_references(edit.pool)
    faults = [*parsed.faults, *edit.faults]
    faults.extend(structure_faults(edit.pool, edit.lines, parsed.faulty_words))
    faults.sort(key=lambda fault: (fault.line, fault.column))
    return Edited(configuration=edit.pool.configuration(configuration), faults=tuple(faults))


class _Edit:
    def __init__(self, configuration: Element, mode: Mode) -> None:
        self.old = configuration
        self.mode = mode
        self.pool = Pool.of(configuration)
        self.lines: dict[str, int] = {}
        self.faults: list[Fault] = []
        self.used = _ids_of(configuration)
        self.mentioned: set[tuple[str, str]] = set()

    def clear(self) -> None:
        for name, table in self.pool.sections.items():
            if name != "nodes":
                for each in table.values():
                    self.used -= _ids_of(each)
                table.clear()
        self.pool.top_order.clear()

    def fault(self, line: int, what: str, allowed: str = "") -> None:
        self.faults.append(Fault(line=line, column=1, what=what, allowed=allowed))

    def define(self, statement: Statement) -> None:
        element = statement.element
        match element.tag:
            case "op":
                self._monitor(element, statement.line)
            case "node":
                self._node(element)
            case "cluster_property_set":
                self._options(element, "crm_config")
            case "rsc_defaults" | "op_defaults":
                for each in element.each("meta_attributes"):
                    self._options(each, element.tag)
            case "fencing-topology":
                self._topology(element, statement.line)
            case _:
                self._object(element, statement)

    def _object(self, element: Element, statement: Statement) -> None:
        line, identity = statement.line, element.id
        if identity in self.lines:
            self.fault(line, f"{identity!r} is defined in line {self.lines[identity]} already")
            return
        self.lines[identity] = line
        self.mentioned.add((SECTION_OF[element.tag], identity))
        before = self.pool.find(identity)
        if before is not None and before.tag == "node" and is_connection(element):
            before = None  # a remote node has the name of its connection
        if before is not None and self.mode is Mode.CREATE:
            self.fault(
                line,
                f"{identity!r} exists already, it is a {before.tag}",
                "another id; 'crm configure edit' or 'load update' to change it",
            )
            return
        if before is not None and SECTION_OF[before.tag] != SECTION_OF[element.tag]:
            self.fault(line, f"{identity!r} is the id of a {before.tag}", "another id")
            return
        self._put(element, before)

    def _put(self, element: Element, before: Element | None) -> None:
        if element.tag not in RESOURCES:
            section = self.pool.sections[SECTION_OF[element.tag]]
            section[element.id] = self._with_ids(element, before)
            return
        # XML of a container brings its members along; each is an object of its own.
        for child in element.each(*RESOURCES):
            self._put(child, self.pool.sections["resources"].get(child.id))
            self.mentioned.add(("resources", child.id))
        self._take_from_others(element)
        self.pool.add_resource(self._with_ids(flat(element), before))

    def _take_from_others(self, element: Element) -> None:
        """A container that is redefined takes its members out of containers not mentioned."""
        if self.mode is Mode.CREATE:
            return
        wanted = {child.id for child in element.each(MEMBER)}
        table = self.pool.sections["resources"]
        for identity, other in list(table.items()):
            if identity == element.id or identity in self.lines:
                continue
            left = tuple(
                child
                for child in other.children
                if not (child.tag == MEMBER and child.id in wanted)
            )
            if len(left) != len(other.children):
                table[identity] = other.with_children(left)
                if not any(child.tag == MEMBER for child in left):
                    del table[identity]

    def _with_ids(self, element: Element, before: Element | None) -> Element:
        if before is not None:
            self.used -= _ids_of(before)
        whole = assign(element, self.used, before)
        self.used |= _ids_of(whole)
        return whole

    def _node(self, element: Element) -> None:
        name = element.get("uname")
        table = self.pool.sections["nodes"]
        before = next((node for node in table.values() if node.get("uname") == name), None)
        # The store names a node by its name; an id that a file brings from elsewhere is not kept.
        identity = before.id if before else name
        named = Element("node", {**element.attributes, "id": identity}, element.children)
        merged = merged_node(before, named) if before else named
        table[identity] = self._with_ids(merged, before)
        self.mentioned.add(("nodes", identity))

    def _options(self, element: Element, section: str) -> None:
        table = self.pool.sections[section]
        kind = "cluster_property_set" if section == "crm_config" else section
        identity = element.id or DEFAULT_SETS[kind]
        if not element.id and identity not in table:
            plain = [key for key, each in table.items() if each.id and each.child("rule") is None]
            identity = plain[0] if plain else identity
        before = table.get(identity)
        named = element.with_attributes({"id": identity})
        named = Element(named.tag, {"id": identity, **named.attributes}, named.children)
        merged = merged_options(before, named) if before else named
        table[identity] = self._with_ids(merged, before)
        self.mentioned.add((section, identity))

    def _topology(self, element: Element, line: int) -> None:
        nodes = [node.get("uname") for node in self.pool.sections["nodes"].values()]
        levels: list[Element] = []
        for level in element.each("fencing-level"):
            if {"target", "target-pattern", "target-attribute"} & level.attributes.keys():
                levels.append(level)
                continue
            levels.extend(
                Element("fencing-level", {"target": node, **level.attributes}) for node in nodes
            )
            if not nodes:
                self.fault(line, "no node is configured that these levels could be for", "NODE: …")
        table = self.pool.sections["fencing-topology"]
        before = Element("fencing-topology", {}, tuple(table.values()))
        table.clear()
        whole = self._with_ids(Element("fencing-topology", {}, tuple(levels)), before)
        table.update((level.id, level) for level in whole.children)
        self.mentioned.update(("fencing-topology", level.id) for level in whole.children)

    def _monitor(self, element: Element, line: int) -> None:
        identity = element.get("rsc")
        table = self.pool.sections["resources"]
        owner = table.get(identity)
        if owner is None or owner.tag not in ("primitive", "template"):
            self.fault(line, f"{identity!r} is no primitive", "primitive or template of that id")
            return
        op = element.with_attributes({"rsc": None})
        holder = owner.child("operations") or Element("operations")
        if any(
            each.get("name") == "monitor" and each.get("interval") == op.get("interval")
            for each in holder.each("op")
        ):
            self.fault(line, f"{identity!r} has a monitor every {op.get('interval')} already")
            return
        grown = holder.with_children((*holder.children, op))
        rest = tuple(child for child in owner.children if child.tag != "operations")
        table[identity] = self._with_ids(owner.with_children((*rest, grown)), owner)

    def forget_unmentioned(self) -> None:
        for name, table in self.pool.sections.items():
            if name == "nodes":
                continue
            for identity, each in list(table.items()):
                if each.tag != COMMENT and (name, identity) not in self.mentioned:
                    del table[identity]


def _ids_of(root: Element) -> set[str]:
    """Return the ids that elements below `root` own; ids that only refer are left out."""
    return {
        each.id
        for each in root.walk()
        if each.id and each.tag not in (MEMBER, "resource_ref", "obj_ref", "role")
    }
