"""Rewriting a tree from its leaves up; what no rule changes keeps its identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cib_store.document.element import Element

Rule = Callable[[Element, str], Iterable[Element]]
"""Given an element (its children rewritten) and its parent's tag: what takes its place."""

PREFIX = "pcmk__3_10_upgrade-"
"""Begins the id of everything that the step to 4.0 makes, as Pacemaker's does."""


def same(element: Element) -> tuple[Element]:
    """Return the element alone: a rule's answer for what it leaves alone."""
    return (element,)


def rewritten(element: Element, rule: Rule) -> Element:
    """Return `element` with `rule` applied to everything below it, the deepest first."""
    children: list[Element] = []
    for child in element.children:
        children.extend(rule(rewritten(child, rule), element.tag))
    if len(children) == len(element.children) and all(
        new is old for new, old in zip(children, element.children, strict=True)
    ):
        return element
    return element.with_children(tuple(children))


def nvpair(id_: str, name: str, value: str) -> Element:
    """Build a name-value pair."""
    return Element("nvpair", {"id": id_, "name": name, "value": value})
