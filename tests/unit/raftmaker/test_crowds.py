"""One address cannot take all connections of a port, nor the memory of its daemon."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from raftmaker.runtime import rpc
from raftmaker.runtime.listening import cut_off_crowds
from raftmaker.runtime.rpc import Service, dial, serve
from raftmaker.wire import store_pb2_grpc, types_pb2
from tests.unit.raftmaker.test_rpc import AUTHORITY, MINE, Echo, credentials, free_endpoint

MOST = 30
GREEDY, OTHER = "127.0.0.2", "127.0.0.3"
_HELLO = b"\x16\x03\x01\x02\x00\x01\x00"
"""How a TLS handshake begins; the rest never comes."""


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _connect(opened: ExitStack, port: int, source: str) -> socket.socket:
    return opened.enter_context(socket.create_connection(("127.0.0.1", port), 10, (source, 0)))


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


@pytest.fixture
def one_processor() -> Iterator[None]:
    """Sockets have numbers in the order in which they come on one processor alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.usefixtures("one_processor")
def test_the_newest_of_an_address_with_too_many_are_cut_off(opened: ExitStack) -> None:
    listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = listener.getsockname()[1]
    sources = [GREEDY] * MOST + [OTHER] * 3 + [GREEDY] * 7
    connections = []
    for source in sources:
        connections.append(_connect(opened, port, source))
        opened.enter_context(listener.accept()[0])
    assert cut_off_crowds([port + 1], MOST) == 0
    assert cut_off_crowds([port], MOST) == 7
    assert [_is_open(one) for one in connections] == [True] * (MOST + 3) + [False] * 7


def test_a_greedy_stranger_leaves_room_for_others(
    opened: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for sixty a stranger who begins a hundred handshakes would keep all out."""
    monkeypatch.setattr(rpc, "CONNECTIONS_MAX_EACH", MOST)
    limit = ("grpc.max_allowed_incoming_connections", 2 * MOST)
    patience = ("grpc.server_handshake_timeout_ms", 600_000)
    monkeypatch.setattr(rpc, "_SERVE", [*rpc._SERVE, limit, patience])

    async def scenario() -> None:
        endpoint = free_endpoint(credentials(AUTHORITY, "a"))
        service = Service(
            name="raftmaker.v1.Store",
            servicer=Echo(),
            register=store_pb2_grpc.add_StoreServicer_to_server,
        )
        server = await serve([service], identity=MINE, socket=tmp_path / "s", endpoints=[endpoint])
        port = int(endpoint.address.rpartition(":")[2])
        greedy = [_connect(opened, port, GREEDY) for _ in range(100)]
        for one in greedy:
            one.sendall(_HELLO)
        while sum(map(_is_open, greedy)) > MOST:
            await asyncio.sleep(0.05)
        assert sum(map(_is_open, greedy)) == MOST, "no more than that, and these can stay"
        async with dial(endpoint, identity=MINE) as channel:
            stub = store_pb2_grpc.StoreStub(channel)
            await stub.Hello(types_pb2.HelloRequest(), wait_for_ready=True, timeout=60)
        await server.stop(None)

    asyncio.run(asyncio.wait_for(scenario(), 100))
