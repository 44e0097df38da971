"""Serving and dialling: identities gate every kind of call, on the socket and on TCP alike."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from msgspec.structs import replace

from crm_shell.local_cluster.layout import free_ports
from raftmaker.runtime.certificates import KeyPair, create_authority, issue
from raftmaker.runtime.endpoint import Credentials, Endpoint, Target
from raftmaker.runtime.errors import CannotListen, Refused, Unreachable
from raftmaker.runtime.rpc import Service, caller, dial, failure_of, serve
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.wire import store_pb2, store_pb2_grpc, types_pb2
from raftmaker.wire.types_pb2 import Identity

MINE = Identity(protocol=1, protocol_min=1, cluster_id="c1", node="a", program="test")
OTHER = Identity(protocol=1, protocol_min=1, cluster_id="c2", node="z", program="stranger")


class Echo(store_pb2_grpc.StoreServicer):
    async def Hello(self, request: Any, context: Any) -> types_pb2.HelloReply:
        return types_pb2.HelloReply(identity=await caller(context))

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[store_pb2.WatchEvent]:
        yield store_pb2.WatchEvent(index=request.after)

    async def Heartbeat(
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[store_pb2.BeatAck]:
        async for beat in request_iterator:
            yield store_pb2.BeatAck(sent_at_us=beat.sent_at_us)


def free_endpoint(credentials: Credentials | None = None, node: str = "a") -> Endpoint:
    (port,) = free_ports(1)
    return Endpoint(node=NodeName(node), address=f"127.0.0.1:{port}", credentials=credentials)


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
        endpoint, path = free_endpoint(), run_dir / "cib.sock"
        service = Service(
            name="raftmaker.v1.Store",
            servicer=Echo(),
            register=store_pb2_grpc.add_StoreServicer_to_server,
        )
        server = await serve([service], identity=MINE, socket=path, endpoints=[endpoint])
        target: Target = endpoint if over_tcp else path
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


def test_a_server_reflects_what_it_offers() -> None:
    """Whoever has no `proto/` asks for the services and the file of one."""

    async def scenario(socket: Path) -> list[Any]:
        add = store_pb2_grpc.add_StoreServicer_to_server
        service = Service(name="raftmaker.v1.Store", servicer=Echo(), register=add)
        server = await serve([service], identity=MINE, socket=socket)
        try:
            async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
                stub: Any = reflection_pb2_grpc.ServerReflectionStub
                questions = [
                    reflection_pb2.ServerReflectionRequest(list_services=""),
                    reflection_pb2.ServerReflectionRequest(file_containing_symbol=service.name),
                ]
                return [
                    answer async for answer in stub(channel).ServerReflectionInfo(iter(questions))
                ]
        finally:
            await server.stop(None)

    with tempfile.TemporaryDirectory() as directory:
        services, file = asyncio.run(scenario(Path(directory) / "a.sock"))
    assert [one.name for one in services.list_services_response.service] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "raftmaker.v1.Store",
    ]
    described = file.file_descriptor_response.file_descriptor_proto
    assert any(b"store.proto" in one for one in described)


NOW = datetime.now(UTC)
AUTHORITY = create_authority(ClusterId("c1"), NOW)
STRANGER = create_authority(ClusterId("c1"), NOW)


def credentials(authority: KeyPair, node: str, *, is_remote: bool = False) -> Credentials:
    pair = issue(authority, NodeName(node), NOW, is_remote=is_remote)
    return Credentials(authority=authority.certificate, certificate=pair.certificate, key=pair.key)


def outcome_of_hello(*, shown: Credentials | None, expects: str, says: str) -> str:
    """Return the node that the server saw, or the status of the refusal."""

    async def scenario(run_dir: Path) -> str:
        endpoint = free_endpoint(credentials(AUTHORITY, "a"))
        service = Service(
            name="raftmaker.v1.Store",
            servicer=Echo(),
            register=store_pb2_grpc.add_StoreServicer_to_server,
        )
        socket_path = run_dir / "cib.sock"
        server = await serve([service], identity=MINE, socket=socket_path, endpoints=[endpoint])
        identity = Identity(protocol=1, protocol_min=1, cluster_id="c1", node=says, program="t")
        target = Endpoint(node=NodeName(expects), address=endpoint.address, credentials=shown)
        try:
            async with dial(target, identity=identity) as channel:
                stub = store_pb2_grpc.StoreStub(channel)
                reply = await stub.Hello(types_pb2.HelloRequest(), timeout=60)
                return str(reply.identity.node)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        finally:
            await server.stop(None)

    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(scenario(Path(directory)))


@pytest.mark.parametrize(
    ("shown", "expects", "says", "outcome"),
    [
        pytest.param(credentials(AUTHORITY, "b"), "a", "b", "b", id="a peer"),
        pytest.param(credentials(AUTHORITY, "b"), "a", "c", "PERMISSION_DENIED", id="an impostor"),
        pytest.param(credentials(AUTHORITY, "b"), "z", "b", "UNAVAILABLE", id="another server"),
        pytest.param(credentials(STRANGER, "b"), "a", "b", "UNAVAILABLE", id="a stranger"),
        pytest.param(None, "a", "b", "UNAVAILABLE", id="nobody"),
        pytest.param(
            credentials(AUTHORITY, "b", is_remote=True), "a", "b", "UNAVAILABLE", id="a remote node"
        ),
    ],
)
def test_both_ends_prove_who_they_are(
    shown: Credentials | None, expects: str, says: str, outcome: str
) -> None:
    assert outcome_of_hello(shown=shown, expects=expects, says=says) == outcome


def test_nothing_beyond_loopback_is_dialled_or_served_without_proof() -> None:
    bare = Endpoint(node=NodeName("b"), address="192.0.2.1:4000")
    with pytest.raises(Refused, match=r"192\.0\.2\.1:4000 of b is beyond loopback"):
        dial(bare, identity=MINE)
    with tempfile.TemporaryDirectory() as directory, pytest.raises(Refused):
        asyncio.run(serve([], identity=MINE, socket=Path(directory) / "cib.sock", endpoints=[bare]))


def serving(endpoint: Endpoint, socket: Path) -> None:
    async def scenario() -> None:
        await (await serve([], identity=MINE, socket=socket, endpoints=[endpoint])).stop(None)

    asyncio.run(scenario())


def test_an_address_that_cannot_be_had_is_named_with_what_mends_it(tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        endpoint = Endpoint(node=NodeName("a"), address=f"127.0.0.1:{port}")
        with pytest.raises(CannotListen, match=f"127.0.0.1:{port}: Address already in use .*ss -H"):
            serving(endpoint, tmp_path / "a.sock")


def test_one_of_several_addresses_is_enough(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A ring whose interface is not there yet does not keep the daemon from the other one."""
    with create_server(("127.0.0.1", 0)) as taken:
        elsewhere = f"127.0.0.1:{taken.getsockname()[1]}"
        endpoint = replace(free_endpoint(), others=(elsewhere,))
        serving(endpoint, tmp_path / "a.sock")
    assert f"{elsewhere}: Address already in use" in caplog.text


def test_a_socket_whose_path_is_too_long_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match=r"may have 107 bytes \(it has 1[0-9]{2}\)"):
        serving(free_endpoint(), tmp_path / ("x" * 100))


def test_a_connection_that_breaks_within_a_call_is_no_answer() -> None:
    """So a client asks the next store, and takes the outcome of a change for unknown."""
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.INTERNAL,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(),
        details="Internal error from Core",
    )
    assert isinstance(failure_of(error, "the store", "is it there?"), Unreachable)


def test_grpc_knows_the_way_to_wait_that_it_is_asked_for() -> None:
    """It would say so in every program, and be slower, if a later version had it no more."""
    code = (
        "import os, raftmaker, asyncio, grpc.aio\n"
        "async def main():\n"
        "    await grpc.aio.insecure_channel('unix:/nowhere').close()\n"
        "asyncio.run(main())\n"
        "print(os.environ['GRPC_EXPERIMENTS'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "event_engine" in done.stdout
    assert "xperiment" not in done.stderr
