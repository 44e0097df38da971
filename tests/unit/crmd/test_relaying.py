"""A controller and a remote node's executor over real gRPC: calls of tools, and secrets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import Struct

from cib_store.client import StoreClient
from crm_shell.local_cluster.layout import free_ports
from crmd.relaying import CallsForNode, Doors
from lrmd.agents.classes import Agents
from lrmd.alerting import AlertAgents
from lrmd.attending import Attending
from lrmd.client import ExecutorClient
from lrmd.relaying import ToolRelay
from lrmd.runner import Runner
from lrmd.server import ExecutorServicer, service_of
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.errors import HaError, NotPermitted, Refused, Unreachable
from raftmaker.runtime.logs import Log
from raftmaker.runtime.relaying import behalf, relayed_services
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.rpc import Service, serve
from raftmaker.runtime.secrets import Secrets
from raftmaker.runtime.settings import Settings, decode
from raftmaker.vocabulary.ids import BootId, NodeName, Token
from raftmaker.wire import store_pb2, store_pb2_grpc
from raftmaker.wire.types_pb2 import Identity

MEMBER = Identity(protocol=1, protocol_min=1, cluster_id="c1", node="a", program="test")
FAR = NodeName("far")
TOKEN = Token(1, 1)


class Store(store_pb2_grpc.StoreServicer):
    async def Status(self, request: Any, context: Any) -> store_pb2.StoreStatusReply:
        return store_pb2.StoreStatusReply(leader=behalf(context))


class Remote(Struct):
    """A remote node, and a member's client of it."""

    client: ExecutorClient
    local: ExecutorClient
    secrets: Secrets
    tools: StoreClient


def endpoint() -> Endpoint:
    (port,) = free_ports(1)
    return Endpoint(node=FAR, address=f"127.0.0.1:{port}")


@asynccontextmanager
async def remote_node(folder: Path) -> AsyncIterator[Remote]:
    attending, secrets, place = Attending(folder), Secrets(folder / "secrets"), endpoint()
    relay = ToolRelay(lambda: attending.router)
    # Neither operations nor agents of any kind are asked for here.
    servicer = ExecutorServicer(
        runner=cast(Runner, None),
        agents=cast(Agents, None),
        alert_agents=cast(AlertAgents, None),
        identity=MEMBER,
        boot_id=BootId("b"),
        incarnation="1",
        secrets=secrets,
        attending=attending,
        relay=relay,
    )
    attending.attend("a", TOKEN, TOKEN, begin=True)
    socket_path = folder / "lrmd.sock"
    servers = [
        await serve([service_of(servicer)], identity=MEMBER, socket=socket_path, endpoints=[place]),
        await serve(relayed_services(relay.ask), identity=MEMBER, socket=folder / "relay.sock"),
    ]
    made = Remote(
        client=ExecutorClient(place, identity=MEMBER),
        local=ExecutorClient(socket_path, identity=MEMBER),
        secrets=secrets,
        tools=StoreClient(folder / "relay.sock", MEMBER),
    )
    try:
        yield made
    finally:
        for client in (made.client, made.local, made.tools):
            await client.close()
        for server in servers:
            await server.stop(grace=0)


def member(folder: Path) -> Settings:
    peer = {"name": "a", "store": "127.0.0.1:1", "controller": "127.0.0.1:2",
            "fencer": "127.0.0.1:3"}  # fmt: skip
    data = {
        "cluster": {"id": "c1"},
        "node": {"name": "a"},
        "directories": {"state": str(folder), "run": str(folder)},
        "peers": [peer],
    }
    return decode(data, folder / "raftmaker.toml")


def test_a_controller_makes_the_calls_of_the_tools_of_a_node_that_it_attends_to(
    tmp_path: Path,
) -> None:
    """Features 22.5, 20.12: and says whose daemon does not answer, when one does not."""

    async def body() -> None:
        settings = member(tmp_path)
        store = Service(
            name="raftmaker.v1.Store",
            servicer=Store(),
            register=store_pb2_grpc.add_StoreServicer_to_server,
        )
        serving = await serve([store], identity=MEMBER, socket=settings.socket("cib"))
        doors = Doors(settings, Roster(settings), MEMBER)
        (tmp_path / "far").mkdir()
        async with remote_node(tmp_path / "far") as far:
            calls = CallsForNode(doors, FAR, NodeName("a"), Log("test"))
            making = asyncio.create_task(calls.run(far.client))
            assert (await far.tools.status()).leader == FAR
            await serving.stop(grace=0)
            with pytest.raises(Unreachable, match="raftmaker-cib of a, which was asked"):
                await far.tools.status()
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
        await doors.close()

    asyncio.run(body())


def test_a_stream_is_for_the_member_that_attends(tmp_path: Path) -> None:
    async def body() -> None:
        async with remote_node(tmp_path) as far:
            with pytest.raises(Refused, match="a attends"):
                await anext(far.client.relay("b", asyncio.Queue()))

    asyncio.run(body())


def test_a_remote_node_keeps_the_secrets_that_members_give_it(tmp_path: Path) -> None:
    """Features 27.31: nobody on the node's own socket sets one, which agents would be given."""

    async def body() -> None:
        async with remote_node(tmp_path) as far:
            await far.client.keep_secret("db", "passwd", "hunter2")
            assert far.secrets.read("db", "passwd") == "hunter2"
            with pytest.raises(NotPermitted, match="from members"):
                await far.local.keep_secret("db", "passwd", "mine")
            with pytest.raises(HaError, match="cannot be the name"):
                await far.client.keep_secret("../db", "passwd", "x")
            await far.client.keep_secret("db", "passwd", None)
            assert far.secrets.kept() == ()

    asyncio.run(body())
