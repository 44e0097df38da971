"""What seeds are judged by can fail: an idle DC with work to do, a scheduler that kept too much."""

from __future__ import annotations

from random import Random

import pytest

from cib_store.document.codec import parse
from crmd.scheduler.graph import Graph
from crmd.scheduler.resident.scheduler import Resident
from raftmaker.vocabulary.ids import NodeName
from tests.sim.checkers import Violation
from tests.sim.cluster import Cluster, Plan
from tests.sim.configurations import cib_xml
from tests.sim.loop import SECOND
from tests.sim.rules import ALL_RULES
from tests.sim.schedules import Schedules


def _cluster() -> Cluster:
    cluster = Cluster(Plan(seed=3, fencing=True))
    for machine in cluster.machines.values():
        machine.power_on()
    cluster.loop.run_until(30 * SECOND)
    return cluster


def test_a_cluster_at_rest_has_nothing_to_do_and_knows_its_nodes() -> None:
    cluster = _cluster()
    cluster.idleness.judge(cluster.wall_us() // SECOND)
    assert cluster.idleness.unprobed() == ""


def test_a_dc_that_is_idle_with_work_to_do_is_found() -> None:
    """A change that the DC takes for nothing: it stays idle, and what it decided is out of date."""
    cluster = _cluster()
    cluster.operator._change(*cluster.operator._role("a", True), careful=False)
    lease = cluster.log.newest.state.facts.dc
    assert lease is not None
    cluster.loop.run_until(cluster.loop.now_us + SECOND // 4)
    with pytest.raises(Violation, match="idle: the DC is idle and has to stop a on"):
        cluster.idleness.judge(cluster.wall_us() // SECOND)


def test_a_scheduler_that_kept_too_much_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    cib = parse(cib_xml(Random(1), (NodeName("n1"),), fencing=False))
    schedules = Schedules(ALL_RULES, stays=True)
    schedules.graph(cib, 1_700_000_000)
    monkeypatch.setattr(Resident, "graph", lambda *_: Graph(cluster_delay="1s"))
    with pytest.raises(Violation, match="resident"):
        schedules.graph(cib, 1_700_000_001)
