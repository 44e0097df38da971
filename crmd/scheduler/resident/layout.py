"""Which resources the configuration ties together: components that can be decided apart.

Two resources are in one component if a constraint names both, itself or through a set, a tag or a
template. Nothing else ties resources but what `Layout` refuses: then the cluster is one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.references import Index
from crmd.scheduler.actions.keys import base_name

_CONSTRAINTS = frozenset(("rsc_order", "rsc_colocation", "rsc_location", "rsc_ticket"))
_NAMING = ("rsc", "with-rsc", "first", "then")
_RESOURCES = frozenset(("primitive", "group", "clone"))
_TYING = frozenset(("remote-node", "container"))
"""Meta-attributes by which one resource launches another."""


class Component(Struct, frozen=True, eq=False):
    """Resources that are decided together, and the constraints that are about them."""

    resources: tuple[Element, ...]
    constraints: tuple[Element, ...]
    primitives: frozenset[str]
    has_clone: bool

    def is_still(self, other: Component) -> bool:
        """Whether the configuration of both is the same, object by object."""
        mine, its = (*self.resources, *self.constraints), (*other.resources, *other.constraints)
        return len(mine) == len(its) and all(one is two for one, two in zip(mine, its, strict=True))


class Layout(Struct, frozen=True, eq=False, kw_only=True):
    """One configuration, taken apart."""

    configuration: Element
    index: Index
    components: dict[str, Component]
    """By the id of their first resource."""
    of_name: dict[str, str]
    """The component of each resource, member and clone by id."""
    of_constraint: dict[str, str]
    general: tuple[Element, ...]
    """Templates, which belong to no component."""
    patterns: tuple[Element, ...]
    """Constraints that apply to whatever has a matching name."""
    tops: dict[str, int]
    """Outermost resources and where they stand in the configuration."""
    constraints: dict[str, int]
    readable: frozenset[str]
    """Names of node attributes that the configuration asks for."""
    have_fencing: bool

    def component_of(self, id_: str) -> str | None:
        """Return the component of a resource as constraints or histories name it."""
        found = self.of_name.get(id_)
        return found if found is not None else self.of_name.get(base_name(id_))


def lay_out(configuration: Element, index: Index) -> Layout | None:
    """Take a configuration apart; None where that cannot be done."""
    resources, constraints = (
        _below(configuration, "resources"),
        _below(configuration, "constraints"),
    )
    tops = [each for each in resources if each.tag != "template"]
    names: dict[str, Element] = {}
    for top in tops:
        for part in top.walk():
            if part.tag in _RESOURCES:
                if not part.id or names.setdefault(part.id, top) is not top:
                    return None
                names[part.id] = top
    ids = [each.id for each in (*tops, *constraints)]
    if len(set(ids)) < len(ids) or not all(ids) or not _can_be_parted(configuration):
        return None
    groups = {top.id: top.id for top in tops}
    named: dict[str, list[str]] = {}
    meaning = _meanings(configuration, resources, names)
    for constraint in constraints:
        found: dict[str, None] = {}
        for name in _names_in(constraint, index):
            members = meaning(name)
            if members is None:
                return None
            found.update(dict.fromkeys(members))
        named[constraint.id] = list(found)
        for other in named[constraint.id][1:]:
            _join(groups, named[constraint.id][0], other)
    return _parted(configuration, index, tops, constraints, names, groups, named)


def _below(configuration: Element, section: str) -> list[Element]:
    found = configuration.child(section)
    return list(found.each()) if found is not None else []


def _can_be_parted(configuration: Element) -> bool:
    for element in configuration.walk():
        match element.tag:
            case "date_expression" | "bundle":
                return False
            case "nvpair" if element.get("name") in _TYING:
                return False
            case "rsc_location" if "rsc-pattern" in element.attributes and (
                "rsc" in element.attributes or element.child("resource_set") is not None
            ):
                return False
            case _:
                pass
    tags = {element.tag for element in _below(configuration, "resources")}
    kinds = {element.tag for element in _below(configuration, "constraints")}
    return tags <= _RESOURCES | {"template"} and kinds <= _CONSTRAINTS


class _meanings:  # used as a function
    """What a name in a constraint stands for: ids of outermost resources."""

    def __init__(
        self, configuration: Element, resources: list[Element], names: dict[str, Element]
    ) -> None:
        self.names = names
        self.sets: dict[str, list[str]] = {
            each.id: [] for each in resources if each.tag == "template"
        }
        for each in (part for top in resources for part in top.walk()):
            template = each.attributes.get("template")
            if template is not None:
                self.sets.setdefault(template, []).append(each.id)
        for tag in _below(configuration, "tags"):
            self.sets.setdefault(tag.id, []).extend(each.id for each in tag.each("obj_ref"))

    def __call__(self, name: str, above: frozenset[str] = frozenset()) -> list[str] | None:
        known = self.names.get(name) or self.names.get(base_name(name))
        if known is not None:
            return [known.id]
        if name in above or not self.sets.get(name):
            return None
        found: list[str] = []
        for member in self.sets[name]:
            inner = self(member, above | {name})
            if inner is None:
                return None
            found += inner
        return found


def _names_in(constraint: Element, index: Index) -> Iterator[str]:
    for attribute in _NAMING:
        if attribute in constraint.attributes:
            yield constraint.attributes[attribute]
    for each in index.children(constraint, "resource_set"):
        for reference in each.each("resource_ref"):
            yield reference.id


def _find(groups: dict[str, str], id_: str) -> str:
    while groups[id_] != id_:
        groups[id_] = groups[groups[id_]]
        id_ = groups[id_]
    return id_


def _join(groups: dict[str, str], one: str, other: str) -> None:
    groups[_find(groups, other)] = _find(groups, one)


def _parted(
    configuration: Element,
    index: Index,
    tops: list[Element],
    constraints: list[Element],
    names: dict[str, Element],
    groups: dict[str, str],
    named: dict[str, list[str]],
) -> Layout:
    members: dict[str, list[Element]] = {}
    for top in tops:
        members.setdefault(_find(groups, top.id), []).append(top)
    about: dict[str, list[Element]] = {}
    patterns: list[Element] = []
    for constraint in constraints:
        if named[constraint.id]:
            about.setdefault(_find(groups, named[constraint.id][0]), []).append(constraint)
        elif "rsc-pattern" in constraint.attributes:
            patterns.append(constraint)
    components: dict[str, Component] = {}
    of_root: dict[str, str] = {}
    for root, elements in members.items():
        of_root[root] = elements[0].id
        parts = [part for element in elements for part in element.walk()]
        components[elements[0].id] = Component(
            tuple(elements),
            tuple(about.get(root, ())),
            frozenset(part.id for part in parts if part.tag == "primitive"),
            any(part.tag == "clone" for part in parts),
        )
    of_top = {top.id: of_root[_find(groups, top.id)] for top in tops}
    return Layout(
        configuration=configuration,
        index=index,
        components=components,
        of_name={name: of_top[top.id] for name, top in names.items()},
        of_constraint={id_: of_top[resources[0]] for id_, resources in named.items() if resources},
        general=tuple(
            each for each in _below(configuration, "resources") if each.tag == "template"
        ),
        patterns=tuple(patterns),
        tops={top.id: at for at, top in enumerate(tops)},
        constraints={constraint.id: at for at, constraint in enumerate(constraints)},
        readable=frozenset(_attributes_read(configuration.walk())),
        have_fencing=any(
            part.get("class").lower() == "stonith" for top in tops for part in top.walk()
        ),
    )


def _attributes_read(elements: Iterable[Element]) -> Iterator[str]:
    for element in elements:
        match element.tag:
            case "expression":
                yield element.get("attribute")
            case "rule":
                yield element.get("score-attribute")
            case "rsc_colocation":
                yield element.get("node-attribute")
            case _:
                pass
