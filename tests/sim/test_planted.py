"""Each rule of the protocols, broken on purpose, is found by some seed; unbroken it is not."""

from __future__ import annotations

import pytest

from tests.sim.campaign import simulate
from tests.sim.planted_table import TABLE, Planted
from tests.sim.rules import Rules

SEEDS = range(1, 61)


def test_every_rule_has_a_planted_fault() -> None:
    assert sorted(one.rule for one in TABLE) == sorted(Rules.__struct_fields__)


@pytest.mark.parametrize("planted", TABLE, ids=[one.rule for one in TABLE])
def test_a_broken_rule_is_found(planted: Planted) -> None:
    """And by the checker that is meant to: the same seed with all rules on is clean."""
    others: list[str] = []
    for plan in planted.plans(SEEDS):
        result = simulate(plan)
        if result.rule in planted.found_by:
            unbroken = simulate(planted.plan(plan.seed, broken=False))
            assert unbroken.clean, unbroken.what
            return
        assert result.rule != "crash", result.what
        others.append(result.what)
    pytest.fail(f"no seed finds it; others found: {[one for one in others if one]}")
