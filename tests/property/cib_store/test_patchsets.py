"""Patchsets of format 2 and the codec hold for any tree (features 4.17, 4.18)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cib_store.document.codec import parse, render
from cib_store.document.element import Element
from cib_store.document.patchset import apply_patchset, difference
from tests.property.cib_store.trees import cibs, elements


@given(cibs(), cibs())
def test_applying_the_difference_gives_the_new_cib(old: Element, new: Element) -> None:
    """features 4.18"""
    assert apply_patchset(old, difference(old, new)) == new


@given(cibs(), cibs())
def test_the_difference_survives_being_written_and_read(old: Element, new: Element) -> None:
    """features 4.17"""
    assert apply_patchset(old, parse(render(difference(old, new)))) == new


@given(cibs(), st.randoms())
def test_shuffled_children_are_moved_and_nothing_is_lost(old: Element, random: object) -> None:
    configuration = old.children[0]
    shuffled = list(configuration.children)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    new = old.with_children((configuration.with_children(tuple(shuffled)), old.children[1]))
    assert apply_patchset(old, difference(old, new)) == new


@given(cibs())
def test_the_difference_to_itself_changes_nothing(cib: Element) -> None:
    assert len(difference(cib, cib).children) == 1


@given(cibs(), cibs(), cibs())
def test_a_patch_for_another_cib_is_refused_or_applied_but_never_raises(
    old: Element, new: Element, other: Element
) -> None:
    apply_patchset(other, difference(old, new))


@given(cibs(), elements())
def test_any_element_as_patch_never_raises(cib: Element, patch: Element) -> None:
    apply_patchset(cib, Element("diff", {"format": "2"}, (patch,)))


@given(cibs())
def test_parse_of_render_is_the_tree(cib: Element) -> None:
    assert parse(render(cib)) == cib
    assert parse(render(cib, indent=0)).digest == cib.digest
