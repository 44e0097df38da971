"""bin/demo's program: it shows the whole failover, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crm_shell.demo.timeline import Milestone
from tests.e2e.site import START_S

pytestmark = pytest.mark.e2e

COMMAND = [sys.executable, "-m", "crm_shell.demo.main"]


def processes_in(directory: str) -> list[str]:
    """Return the pids whose environment names the cluster's directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if directory.encode() in (entry / "environ").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found


def test_demo_shows_every_step_and_cleans_up() -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False, timeout=2 * START_S)
    assert done.returncode == 0, done.stdout + done.stderr
    for milestone in Milestone:
        assert re.search(rf"^\s*\d+ ms  {milestone.value}$", done.stdout, re.MULTILINE)
    assert len(re.findall(r"web\s+\(ocf:raftmaker:web\):\s+Started", done.stdout)) == 2
    match = re.search(r"Starting three nodes .* in (\S+)", done.stdout)
    assert match is not None
    assert not Path(match[1]).exists()
    assert processes_in(match[1]) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_cleans_up(number: signal.Signals) -> None:
    """Ctrl-C while the nodes start."""
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as demo:
        assert demo.stdout is not None
        directory = ""
        while not directory:
            line = demo.stdout.readline()
            assert line, "the demo ended before it named its directory"
            match = re.search(r"Starting three nodes .* in (\S+)", line)
            directory = match[1] if match else ""
        os.kill(demo.pid, number)
        assert demo.wait(START_S) == 130
    assert not Path(directory).exists()
    assert processes_in(directory) == []
