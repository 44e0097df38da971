"""Two hosts without a third that do not hear each other, and reach the power switch (25.11).

Each has the other one switched off. Nothing may run twice, whoever is faster. The judge reads what
the agents wrote, and what the switch did.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.cluster import crm
from tests.hosts.fleet import Fleet
from tests.hosts.services import record
from tests.hosts.site import Kept, Site, cluster_with

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: namespaces and mounts"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ip", "nft", "unshare"))),
        reason="needs Debian's iproute2, nftables and util-linux",
    ),
    pytest.mark.skipif(
        not Path("/usr/lib/ocf/resource.d/heartbeat/Dummy").exists(),
        reason="needs Debian's resource-agents",
    ),
]
HELD_BACK_S = 15
"""More than a fencing takes on a busy machine."""
CONFIGURATION = """
primitive switch stonith:fence_host params ip=10.77.0.254
primitive dummy ocf:heartbeat:Dummy op monitor interval=2s timeout=20s
location at-first dummy 50: h2
property fencing-enabled=true no-quorum-policy=stop
rsc_defaults resource-stickiness=100
"""


def prepare(fleet: Fleet) -> None:
    """Put the recorder in the agent's place."""
    for host in fleet:
        record(host, ("Dummy",))


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    kept = Kept(
        lambda: cluster_with("pair", CONFIGURATION, hosts=2, prepare=prepare, singles=("dummy",))
    )
    yield kept
    kept.close()


@pytest.fixture
def site(kept: Kept) -> Iterator[Site]:
    site = kept.whole()
    yield site
    assert not site.judge.doubles(), "\n".join(site.judge.doubles())


def both_vote(site: Site) -> bool:
    """Whether both hosts have a vote, which one that was away gets when it is filled."""
    seen = site.observer.newest()
    voters = seen.facts.members.voters if seen is not None else ()
    return len(voters) == 2 and all(voter.store_id for voter in voters)


def part(site: Site) -> None:
    """Let neither hear the other, by either cable; both reach the switch."""
    first, second = (host.number for host in site.fleet)
    site.fleet.network.cut_between(first, second)
    site.fleet.network.cut_between(second, first)


def power_on_whoever_is_hit(site: Site) -> None:
    """Boot what is off until everything runs: the second shot may hit a moment after the first."""
    for host in site.fleet:
        site.fleet.heal(host.number)

    def is_back() -> bool:
        site.fleet.power_on()
        return site.is_settled()

    site.wait(is_back, "both hosts are back")


def test_the_host_that_is_shot_at_later_goes_on_with_what_the_other_ran(site: Site) -> None:
    """Fencing of the first is held back on the second, so the first is faster (17.8)."""
    first, second = site.fleet.hosts
    delay = f"{first.name}:{HELD_BACK_S}s"
    crm(first, "resource", "param", "switch", "set", "pcmk_delay_base", delay)
    assert site.runs_on("dummy", second)
    with site.judge.stops_only_on():
        part(site)
        site.wait(lambda: site.runs_on("dummy", first), "the first host goes on alone")
        assert not site.judge.doubles(), "its resource was started before it was off"
        # Nothing ran there any more: the machine may still be clearing up after it.
        site.wait(lambda: second.pid is None, "the second host is off")
        assert first.pid is not None
        site.power_on_all()
    site.wait(lambda: both_vote(site), "both vote again")
    assert site.runs_on("dummy", first)


def test_both_shoot_at_once_and_nothing_runs_twice(
    site: Site, request: pytest.FixtureRequest
) -> None:
    """Either one survives, or both are off and come back together. `--long`: ten times."""
    crm(site.fleet.hosts[0], "resource", "param", "switch", "delete", "pcmk_delay_base")
    site.wait_settled()
    for _ in range(10 if request.config.getoption("--long") else 1):
        part(site)
        site.wait(lambda: len(site.on) < 2, "one is switched off")
        power_on_whoever_is_hit(site)
        site.wait(lambda: both_vote(site), "both vote again")
        site.wait_settled()
        assert not site.judge.doubles(), "\n".join(site.judge.doubles())
