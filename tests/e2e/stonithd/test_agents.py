"""Fence agents for real: Debian's and our own keep the same contract (features 17.17-17.20)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from raftmaker.runtime.logs import Log
from raftmaker.runtime.node_processes import mark, processes_of
from raftmaker.runtime.secrets import MARK, Secrets, signature
from raftmaker.vocabulary.codes import OpStatus
from stonithd.agents import AgentResult, Agents
from stonithd.agents_local import DIRECTORY
from stonithd.fencing.setup import FenceAction

pytestmark = pytest.mark.e2e

OWN = "fence_raftmaker_local"
DUMMY = "fence_dummy"
needs_dummy = pytest.mark.skipif(
    not Path("/usr/sbin", DUMMY).exists(), reason="Debian's fence-agents are not installed"
)


@pytest.fixture
def agents() -> Agents:
    return Agents((DIRECTORY,), Log("test"), secrets=Secrets(Path("/nonexistent")))


def execute(agents: Agents, agent: str, **options: str) -> AgentResult:
    return asyncio.run(agents.execute(agent, tuple(options.items()), 30_000))


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    (tmp_path / "cluster.json").write_text(
        json.dumps({"nodes": [{"name": name} for name in ("n1", "n2", "n12")]})
    )
    return tmp_path.resolve()


@pytest.fixture
def node(cluster: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Node n2: three processes, one of them with a child in a session of its own."""
    environment = os.environ | mark("n2", str(cluster))
    script = "setsid sleep 300 & sleep 300"
    processes = [
        subprocess.Popen([*argv], env=environment, start_new_session=True)
        for argv in (("sleep", "300"), ("sleep", "300"), ("sh", "-c", script))
    ]
    deadline = time.monotonic() + 60
    while len(processes_of("n2", str(cluster))) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    yield processes
    for pid in processes_of("n2", str(cluster)):
        os.kill(pid, signal.SIGKILL)
    for process in processes:
        process.wait()


@pytest.mark.parametrize("agent", [OWN, pytest.param(DUMMY, marks=needs_dummy)])
def test_metadata_names_the_actions(agents: Agents, agent: str) -> None:
    """features 17.17, 17.19."""
    abilities = asyncio.run(agents.abilities(agent))
    assert abilities is not None
    assert {
        FenceAction.OFF,
        FenceAction.ON,
        FenceAction.REBOOT,
        FenceAction.STATUS,
        FenceAction.MONITOR,
    } <= abilities.actions
    assert not abilities.automatic_on


def test_our_agent_names_its_target_by_plug(agents: Agents) -> None:
    """features 17.3."""
    abilities = asyncio.run(agents.abilities(OWN))
    assert abilities is not None
    assert abilities.target_parameter == "plug"
    assert FenceAction.LIST in abilities.actions


@needs_dummy
def test_debians_agent_switches_on_and_off(agents: Agents, tmp_path: Path) -> None:
    """features 17.18, 17.20."""
    file = str(tmp_path / "status")
    assert execute(agents, DUMMY, action="on", status_file=file).code == 0
    assert execute(agents, DUMMY, action="status", status_file=file).code == 0
    assert execute(agents, DUMMY, action="off", status_file=file).code == 0
    assert execute(agents, DUMMY, action="status", status_file=file).code == 2
    assert execute(agents, DUMMY, action="monitor", status_file=file).code == 0


@needs_dummy
def test_an_agent_that_takes_too_long_is_killed(agents: Agents, tmp_path: Path) -> None:
    """features 17.11."""
    options = (("action", "off"), ("delay", "60"), ("status_file", str(tmp_path / "status")))
    result = asyncio.run(agents.execute(DUMMY, options, 300))
    assert result.status is OpStatus.TIMEOUT


def test_an_agent_that_is_missing_is_not_installed(agents: Agents) -> None:
    for name in ("fence_no_such", "../bin/true", "sh"):
        result = execute(agents, name, action="off")
        assert result.status is OpStatus.NOT_INSTALLED
        assert asyncio.run(agents.abilities(name)) is None


def test_options_cannot_smuggle_in_another_one(agents: Agents, tmp_path: Path) -> None:
    """features 17.18."""
    script = tmp_path / "fence_echo"
    script.write_text("#!/bin/sh\ncat\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    echo = Agents((tmp_path,), Log("test"), secrets=Secrets(tmp_path / "secrets"))
    result = execute(echo, "fence_echo", action="off", plug="b\naction=on")
    assert result.stdout == "action=off\nplug=b action=on\n"


def test_a_device_is_given_the_nodes_secret(tmp_path: Path) -> None:
    """features 4.29"""
    script = tmp_path / "fence_echo"
    script.write_text("#!/bin/sh\ncat\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    kept = tmp_path / "secrets" / "ipmi"
    kept.mkdir(parents=True)
    (kept / "passwd").write_text("hunter2")
    (kept / "passwd.sign").write_text(signature("hunter2"))
    echo = Agents((tmp_path,), Log("test"), secrets=Secrets(tmp_path / "secrets"))
    options = (("action", "off"), ("passwd", MARK))
    result = asyncio.run(echo.execute("fence_echo", options, 30_000, device="ipmi"))
    assert result.stdout == "action=off\npasswd=hunter2\n"
    result = asyncio.run(echo.execute("fence_echo", options, 30_000, device="other"))
    assert result.status is OpStatus.NO_SECRETS


def test_off_kills_every_process_of_the_node_stopped_ones_too(
    agents: Agents, cluster: Path, node: list[subprocess.Popen[bytes]]
) -> None:
    """features 17.20."""
    options = {"directory": str(cluster), "plug": "n2"}
    assert execute(agents, OWN, action="status", **options).code == 0
    os.kill(node[0].pid, signal.SIGSTOP)
    assert execute(agents, OWN, action="off", **options).code == 0
    assert processes_of("n2", str(cluster)) == []
    assert [process.wait() for process in node] == [-signal.SIGKILL] * 3
    assert execute(agents, OWN, action="status", **options).code == 2


def test_off_of_a_dead_node_succeeds(agents: Agents, cluster: Path) -> None:
    """features 17.20."""
    result = execute(agents, OWN, action="off", directory=str(cluster), nodename="n1")
    assert (result.status, result.code) == (OpStatus.DONE, 0)


def test_off_leaves_the_other_nodes_and_clusters_alone(
    agents: Agents, cluster: Path, node: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    before = processes_of("n2", str(cluster))
    assert len(before) >= 4
    for name in ("n1", "n12"):
        assert execute(agents, OWN, action="off", directory=str(cluster), plug=name).code == 0
    assert processes_of("n2", str(cluster)) == before


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"plug": "n2", "directory": "/no/such"}, 2, "does not exist"),
        ({"plug": "n3"}, 2, "nodes: n1, n2, n12"),
        ({}, 2, "plug is missing"),
        ({"plug": "n2", "timeout": "soon"}, 2, "no number"),
    ],
)
def test_bad_options_confirm_nothing_and_say_what_is_wrong(
    agents: Agents, cluster: Path, options: dict[str, str], code: int, words: str
) -> None:
    given = {"directory": str(cluster), **options}
    result = execute(agents, OWN, action="off", **given)
    assert result.code == code
    assert words in result.output


def test_without_the_clusters_description_nothing_is_confirmed(
    agents: Agents, tmp_path: Path
) -> None:
    result = execute(agents, OWN, action="off", directory=str(tmp_path), plug="n1")
    assert result.code == 1
    assert "cannot be read" in result.output


def test_list_names_the_nodes(agents: Agents, cluster: Path) -> None:
    """features 17.6."""
    result = execute(agents, OWN, action="list", directory=str(cluster))
    assert result.stdout.splitlines() == ["n1,n1", "n2,n2", "n12,n12"]


def test_our_agent_also_takes_arguments(cluster: Path) -> None:
    agent = str(DIRECTORY / OWN)
    argv = [sys.executable, agent, "-o", "status", "-n", "n1", "--directory", str(cluster)]
    assert subprocess.run(argv, check=False).returncode == 2
