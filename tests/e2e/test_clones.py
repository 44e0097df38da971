"""Clones, promotion, notifications and live migration, carried out by a real cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.judge import Entry, Judge
from tests.e2e.site import FAILOVER_S, START_S, Site

pytestmark = pytest.mark.e2e
CONFIGURATION = """\
primitive state ocf:judge:stateful params directory={folder} \\
    op start interval=0 timeout=30s op stop interval=0 timeout=30s \\
    op monitor interval=2s timeout=20s role=Promoted \\
    op monitor interval=3s timeout=20s role=Unpromoted
clone states state meta promotable=true notify=true interleave=true
primitive dummy ocf:raftmaker:Dummy op monitor interval=5s timeout=20s
clone dummies dummy meta clone-max=2
"""


def _of(judge: Judge, what: str, resource: str = "state") -> list[Entry]:
    return [each for each in judge.entries(resource) if each.what == what]


def _promoted(judge: Judge) -> str:
    """Return the node whose instance is promoted by the agents' own log, or an empty text."""
    for entry in reversed(judge.entries("state")):
        if entry.what in ("promoted", "demoted", "ended", "double"):
            return entry.node if entry.what == "promoted" else ""
    return ""


@pytest.fixture(scope="module")
def clones(site: Site) -> Iterator[Site]:
    """The cluster with a promotable clone and a plain one, both running."""
    path = site.judge.folder / "clones.crm"
    path.write_text(CONFIGURATION.format(folder=site.judge.folder))
    site.crm("n1", "configure", "load", "update", str(path))
    site.wait(lambda: len(_of(site.judge, "active")) == 3, START_S, "no three instances")
    site.wait(lambda: _promoted(site.judge) != "", START_S, "nobody was promoted")
    yield site
    assert _of(site.judge, "double") == []


def _wait_shown(site: Site, node: str, text: str) -> None:
    site.wait(lambda: text in site.crm(node, "status"), START_S, f"{text!r} was never shown")


def _told(site: Site) -> list[dict[str, str]]:
    """Return every notification that an instance got, oldest first."""
    path = site.judge.folder / "told"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_one_instance_is_promoted_and_all_are_told(clones: Site) -> None:
    """features 9.10, 9.19, 10.1-10.9: promotion by the agents' score; what agents are told."""
    node = _promoted(clones.judge)
    others = sorted({"n1", "n2", "n3"} - {node})
    _wait_shown(clones, "n1", f"Promoted: [ {node} ]")
    _wait_shown(clones, "n1", f"Unpromoted: [ {' '.join(others)} ]")

    def of(kind: str) -> dict[str, dict[str, str]]:
        found = [
            one for one in _told(clones) if (one["type"], one["operation"]) == (kind, "promote")
        ]
        return {one["node"]: one for one in found}

    for kind in ("pre", "post"):
        clones.wait(lambda kind=kind: len(of(kind)) == 3, START_S, f"{kind}: not all were told")  # type: ignore[misc]  # bound now
        for told in of(kind).values():
            assert told["promote_uname"].split() == [node]
            assert told["promote_resource"].split()[0].startswith("state")
            # As it was before the action, in the post notification too (10.9).
            assert told["promoted_uname"].split() == []
            assert told["promoted_uname"] == told["master_uname"] == " "
            assert told["unpromoted_uname"] == told["slave_uname"]
            assert set(told["unpromoted_uname"].split()) == {"n1", "n2", "n3"}
            names = told["unpromoted_resource"].split()
            assert len(names) == len(told["unpromoted_uname"].split()) == 3
            assert set(told["available_uname"].split()) == {"n1", "n2", "n3"}
    started = [one for one in _told(clones) if one["operation"] == "start"]
    assert all(one["type"] == "post" for one in started), "nobody was there to hear before"


def test_the_promoted_node_dies_and_another_is_promoted(clones: Site) -> None:
    """features 9.21, 16.13: after its fencing, and never two at once."""
    node = _promoted(clones.judge)
    clones.cluster.kill(node)
    clones.wait_fenced(node, FAILOVER_S)
    clones.wait(lambda: _promoted(clones.judge) not in ("", node), FAILOVER_S, "nobody took over")
    assert _of(clones.judge, "double") == []
    clones.cluster.start(node)
    clones.wait_whole(START_S)
    clones.wait(lambda: len(_of(clones.judge, "active")) == 4, START_S, "it did not come back")
    assert _promoted(clones.judge) != node


def test_standby_demotes_first_and_hands_the_role_over(clones: Site) -> None:
    """features 9.25, 15.11"""
    node = _promoted(clones.judge)
    clones.crm(node, "node", "standby", node)
    clones.wait(lambda: _promoted(clones.judge) not in ("", node), FAILOVER_S, "nobody took over")
    demoted = next(e for e in reversed(_of(clones.judge, "demoted")) if e.node == node)
    promoted = _of(clones.judge, "promoted")[-1]
    assert demoted.at_ns < promoted.at_ns
    _wait_shown(clones, "n1", "Started: [ ")
    clones.crm(node, "node", "online", node)


def test_a_service_migrates_without_being_stopped(clones: Site) -> None:
    """features 2.33, 16.12, 16.17, 16.18, 5.24: the source hands over, and the target goes on."""
    clones.crm("n1", "wait")  # it may be on its way: the test before moved everything
    clones.crm("n1", "resource", "meta", "service", "set", "allow-migrate", "true")
    clones.wait_whole(START_S)
    before = clones.wait_active(START_S)
    target = next(name for name in ("n1", "n2", "n3") if name != before.node)
    clones.crm("n1", "resource", "move", "service", target)
    after = clones.wait_active(FAILOVER_S, elsewhere_than=before.node)
    assert after.node == target
    handed = [e for e in clones.judge.entries() if e.what == f"handed to {target}"]
    assert [e.node for e in handed] == [before.node]
    _wait_shown(clones, "n1", f"service\t(ocf:judge:service):\t Started {target}")
    clones.crm("n1", "resource", "clear", "service")
    assert clones.judge.doubles() == ()
