"""Agents as the shell knows them: named, described, and held against what is configured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e


def test_agents_are_listed_and_described(site: Site) -> None:
    """Features 30.11, 5.13-5.15; fence agents are the fencer's (17.17)."""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    assert "ocf / heartbeat judge" in site.crm(node, "ra", "classes")
    assert site.crm(node, "ra", "list", "ocf", "judge").split() == [
        "machine",
        "service",
        "stateful",
    ]
    assert "fence_raftmaker_local" in site.crm(node, "ra", "list", "stonith").split()
    assert site.crm(node, "ra", "providers", "service").split() == ["judge"]
    assert "directory* (string)" in site.crm(node, "ra", "info", "ocf:judge:service")
    told = json.loads(site.crm(node, "--json", "ra", "info", "stonith:fence_raftmaker_local"))
    assert "off" in {each["name"] for each in told["actions"]}
    unknown = site.run(node, "crm", "ra", "info", "IPadr2")
    assert unknown.returncode == 105
    assert "'IPaddr2'" in unknown.stderr


def test_what_does_not_fit_its_agent_is_not_committed(site: Site) -> None:
    """Features 30.46: unknown and missing parameters, unless forced; the rest is said."""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    shown = site.crm(node, "configure", "show")
    wrong = ("configure", "primitive", "wrong", "ocf:judge:service", "params", "directry=/x",
             "meta", "target-role=Stopped")  # fmt: skip
    refused = site.run(node, "crm", *wrong)
    assert refused.returncode == 78
    assert "wrong: ocf:judge:service has no parameter 'directry'; did you mean 'directory'?" in (
        refused.stderr
    )
    assert "wrong: the parameter 'directory' that ocf:judge:service requires is not given" in (
        refused.stderr
    )
    assert site.crm(node, "configure", "show") == shown
    missing = site.run(node, "crm", "-n", "configure", "primitive", "x", "ocf:heartbeat:Dumy")
    assert "not installed on this node; did you mean 'ocf:heartbeat:Dummy'?" in missing.stderr
    assert missing.returncode == 0
    site.crm(node, "--force", *wrong)
    assert "directry" in site.crm(node, "configure", "show", "wrong")
    verified = site.run(node, "crm", "configure", "verify")
    assert verified.returncode == 78
    assert "'directry'" in verified.stderr
    site.crm(node, "configure", "delete", "wrong")


def test_agents_check_parameters_and_advise_timeouts(site: Site, tmp_path: Path) -> None:
    """Features 30.11, 30.45, 30.46, 5.10: the agents of this node are run and asked."""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    good = site.crm(node, "ra", "validate", "ocf:heartbeat:Dummy", f"state={tmp_path}/x")
    assert "validate-all of ocf:heartbeat:Dummy: OK (0)" in good
    bad = site.run(node, "crm", "ra", "validate", "heartbeat:Dummy", "state=/none/x")
    assert bad.returncode == 105
    bad = site.run(node, "crm", "ra", "validate", "Dummy", "state=/none/x")
    assert (bad.returncode, "is not writable" in bad.stdout) == (2, True)
    site.crm(node, "configure", "primitive", "slow", "Dummy", "params", "state=/none/x", "op",
             "monitor", "interval=10s", "timeout=5s", "meta", "target-role=Stopped")  # fmt: skip
    refused = site.run(node, "crm", "configure", "validate-all", "slow")
    assert refused.returncode == bad.returncode
    site.crm(node, "configure", "default-timeouts", "slow")
    shown = site.crm(node, "configure", "show", "slow")
    assert "monitor interval=10s timeout=20s" in shown
    assert "start interval=0s timeout=20s" in shown
    assert site.run(node, "crm", "configure", "default-timeouts", "none").returncode == 105
    site.crm(node, "configure", "delete", "slow")


def test_resources_are_tested_and_leave_nothing_behind(site: Site, tmp_path: Path) -> None:
    """Features 30.45: rsctest"""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    for name, state in (("good", tmp_path), ("bad", "/none")):
        site.crm(node, "configure", "primitive", name, "Dummy", "params", f"state={state}/{name}",
                 "meta", "target-role=Stopped")  # fmt: skip
    try:
        told = site.run(node, "crm", "--force", "configure", "rsctest", "good")
        assert told.returncode == 0, told.stderr
        actions = ("monitor", "start", "monitor", "stop", "monitor")
        said = [line.split()[1] for line in told.stdout.splitlines() if line[:9] == "Operation"]
        assert tuple(said) == actions
        failed = site.run(node, "crm", "--force", "configure", "rsctest", "good", "bad")
        assert failed.returncode == 1
        assert "bad: start should have ended with 0" in failed.stderr
        assert not (tmp_path / "good").exists(), "what was started is stopped"
        running = site.run(node, "crm", "--force", "configure", "rsctest", "service")
        assert (running.returncode, "service runs on" in running.stderr) == (107, True)
    finally:
        site.crm(node, "--force", "configure", "delete", "good", "bad")


def test_how_strictly_agents_are_heeded_is_the_persons_choice(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Features 30.46, 30.18: check-mode and check-frequency"""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    wrong = ("configure", "primitive", "odd", "Dummy", "params", "stat=/x", "meta",
             "target-role=Stopped")  # fmt: skip
    told = "has no parameter 'stat'"
    try:
        assert site.run(node, "crm", *wrong).returncode == 78
        site.crm(node, "options", "check-mode", "relaxed")
        relaxed = site.run(node, "crm", *wrong)
        assert (relaxed.returncode, told in relaxed.stderr) == (0, True)
        site.crm(node, "configure", "delete", "odd")
        site.crm(node, "options", "reset")
        site.crm(node, "options", "check-frequency", "on-verify")
        assert told not in site.run(node, "crm", *wrong).stderr
        verified = site.run(node, "crm", "configure", "verify")
        assert (verified.returncode, told in verified.stderr) == (78, True)
        site.crm(node, "options", "check-frequency", "never")
        assert told not in site.run(node, "crm", "configure", "verify").stderr
    finally:
        site.crm(node, "options", "reset")
        site.run(node, "crm", "--force", "configure", "delete", "odd")


def test_an_operation_is_traced_by_its_agent(site: Site, tmp_path: Path) -> None:
    """Features 30.14, 5.27, 34.3: the agent's own shell library writes what it does."""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    site.crm(node, "configure", "primitive", "dummy", "ocf:heartbeat:Dummy",
             "op", "monitor", "interval=1s", "timeout=20s")  # fmt: skip
    traced = site.run(node, "crm", "resource", "trace", "dummy", "monitor", "1s", str(tmp_path))
    assert traced.returncode == 0, traced.stderr
    assert f"monitor of dummy is traced into {tmp_path}" in traced.stderr
    site.wait(lambda: any(tmp_path.rglob("dummy.monitor.*")), 30, "no trace was written")
    assert "trace_ra=1" in site.crm(node, "configure", "show", "dummy")
    site.crm(node, "resource", "untrace", "dummy")
    assert "trace_ra" not in site.crm(node, "configure", "show", "dummy")
    assert site.crm(node, "resource", "failcount", "dummy", "show", node).split()[-1] == "value=0"
    site.crm(node, "resource", "stop", "dummy", "--wait")
    site.crm(node, "configure", "delete", "dummy")
