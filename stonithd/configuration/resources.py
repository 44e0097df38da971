"""The fence devices among a CIB's resources, with templates applied and their parents known."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from cib_store.document.element import Element

_PARENTS = ("group", "clone", "master")
_CLASS = "stonith"


class Found(Struct, frozen=True):
    """A primitive of class stonith and the groups and clones it is in, the innermost first."""

    primitive: Element
    parents: tuple[Element, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every id by which a constraint may mean it."""
        template = self.primitive.get("template")
        own = (self.primitive.id, *(parent.id for parent in self.parents))
        return (*own, template) if template else own


def fence_resources(cib: Element) -> tuple[Found, ...]:
    """Return the fence devices, sorted by id."""
    resources = _section(cib, "resources")
    if resources is None:
        return ()
    templates = {element.id: element for element in resources.each("template")}
    found = _below(resources, (), templates)
    return tuple(sorted(found, key=lambda one: one.primitive.id))


def _section(cib: Element, name: str) -> Element | None:
    configuration = cib.child("configuration")
    return configuration.child(name) if configuration is not None else None


def _below(
    owner: Element, parents: tuple[Element, ...], templates: dict[str, Element]
) -> Iterator[Found]:
    for element in owner.each():
        if element.tag in _PARENTS:
            yield from _below(element, (element, *parents), templates)
        elif element.tag == "primitive":
            whole = _with_template(element, templates.get(element.get("template")))
            if whole.get("class") == _CLASS and whole.id:
                yield Found(whole, parents)


def _with_template(primitive: Element, template: Element | None) -> Element:
    """Put what the template says before what the primitive says itself, which then wins."""
    if template is None:
        return primitive
    inherited = {name: template.get(name) for name in ("class", "provider", "type")}
    attributes = {name: value for name, value in inherited.items() if value}
    attributes |= dict(primitive.attributes)
    return Element(primitive.tag, attributes, template.children + primitive.children)
