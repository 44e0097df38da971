"""A controller that never reached a store ends when told to, as nothing runs here (24.12).

One that cannot begin ends as well, and in good order.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_shell.local_cluster.layout import free_ports
from raftmaker.vocabulary.codes import ExitCode
from tests.e2e.lone_controller import lone_settings

pytestmark = pytest.mark.e2e
LIMIT_S = 90.0
"""Much less than shutdown-escalation, for which it would wait otherwise."""


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An executor and a controller, both up, and nothing else of the node."""
    config = tmp_path / "raftmaker.toml"
    (port,) = free_ports(1)
    config.write_text(lone_settings(tmp_path, port))
    for name in ("state", "run"):
        (tmp_path / name).mkdir()
    environment = {**os.environ, "NOTIFY_SOCKET": ""}

    def started(daemon: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"{daemon}.main", "--config", str(config)]
        return subprocess.Popen(command, env=environment)

    with started("lrmd") as executor, started("crmd") as tested:
        try:
            for name in ("lrmd", "crmd"):
                wait_for(tmp_path / "run" / f"{name}.sock")
            yield tested
        finally:
            tested.kill()
            executor.kill()


def wait_for(path: Path) -> None:
    end = time.monotonic() + LIMIT_S
    while not path.exists():
        assert time.monotonic() < end, f"{path} is not there"
        time.sleep(0.05)


def test_it_leaves_at_once_when_nothing_runs_here(controller: subprocess.Popen[bytes]) -> None:
    controller.send_signal(signal.SIGTERM)
    assert controller.wait(LIMIT_S) == 0


def test_one_whose_port_is_taken_ends_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """What has begun by then is ended: the scheduler's process, and the socket for root."""
    for name in ("state", "run"):
        (tmp_path / name).mkdir()
    config, log = tmp_path / "raftmaker.toml", tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as taken, log.open("w") as told:
        config.write_text(lone_settings(tmp_path, taken.getsockname()[1]))
        command = [sys.executable, "-m", "crmd.main", "--config", str(config)]
        environment = {**os.environ, "NOTIFY_SOCKET": ""}
        ended = subprocess.run(command, env=environment, stderr=told, check=False, timeout=LIMIT_S)
    assert ended.returncode == ExitCode.OSERR
    (reason,) = [line for line in log.read_text().splitlines() if "daemon ends" in line]
    assert "Address already in use ('ss -Hltnp sport = :" in reason
    for word in ("Traceback", "Exception ignored", "never awaited"):
        assert word not in log.read_text()
