"""References inside a CIB: an element that has only ``id-ref`` stands for the one with that id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from cib_store.document.element import Element


class Index(Struct, frozen=True):
    """The elements of a CIB that others may refer to, by tag and id."""

    by_tag_and_id: Mapping[tuple[str, str], Element] = field(default_factory=dict)

    @classmethod
    def of(cls, cib: Element) -> Index:
        """Index a CIB. Costs one walk, and only where the CIB has references at all."""
        section = cib.child("configuration")
        if section is None:
            return cls()
        elements = list(section.walk())
        if not any("id-ref" in element.attributes for element in elements):
            return cls()
        found: dict[tuple[str, str], Element] = {}
        for element in elements:
            if element.id:
                found.setdefault((element.tag, element.id), element)
        return cls(found)

    def resolve(self, element: Element) -> Element | None:
        """Return what `element` stands for: itself, or its target; None where that is missing."""
        reference = element.attributes.get("id-ref")
        if reference is None:
            return element
        return self.by_tag_and_id.get((element.tag, reference))

    def children(self, element: Element, tag: str) -> Iterator[Element]:
        """Yield the children called `tag` with references resolved."""
        for child in element.children:
            if child.tag == tag:
                resolved = self.resolve(child)
                if resolved is not None:
                    yield resolved
