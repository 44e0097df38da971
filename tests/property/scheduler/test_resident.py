"""A scheduler that stays decides what one that starts afresh would, whatever has happened."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cib_store.model.dates import Moment
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident import scheduler as resident_scheduler
from crmd.scheduler.resident import staleness
from crmd.scheduler.resident.record import Record
from crmd.scheduler.resident.scheduler import Resident
from tests.property.scheduler.stories import Story

_STEPS = 12


def follow(seed: int, *, calm: bool = False) -> list[int | None]:
    """Compare both after each step; return how much the resident had to decide again."""
    story, resident = Story(seed, calm=calm), Resident()
    told = ["the beginning"]
    parts = []
    for _ in range(_STEPS):
        now = Moment(story.now_s)
        graph = resident.graph(story.cib, now)
        assert graph == schedule(story.cib, now).graph, (seed, told)
        parts.append(resident.last_run)
        told.append(story.go_on())
    return parts


@example(994)  # a node shuts down while another component still has to stop there
@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_it_decides_what_a_whole_run_would(seed: int) -> None:
    """Operation results, nodes lost and back, attributes, edits, time: the graph is the same."""
    follow(seed)


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_so_it_does_while_nodes_come_and_go(seed: int) -> None:
    """Clusters at rest, of which most stays as it is when a node is lost."""
    follow(seed, calm=True)


def follow_many(count: int, *, calm: bool = False) -> None:
    """Follow the stories of so many seeds."""
    for seed in range(count):
        follow(seed, calm=calm)


def test_it_does_decide_in_part() -> None:
    """Guards the test above: it would prove nothing if every decision were a whole run."""
    parts = [part for seed in range(12) for part in follow(seed)]
    assert sum(part is not None for part in parts) > len(parts) // 3


def test_a_decision_kept_in_spite_of_a_lost_node_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Planted fault: what a component has on the lost node is overlooked."""
    monkeypatch.setattr(staleness, "_can_do_without", lambda known, lost, view: True)
    with pytest.raises(AssertionError):
        follow_many(20, calm=True)


def test_a_decision_kept_in_spite_of_a_result_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted fault: histories are not compared."""
    monkeypatch.setattr(staleness, "_stale_by_histories", lambda old, new, records, readings: {})
    with pytest.raises(AssertionError):
        follow_many(20)


def test_a_choice_by_another_fullness_of_nodes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted fault: it is not looked at whether nodes are as full as when it was decided."""

    def none(records: list[Record], ranks: dict[str, int]) -> list[Record]:
        return []

    monkeypatch.setattr(resident_scheduler, "unsettled", none)
    with pytest.raises(AssertionError):
        follow_many(60)
