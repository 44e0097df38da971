"""A daemon's beats to the stores of all voters, and their answers (protocols, Liveness)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.rpc import calling, dial_bare, introduction
from raftmaker.vocabulary.ids import NodeName, Session
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire import store_pb2_grpc
from raftmaker.wire.types_pb2 import Identity

_AGAIN_S = 0.1


@dataclass(slots=True)
class _Stream:
    """The newest beat for one voter, until its stream takes it."""

    beat: pb.Beat | None = None
    waiting: asyncio.Event = field(default_factory=asyncio.Event)


class BeatSender:
    """Sends beats to every voter, each on a stream of its own, and tells of the answers.

    Only the newest beat waits for a stream: a voter that does not read delays nothing and nobody.
    """

    def __init__(
        self,
        voters: Mapping[NodeName, Target],
        identity: Identity,
        daemon: pb.DaemonKind,
        on_answer: Callable[[NodeName, int], None],
    ) -> None:
        """`on_answer` is called on the event loop with the voter and the beat's `sent_ms`."""
        self._voters = dict(voters)
        self._identity = identity
        self._daemon = daemon
        self._on_answer = on_answer
        self._streams = {name: _Stream() for name in voters}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to connect."""
        self._tasks = [asyncio.create_task(self._keep_sending(name)) for name in self._voters]

    async def close(self) -> None:
        """End every stream."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def send(self, session: Session, sent_ms: int, silences: Iterable[pb.Silence] = ()) -> None:
        """Send a beat to every voter; call it every heartbeat interval."""
        beat = pb.Beat(
            identity=self._identity,
            daemon=self._daemon,
            session=session,
            sent_at_us=sent_ms * 1000,
            silences=silences,
        )
        for stream in self._streams.values():
            stream.beat = beat
            stream.waiting.set()

    async def _keep_sending(self, voter: NodeName) -> None:
        while True:
            async with dial_bare(self._voters[voter]) as channel:
                call = store_pb2_grpc.StoreStub(channel).Heartbeat(
                    metadata=introduction(self._identity)
                )
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
                self._on_answer(voter, answer.sent_at_us // 1000)

    async def _write(self, voter: NodeName, call: Any) -> None:
        stream = self._streams[voter]
        with contextlib.suppress(HaError, asyncio.InvalidStateError), calling(str(voter), ""):
            while True:
                await stream.waiting.wait()
                stream.waiting.clear()
                if stream.beat is not None:
                    await call.write(stream.beat)
