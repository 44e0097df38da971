"""What operators and agents type, with a cluster: watching, asking daemons, mending, waiting."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from raftmaker.vocabulary.codes import ExitCode
from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_crm_mon_goes_on_and_runs_a_program_on_what_happens(site: Site, tmp_path: Path) -> None:
    """features 27.1: --daemonize, --pid-file, --external-agent, --external-recipient"""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    page, pid, told = tmp_path / "page.html", tmp_path / "pid", tmp_path / "told"
    agent = tmp_path / "agent"
    agent.write_text(
        '#!/bin/sh\necho "$CRM_notify_recipient $CRM_notify_task $CRM_notify_rsc $CRM_notify_rc"'
        f" >>{told}\n"
    )
    agent.chmod(0o755)
    begun = site.run(
        node, "crm_mon", "-d", "-i", "1", "-p", str(pid), "--output-as=html", "--output-to",
        str(page), "-E", str(agent), "-e", "me", "-W",
    )  # fmt: skip
    assert begun.returncode == 0, begun.stderr
    try:
        site.wait(lambda: "Node List" in _text(page), START_S, "no page")
        site.crm(node, "configure", "primitive", "seen", "ocf:heartbeat:Dummy")
        site.wait(lambda: "me start seen 0" in _text(told), START_S, "the program was not run")
        site.wait(lambda: "seen" in _text(page), START_S, "the page is old")
    finally:
        os.kill(int(pid.read_text()), signal.SIGTERM)
        site.crm(node, "resource", "stop", "seen", "--wait")
        site.crm(node, "configure", "delete", "seen")


def test_daemons_are_asked_how_they_are(site: Site) -> None:
    """features 27.25, 28.10"""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    told = site.run(node, "crmadmin", "-P")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("Status of the daemons: 'running' (last updated ")
    assert told.stdout.count(": running") == 4
    late = site.run(node, "crmadmin", "-P", "-t", "1ms")
    assert (late.returncode, "within 0.001 s" in late.stderr) == (ExitCode.TIMEOUT, True)
    assert site.run(node, "crmadmin", "-D", "-i", "mine").returncode == 0


def test_agents_are_listed_and_described_by_crm_resource(site: Site) -> None:
    """features 27.6"""
    site.wait_whole(START_S)
    node = site.cluster.names[0]

    def said(*words: str) -> list[str]:
        done = site.run(node, "crm_resource", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert {"ocf", "stonith"} <= {*said("--list-standards")}
    assert {"heartbeat", "judge", "raftmaker"} <= {*said("--list-ocf-providers")}
    assert said("--list-agents", "ocf:judge") == ["machine", "service", "stateful"]
    assert {"heartbeat", "raftmaker"} <= {*said("--list-ocf-alternatives", "Dummy")}
    told = site.run(node, "crm_resource", "--show-metadata", "ocf:judge:service")
    assert parse(told.stdout).get("name") == "service"
    unknown = site.run(node, "crm_resource", "--show-metadata", "ocf:judge:none")
    assert unknown.returncode != 0
    assert "ocf:judge:none" in unknown.stderr


def test_the_names_of_nodes_as_agents_ask_for_them(site: Site) -> None:
    """features 29.4, 29.20"""
    site.wait_whole(START_S)
    node, *others = site.cluster.names
    assert site.run(node, "crm_node", "-n").stdout == f"{node}\n"
    assert site.run(node, "crm_node", "-i").stdout == f"{node}\n"
    assert site.run(node, "crm_node", "-q").stdout == "1\n"
    assert site.run(node, "crm_node", "-p").stdout.split() == [node, *others]
    listed = site.run(node, "crm_node", "-l").stdout.splitlines()
    assert sorted(listed) == [f"{each} {each} member" for each in (node, *others)]


def test_resources_are_restarted_mended_and_run_by_hand(site: Site) -> None:
    """features 30.12, 30.50, 30.53"""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    site.crm(node, "configure", "primitive", "d", "ocf:heartbeat:Dummy",
             "op", "monitor", "interval=1s", "timeout=20s")  # fmt: skip
    site.crm(node, "wait")
    where = site.crm(node, "resource", "locate", "d").split()[-1]
    assert where in site.cluster.names, "it runs once crm wait has returned"
    site.crm(node, "resource", "restart", "d")
    operations = site.crm(node, "resource", "operations", "d", where)
    assert "d_start_0" in operations
    site.crm(node, "resource", "cleanup", "d")
    site.crm(node, "resource", "refresh", "d", where)
    site.crm(node, "wait")
    site.crm(node, "maintenance", "on", "d")
    told = json.loads(site.crm(where, "--json", "maintenance", "action", "d", "monitor"))
    assert told["code"] == 0
    site.crm(node, "maintenance", "off", "d")
    site.crm(node, "resource", "secret", "d", "set", "fake", "hidden")
    site.crm(node, "resource", "secret", "d", "check", "fake")
    assert site.crm(node, "resource", "secret", "d", "show", "fake") == "hidden\n"
    assert "fake=lrm://" in site.crm(node, "configure", "show", "d").replace('"', "")
    site.crm(node, "resource", "secret", "d", "unstash", "fake")
    assert "fake=hidden" in site.crm(node, "configure", "show", "d")
    site.crm(node, "resource", "secret", "d", "stash", "fake")
    site.crm(node, "resource", "secret", "d", "delete", "fake")
    site.crm(node, "resource", "stop", "d", "--wait")
    site.crm(node, "configure", "delete", "d")
