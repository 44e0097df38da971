"""The schema for whole documents and the checks of changes say the same (features 4.20, 4.22)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cib_store.document.element import Element
from cib_store.document.sections import REQUIRED
from cib_store.schema import faults
from cib_store.schema.relaxng import FILE, grammar, is_valid
from cib_store.schema.values import ATTRIBUTES, COUNT, PATH, SCORE
from cib_store.schema.vocabulary import SHAPES
from raftmaker.vocabulary.reports import Report

_GOOD = {SCORE: ("7", "-INFINITY", "+3"), COUNT: ("0", "12"), PATH: ("/x", "/opt/an alert.sh")}
_STRUCTURE = {"unknown-element", "unknown-attribute", "empty-id"}


@st.composite
def _elements(draw: st.DrawFn, tag: str, depth: int) -> Element:
    shape = SHAPES[tag]
    names = set(shape.required)
    names |= draw(st.sets(st.sampled_from(sorted(shape.allowed)))) if shape.allowed else set()
    if draw(st.integers(0, 15)) == 0 and names:
        names.discard(draw(st.sampled_from(sorted(names))))
    if draw(st.integers(0, 25)) == 0:
        names.add("colour")
    attributes = {name: draw(_value(tag, name)) for name in sorted(names)}
    children: list[Element] = []
    if depth and shape.children:
        for _ in range(draw(st.integers(0, 2))):
            child = draw(st.sampled_from(sorted(shape.children)))
            wrong = draw(st.integers(0, 20)) == 0
            child = draw(st.sampled_from(["nvpair", "node", "primitive"])) if wrong else child
            children.append(draw(_elements(child, depth - 1)))
    return Element(tag, attributes, tuple(children))


def _value(tag: str, name: str) -> st.SearchStrategy[str]:
    kind = ATTRIBUTES.get((tag, name))
    if name == "id":
        return st.sampled_from(["a", "b", "c", "_d.1-é", " ", "1a", "a b", "a:b", "-a"])
    if kind in _GOOD:
        return st.sampled_from([*_GOOD[kind], "many"])
    if kind is not None and kind.words:
        return st.sampled_from([*kind.words, kind.words[0].upper(), "perhaps"])
    return st.just("true" if kind is not None and kind.name == "boolean" else "10s")


@st.composite
def _configurations(draw: st.DrawFn) -> Element:
    names = [*REQUIRED, *sorted(draw(st.sets(st.sampled_from(["acls", "tags", "alerts"]))))]
    return Element("configuration", {}, tuple(draw(_elements(name, 3)) for name in names))


def _is_structural(report: Report) -> bool:
    return report.code in _STRUCTURE


@settings(max_examples=150)
@given(_configurations())
def test_the_schema_and_the_checks_agree(configuration: Element) -> None:
    found = faults(Element("cib", {}, (configuration, Element("status"))))
    if is_valid(configuration):
        assert not any(_is_structural(each) for each in found), found
    else:
        assert found, "the schema refuses what the checks accept"


def test_the_file_is_what_the_tables_say() -> None:
    assert FILE.read_text("utf-8") == grammar()
