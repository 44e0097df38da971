"""The engine keeps its promises under faults, and each guard that is switched off is found out."""

from __future__ import annotations

import pytest

from tests.sim.raft.campaign import simulate, voters_of
from tests.sim.raft.plan import Plan
from tests.sim.raft.planted_table import TABLE, Planted


@pytest.mark.quick
@pytest.mark.parametrize("seed", range(1, 7))
def test_a_few_seeds_are_clean(seed: int) -> None:
    result = simulate(Plan(seed=seed, voters=voters_of(seed)))
    assert result.clean, result.what
    assert result.acknowledged > 50


@pytest.mark.parametrize("seed", range(101, 131))
def test_more_seeds_are_clean(seed: int) -> None:
    result = simulate(Plan(seed=seed, voters=voters_of(seed)))
    assert result.clean, result.what


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = (simulate(Plan(seed=4, voters=5)) for _ in range(2))
    assert first.digest == second.digest


@pytest.mark.parametrize("planted", TABLE, ids=[one.guard for one in TABLE])
def test_a_guard_that_is_off_is_found(planted: Planted) -> None:
    """And by the check that is meant to: the same seed with all guards on is clean."""
    result = simulate(planted.plan())
    assert result.rule == planted.found_by, result.what
    unbroken = simulate(planted.plan(broken=False))
    assert unbroken.clean, unbroken.what
