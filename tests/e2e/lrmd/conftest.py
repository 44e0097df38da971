"""A real executor daemon of a node of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrmd.client import ExecutorClient
from raftmaker.runtime.identity import tool_identity

NODE = "node1"
SETTINGS = """
[cluster]
id = "executor-test"
[node]
name = "{node}"
[directories]
state = "{root}/state"
run = "{root}/run"
ocf_roots = ["{root}/ocf"]
[[peers]]
name = "{node}"
store = "127.0.0.1:1"
controller = "127.0.0.1:3"
fencer = "127.0.0.1:4"
"""


class Daemon:
    """Starts, kills and restarts the daemon; what it runs is found by the node's name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run_dir = root / "run"
        self.mark = f"{NODE}-{os.getpid()}-{root.name}"
        (root / "raftmaker.toml").write_text(SETTINGS.format(root=root, node=self.mark))
        self._process: subprocess.Popen[bytes] | None = None

    def agent(self, name: str, text: str) -> None:
        """Install an agent ``ocf:test:NAME``."""
        path = self.root / "ocf" / "resource.d" / "test" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def start(self) -> None:
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lrmd.main", "--config", self.root / "raftmaker.toml"],
                stdout=log,
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": ""},
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=60)

    def client(self) -> ExecutorClient:
        return ExecutorClient(
            self.run_dir / "lrmd.sock", identity=tool_identity("executor-test", "test")
        )

    def processes(self) -> list[int]:
        """What runs on behalf of the node, the daemon excepted."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environment = (entry / "environ").read_bytes().split(b"\0")
                except OSError:
                    continue
                if f"RAFTMAKER_NODE={self.mark}".encode() in environment:
                    found.append(int(entry.name))
        return found

    def end_all(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + 5
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.01)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    one = Daemon(tmp_path)
    one.start()
    try:
        yield one
    finally:
        one.end_all()
        print((tmp_path / "log").read_text())
