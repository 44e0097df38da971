"""A delta makes the next version out of the last one, and keeps what did not change."""

from __future__ import annotations

import pickle

from hypothesis import given, settings
from hypothesis import strategies as st

from cib_store.document.delta import applied, delta_of
from cib_store.document.element import Element
from tests.property.scheduler.stories import Story


def _objects(element: Element) -> set[int]:
    return {id(element)} | {id(below) for below in element.walk()}


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_applied_to_the_old_tree_it_gives_the_new_one(seed: int) -> None:
    """Over a story of changes, by one who has got only the first version and the deltas."""
    story = Story(seed)
    here = there = story.cib
    for _ in range(8):
        story.go_on()
        new = applied(there, pickle.loads(pickle.dumps(delta_of(here, story.cib))))
        assert new == story.cib
        # What moved to another place is sent along with it.
        kept_here = len(_objects(story.cib) & _objects(here))
        kept_there = len(_objects(new) & _objects(there))
        assert kept_there >= kept_here * 0.9
        here, there = story.cib, new


@given(st.integers(0, 2**32), st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_between_strangers_it_is_right_too(one: int, other: int) -> None:
    """Trees that share nothing."""
    old, new = Story(one).cib, Story(other).cib
    assert applied(old, delta_of(old, new)) == new
