"""XPath on the persistent tree: asked by users, never while a command is applied.

The tree that lxml wants is read from the document's text, once for a version of the CIB, when it is
first asked for. Any thread may ask: nothing in the tree is changed afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from cib_store.document.codec import render, tree_of
from cib_store.document.element import Element
from cib_store.document.path import Trail

_FEW = 8
"""So many elements are looked for one by one among their siblings."""


class BadXPath(ValueError):
    """The expression cannot be evaluated, or gives something else than elements."""


class XPathTree:
    """One version of the CIB, ready for XPath."""

    def __init__(self, root: Element) -> None:
        """Nothing is built before it is asked for."""
        self.root = root
        self._tree: etree._ElementTree | None = None

    def find(self, expression: str) -> tuple[Trail, ...]:
        """Return every element that matches, in document order. Raises `BadXPath`."""
        nodes: list[etree._Element] = []
        for match in self._matches(expression):
            if not isinstance(match, etree._Element) or isinstance(match, etree._Comment):
                raise BadXPath(f"{expression!r} gives attributes, text or comments, not elements")
            nodes.append(match)
        return _trails(nodes)

    def owners(self, expression: str) -> tuple[Trail, ...]:
        """Return every element that matches, or that an attribute or text that matches is in.

        So permissions are meant (features 20.4). Raises `BadXPath`.
        """
        nodes: dict[etree._Element, None] = {}
        for match in self._matches(expression):
            node = match if isinstance(match, etree._Element) else _parent(match)
            if node is not None and not isinstance(node, etree._Comment):
                nodes[node] = None
        return _trails(tuple(nodes))

    def _matches(self, expression: str) -> list[object]:
        if self._tree is None:
            self._tree = tree_of(render(self.root, indent=0))
        try:
            found = self._tree.xpath(expression)
        except etree.XPathError as error:
            raise BadXPath(f"{expression!r} is no XPath: {error}") from None
        if not isinstance(found, list):
            raise BadXPath(f"{expression!r} gives a value, not elements")
        return list(found)


def _trails(nodes: Sequence[etree._Element]) -> tuple[Trail, ...]:
    """Return where these are, in the same order."""
    places: dict[etree._Element, dict[etree._Element, int]] = {}

    def place(parent: etree._Element, node: etree._Element) -> int:
        if len(nodes) <= _FEW:
            return parent.index(node)
        if parent not in places:
            places[parent] = {child: at for at, child in enumerate(parent)}
        return places[parent][node]

    def trail(node: etree._Element) -> Trail:
        found: list[int] = []
        while (parent := node.getparent()) is not None:
            found.append(place(parent, node))
            node = parent
        return tuple(reversed(found))

    return tuple(trail(node) for node in nodes)


def _parent(match: object) -> etree._Element | None:
    """Return the element that an attribute or a text belongs to."""
    owner = match.getparent() if isinstance(match, etree._ElementUnicodeResult) else None
    return owner if isinstance(owner, etree._Element) else None
