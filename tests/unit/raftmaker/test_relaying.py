"""The way of a call from a remote node's socket to a member's store and back, by real gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cib_store.client import StoreClient
from lrmd.relaying import ToolRelay
from raftmaker.runtime.errors import HaError, NotPermitted, Unreachable
from raftmaker.runtime.relaying import behalf, made, relayed_services
from raftmaker.runtime.rpc import Service, abort, dial_bare, serve
from raftmaker.wire import store_pb2, store_pb2_grpc
from raftmaker.wire.types_pb2 import Identity

MINE = Identity(protocol=1, protocol_min=1, cluster_id="c1", node="n1", program="test")


class Store(store_pb2_grpc.StoreServicer):
    """Answers with the name in which it is asked."""

    async def Status(self, request: Any, context: Any) -> store_pb2.StoreStatusReply:
        return store_pb2.StoreStatusReply(leader=behalf(context))

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[store_pb2.WatchEvent]:
        for index in range(1, 4):
            yield store_pb2.WatchEvent(index=index, resync="<cib/>", facts=store_pb2.Facts())

    async def Settle(self, request: Any, context: Any) -> None:
        await abort(context, NotPermitted("you may not"))


@asynccontextmanager
async def way(folder: Path) -> AsyncIterator[tuple[StoreClient, asyncio.Task[None]]]:
    """Yield a client at the remote node's socket, and the member that makes its calls."""
    member, remote = folder / "cib.sock", folder / "relay.sock"
    service = Service(
        name="raftmaker.v1.Store",
        servicer=Store(),
        register=store_pb2_grpc.add_StoreServicer_to_server,
    )
    relay = ToolRelay(lambda: "n1")
    servers = [
        await serve([service], identity=MINE, socket=member),
        await serve(relayed_services(relay.ask), identity=MINE, socket=remote),
    ]
    channel = dial_bare(member)

    async def carry_out() -> None:
        async for call in relay.stream("n1"):
            async for answer in made(channel, call, 5.0, node="far", identity=MINE):
                relay.answer(answer)

    carrying = asyncio.create_task(carry_out())
    client = StoreClient(remote, MINE)
    try:
        yield client, carrying
    finally:
        carrying.cancel()
        await client.close()
        await channel.close()
        for server in servers:
            await server.stop(grace=0)


def test_a_call_arrives_in_the_name_of_the_remote_node(tmp_path: Path) -> None:
    """Features 20.12, 22.5; the fourth call would go by a conversation, which is not offered."""

    async def body() -> None:
        async with way(tmp_path) as (client, _):
            for _ in range(4):
                assert (await client.status()).leader == "far"
            seen = [step.index async for step in _until(client, 3)]
            assert seen == [1, 2, 3]

    asyncio.run(body())


async def _until(client: StoreClient, last: int) -> AsyncIterator[Any]:
    async for step in client.watch():
        yield step
        if step.index == last:
            return


def test_a_refusal_comes_back_as_it_was_given(tmp_path: Path) -> None:

    async def body() -> None:
        async with way(tmp_path) as (client, _):
            with pytest.raises(NotPermitted, match="you may not"):
                await client.settle(1)
            with pytest.raises(NotPermitted, match="on a member"):
                await client.remove_member("n1")  # type: ignore[arg-type]  # a node's name
            with pytest.raises(HaError, match="UNIMPLEMENTED"):
                await client.query()  # this store has none: said by it, not by the relay

    asyncio.run(body())


def test_without_a_member_the_tool_is_told_so_and_of_no_daemon_to_start(tmp_path: Path) -> None:
    """Features 22.5: a remote node has no store that could be started."""

    async def body() -> None:
        relay = ToolRelay(lambda: "")
        remote = tmp_path / "relay.sock"
        server = await serve(relayed_services(relay.ask), identity=MINE, socket=remote)
        client = StoreClient(remote, MINE)
        with pytest.raises(Unreachable, match="no member of the cluster is connected") as caught:
            await client.status()
        assert "systemctl" not in str(caught.value)
        await client.close()
        await server.stop(grace=0)

    asyncio.run(body())
