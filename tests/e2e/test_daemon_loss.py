"""Each daemon is killed in turn: nothing is fenced, and the service does not even notice."""

from __future__ import annotations

import pytest

from raftmaker.vocabulary.ids import NodeName
from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e

DAEMONS = ("cib", "lrmd", "stonithd", "crmd")


@pytest.mark.parametrize("place", ["service", "dc", "leader"])
@pytest.mark.parametrize("daemon", DAEMONS)
def test_killed_daemon_comes_back_and_harms_nothing(site: Site, daemon: str, place: str) -> None:
    """On the node that runs the service, on the DC, and where the Raft leader is."""
    seen = site.wait_whole(START_S)
    before = site.wait_active(START_S)
    dc = seen.facts.dc
    node = {
        "service": before.node,
        "dc": dc.node if dc else before.node,
        "leader": seen.facts.leader or before.node,
    }[place]
    index = site.index()
    old = site.cluster.kill_daemon(node, daemon)
    site.wait(
        lambda: (
            site.cluster.daemon_pid(node, daemon) not in (0, old) and site.cluster.is_ready(node)
        ),
        START_S,
        f"{daemon} of {node} did not come back",
    )
    # The whole cluster works again when it carries out something new.
    site.crm(node, "node", "attribute", node, "set", f"killed-{daemon}-{place}", "1")
    site.wait_whole(START_S)
    facts = seen.facts.of(NodeName(node))
    assert facts is not None
    assert site.losses(index) == []
    assert site.fencings(index) == []
    assert site.judge.active() == before
    assert site.judge.doubles() == ()
