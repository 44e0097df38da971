"""Strangers at the port: many connections that never finish a handshake."""

from __future__ import annotations

import asyncio
import resource
import socket
import tempfile
from pathlib import Path

from msgspec.structs import replace

from raftmaker.runtime.endpoint import Credentials
from raftmaker.runtime.rpc import CONNECTIONS_MAX, Service, dial, serve
from raftmaker.wire import store_pb2_grpc, types_pb2
from tests.unit.raftmaker.test_rpc import AUTHORITY, MINE, Echo, credentials, free_endpoint

_GROWTH_MAX_KIB = 9 * 1024
"""Half of them say nothing, and cost nothing."""
_HELLO = b"\x16\x03\x01\x02\x00\x01\x00"
"""How a TLS handshake begins; the rest never comes."""
_PATIENCE_S = 60


def _resident_kib() -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("the kernel tells no VmRSS")


class _Exchanged:
    """Credentials that are others whenever `exchange` was called."""

    def __init__(self) -> None:
        self.exchange()

    def exchange(self) -> None:
        self._now = credentials(AUTHORITY, "a")

    def now(self) -> Credentials:
        return self._now


def test_half_open_connections_cost_little_and_are_cut_off() -> None:
    """Certificates are exchanged meanwhile: a handshake under way survives that too."""

    async def scenario(run_dir: Path) -> None:
        source = _Exchanged()
        endpoint = replace(free_endpoint(), credentials=source)
        service = Service(
            name="raftmaker.v1.Store",
            servicer=Echo(),
            register=store_pb2_grpc.add_StoreServicer_to_server,
        )
        server = await serve(
            [service], identity=MINE, socket=run_dir / "cib.sock", endpoints=[endpoint]
        )
        host, _, port = endpoint.address.rpartition(":")
        async with dial(endpoint, identity=MINE) as channel:
            stub = store_pb2_grpc.StoreStub(channel)
            await stub.Hello(types_pb2.HelloRequest())
            before = _resident_kib()
            strangers = [socket.create_connection((host, int(port))) for _ in range(400)]
            for number, stranger in enumerate(strangers):
                if number % 2:
                    stranger.sendall(_HELLO)
                if number % 100 == 99:
                    source.exchange()
            await asyncio.sleep(1)
            assert _resident_kib() - before < _GROWTH_MAX_KIB
            await stub.Hello(types_pb2.HelloRequest(), timeout=_PATIENCE_S)
            async with asyncio.timeout(_PATIENCE_S):
                for stranger in strangers:
                    await _ended(stranger)
        await server.stop(None)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * CONNECTIONS_MAX)), hard))
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scenario(Path(directory)))


async def _ended(stranger: socket.socket) -> None:
    """Wait until the server has ended a connection."""
    stranger.setblocking(False)
    try:
        while await asyncio.get_running_loop().sock_recv(stranger, 100):
            pass
    except ConnectionError:
        pass
    stranger.close()
