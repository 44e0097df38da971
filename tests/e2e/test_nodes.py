"""What operators do to nodes: standby, maintenance, terminate, removing one that has left."""

from __future__ import annotations

import json
import signal

import pytest

from cib_store.document.codec import parse
from raftmaker import __version__
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.feature_set import FEATURE_SET
from tests.e2e.judge import Entry
from tests.e2e.site import FAILOVER_S, START_S, Site

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _whole(site: Site) -> None:
    site.wait_whole(START_S)
    site.wait_active(START_S)


def _other_than(site: Site, *nodes: str) -> str:
    return next(name for name in site.cluster.names if name not in nodes)


def _history(site: Site, resource: str) -> list[str]:
    """Return the nodes whose status section has a history of the resource."""
    cib = parse(site.run("n1", "cibadmin", "-Q").stdout)
    status = cib.child("status")
    assert status is not None
    return [
        state.id
        for state in status.each("node_state")
        if any(each.tag == "lrm_resource" and each.id == resource for each in state.walk())
    ]


def _wait_standby(site: Site, node: str, *, shown: bool) -> None:
    """Wait for what n1 shows: what its own store has applied, which may have to catch up."""
    wanted = f"Node {node}: standby"
    problem = "it is not in standby" if shown else "it is in standby still"
    site.wait(lambda: (wanted in site.crm("n1", "status")) == shown, START_S, problem)


def test_standby_lasts_for_ever_or_until_the_node_starts_anew(site: Site) -> None:
    """features 15.11, 15.32"""
    node = site.wait_active(START_S).node
    site.crm("n1", "node", "standby", node, "reboot")
    site.wait_active(FAILOVER_S, elsewhere_than=node)
    _wait_standby(site, node, shown=True)
    site.cluster.stop(node)
    site.cluster.start(node)
    site.wait_whole(START_S)
    _wait_standby(site, node, shown=False)
    site.crm("n1", "node", "standby", node)
    site.cluster.stop(node)
    site.cluster.start(node)
    site.wait_whole(START_S)
    _wait_standby(site, node, shown=True)
    site.crm("n1", "node", "online", node)


def test_a_node_joins_in_standby_where_its_settings_say_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 26.7"""
    node = _other_than(site, site.wait_active(START_S).node)
    monkeypatch.setenv("PCMK_node_start_state", "standby")
    site.cluster.stop(node)
    site.cluster.start(node)
    site.wait_whole(START_S)
    _wait_standby(site, node, shown=True)
    monkeypatch.setenv("PCMK_node_start_state", "online")
    site.cluster.stop(node)
    site.cluster.start(node)
    site.wait_whole(START_S)
    _wait_standby(site, node, shown=False)


def test_a_new_dc_writes_what_it_is(site: Site) -> None:
    """features 2.1, 2.2, 3.4"""
    assert json.loads(site.crm("n1", "--json", "status"))["cluster"] == "local"
    assert _option(site, "cluster-name") == "local"
    assert _option(site, "cluster-infrastructure") == "raftmaker"
    assert _option(site, "dc-version") == __version__
    old = '<cib crm_feature_set="3.0.14"/>'
    assert site.run("n1", "cibadmin", "--modify", "--xml-text", old).returncode == 0
    assert site.run("n1", "crm_attribute", "-n", "dc-version", "-v", "0.0.1").returncode == 0
    assert "(version 0.0.1)" in site.crm("n1", "status")
    dc = site.run("n1", "crmadmin", "-D", "-q").stdout.split()[-1]
    site.cluster.kill_daemon(dc, "crmd")

    def written() -> str:
        return parse(site.run("n1", "cibadmin", "-Q").stdout).get("crm_feature_set")

    site.wait(lambda: written() == FEATURE_SET, FAILOVER_S, "the feature set was not written")
    assert _option(site, "dc-version") == __version__
    assert f"(version {__version__})" in site.crm("n1", "status")


def _option(site: Site, name: str) -> str:
    """What agents are told of an option."""
    return site.run("n1", "crm_attribute", "-n", name, "-G", "-q").stdout.strip()


def test_terminate_has_a_node_fenced(site: Site) -> None:
    """features 15.13: set by a person, as a plain transient attribute."""
    node = site.wait_active(START_S).node
    asked = _other_than(site, node)
    done = site.run(
        asked, "crm_attribute", "-t", "status", "-N", node, "-n", "terminate", "-v", "true"
    )
    assert done.returncode == 0, done.stderr
    site.wait_fenced(node, FAILOVER_S)
    site.wait_active(FAILOVER_S, elsewhere_than=node)
    site.cluster.start(node)


def test_the_history_of_a_removed_resource_goes(site: Site) -> None:
    """features 24.19"""
    site.crm("n1", "configure", "primitive", "short", "ocf:raftmaker:Dummy")
    site.wait(lambda: len(_history(site, "short")) == 3, START_S, "it was not probed everywhere")
    site.crm("n1", "--force", "configure", "delete", "short")
    site.wait(lambda: _history(site, "short") == [], START_S, "its history stays")


def test_maintenance_mode_ends_monitors_and_goes_on_with_them(site: Site) -> None:
    """features 15.12, 15.30: what runs is left alone, and not asked; afterwards it is again."""
    before = site.wait_active(START_S)
    site.crm("n1", "configure", "property", "maintenance-mode=true")
    site.wait(lambda: "DISABLED" in site.run("n1", "crm_mon", "-1").stdout, START_S, "not shown")
    service = before.node

    def recurring() -> list[str]:
        cib = parse(site.run("n1", "cibadmin", "-Q").stdout)
        return [
            each.get("interval")
            for each in cib.walk()
            if each.tag == "lrm_rsc_op" and each.id == "service_monitor_1000"
        ]

    site.wait(lambda: recurring() == [], START_S, f"{service} still monitors")
    assert site.judge.active() == before
    site.crm("n1", "configure", "property", "maintenance-mode=false")
    site.wait(lambda: recurring() != [], START_S, "nothing monitors it any more")
    assert site.judge.active() == before


def test_a_resource_that_is_said_to_have_failed_is_recovered(site: Site) -> None:
    """features 27.7, 8.23"""
    before = site.wait_active(START_S)

    def tool(*words: str) -> str:
        done = site.run("n1", "crm_resource", *words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def is_another_than(known: Entry) -> bool:
        entry = site.judge.active()
        return entry is not None and entry.pid != known.pid

    tool("--fail", "-r", "service", "-N", before.node)
    site.wait(lambda: is_another_than(before), START_S, "it was not recovered")
    assert "service asyncmon on" in site.run("n1", "crm_mon", "-1").stdout
    assert "value=1" in site.crm("n1", "resource", "failcount", "service", "show", before.node)
    assert before.node in tool("--cleanup", "-r", "service")
    tool("--wait")
    assert "asyncmon" not in site.run("n1", "crm_mon", "-1").stdout
    assert _failures(site, before.node) == "0"
    recovered = site.wait_active(START_S)
    tool("--fail", "-r", "service", "-N", recovered.node)
    site.wait(lambda: is_another_than(recovered), START_S, "it was not recovered again")
    assert _failures(site, recovered.node) == "1"
    gone = site.run("n1", "crm_failcount", "-D", "-r", "service", "-N", recovered.node)
    assert (gone.returncode, _failures(site, recovered.node)) == (0, "0"), gone.stderr
    tool("--wait")
    recovered = site.wait_active(START_S)
    tool("--refresh", "-r", "service")
    tool("--wait")
    assert site.judge.active() == recovered, "probing it anew leaves it alone"
    tool("--restart", "-r", "service")
    assert is_another_than(recovered)


def _failures(site: Site, node: str) -> str:
    asked = site.run("n1", "crm_failcount", "-G", "-q", "-r", "service", "-N", node)
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.strip()


def test_what_is_said_of_the_members(site: Site) -> None:
    """features 27.10, 27.25, 29.4"""

    def said(*words: str) -> str:
        answer = site.run("n1", *words)
        assert (answer.returncode, answer.stderr) == (0, "")
        return answer.stdout

    assert said("crm_node", "-n") == said("crm_node", "-i") == "n1\n"
    assert said("crm_node", "-p") == "n1 n2 n3\n"
    assert said("crm_node", "-q") == "1\n"
    dc = said("crmadmin", "-D", "-q").strip()
    assert said("crmadmin", "--dc_lookup") == f"Designated Controller is: {dc}\n"
    assert said("crmadmin", "-S", dc).startswith(f"Controller on {dc} in state S_")
    assert sorted(said("crmadmin", "-N", "-q").split()) == ["n1", "n2", "n3"]
    assert said("crmadmin", "-P").startswith("Status of the daemons: 'running' (last updated ")


def _start_again(site: Site, node: str, daemon: str, number: signal.Signals) -> None:
    old = site.cluster.kill_daemon(node, daemon, number)

    def is_back() -> bool:
        return site.cluster.daemon_pid(node, daemon) not in (0, old) and site.cluster.is_ready(node)

    site.wait(is_back, START_S, f"{daemon} of {node} did not come back")


def test_daemons_that_are_told_to_start_again_or_to_stop_leave_no_fault_in_a_log(
    site: Site,
) -> None:
    """Features 24.12, 24.13: as an upgrade of the package has it, then as ``crm cluster stop``."""
    seen, before = site.wait_whole(START_S), site.wait_active(START_S)
    assert seen.facts.dc is not None
    logs, index = site.logs(), site.index()
    for node in sorted({seen.facts.dc.node, before.node}):
        for daemon in ("cib", "stonithd", "lrmd"):
            _start_again(site, node, daemon, signal.SIGTERM)
        _start_again(site, node, "crmd", signal.SIGUSR1)
    site.wait_whole(START_S)
    assert site.losses(index) == []
    assert site.judge.active() == before
    site.cluster.stop()
    assert site.faults(logs) == []
    site.cluster.start()


def test_a_node_is_removed_once_it_has_left(site: Site) -> None:
    """features 15.31, 27.10: its attributes and history go with it; it may come back as new."""
    node = _other_than(site, site.wait_active(START_S).node, "n1")
    set_ = site.run("n1", "attrd_updater", "-p", "-n", "mark", "-U", "x", "-N", node)
    assert set_.returncode == 0, set_.stderr
    refused = site.run("n1", "crm_node", "-R", node, "-f")
    assert refused.returncode == ExitCode.UNSAFE
    assert "stop it first" in refused.stderr
    site.cluster.stop(node)
    site.wait(
        lambda: f"{node} lost" in site.run("n1", "crm_node", "-l").stdout, START_S, "it is there"
    )
    removed = site.run("n1", "crm_node", "-R", node, "-f")
    assert removed.returncode == 0, removed.stderr
    assert node not in site.run("n1", "crm_node", "-l").stdout
    assert node not in site.run("n1", "cibadmin", "-Q", "-o", "status").stdout
    site.cluster.start(node)
    site.wait(
        lambda: f"{node} {node} member" in site.run("n1", "crm_node", "-l").stdout,
        START_S,
        "it did not come back",
    )
    assert site.run("n1", "attrd_updater", "-n", "mark", "-Q", "-A").returncode == ExitCode.NOSUCH
