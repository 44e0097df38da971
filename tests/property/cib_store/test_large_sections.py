"""In a large section what was exchanged is known, not looked for, and it comes to the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cib_store.document.element import Element
from cib_store.document.patchset import apply_patchset, difference

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
