"""A daemon at several addresses is reached while one of them is, without a caller's doing."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from pathlib import Path

import grpc
import grpc.aio
import pytest

from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.errors import CannotListen
from raftmaker.runtime.rpc import Service, dial, serve
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire import store_pb2_grpc, types_pb2
from tests.unit.raftmaker.test_rpc import MINE, Echo, free_endpoint, one_of_each

SERVICE = Service(
    name="raftmaker.v1.Store",
    servicer=Echo(),
    register=store_pb2_grpc.add_StoreServicer_to_server,
)


async def served(endpoint: Endpoint, directory: str) -> grpc.aio.Server:
    path = Path(tempfile.mkdtemp(dir=directory)) / "cib.sock"
    return await serve([SERVICE], identity=MINE, socket=path, endpoints=[endpoint])


async def hello(stub: store_pb2_grpc.StoreStub) -> bool:
    """Ask again and again, as every caller does; whether it was answered in time."""
    for _ in range(100):
        try:
            await stub.Hello(types_pb2.HelloRequest(), timeout=5)
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.05)
        else:
            return True
    return False


@pytest.mark.parametrize("gone", [0, 1])
def test_calls_go_by_the_address_that_is_there(gone: int) -> None:
    async def scenario(directory: str) -> None:
        first, second = free_endpoint(), free_endpoint()
        both = Endpoint(node=NodeName("a"), address=first.address, others=(second.address,))
        servers = [await served(each, directory) for each in (first, second)]
        async with dial(both, identity=MINE) as channel:
            stub = store_pb2_grpc.StoreStub(channel)
            assert await one_of_each(stub) == [5, 7]
            await servers[gone].stop(None)
            assert await hello(stub)
            assert await one_of_each(stub) == [5, 7]
            # It is there again, and the other one goes.
            servers[gone] = await served((first, second)[gone], directory)
            await servers[1 - gone].stop(None)
            assert await hello(stub)
        await servers[gone].stop(None)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scenario(directory))


@pytest.mark.parametrize("takes_connections", [False, True])
def test_a_new_channel_does_not_take_a_dead_address_first(*, takes_connections: bool) -> None:
    """Who dials anew after each failure would else never come to the second address."""

    async def scenario(directory: str) -> None:
        dead, alive = free_endpoint(), free_endpoint()
        both = Endpoint(node=NodeName("a"), address=dead.address, others=(alive.address,))
        server = await served(alive, directory)
        host, _, port = dead.address.rpartition(":")
        with socket.socket() as silent:
            silent.bind((host, int(port)))
            if takes_connections:
                silent.listen()  # as where packets get lost: nothing comes back
            async with dial(both, identity=MINE) as channel:
                assert await one_of_each(store_pb2_grpc.StoreStub(channel)) == [5, 7]
        await server.stop(None)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scenario(directory))


def test_where_no_address_answers_a_new_channel_fails_as_any_does() -> None:
    async def scenario() -> None:
        both = Endpoint(
            node=NodeName("a"),
            address=free_endpoint().address,
            others=(free_endpoint().address,),
        )
        async with dial(both, identity=MINE) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await store_pb2_grpc.StoreStub(channel).Hello(types_pb2.HelloRequest(), timeout=20)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE

    asyncio.run(scenario())


def test_a_daemon_listens_at_all_its_addresses_and_does_without_one_that_is_not_there() -> None:
    async def scenario(directory: str) -> None:
        here = free_endpoint()
        taken = await served(here, directory)
        other = free_endpoint()
        both = Endpoint(node=NodeName("a"), address=here.address, others=(other.address,))
        server = await served(both, directory)
        async with dial(other, identity=MINE) as channel:
            assert await hello(store_pb2_grpc.StoreStub(channel))
        await server.stop(None)
        with pytest.raises(CannotListen):
            await served(here, directory)
        await taken.stop(None)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scenario(directory))
