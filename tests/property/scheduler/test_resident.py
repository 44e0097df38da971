"""A scheduler that stays decides what one that starts afresh would, whatever has happened."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cib_store.model.dates import Moment
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident.scheduler import Resident
from tests.property.scheduler.stories import Story

_STEPS = 12


def follow(seed: int, steps: int = _STEPS) -> list[int | None]:
    """Compare both after each step; return how much the resident had to decide again."""
    story, resident = Story(seed), Resident()
    told = ["the beginning"]
    parts = []
    for _ in range(steps):
        now = Moment(story.now_s)
        graph = resident.graph(story.cib, now)
        assert graph == schedule(story.cib, now).graph, (seed, told)
        parts.append(resident.last_run)
        told.append(story.go_on())
    return parts


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_it_decides_what_a_whole_run_would(seed: int) -> None:
    """Operation results, nodes lost and back, attributes, edits, time: the graph is the same."""
    follow(seed)


def test_it_does_decide_in_part() -> None:
    """Guards the test above: it would prove nothing if every decision were a whole run."""
    parts = [part for seed in range(12) for part in follow(seed)]
    assert sum(part is not None for part in parts) > len(parts) // 3
