"""Serving and dialling: identities gate every kind of call, on the socket and on TCP alike."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from raftmaker.runtime.errors import Refused, Unreachable
from raftmaker.runtime.rpc import Service, dial, failure_of, serve
from raftmaker.wire import store_pb2, store_pb2_grpc, types_pb2
from raftmaker.wire.types_pb2 import Identity

MINE = Identity(protocol=1, protocol_min=1, cluster_id="c1", node="a", program="test")
OTHER = Identity(protocol=1, protocol_min=1, cluster_id="c2", node="z", program="stranger")


class Echo(store_pb2_grpc.StoreServicer):
    async def Hello(self, request: Any, context: Any) -> types_pb2.HelloReply:
        return types_pb2.HelloReply(identity=MINE)

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[store_pb2.WatchEvent]:
        yield store_pb2.WatchEvent(index=request.after)

    async def Heartbeat(
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[store_pb2.BeatAck]:
        async for beat in request_iterator:
            yield store_pb2.BeatAck(sent_at_us=beat.sent_at_us)


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


async def one_of_each(stub: store_pb2_grpc.StoreStub) -> list[int]:
    await stub.Hello(types_pb2.HelloRequest())
    seen = [event.index async for event in stub.Watch(store_pb2.WatchRequest(after=5))]
    call = stub.Heartbeat()
    await call.write(store_pb2.Beat(sent_at_us=7))
    answer = await call.read()
    await call.done_writing()
    return [*seen, answer.sent_at_us]


@pytest.mark.parametrize("over_tcp", [False, True])
def test_identity_gates_every_call(over_tcp: bool) -> None:
    async def scenario(run_dir: Path) -> None:
        address, path = free_address(), run_dir / "cib.sock"
        service = Service(
            name="raftmaker.v1.Store",
            servicer=Echo(),
            register=store_pb2_grpc.add_StoreServicer_to_server,
        )
        server = await serve([service], identity=MINE, socket=path, addresses=[address])
        target: Path | str = address if over_tcp else path
        async with dial(target, identity=MINE) as channel:
            assert await one_of_each(store_pb2_grpc.StoreStub(channel)) == [5, 7]
            health: Any = health_pb2_grpc.HealthStub(channel)
            answer = await health.Check(health_pb2.HealthCheckRequest(service="raftmaker.v1.Store"))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        async with dial(target, identity=OTHER) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await one_of_each(store_pb2_grpc.StoreStub(channel))
            failure = failure_of(caught.value, str(target), "start it")
            assert isinstance(failure, Refused)
            assert "belongs to cluster 'c2'" in str(failure)
        await server.stop(None)
        async with dial(target, identity=MINE) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await store_pb2_grpc.StoreStub(channel).Hello(types_pb2.HelloRequest())
            assert isinstance(failure_of(caught.value, str(target), "start it"), Unreachable)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scenario(Path(directory)))
