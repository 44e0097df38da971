"""An executor that joins and then refuses every order is tried seldom; the DC goes on after."""

from __future__ import annotations

import pytest

from raftmaker.vocabulary.ids import NodeName
from tests.sim.cluster import Cluster, Plan
from tests.sim.loop import SECOND

REFUSING = NodeName("n2")


def _plans(cluster: Cluster) -> int:
    """How many graphs the DC has begun."""
    lease = cluster.log.newest.state.facts.dc
    assert lease is not None
    state = cluster.controllers[lease.node].state
    assert state is not None
    assert state.dc is not None
    return state.dc.transition_count


@pytest.mark.quick
def test_a_refusing_executor_is_asked_seldom_and_goes_on_when_it_takes_orders_again() -> None:
    """Twelve times a minute at the end; it was asked three times a second."""
    cluster = Cluster(Plan(seed=3, fencing=True))
    cluster.executors[REFUSING].refuses = True
    for machine in cluster.machines.values():
        machine.power_on()
    cluster.loop.run_until(30 * SECOND)
    before = _plans(cluster)
    cluster.loop.run_until(90 * SECOND)
    assert 0 < _plans(cluster) - before <= 14
    assert cluster.idleness.unprobed().endswith(f"on {REFUSING}")
    cluster.executors[REFUSING].refuses = False
    cluster.loop.run_until(100 * SECOND)
    assert cluster.idleness.unprobed() == ""
