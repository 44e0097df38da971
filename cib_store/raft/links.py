"""The streams between those who take part in the log: one a pair, on the event loop.

Of two voters the one whose name sorts last dials (the other one too when that takes long), and a
voter dials every learner, so that there is one stream a pair. What is sent to a peer whose stream
is down is dropped (Raft sends it again); what waits is bounded, and a peer that does not read is
cut off rather than buffered for.

Both ends show their store's card first. One of a lower generation is refused, and learns there that
what it holds is over; so every peer is greeted before this store may ask for votes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from msgspec import Struct, field
from msgspec.structs import replace

from cib_store.raft.configuration import Card, Configuration, card_message, card_of, may_send
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.rpc import Service, caller, dial_bare, introduction
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire import raft_pb2_grpc
from raftmaker.wire.raft_pb2 import RaftCard, RaftMessage
from raftmaker.wire.types_pb2 import Identity

QUEUED_BYTES_MAX = 128 * 1024 * 1024
REDIAL_S = 0.1
OTHERS_TURN_S = 2.0
"""After so long without a stream the other end dials too: its peer may not know it yet."""
GREET_S = 1.0
"""How long a peer's answer to a greeting is waited for, and how often one is repeated."""
CARD_KEY = "raftmaker-store-bin"

Arrived = Callable[[NodeName, RaftMessage | Card | None], None]
"""Told of every message of a peer; of its card when its stream is up; of None when it is down."""


class _Link(Struct):
    """One peer: what waits to be sent, and which stream is the current one."""

    endpoint: Endpoint | None
    waiting: deque[RaftMessage] = field(default_factory=deque)
    waiting_bytes: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    stream: object | None = None
    is_down: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    dials: bool = False

    def take(self, stream: object) -> None:
        """Go by this stream; what waited was for another one."""
        self.stream = stream
        self.is_down.clear()
        self.waiting.clear()
        self.waiting_bytes = 0

    def end(self) -> None:
        """Have no stream: the writer of the present one sees that, and ends."""
        self.stream = None
        self.is_down.set()
        self.wake.set()


class Links(raft_pb2_grpc.RaftServicer):
    """All streams of one store that takes part in the log."""

    def __init__(
        self,
        node: NodeName,
        *,
        endpoint_of: Callable[[NodeName, str], Endpoint],
        identity: Identity,
        on_superseded: Callable[[NodeName, Card], None],
        on_refused: Callable[[NodeName, str], None],
    ) -> None:
        """Nothing is dialled before `start`. The callbacks are called on the event loop.

        `endpoint_of`: a peer's endpoint by name and address. `on_superseded`: told of a peer
        and its card when that is of a higher generation than this store's. `on_refused`: why a peer
        does not speak with this store, whenever the reason is another one than before.
        """
        self._node = node
        self._identity = identity
        self._endpoint_of = endpoint_of
        self._on_superseded = on_superseded
        self._on_refused = on_refused
        self._refusals: dict[NodeName, str] = {}
        self._links: dict[NodeName, _Link] = {}
        self._card: Card | None = None
        self._configuration = Configuration()
        self._leaving: Collection[NodeName] = ()
        self._greeting: set[NodeName] = set()
        self._arrived: Arrived = lambda node, what: None

    def service(self) -> Service:
        """Return what the store's server has to offer to the peers."""
        return Service(
            name="raftmaker.v1.Raft",
            servicer=self,
            register=raft_pb2_grpc.add_RaftServicer_to_server,
        )

    @property
    def greets(self) -> bool:
        """Whether some peer has not been asked yet for its generation."""
        return bool(self._greeting)

    def start(self, card: Card, configuration: Configuration, arrived: Arrived) -> None:
        """Greet the peers and begin to dial those that this store has to dial."""
        self._arrived = arrived
        self.seat(card, configuration)
        self._greeting = {name for name, link in self._links.items() if link.endpoint}

    def seat(
        self, card: Card, configuration: Configuration, leaving: Collection[NodeName] = ()
    ) -> None:
        """Go by another configuration: peers that are new are dialled, those that left cut off.

        `leaving`: who is heard nevertheless, until it is committed that they are members no more.
        """
        self._card, self._configuration, self._leaving = card, configuration, leaving
        seats = {seat.name: seat for seat in configuration.seats if seat.name != self._node}
        for name in self._links.keys() - seats.keys() - set(leaving):
            # A store that holds nothing yet hears whoever leads, named here or not.
            if not card.is_blank:
                self._drop(name)
        for name, seat in seats.items():
            endpoint = self._endpoint_of(name, seat.address)
            link = self._links.get(name)
            if link is None or link.endpoint != endpoint:
                if link is not None:
                    self._drop(name)
                self._links[name] = link = _Link(endpoint)
                link.tasks.append(asyncio.ensure_future(self._keep_greeting(name, link)))
            self._dial(name, link, wanted=self._dials(name))

    def _dials(self, peer: NodeName) -> bool:
        mine, theirs = self._configuration.seat(self._node), self._configuration.seat(peer)
        return theirs is not None and mine is not None and mine.votes

    def _dials_first(self, peer: NodeName) -> bool:
        theirs = self._configuration.seat(peer)
        return theirs is None or not theirs.votes or peer < self._node

    def _dial(self, peer: NodeName, link: _Link, *, wanted: bool) -> None:
        if wanted and not link.dials:
            link.tasks.append(asyncio.ensure_future(self._keep_dialling(peer, link)))
        link.dials = wanted

    def _drop(self, peer: NodeName) -> None:
        link = self._links.pop(peer)
        self._greeting.discard(peer)
        link.dials = False
        link.end()
        for task in link.tasks:
            task.cancel()

    def cut_off(self) -> None:
        """End every stream that is up; the peers show their cards anew."""
        for link in self._links.values():
            link.end()

    async def close(self) -> None:
        """End every stream."""
        tasks = [task for link in self._links.values() for task in link.tasks]
        for peer in tuple(self._links):
            self._drop(peer)
        await asyncio.gather(*tasks, return_exceptions=True)

    def send(self, peer: NodeName, messages: list[RaftMessage]) -> None:
        """Queue messages for a peer; dropped while its stream is down."""
        link = self._links.get(peer)
        if link is None or link.stream is None:
            return
        link.waiting.extend(messages)
        link.waiting_bytes += sum(message.ByteSize() for message in messages)
        if link.waiting_bytes > QUEUED_BYTES_MAX:
            link.end()
        link.wake.set()

    # Cards.

    def _shown(self, peer: NodeName) -> RaftCard:
        assert self._card is not None
        knows = self._configuration.seat(peer) is not None
        return card_message(replace(self._card, knows_you=knows))

    def _mine(self, peer: NodeName) -> tuple[tuple[str, bytes], ...]:
        return ((CARD_KEY, self._shown(peer).SerializeToString()),)

    def _read(self, peer: NodeName, card: Card) -> str:
        """Return why a peer's store must not speak with this one; empty when it may."""
        assert self._card is not None
        if card.generation > self._card.generation and not self._card.is_blank:
            self._on_superseded(peer, card)
            return f"generation {card.generation} is newer than {self._card.generation} here"
        if card.generation < self._card.generation and not card.is_blank:
            return (
                f"the cluster goes on in generation {self._card.generation}: what the store of"
                f" {peer} holds, of generation {card.generation}, was left behind"
            )
        return ""

    async def Greet(
        self, request: RaftCard, context: grpc.aio.ServicerContext[RaftCard, RaftCard]
    ) -> RaftCard:
        """Show this store's card, and read the caller's."""
        peer = NodeName((await caller(context)).node)
        if self._card is None:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the store is starting")
        assert self._card is not None
        # One whose generation is over is shown the card: it learns from it that it must end.
        if not self._read(peer, card_of(request)) and (
            reason := self._against(peer, card_of(request))
        ):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, reason)
        return self._shown(peer)

    async def _keep_greeting(self, peer: NodeName, link: _Link) -> None:
        """Ask for the peer's card until its stream is up, and whenever that is down."""
        assert link.endpoint is not None
        while True:
            if link.stream is None:
                assert self._card is not None
                async with dial_bare(link.endpoint) as channel:
                    try:
                        card = await raft_pb2_grpc.RaftStub(channel).Greet(
                            self._shown(peer),
                            metadata=introduction(self._identity),
                            timeout=GREET_S,
                        )
                        self._read(peer, card_of(card))
                    except grpc.aio.AioRpcError as error:
                        self._failed(peer, error)
            self._greeting.discard(peer)
            await asyncio.sleep(GREET_S)

    def _failed(self, peer: NodeName, error: grpc.aio.AioRpcError) -> None:
        if error.code() is not grpc.StatusCode.PERMISSION_DENIED:
            return
        reason = error.details() or "no reason given"
        if self._refusals.get(peer) != reason:
            self._refusals[peer] = reason
            self._on_refused(peer, reason)

    # Streams.

    async def _keep_dialling(self, peer: NodeName, link: _Link) -> None:
        assert link.endpoint is not None
        loop = asyncio.get_running_loop()
        seen_at = loop.time()
        while link.dials:
            if link.stream is not None:
                await link.is_down.wait()
                seen_at = loop.time()
            elif self._dials_first(peer) or loop.time() - seen_at > OTHERS_TURN_S:
                await self._dial_once(peer, link.endpoint)
            await asyncio.sleep(REDIAL_S)

    async def _dial_once(self, peer: NodeName, endpoint: Endpoint) -> None:
        async with dial_bare(endpoint) as channel:
            metadata = (*introduction(self._identity), *self._mine(peer))
            call = raft_pb2_grpc.RaftStub(channel).Exchange(metadata=metadata)
            try:
                # The peer answers with its headers once it has taken the stream as ours.
                card = _card_in(await call.initial_metadata())
                if card is not None and not self._read(peer, card):
                    await self._run(peer, call, card)
            except grpc.aio.AioRpcError as error:
                self._failed(peer, error)
            finally:
                call.cancel()

    async def Exchange(
        self, request_iterator: Any, context: grpc.aio.ServicerContext[RaftMessage, RaftMessage]
    ) -> None:
        """Take a peer's stream; a caller that takes no part in the log is refused."""
        peer = NodeName((await caller(context)).node)
        card = _card_in(context.invocation_metadata())
        if self._card is None or card is None:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the store is starting")
            raise AssertionError
        reason = self._read(peer, card) or self._against(peer, card)
        if reason:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, reason)
        await context.send_initial_metadata(self._mine(peer))
        await self._run(peer, context, card)

    def _against(self, peer: NodeName, card: Card) -> str:
        """Return why a peer must not send: it is no member, or not yet one here."""
        assert self._card is not None
        if peer and may_send(self._configuration, self._card, peer, card, self._leaving):
            self._links.setdefault(peer, _Link(None))
        if peer in self._links:
            return ""
        return (
            f"{peer or 'the caller'} is no member of this cluster, as {self._node} knows it: run"
            f" 'crm cluster add {peer or 'NODE'}' on a node of it"
        )

    async def _run(self, peer: NodeName, stream: Any, card: Card) -> None:
        link = self._links.get(peer)
        if link is None:  # It was removed while the stream was being opened.
            return
        link.take(stream)
        self._arrived(peer, card)
        writer = asyncio.create_task(self._write(link, stream))
        reader = asyncio.create_task(self._receive(peer, stream))
        try:
            await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)
            if link.stream is stream or link.stream is None:
                link.end()
                newer = self._links.get(peer)
                if newer is link or newer is None or newer.stream is None:
                    self._arrived(peer, None)

    async def _receive(self, peer: NodeName, stream: Any) -> None:
        async for message in _messages(stream):
            self._arrived(peer, message)

    async def _write(self, link: _Link, stream: Any) -> None:
        while link.stream is stream:
            while link.waiting and link.stream is stream:
                message = link.waiting.popleft()
                link.waiting_bytes -= message.ByteSize()
                await stream.write(message)
            link.wake.clear()
            if not link.waiting and link.stream is stream:
                await link.wake.wait()


def _card_in(metadata: Any) -> Card | None:
    for key, value in metadata or ():
        if key == CARD_KEY:
            message = RaftCard()
            try:
                message.ParseFromString(value)
            except DecodeError:
                return None
            return card_of(message)
    return None


async def _messages(stream: Any) -> AsyncIterator[RaftMessage]:
    while isinstance(message := await stream.read(), RaftMessage):
        yield message
