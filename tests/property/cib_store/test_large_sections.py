"""In a large section what was exchanged is known, not looked for, and it comes to the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cib_store.document import edit, element, patchset
from cib_store.document.element import Element
from cib_store.document.patchset import apply_patchset, difference
from cib_store.document.path import put, trail_of
from cib_store.document.refusal import Refusal

CHILDREN = 40
"""So many that a copy remembers what it was made of."""
EXCHANGES = st.lists(st.tuples(st.integers(0, CHILDREN - 1), st.integers(0, 3)), max_size=14)


def section() -> Element:
    return Element(
        "resources",
        {},
        tuple(Element("primitive", {"id": f"r{number}"}) for number in range(CHILDREN)),
    )


def looked_for(old: Element, new: Element) -> list[tuple[int, int]]:
    pairs = zip(old.children, new.children, strict=True)
    return [(id(one), id(other)) for one, other in pairs if one is not other]


@given(EXCHANGES, st.data())
def test_what_was_exchanged_between_any_two_versions_is_what_differs(
    exchanges: list[tuple[int, int]], data: st.DataObject
) -> None:
    versions = [section()]
    for position, value in exchanges:
        there = versions[-1].children[position]
        versions.append(versions[-1].with_child(position, there.with_attributes({"v": str(value)})))
    old, new = (data.draw(st.sampled_from(versions)) for _ in range(2))
    found = [(id(one), id(other)) for one, other in new.exchanged(old)]
    assert found == looked_for(old, new)
    assert apply_patchset(old, difference(old, new)) == new


@given(EXCHANGES, EXCHANGES)
def test_two_lines_from_one_version_are_not_taken_for_each_other(
    mine: list[tuple[int, int]], theirs: list[tuple[int, int]]
) -> None:
    first = section()
    ends = []
    for exchanges in (mine, theirs):
        end = first
        for position, value in exchanges:
            child = end.children[position].with_attributes({"v": str(value)})
            end = end.with_child(position, child)
        ends.append(end)
    found = [(id(one), id(other)) for one, other in ends[1].exchanged(ends[0])]
    assert found == looked_for(ends[0], ends[1])
    assert [pair[1] for pair in ends[1].exchanged(first)] == [
        other
        for one, other in zip(first.children, ends[1].children, strict=True)
        if one is not other
    ]


def test_a_version_before_the_remembered_ones_is_compared_child_by_child() -> None:
    first = version = section()
    for number in range(20):
        version = version.with_child(number, Element("primitive", {"id": f"r{number}", "v": "1"}))
    assert [other.id for _, other in version.exchanged(first)] == [f"r{n}" for n in range(20)]


def test_no_version_is_kept_by_one_that_was_made_of_it() -> None:
    """A thousand versions of a large CIB must not stay in memory."""
    first = section()
    version = first
    for number in range(20):
        version = version.with_child(number, Element("primitive", {"id": f"r{number}", "v": "1"}))
    kept = [part for mark, places in version._descent for part in (mark, *places)]
    assert not any(isinstance(part, Element | tuple) for part in kept)


def _cib(*resources: Element) -> Element:
    return Element(
        "cib", {}, (Element("configuration", {}, (Element("resources", {}, resources),)),)
    )


def _primitives(count: int, **given: str) -> tuple[Element, ...]:
    below = (Element("op", {"id": "o"}), Element("op", {"id": "p"}))
    return tuple(
        Element("primitive", {"id": f"r{number}", **given}, below) for number in range(count)
    )


def test_thousands_that_come_or_go_are_put_in_place_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each by itself copied the section, and looked through it for ids: it took minutes."""
    copies: list[object] = []

    def counted(*given: object) -> Element:
        copies.append(given)
        return put(*given)  # type: ignore[arg-type]  # only passed on

    few, many = _cib(*_primitives(30)), _cib(*_primitives(2000))
    assert few.names.defined  # they are kept where a store has asked for them
    assert many.names.defined
    to_many, to_few = difference(few, many), difference(many, few)
    monkeypatch.setattr(patchset, "put", counted)
    monkeypatch.setattr(element, "_names_of", lambda _: pytest.fail("looked through"))
    assert apply_patchset(few, to_many) == many
    assert apply_patchset(many, to_few) == few
    assert len(copies) == 2


def test_names_are_handed_on_where_a_value_changes_and_not_looked_for_where_many_come() -> None:
    cib = _cib(*_primitives(40))
    known = cib.names
    path = "/cib/configuration/resources/primitive[@id='r7']/op[@id='p']"
    trail = trail_of(cib, path)
    assert trail is not None
    changed = put(cib, trail, Element("op", {"id": "p", "interval": "9s"}))
    assert changed._names is known
    renamed = put(cib, trail, Element("op", {"id": "q"}))
    assert renamed.names.defined == known.defined | {"q"}


def test_siblings_of_one_id_go_one_after_the_other() -> None:
    def delete(name: str) -> Element:
        path = f"/cib/configuration/resources/primitive[@id='{name}']"
        return Element("change", {"operation": "delete", "path": path})

    twins = _cib(
        *(Element("primitive", {"id": name, "n": str(n)}) for n, name in enumerate("abaca"))
    )
    patch = Element("diff", {"format": "2"}, (delete("a"), delete("b"), delete("a")))
    left = apply_patchset(twins, patch)
    assert isinstance(left, Element)
    assert [each.get("n") for each in left.children[0].children[0].children] == ["3", "4"]
    assert isinstance(
        apply_patchset(twins, patch.with_children((*patch.children, delete("b")))), Refusal
    )


IDS = st.sampled_from("abcdefgh")
OBJECTS = st.builds(
    lambda tag, name, rsc, below: Element(
        tag,
        {"id": name, "rsc": rsc},
        tuple(Element("op", {"id": each}) for each in below),
    ),
    st.sampled_from(["primitive", "rsc_location", "role"]),
    IDS,
    IDS,
    st.lists(IDS, max_size=2),
)


@given(st.lists(OBJECTS, max_size=4), OBJECTS, st.integers(0, 4))
def test_names_with_one_child_more_are_those_that_would_be_found(
    children: list[Element], child: Element, position: int
) -> None:
    section = Element("resources", {}, tuple(children))
    assert section.names is not None  # known before
    found = section.with_inserted(min(position, len(children)), child)
    fresh = Element("resources", {}, found.children)
    assert len(found.children) == len(children) + 1
    assert found.names == element._names_of(fresh)


def test_what_comes_to_a_large_section_is_not_a_reason_to_look_through_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = _cib(*_primitives(2000))
    assert many.names.defined
    looked_through: list[Element] = []
    names_of = element._names_of

    def counted(each: Element) -> element.Names:
        looked_through.append(each)
        return names_of(each)

    monkeypatch.setattr(element, "_names_of", counted)
    monkeypatch.setattr(edit, "matches", lambda *_: pytest.fail("compared"))
    trail = trail_of(many, "/cib/configuration/resources")
    assert trail is not None
    more = edit.create(many, trail, Element("primitive", {"id": "new"}))
    assert isinstance(more, Element)
    assert more.names.defined == many.names.defined | {"new"}
    assert "resources" not in [each.tag for each in looked_through]
