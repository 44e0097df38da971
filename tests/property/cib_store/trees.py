"""Random CIB-like trees: unique ids among siblings, some elements without an id, some comments."""

from __future__ import annotations

from hypothesis import strategies as st

from cib_store.document.element import COMMENT, Element

_TAGS = st.sampled_from(["primitive", "group", "nvpair", "op", "rule"])
_NAMES = st.sampled_from(["name", "value", "score"])
_VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=6)
_IDS = st.sampled_from(["a", "b", "c", "d", "o'e", "f:1"])
_COMMENTS = st.sampled_from(["one", "two"]).map(lambda text: Element(COMMENT, text=text))


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> Element:
    """One element with unique (tag, id) among its children."""
    attributes = draw(st.dictionaries(_NAMES, _VALUES, max_size=2))
    if draw(st.booleans()):
        attributes["id"] = draw(_IDS)
    below = st.one_of(_COMMENTS, elements(depth - 1)) if depth else st.nothing()
    children: list[Element] = []
    for child in draw(st.lists(below, max_size=4)) if depth else ():
        twin = any(child.id and (child.tag, child.id) == (one.tag, one.id) for one in children)
        if not twin:
            children.append(child)
    return Element(draw(_TAGS), attributes, tuple(children))


@st.composite
def cibs(draw: st.DrawFn) -> Element:
    """A root with a configuration and a status below it."""
    sections = [
        Element(name, {}, tuple(draw(elements(1)) for _ in range(draw(st.integers(0, 3)))))
        for name in ("configuration", "status")
    ]
    version = draw(st.integers(0, 9))
    return Element("cib", {"epoch": str(version)}, tuple(sections))
