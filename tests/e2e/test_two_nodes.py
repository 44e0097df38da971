"""Two nodes without a witness: one goes on once a device has confirmed that the other is off.

Features 25.11.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_shell.local_cluster.cluster import LocalCluster
from raftmaker.vocabulary.membership import FencePhase
from tests.e2e.conftest import OCF_ROOT
from tests.e2e.site import FAILOVER_S, START_S, Site

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A running, empty cluster of two nodes."""
    with (
        tempfile.TemporaryDirectory(prefix="rm-e2e-") as directory,
        LocalCluster.create(
            Path(directory), ("n1", "n2"), ocf_roots=(OCF_ROOT,), bound=True
        ) as made,
    ):
        made.start()
        yield made


def wait_voting(site: Site) -> None:
    """Wait until both nodes have joined and vote."""
    site.wait_whole(START_S)
    seen = site.observer.wait(
        lambda item: (
            len(item.facts.members.voters) == 2
            and all(voter.store_id for voter in item.facts.members.voters)
        ),
        START_S,
    )
    assert seen is not None, "not both of them vote"


def test_the_survivor_fences_its_peer_and_goes_on_and_the_peer_comes_back(site: Site) -> None:
    """What the killed node ran goes on at the other; started again it is filled, and votes."""
    wait_voting(site)
    lost = site.wait_active(START_S).node
    survivor = next(name for name in site.cluster.names if name != lost)
    before = site.crm(survivor, "configure", "show")
    site.cluster.kill(lost)
    after = site.wait_active(FAILOVER_S, elsewhere_than=lost)
    alone = site.observer.wait(lambda item: item.facts.generation == 2, FAILOVER_S)
    assert alone is not None, "the survivor went on in the generation of before"
    peer = next(each for each in alone.facts.nodes if each.node == lost)
    assert peer.fencing is FencePhase.CONFIRMED
    assert [voter.name for voter in alone.facts.members.voters] == [survivor]
    site.crm(survivor, "configure", "property", "cluster-recheck-interval=11min")
    site.cluster.start(lost)
    wait_voting(site)
    assert site.judge.active() == after
    assert site.judge.doubles() == ()
    shown = site.crm(lost, "configure", "show")
    assert "cluster-recheck-interval=11min" in shown
    assert set(before.split()) <= set(shown.split())


def test_one_that_leaves_in_good_order_lets_the_other_go_on(site: Site) -> None:
    """Nobody is fenced, and the generation stays."""
    wait_voting(site)
    before = site.wait_active(START_S)
    index = site.index()
    site.cluster.stop(before.node, timeout_s=FAILOVER_S)
    other = next(name for name in site.cluster.names if name != before.node)
    site.wait_active(FAILOVER_S, elsewhere_than=before.node)
    site.crm(other, "configure", "property", "cluster-recheck-interval=12min")
    assert site.fencings(index) == []
    site.cluster.start(before.node)
    wait_voting(site)
    newest = site.observer.newest()
    assert newest is not None
    assert newest.facts.generation == 2
    assert site.judge.doubles() == ()


def test_one_that_is_started_alone_waits_for_the_other_and_says_so(site: Site) -> None:
    """The other may have gone on while this one was off."""
    wait_voting(site)
    first, second = site.cluster.names
    # A read there is answered when it knows of everything that was acknowledged: its vote, too.
    site.crm(first, "configure", "show")
    for name in (first, second):
        site.cluster.kill(name)
    site.cluster.start(first)
    said = ""

    def says() -> bool:
        nonlocal said
        said = site.run(first, "crm", "status").stdout
        return f"start {second}" in said

    site.wait(says, FAILOVER_S, "the status does not say what to do")
    assert "have not been together" in said
    assert "force-new-cluster" in said
    assert site.judge.active() is None
    log = site.cluster.log(first, "crmd")

    def logged() -> str:
        return log.read_text().rpartition("daemon starts")[2]

    site.wait(lambda: "have not been together" in logged(), FAILOVER_S, "the log does not say so")
    assert f"start {second}" in logged()
    site.cluster.start(second)
    wait_voting(site)
    site.wait_active(START_S)
    site.wait(lambda: "this node goes on" in logged(), FAILOVER_S, "nor that it goes on")
    assert site.judge.doubles() == ()
