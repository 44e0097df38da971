"""A node is taken away: its service goes on elsewhere, after its fencing and never twice."""

from __future__ import annotations

import pytest

from crm_shell.local_cluster.cluster import LocalCluster
from tests.e2e.site import FAILOVER_S, START_S, Site

pytestmark = pytest.mark.e2e


def bring_back(site: Site, node: str) -> None:
    """Start the node again; it must join, and take nothing away from where it runs."""
    before = site.wait_active(FAILOVER_S)
    site.cluster.start(node)
    site.wait_whole(START_S)
    assert site.judge.active() == before


@pytest.mark.parametrize("role", ["any", "dc"])
def test_killed_node_is_fenced_and_its_service_goes_on(site: Site, role: str) -> None:
    """Every process of the node is killed (features 17.37, 16.13)."""
    seen = site.wait_whole(START_S)
    node = site.wait_active(START_S).node
    if role == "dc" and seen.facts.dc is not None and seen.facts.dc.node != node:
        site.crm(node, "resource", "move", "service", seen.facts.dc.node)
        node = site.wait_active(FAILOVER_S, elsewhere_than=node).node
        site.crm(node, "resource", "clear", "service")
    site.cluster.kill(node)
    site.wait_fenced(node, FAILOVER_S)
    site.wait_active(FAILOVER_S, elsewhere_than=node)
    assert site.judge.doubles() == ()
    bring_back(site, node)


def test_stopped_node_is_fenced_before_its_service_goes_on(site: Site) -> None:
    """SIGSTOP to every process: the service is still there, and holds its lock until fenced."""
    site.wait_whole(START_S)
    before = site.wait_active(START_S)
    site.cluster.pause(before.node)
    after = site.wait_active(FAILOVER_S, elsewhere_than=before.node)
    site.wait_fenced(before.node, FAILOVER_S)
    assert not site.cluster.is_running(before.node), "fencing left something of the node alive"
    assert after.pid != before.pid
    assert site.judge.doubles() == ()
    bring_back(site, before.node)


def test_idle_node_is_lost_without_moving_anything(site: Site, cluster: LocalCluster) -> None:
    """The service's process is the same before and after."""
    site.wait_whole(START_S)
    before = site.wait_active(START_S)
    idle = next(name for name in cluster.names if name != before.node)
    cluster.kill(idle)
    site.wait_fenced(idle, FAILOVER_S)
    assert site.judge.active() == before
    bring_back(site, idle)


def test_node_stopped_in_good_order_hands_over(site: Site) -> None:
    """Its resources stop first and start elsewhere, and nobody fences it (features 24.12)."""
    site.wait_whole(START_S)
    before = site.wait_active(START_S)
    index = site.index()
    site.cluster.stop(before.node, timeout_s=FAILOVER_S)
    after = site.wait_active(FAILOVER_S, elsewhere_than=before.node)
    log = site.judge.entries()
    ended = next(entry for entry in log if entry.pid == before.pid and entry.what == "ended")
    assert ended.at_ns < after.at_ns
    assert site.fencings(index) == []
    bring_back(site, before.node)


def test_all_nodes_killed_at_once_come_back_with_everything(site: Site) -> None:
    """What was acknowledged survives the kill of every process (features 4.27)."""
    site.wait_whole(START_S)
    before = site.wait_active(START_S)
    shown = site.crm(before.node, "configure", "show")
    index = site.index()
    for name in site.cluster.names:
        site.cluster.kill(name)
    assert site.judge.active() is None
    site.cluster.start()
    assert site.observer.wait(lambda item: item.index > index, START_S)
    site.wait_whole(START_S)
    site.wait_active(START_S)
    assert site.crm(site.cluster.names[0], "configure", "show") == shown
    assert site.judge.doubles() == ()
