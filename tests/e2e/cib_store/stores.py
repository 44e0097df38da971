"""Three store daemons as processes on loopback, for tests that kill them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from cib_store.client import StoreClient
from crm_shell.local_cluster.layout import free_ports
from raftmaker.runtime.founding import mark_founder
from raftmaker.runtime.identity import tool_identity

NAMES = ("a", "b", "c")


class Stores:
    """Daemons by node name; a daemon that was killed can be started again with its data."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        ports = free_ports(3 * len(NAMES))
        peers = "".join(
            f'[[peers]]\nname = "{name}"\n'
            + "".join(
                f'{daemon} = "127.0.0.1:{next(ports)}"\n'
                for daemon in ("store", "controller", "fencer")
            )
            for name in NAMES
        )
        for name in NAMES:
            home = directory / name
            home.mkdir()
            mark_founder(home / "state")
            (home / "raftmaker.toml").write_text(
                f'[cluster]\nid = "e2e"\nname = "e2e"\n[node]\nname = "{name}"\n'
                f'[directories]\nstate = "{home}/state"\nrun = "{home}/run"\n{peers}'
            )

    def start(self, *names: str) -> None:
        for name in names:
            home = self.directory / name
            with (home / "log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "cib_store.main", "--config", home / "raftmaker.toml"],
                    stderr=log,
                )

    def signal(self, number: signal.Signals, *names: str) -> None:
        for name in names:
            os.kill(self._processes[name].pid, number)

    def kill(self, *names: str) -> None:
        self.signal(signal.SIGKILL, *names)
        for name in names:
            self._processes.pop(name).wait()

    async def ended(self, name: str) -> int:
        """Wait until a daemon has ended of itself; return its exit code."""
        process = self._processes.pop(name)
        async with asyncio.timeout(60):
            while (code := process.poll()) is None:
                await asyncio.sleep(0.05)
        return code

    def close(self) -> None:
        self.kill(*list(self._processes))

    def client(self, *names: str, exactly_once: bool = False) -> StoreClient:
        sockets = [self.directory / name / "run" / "cib.sock" for name in names]
        return StoreClient(sockets, tool_identity("e2e", "test"), exactly_once=exactly_once)
