"""A daemon's beats to the stores of all voters, and their answers (protocols, Liveness).

Beats go by signed datagrams. A stream to each voter stands by: it introduces the sender's boot, and
carries the beats as well while the voter has not answered a datagram for a while. To this node's
own store there is the stream alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from cib_store.beat_sockets import BeatCaller
from cib_store.messages.datagrams import SEALED_BYTES_MAX
from raftmaker.runtime.cluster_key import ClusterKeys
from raftmaker.runtime.endpoint import Endpoint, Target
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.rpc import calling, dial_bare, introduction
from raftmaker.vocabulary.ids import NodeName, Session
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire import store_pb2_grpc
from raftmaker.wire.types_pb2 import Identity

_AGAIN_S = 0.1
_UNPROVEN_MS = 250
"""A voter that has answered no datagram sent within this time gets the beats by stream as well."""


class _Stream(Struct):
    """The newest beat for one voter, until its stream takes it."""

    beat: pb.Beat | None = None
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    datagram_answered_ms: int = -1
    """The sending time of the newest datagram that the voter answered."""


class BeatSender:
    """Sends beats to every voter and tells of the answers.

    Only the newest beat waits for a stream: a voter that does not read delays nothing and nobody.
    """

    def __init__(
        self,
        voters: Mapping[NodeName, Target],
        identity: Identity,
        daemon: pb.DaemonKind,
        on_answer: Callable[[NodeName, int, int], None],
        keys: ClusterKeys | None,
    ) -> None:
        """`on_answer` is called on the event loop with the voter, the beat's `sent_ms`, and how far
        the voter has told watches (log position; 0: it does not say).

        Without `keys` no datagrams are sent.
        """
        self._voters = dict(voters)
        self._identity = identity
        self._daemon = daemon
        self._on_answer = on_answer
        self._streams = {name: _Stream() for name in voters}
        self._tasks: dict[NodeName, asyncio.Task[None]] = {}
        self._started = False
        self._last_us = 0
        self._keys = keys
        self._caller: BeatCaller | None = None
        self._calling: asyncio.Task[None] | None = None
        self._call()

    def _call(self) -> None:
        """Send datagrams to those of the voters that are elsewhere."""
        remote = {name: to for name, to in self._voters.items() if isinstance(to, Endpoint)}
        if self._keys is None or not remote:
            return
        if self._caller is None:
            self._caller = BeatCaller(remote, self._keys, self._datagram_answered)
        else:
            self._caller.follow(remote)
        if self._started and self._calling is None:
            self._calling = asyncio.create_task(self._caller.run())

    def start(self) -> None:
        """Begin to connect."""
        self._started = True
        for name in self._voters:
            self._tasks[name] = asyncio.create_task(self._keep_sending(name))
        self._call()

    def follow(self, voters: Mapping[NodeName, Target]) -> None:
        """Send to these voters from now on; streams to those that stay go on."""
        for name in tuple(self._voters):
            if voters.get(name) != self._voters[name]:
                del self._voters[name], self._streams[name]
                if name in self._tasks:
                    self._tasks.pop(name).cancel()
        for name in voters.keys() - self._voters.keys():
            self._voters[name] = voters[name]
            self._streams[name] = _Stream()
            if self._started:
                self._tasks[name] = asyncio.create_task(self._keep_sending(name))
        self._call()

    async def close(self) -> None:
        """End every stream."""
        tasks = [*self._tasks.values()]
        if self._calling is not None:
            tasks.append(self._calling)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def send(
        self, session: Session, sent_ms: int, silences: Iterable[pb.Silence] = (), *, members: int
    ) -> None:
        """Send a beat to every voter; call it every heartbeat interval.

        `members`: the number of the member list whose voters it is sent to.
        """
        # A sequence number too: two beats of one millisecond must differ.
        self._last_us = max(self._last_us + 1, sent_ms * 1000)
        beat = pb.Beat(
            identity=self._identity,
            daemon=self._daemon,
            session=session,
            sent_at_us=self._last_us,
            silences=silences,
            members=members,
        )
        fits = self._caller is not None and self._caller.send(beat) <= SEALED_BYTES_MAX
        for stream in self._streams.values():
            stream.beat = beat
            if not fits or sent_ms - stream.datagram_answered_ms > _UNPROVEN_MS:
                stream.waiting.set()

    def _datagram_answered(self, answer: pb.BeatAck) -> None:
        stream = self._streams.get(NodeName(answer.voter))
        if (
            stream is None
            or answer.boot_id != self._identity.boot_id
            or answer.daemon != self._daemon
        ):
            return
        sent_ms = answer.sent_at_us // 1000
        stream.datagram_answered_ms = max(stream.datagram_answered_ms, sent_ms)
        self._on_answer(NodeName(answer.voter), sent_ms, answer.index)

    async def _keep_sending(self, voter: NodeName) -> None:
        while True:
            async with dial_bare(self._voters[voter]) as channel:
                call = store_pb2_grpc.StoreStub(channel).Heartbeat(
                    metadata=introduction(self._identity)
                )
                # The first beat introduces this boot to a voter that has just started.
                self._streams[voter].waiting.set()
                writer = asyncio.create_task(self._write(voter, call))
                reader = asyncio.create_task(self._read(voter, call))
                try:
                    await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (writer, reader):
                        task.cancel()
                    call.cancel()
                    await asyncio.gather(writer, reader, return_exceptions=True)
            await asyncio.sleep(_AGAIN_S)

    async def _read(self, voter: NodeName, call: Any) -> None:
        with contextlib.suppress(HaError), calling(str(voter), ""):
            async for answer in call:
                self._on_answer(voter, answer.sent_at_us // 1000, answer.index)

    async def _write(self, voter: NodeName, call: Any) -> None:
        stream = self._streams[voter]
        with contextlib.suppress(HaError, asyncio.InvalidStateError), calling(str(voter), ""):
            while True:
                await stream.waiting.wait()
                stream.waiting.clear()
                if stream.beat is not None:
                    await call.write(stream.beat)
