"""raftmaker-stonithd as a process beside a real store: devices from the CIB, a kill, a restart."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cib_store.client import StoreClient
from crm_shell.local_cluster.cluster import LocalCluster
from crm_shell.local_cluster.supervisor import program_of
from raftmaker.runtime.errors import HaError, Refused, Unreachable
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.node_processes import mark, processes_of
from raftmaker.runtime.settings import read
from raftmaker.runtime.spawn import spawn
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from raftmaker.vocabulary.ids import BootId, NodeName, Session, Token
from stonithd.client import FenceAnswer, FencerClient

pytestmark = pytest.mark.e2e

LIMIT_S = 30.0
DEVICE = '<primitive id="fencing" class="stonith" type="fence_raftmaker_local"/>'


class Stage:
    """Three nodes' stores, and one fencer, on n1; nobody is DC but the test."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster = cluster
        self.pids: list[int] = []
        settings = read(cluster.node("n1").config)
        self.me = tool_identity(settings.cluster, "test")
        self.socket = settings.socket("stonithd")
        self.store = StoreClient(settings.socket("cib"), self.me)

    def spawn(self, node: str, daemon: str) -> int:
        environment = os.environ | mark(node, str(self.cluster.directory))
        config = str(self.cluster.node(node).config)
        argv = [program_of(daemon), "--config", config]
        pid = spawn(argv, environment=environment, log=self.cluster.log(node, daemon))
        self.pids.append(pid)
        return pid

    def end(self, pid: int, number: int) -> int:
        """Send a signal and return the exit code."""
        os.kill(pid, number)
        self.pids.remove(pid)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    @asynccontextmanager
    async def fencer(self) -> AsyncIterator[FencerClient]:
        """A client of the fencer on n1, once it knows its device."""
        client = FencerClient(self.socket, identity=self.me)
        try:
            await eventually(lambda: _knows_device(client))
            yield client
        finally:
            await client.close()


async def _knows_device(client: FencerClient) -> bool:
    try:
        return any(device.usable for device in await client.devices())
    except Unreachable:
        return False


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await holds():
            await asyncio.sleep(0.02)


async def fence(client: FencerClient, counter: int) -> FenceAnswer:
    return await client.fence(
        token=Token(1, counter),
        target=NodeName("n3"),
        boot_id=BootId("boot"),
        session=Session(1),
        action="off",
        client="test",
    )


def test_the_daemon_fences_for_real_and_remembers_when_killed(tmp_path: Path) -> None:
    """features 17.1, 17.18, 17.41; protocols, DC: the token is persisted."""

    async def body(stage: Stage) -> None:
        for node in stage.cluster.names:
            stage.spawn(node, "cib")
        daemon = stage.spawn("n1", "stonithd")
        await eventually(lambda: _configured(stage.store))
        async with stage.fencer() as client:
            assert [device.targets for device in await client.devices()] == [("n1", "n2", "n3")]
            answer = await fence(client, 5)
            assert (answer.confirmed, answer.devices) == (True, ("fencing",))
        assert processes_of("n3", str(stage.cluster.directory)) == []
        assert processes_of("n2", str(stage.cluster.directory)) != []
        stage.end(daemon, signal.SIGKILL)
        again = stage.spawn("n1", "stonithd")
        async with stage.fencer() as client:
            assert [one.state for one in await client.history()] == ["confirmed"]
            with pytest.raises(Refused, match=r"1\.4 is older than 1\.5"):
                await fence(client, 4)
        assert stage.end(again, signal.SIGTERM) == 0
        await stage.store.close()

    with LocalCluster.create(tmp_path / "c") as cluster:
        asyncio.run(_whole(body, cluster))


async def _whole(body: Callable[[Stage], Awaitable[None]], cluster: LocalCluster) -> None:
    stage = Stage(cluster)
    try:
        async with asyncio.timeout(3 * LIMIT_S):
            await body(stage)
    finally:
        for pid in list(stage.pids):
            stage.end(pid, signal.SIGKILL)


async def _configured(store: StoreClient) -> bool:
    operation = CibOperation(kind=OperationKind.MODIFY, scope="resources", xml=DEVICE, all=True)
    try:
        outcome = await store.change([operation], timeout_ms=3000)
    except HaError:
        return False
    assert outcome.succeeded or outcome.code is ExitCode.TEMPFAIL, outcome.reports
    return outcome.succeeded
