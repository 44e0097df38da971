"""Many calls over one stream: what a call of its own costs both ends is paid once.

Both ends put what has come up while the stream was busy into one message. A call within a
conversation ends as one of its own would: with a reply, or with a gRPC status.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import grpc
import grpc.aio

from raftmaker.runtime.rpc import CallContext

UNDER_WAY_MAX = 128
"""Calls of one conversation at a time; further ones are not read before one is answered."""
TOGETHER_BYTES_MAX = 256 * 1024
"""A message takes no further part once it is that large."""
_STATUS = {status.value[0]: status for status in grpc.StatusCode}


class Part(Protocol):
    """One call or answer, as it goes over the stream."""

    def ByteSize(self) -> int:  # protobuf's name
        """Return how large it is."""


_NO_REASON = (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)
"""How a stream ends that was closed. gRPC says INTERNAL where a write met a stream whose end, with
its reason, was still on the way; no service of ours does."""


class _Outbox:
    """What waits to be written to a stream, and goes together."""

    def __init__(self, write: Callable[[list[Any]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: deque[Part] = deque()
        self._wake = asyncio.Event()
        self._ends = False

    def put(self, part: Part) -> None:
        self._waiting.append(part)
        self._wake.set()

    def end(self) -> None:
        """Let `run` end once nothing waits. A write under way is never cancelled: gRPC has it."""
        self._ends = True
        self._wake.set()

    async def run(self) -> None:
        while self._waiting or not self._ends:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._write(self._taken())

    def _taken(self) -> list[Part]:
        parts = [self._waiting.popleft()]
        size = parts[0].ByteSize()
        while self._waiting and size < TOGETHER_BYTES_MAX:
            parts.append(self._waiting.popleft())
            size += parts[-1].ByteSize()
        return parts


class CallEnded(Exception):  # a call's end, as gRPC's own AbortError
    """A call within a conversation was ended by its service with a status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        """`code` is not OK."""
        super().__init__(details)
        self.code, self.details = code, details


class NotOffered(Exception):  # not a failure: the call is made by itself then
    """The other end knows no conversations; nothing that was asked was looked at."""


class Turn:
    """One call within a conversation, as its service sees it: what it needs of gRPC's context."""

    def __init__(self, context: CallContext, timeout_ms: int) -> None:
        """`context` is the stream's; no `timeout_ms`: the call has no deadline."""
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._ends = self._loop.time() + timeout_ms / 1000 if timeout_ms else None

    def time_remaining(self) -> float | None:
        """Return the seconds until the deadline, if there is one."""
        return None if self._ends is None else max(0.0, self._ends - self._loop.time())

    def peer(self) -> str:
        """Return the caller's address, as gRPC has it."""
        return str(self._context.peer())

    def auth_context(self) -> Any:
        """Return what the caller's end of the connection has proven."""
        return self._context.auth_context()

    def invocation_metadata(self) -> Any:
        """Return what the caller sent with the stream."""
        return self._context.invocation_metadata()

    async def abort(self, code: grpc.StatusCode, details: str = "", _: object = ()) -> None:
        """End this call; the conversation goes on."""
        raise CallEnded(code, details)


async def converse(
    asked: AsyncIterator[list[Any]],
    answer: Callable[[Any], Awaitable[Part]],
    write: Callable[[list[Any]], Awaitable[None]],
) -> None:
    """Serve a conversation to its end: `answer` each call, all of them side by side.

    `write` sends answers in one message. `answer` has to turn every failure into an answer.
    """
    outbox = _Outbox(write)
    places = asyncio.Semaphore(UNDER_WAY_MAX)
    tasks: set[asyncio.Task[None]] = set()

    async def carry_out(one: Any) -> None:
        try:
            outbox.put(await answer(one))
        finally:
            places.release()

    writer = asyncio.create_task(outbox.run())
    try:
        async for calls in asked:
            for one in calls:
                await places.acquire()
                task = asyncio.create_task(carry_out(one))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        outbox.end()
        await asyncio.shield(writer)
    finally:
        for each in tasks:
            each.cancel()
        outbox.end()
        writer.add_done_callback(_noted)


class Conversation:
    """The caller's side. The stream is opened by the first call, and anew after it has ended."""

    def __init__(self, start: Callable[[], Any], asks: Callable[[list[Any]], Any]) -> None:
        """`start` opens a stream; `asks` makes the message that holds these calls."""
        self._start, self._asks = start, asks
        self._number = 0
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._outbox: _Outbox | None = None
        self._running: asyncio.Task[None] | None = None

    async def ask(self, make: Callable[[int], Part], timeout_s: float) -> Any:
        """Return the answer to the call that `make` makes with its number.

        Raises `grpc.aio.AioRpcError`, as a call of its own does, or `NotOffered`.
        """
        loop = asyncio.get_running_loop()
        if self._outbox is None:
            self._open()
        assert self._outbox is not None
        self._number += 1
        number, done = self._number, loop.create_future()
        self._pending[number] = done
        self._outbox.put(make(number))
        late = partial(_fail, done, grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        timer = loop.call_later(timeout_s, late)
        try:
            return await done
        finally:
            timer.cancel()
            self._pending.pop(number, None)

    def _open(self) -> None:
        stream = self._start()

        async def write(parts: list[Any]) -> None:
            await stream.write(self._asks(parts))

        self._outbox = _Outbox(write)
        self._running = asyncio.create_task(self._run(stream, self._outbox))

    async def _run(self, stream: Any, outbox: _Outbox) -> None:
        writer = asyncio.create_task(outbox.run())
        reader = asyncio.create_task(self._read(stream))
        code, details = grpc.StatusCode.UNAVAILABLE, "the connection was closed"
        try:
            await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
            ended = await stream.code()
            if ended not in _NO_REASON:
                code, details = ended, await stream.details()
        finally:
            stream.cancel()  # which ends both
            outbox.end()
            # A call that is made from now on opens another stream.
            self._outbox = None
            for done in self._pending.values():
                _fail(done, code, details)
            await asyncio.gather(writer, reader, return_exceptions=True)

    async def _read(self, stream: Any) -> None:
        while (message := await stream.read()) is not grpc.aio.EOF:
            for answer in message.answers:
                done = self._pending.get(answer.number)
                if done is None or done.done():
                    continue
                kind = answer.WhichOneof("result")
                if kind is None:
                    _fail(done, grpc.StatusCode.INTERNAL, "an answer of an unknown kind")
                elif kind == "failure":
                    status = _STATUS.get(answer.failure.status, grpc.StatusCode.UNKNOWN)
                    _fail(done, status, answer.failure.details)
                else:
                    done.set_result(getattr(answer, kind))

    async def close(self) -> None:
        """End the stream; calls under way fail."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)


def _noted(writer: asyncio.Task[None]) -> None:
    """A write that fails since the caller is gone is no news."""
    if not writer.cancelled():
        writer.exception()


def _fail(done: asyncio.Future[Any], code: grpc.StatusCode, details: str) -> None:
    if done.done():
        return
    if code is grpc.StatusCode.UNIMPLEMENTED:
        done.set_exception(NotOffered())
    else:
        nothing = grpc.aio.Metadata()
        done.set_exception(grpc.aio.AioRpcError(code, nothing, nothing, details=details))
