"""The streams between voters: one a pair, on the event loop.

The voter whose name sorts last dials, so that there is one stream a pair. What is sent to a peer
whose stream is down is dropped (Raft sends it again); what waits is bounded, and a peer that does
not read is cut off rather than buffered for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio

from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.rpc import Service, caller, dial_bare, introduction
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire import raft_pb2_grpc
from raftmaker.wire.raft_pb2 import RaftMessage
from raftmaker.wire.types_pb2 import Identity

QUEUED_BYTES_MAX = 128 * 1024 * 1024
REDIAL_S = 0.1

Received = Callable[[NodeName, RaftMessage], None]
Connected = Callable[[NodeName, bool], None]


@dataclass(slots=True)
class _Link:
    """One peer: what waits to be sent, and which stream is the current one."""

    waiting: deque[RaftMessage] = field(default_factory=deque)
    waiting_bytes: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    stream: object | None = None


class Links(raft_pb2_grpc.RaftServicer):
    """All streams of one voter. `received` and `connected` are called on the event loop."""

    def __init__(
        self, node: NodeName, *, endpoints: Mapping[NodeName, Endpoint], identity: Identity
    ) -> None:
        """Name the voters; nothing is dialled before `start`."""
        self._node = node
        self._identity = identity
        self._peers = {name: where for name, where in endpoints.items() if name != node}
        self._links: dict[NodeName, _Link] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._received: Received = lambda node, message: None
        self._connected: Connected = lambda node, up: None

    def service(self) -> Service:
        """Return what the store's server has to offer to the peers."""
        return Service(
            name="raftmaker.v1.Raft",
            servicer=self,
            register=raft_pb2_grpc.add_RaftServicer_to_server,
        )

    def start(self, *, received: Received, connected: Connected) -> None:
        """Begin to dial the peers that this voter has to dial."""
        self._received, self._connected = received, connected
        self._links = {name: _Link() for name in self._peers}
        self._tasks = [
            asyncio.create_task(self._keep_dialling(name))
            for name in self._peers
            if name < self._node
        ]

    async def close(self) -> None:
        """End every stream."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self._links.values():
            link.stream = None
            link.wake.set()

    def send(self, peer: NodeName, messages: list[RaftMessage]) -> None:
        """Queue messages for a peer; dropped while its stream is down."""
        link = self._links[peer]
        if link.stream is None:
            return
        link.waiting.extend(messages)
        link.waiting_bytes += sum(message.ByteSize() for message in messages)
        if link.waiting_bytes > QUEUED_BYTES_MAX:
            link.stream = None  # Its writer sees that it is no longer the current one, and ends.
        link.wake.set()

    async def _keep_dialling(self, peer: NodeName) -> None:
        while True:
            async with dial_bare(self._peers[peer]) as channel:
                call = raft_pb2_grpc.RaftStub(channel).Exchange(
                    metadata=introduction(self._identity)
                )
                try:
                    # The peer answers with its headers once it has taken the stream as ours.
                    await call.initial_metadata()
                    await self._run(peer, call)
                except grpc.aio.AioRpcError:
                    pass
                finally:
                    call.cancel()
            await asyncio.sleep(REDIAL_S)

    async def Exchange(
        self, request_iterator: Any, context: grpc.aio.ServicerContext[RaftMessage, RaftMessage]
    ) -> None:
        """Take a peer's stream; a caller that is no voter is refused."""
        peer = NodeName((await caller(context)).node)
        if peer not in self._links:
            await context.abort(
                grpc.StatusCode.PERMISSION_DENIED, f"{peer or 'the caller'} is no voter here"
            )
        await context.send_initial_metadata(())
        await self._run(peer, context)

    async def _run(self, peer: NodeName, stream: Any) -> None:
        link = self._links[peer]
        link.stream = stream
        link.waiting.clear()
        link.waiting_bytes = 0
        self._connected(peer, True)
        writer = asyncio.create_task(self._write(link, stream))
        reader = asyncio.create_task(self._read(peer, stream))
        try:
            await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)
            if link.stream is stream or link.stream is None:
                link.stream = None
                self._connected(peer, False)

    async def _read(self, peer: NodeName, stream: Any) -> None:
        async for message in _messages(stream):
            self._received(peer, message)

    async def _write(self, link: _Link, stream: Any) -> None:
        while link.stream is stream:
            while link.waiting and link.stream is stream:
                message = link.waiting.popleft()
                link.waiting_bytes -= message.ByteSize()
                await stream.write(message)
            link.wake.clear()
            if not link.waiting and link.stream is stream:
                await link.wake.wait()


async def _messages(stream: Any) -> AsyncIterator[RaftMessage]:
    while isinstance(message := await stream.read(), RaftMessage):
        yield message
