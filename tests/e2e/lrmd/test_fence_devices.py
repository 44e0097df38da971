"""Class stonith over real gRPC: the executor's side of a conversation with the fencer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from lrmd.agents.fence_devices import FenceDevices
from lrmd.operations.values import Agent, OperationRequest, Outcome, Standard
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.rpc import Service, abort, serve
from raftmaker.vocabulary.codes import ExitCode, OcfCode, OpStatus
from raftmaker.vocabulary.ids import ResourceId
from raftmaker.wire import fencer_pb2, fencer_pb2_grpc
from stonithd.client import FencerClient

pytestmark = pytest.mark.e2e
IDENTITY = tool_identity("c", "test")
GOOD = fencer_pb2.ProbeReply(code=0, status=int(OpStatus.DONE))
BAD = fencer_pb2.ProbeReply(code=1, status=int(OpStatus.DONE), output="login\nno answer\n")
MISSING = fencer_pb2.ProbeReply(code=1, status=int(OpStatus.NOT_INSTALLED))
UNKNOWN = None


class Fencer(fencer_pb2_grpc.FencerServicer):
    """Gives the answers of its list, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[fencer_pb2.ProbeReply | None] = [GOOD]
        self.asked: list[str] = []

    async def Probe(self, request: Any, context: Any) -> fencer_pb2.ProbeReply:
        self.asked.append(f"{request.action} {request.device}")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            report = Report(code="x", where="device", what="no device", mend="")
            await abort(context, Rejected(ExitCode.NOSUCH, (report,)))
            raise AssertionError
        return answer

    async def AgentMetadata(self, request: Any, context: Any) -> fencer_pb2.AgentMetadataReply:
        return fencer_pb2.AgentMetadataReply(xml="<resource-agent/>")


def served(body: Callable[[Fencer, FenceDevices], Awaitable[None]], socket: Path) -> None:
    async def scenario() -> None:
        fencer = Fencer()
        register = fencer_pb2_grpc.add_FencerServicer_to_server
        service = Service(name="raftmaker.v1.Fencer", servicer=fencer, register=register)
        server = await serve([service], identity=IDENTITY, socket=socket)
        client = FencerClient(socket, identity=IDENTITY)
        async with asyncio.timeout(20):
            await body(fencer, FenceDevices(client))
        await client.close()
        await server.stop(grace=0)

    asyncio.run(scenario())


async def outcome(devices: FenceDevices, operation: str) -> Outcome:
    request = OperationRequest(
        resource=ResourceId("switch"),
        agent=Agent(Standard.STONITH, "", "fence_x"),
        operation=operation,
    )
    return await devices.begin(1, request).outcome()


def test_a_device_lives_through_its_actions(tmp_path: Path) -> None:
    """Features 5.5: it runs where it was started, though every fencer knows it."""

    async def body(fencer: Fencer, devices: FenceDevices) -> None:
        assert (await outcome(devices, "monitor")).code is OcfCode.NOT_RUNNING
        assert fencer.asked == []
        assert (await outcome(devices, "start")).code is OcfCode.OK
        assert (await outcome(devices, "monitor")).code is OcfCode.OK
        assert fencer.asked == ["monitor switch"] * 2
        assert (await outcome(devices, "stop")).code is OcfCode.OK
        assert (await outcome(devices, "monitor")).code is OcfCode.NOT_RUNNING
        assert (await outcome(devices, "promote")).status is OpStatus.NOT_SUPPORTED

    served(body, tmp_path / "stonithd.sock")


def test_what_the_device_says_is_told(tmp_path: Path) -> None:
    async def body(fencer: Fencer, devices: FenceDevices) -> None:
        fencer.answers = [BAD]
        found = await outcome(devices, "start")
        assert (found.code, found.status) == (OcfCode.ERROR, OpStatus.ERROR)
        assert found.exit_reason == "no answer"
        fencer.answers = [MISSING]
        assert (await outcome(devices, "start")).code is OcfCode.NOT_INSTALLED

    served(body, tmp_path / "stonithd.sock")


def test_a_device_that_the_fencer_does_not_know_yet_is_waited_for(tmp_path: Path) -> None:
    async def body(fencer: Fencer, devices: FenceDevices) -> None:
        fencer.answers = [UNKNOWN, GOOD]
        assert (await outcome(devices, "start")).code is OcfCode.OK
        fencer.answers = [UNKNOWN]
        found = await outcome(devices, "monitor")
        assert (found.code, found.status) == (OcfCode.ERROR, OpStatus.ERROR)
        assert "no device" in found.exit_reason

    served(body, tmp_path / "stonithd.sock")


def test_what_was_started_before_a_restart_is_remembered(tmp_path: Path) -> None:
    async def body(fencer: Fencer, devices: FenceDevices) -> None:
        devices.remember(frozenset({"switch"}))
        assert (await outcome(devices, "monitor")).code is OcfCode.OK

    served(body, tmp_path / "stonithd.sock")


def test_a_fencer_that_restarts_is_waited_for(tmp_path: Path) -> None:
    socket = tmp_path / "stonithd.sock"

    async def scenario() -> None:
        client = FencerClient(socket, identity=IDENTITY)
        devices = FenceDevices(client)
        waiting = asyncio.create_task(outcome(devices, "start"))
        fencer = Fencer()
        service = Service(
            name="raftmaker.v1.Fencer",
            servicer=fencer,
            register=fencer_pb2_grpc.add_FencerServicer_to_server,
        )
        await asyncio.sleep(0.1)
        server = await serve([service], identity=IDENTITY, socket=socket)
        async with asyncio.timeout(20):
            assert (await waiting).code is OcfCode.OK
        await client.close()
        await server.stop(grace=0)

    asyncio.run(scenario())


def test_metadata_waits_for_a_fencer_that_starts(tmp_path: Path) -> None:
    """features 7.15: a device configured meanwhile was not said to unfence."""
    socket = tmp_path / "s"
    register = fencer_pb2_grpc.add_FencerServicer_to_server
    service = Service(name="raftmaker.v1.Fencer", servicer=Fencer(), register=register)

    async def body() -> str:
        client = FencerClient(socket, identity=IDENTITY)
        asked = asyncio.create_task(FenceDevices(client).metadata("fence_x"))
        await asyncio.wait([asked], timeout=0.2)
        server = await serve([service], identity=IDENTITY, socket=socket)
        try:
            async with asyncio.timeout(20):
                return await asked
        finally:
            await client.close()
            await server.stop(grace=0)

    assert asyncio.run(body()) == "<resource-agent/>"
