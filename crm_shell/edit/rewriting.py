"""A tree with some elements changed; whatever did not change stays the same object."""

from __future__ import annotations

from collections.abc import Callable

from cib_store.document.element import Element


def rewritten(element: Element, change: Callable[[Element], Element]) -> Element:
    """Return the tree of what `change` makes of each element, children before their parent."""
    children = tuple(rewritten(child, change) for child in element.children)
    if any(a is not b for a, b in zip(children, element.children, strict=True)):
        element = element.with_children(children)
    return change(element)
