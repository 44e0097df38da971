"""The agent ocf:raftmaker:web by itself (features 5.9, 5.13): a real server, as any user."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_shell.local_cluster.layout import free_ports
from lrmd.agents.scripts import OWN_ROOT
from lrmd.metadata import read_metadata

pytestmark = pytest.mark.e2e
AGENT = OWN_ROOT / "resource.d" / "raftmaker" / "web"
OK, ERROR, CONFIGURED, NOT_RUNNING = 0, 1, 6, 7


class Web:
    """One resource on a node called `node`."""

    def __init__(self, directory: Path, port: int, node: str = "alpha") -> None:
        self.state = directory / f"{node}.state"
        self.address = f"http://127.0.0.1:{port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "RAFTMAKER_NODE": node,
            "OCF_RESOURCE_INSTANCE": "site",
            "OCF_RESKEY_port": str(port),
            "OCF_RESKEY_statefile": str(self.state),
        }

    def __call__(self, action: str, **parameters: str) -> int:
        given = {f"OCF_RESKEY_{name}": value for name, value in parameters.items()}
        ended = subprocess.run(
            [AGENT, action], env=self.environment | given, capture_output=True, check=False
        )
        self.words = ended.stderr.decode()
        return ended.returncode

    def page(self, path: str = "/") -> str:
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            text: str = answer.read().decode()
            return text

    @property
    def pid(self) -> int:
        return int(self.state.read_text().split()[0])


def state_of(pid: int) -> str:
    """The letter of the process's state; empty: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@pytest.fixture
def port() -> int:
    (number,) = free_ports(1)
    return number


@pytest.fixture
def web(tmp_path: Path, port: int) -> Iterator[Web]:
    one = Web(tmp_path, port)
    yield one
    one("stop")


def test_its_life(web: Web) -> None:
    assert web("monitor") == NOT_RUNNING
    assert web("stop") == OK
    assert web("start") == OK
    assert "alpha" in web.page()
    first = web.pid
    assert web("start") == OK
    assert web.pid == first
    assert web("monitor") == OK
    assert web("stop") == OK
    assert web("monitor") == NOT_RUNNING


def test_it_serves_files(web: Web, tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.txt").write_text("words")
    assert web("start", documents=str(tmp_path / "documents")) == OK
    assert web.page("/a.txt") == "words"
    assert "alpha" in web.page()
    (tmp_path / "documents" / "index.html").write_text("mine")
    assert web.page() == "mine"


def test_a_killed_server_does_not_run(web: Web) -> None:
    assert web("start") == OK
    os.kill(web.pid, signal.SIGKILL)
    assert web("monitor") == NOT_RUNNING
    assert web("start") == OK


def test_a_stopped_server_is_a_failure_and_can_be_ended(web: Web) -> None:
    assert web("start") == OK
    pid = web.pid
    os.kill(pid, signal.SIGSTOP)
    assert web("monitor", CRM_meta_timeout="1000") == ERROR
    assert "does not answer" in web.words
    assert web("stop") == OK
    assert state_of(pid) in ("", "Z")


def test_another_nodes_server_is_not_ours(web: Web, tmp_path: Path, port: int) -> None:
    other = Web(tmp_path, port, "beta")
    assert web("start") == OK
    assert other("monitor") == NOT_RUNNING
    assert other("start") == ERROR
    assert "in use" in other.words
    assert other("stop") == OK
    assert web("monitor") == OK


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"port": "0"}, CONFIGURED),
        ({"port": "x"}, CONFIGURED),
        ({"ip": "example.org"}, CONFIGURED),
        ({"documents": "/nonexistent"}, 5),
        ({}, OK),
    ],
)
def test_parameters_are_checked(web: Web, parameters: dict[str, str], code: int) -> None:
    assert web("validate-all", **parameters) == code
    if code:
        assert web("start", **parameters) == code


def test_its_metadata() -> None:
    xml = subprocess.run([AGENT, "meta-data"], capture_output=True, check=True).stdout.decode()
    metadata = read_metadata(xml)
    assert [one.name for one in metadata.parameters] == ["ip", "port", "documents", "statefile"]
    assert metadata.ocf_version == "1.1"
    offered = [one.name for one in metadata.actions]
    assert offered == ["start", "stop", "monitor", "validate-all", "meta-data"]
