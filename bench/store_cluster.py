"""Three store daemons for the benchmarks, reached as root's tools and the daemons reach them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

from cib_store.client import StoreClient
from cib_store.speaker import Speaker
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.identity import tool_identity
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from tests.e2e.cib_store.stores import NAMES, Stores

PATIENCE_MS = 60_000
_TICKS_S = os.sysconf("SC_CLK_TCK")
_RESOURCE = (
    '<primitive id="r{0}" class="ocf" provider="heartbeat" type="Dummy">'
    '<instance_attributes id="r{0}-i"><nvpair id="r{0}-i-state" name="state"'
    ' value="/run/resource-agents/dummy-{0}.state"/>'
    '<nvpair id="r{0}-i-fake" name="fake" value="0"/></instance_attributes>'
    '<operations><op id="r{0}-monitor-10s" name="monitor" interval="10s" timeout="20s"/>'
    '<op id="r{0}-start-0s" name="start" interval="0s" timeout="20s"/></operations>'
    "</primitive>"
)


class Cluster(Stores):
    """Daemons that are measured; `module` is the program that each of them runs."""

    def __init__(self, directory: Path, module: str = "cib_store.main") -> None:
        """Nothing is started yet."""
        directory.mkdir(parents=True, exist_ok=True)
        super().__init__(directory)
        self._module = module

    def start(self, *names: str) -> None:
        """Start the daemons of these nodes."""
        for name in names:
            home = self.directory / name
            arguments = ["-m", self._module, "--config", str(home / "raftmaker.toml")]
            with (home / "log").open("ab") as log:
                self._processes[name] = subprocess.Popen([sys.executable, *arguments], stderr=log)

    def client(self, *names: str, exactly_once: bool = False) -> StoreClient:
        """Return a client with a connection of its own, on the daemons' own socket."""
        homes = [self.directory / name / "run" for name in names]
        sockets = [home / "private" / "cib.sock" for home in homes]
        return StoreClient(sockets, tool_identity("e2e", "bench"), exactly_once=exactly_once)

    def speaker(self, name: str) -> Speaker:
        """Return the bare stub of one daemon: what comes is not decoded any further."""
        socket = self.directory / name / "run" / "private" / "cib.sock"
        return Speaker(socket, tool_identity("e2e", "bench"))

    async def ready(self) -> str:
        """Wait until the cluster lives; return the leader's node."""
        client = self.client(*NAMES)
        try:
            async with asyncio.timeout(PATIENCE_MS / 1000):
                while True:
                    with contextlib.suppress(HaError):
                        answer = await client.query(scope="crm_config", facts=True)
                        leader = (await client.status()).leader
                        if leader and answer.facts is not None and answer.facts.cluster_id:
                            return leader
                    await asyncio.sleep(0.1)
        finally:
            await client.close()

    async def term(self) -> int:
        """Return the Raft term: it grows with every election."""
        client = self.client(*NAMES)
        term = (await client.status()).term
        await client.close()
        return term

    def cpu_s(self, name: str) -> float:
        """Return the processor time that a daemon has used, in seconds."""
        return process_cpu_s(self._processes[name].pid)

    def pss_mb(self, name: str) -> float:
        """Return a daemon's share of memory (PSS), in MB."""
        rollup = Path(f"/proc/{self._processes[name].pid}/smaps_rollup").read_text()
        line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
        return int(line.split()[1]) / 1024


def process_cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_S


async def fill(client: StoreClient, count: int) -> int:
    """Make the CIB hold so many resources; return its size in bytes."""
    xml = "<resources>" + "".join(_RESOURCE.format(n) for n in range(count)) + "</resources>"
    operation = CibOperation(kind=OperationKind.REPLACE, scope="resources", xml=xml)
    outcome = await client.change([operation], timeout_ms=PATIENCE_MS)
    assert outcome.succeeded, outcome
    return sum(len(text) for text in await client.query_raw(timeout_ms=PATIENCE_MS))


async def set_value(client: StoreClient, resource: int, value: int) -> None:
    """Change one attribute of one resource."""
    operation = CibOperation(
        kind=OperationKind.MODIFY,
        scope="resources",
        xml=f'<nvpair id="r{resource}-i-fake" value="{value}"/>',
    )
    outcome = await client.change([operation], timeout_ms=PATIENCE_MS)
    assert outcome.succeeded, outcome
