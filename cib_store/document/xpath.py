"""XPath on the persistent tree: asked by users, never while a command is applied.

The tree that lxml wants is built once for a version of the CIB, when it is first asked for.
"""

from __future__ import annotations

from lxml import etree

from cib_store.document.element import COMMENT, Element
from cib_store.document.path import Trail


class BadXPath(ValueError):
    """The expression cannot be evaluated, or gives something else than elements."""


class XPathTree:
    """One version of the CIB, ready for XPath."""

    def __init__(self, root: Element) -> None:
        """Nothing is built before it is asked for."""
        self.root = root
        self._trails: dict[etree._Element, Trail] = {}
        self._tree: etree._Element | None = None

    def _built(self, element: Element, trail: Trail) -> etree._Element:
        node = etree.Element(element.tag, dict(element.attributes))
        if element.text:
            node.text = element.text
        self._trails[node] = trail
        for position, child in enumerate(element.children):
            if child.tag == COMMENT:
                node.append(etree.Comment(child.text))
            else:
                node.append(self._built(child, (*trail, position)))
        return node

    def find(self, expression: str) -> tuple[Trail, ...]:
        """Return every element that matches, in document order. Raises `BadXPath`."""
        trails: list[Trail] = []
        for node in self._matches(expression):
            trail = self._trails.get(node) if isinstance(node, etree._Element) else None
            if trail is None:
                raise BadXPath(f"{expression!r} gives attributes, text or comments, not elements")
            trails.append(trail)
        return tuple(trails)

    def owners(self, expression: str) -> tuple[Trail, ...]:
        """Return every element that matches, or that an attribute or text that matches is in.

        So permissions are meant (features 20.4). Raises `BadXPath`.
        """
        trails: dict[Trail, None] = {}
        for match in self._matches(expression):
            node = match if isinstance(match, etree._Element) else _parent(match)
            trail = None if node is None else self._trails.get(node)
            if trail is not None:
                trails[trail] = None
        return tuple(trails)

    def _matches(self, expression: str) -> list[object]:
        if self._tree is None:
            self._tree = self._built(self.root, ())
        try:
            found = etree.ElementTree(self._tree).xpath(expression)
        except etree.XPathError as error:
            raise BadXPath(f"{expression!r} is no XPath: {error}") from None
        if not isinstance(found, list):
            raise BadXPath(f"{expression!r} gives a value, not elements")
        return list(found)


def _parent(match: object) -> etree._Element | None:
    """Return the element that an attribute or a text belongs to."""
    owner = match.getparent() if isinstance(match, etree._ElementUnicodeResult) else None
    return owner if isinstance(owner, etree._Element) else None
