"""Many calls over one stream: each ends by itself, as a call of its own would."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from cib_store.speaker import CALLS_ALONE, Speaker
from raftmaker.runtime.conversation import UNDER_WAY_MAX, CallEnded, Turn, converse
from raftmaker.runtime.rpc import Service, serve
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire import store_pb2_grpc
from raftmaker.wire.types_pb2 import Identity

MINE = Identity(protocol=1, protocol_min=1, cluster_id="c1", node="a", program="test")
OTHER = Identity(protocol=1, protocol_min=1, cluster_id="c2", node="z", program="stranger")


class Echo(store_pb2_grpc.StoreServicer):
    """Answers with the scope; "late" waits for `release`, "refused" is aborted."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.streams = 0
        self.alone = 0
        self.stop: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def Query(self, request: pb.QueryRequest, context: Any) -> pb.QueryReply:
        if not isinstance(context, Turn):
            self.alone += 1
        if request.scope == "late":
            await self.release.wait()
        if request.scope == "refused":
            await context.abort(grpc.StatusCode.ABORTED, "no leader")
        return pb.QueryReply(xml=[request.scope])

    async def Converse(self, request_iterator: Any, context: Any) -> None:
        self.streams += 1

        async def answer(ask: pb.Ask) -> pb.Answer:
            turn: Any = Turn(context, ask.timeout_ms)
            try:
                reply = await self.Query(ask.query, turn)
                return pb.Answer(number=ask.number, query=reply)
            except CallEnded as error:
                failure = pb.CallFailure(status=error.code.value[0], details=error.details)
                return pb.Answer(number=ask.number, failure=failure)

        async def write(answers: list[pb.Answer]) -> None:
            await context.write(pb.Answers(answers=answers))

        asked = (list(message.asks) async for message in request_iterator)
        serving = asyncio.ensure_future(converse(asked, answer, write))
        await asyncio.wait((serving, self.stop), return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()


class Older(store_pb2_grpc.StoreServicer):
    """A store from before there were conversations."""

    async def Query(self, request: pb.QueryRequest, context: Any) -> pb.QueryReply:
        return pb.QueryReply(xml=[f"older {request.scope}"])


async def ask(speaker: Speaker, scope: str, timeout_s: float = 30.0) -> str:
    reply: pb.QueryReply = await speaker.Query(pb.QueryRequest(scope=scope), timeout=timeout_s)
    return reply.xml[0]


async def ended(speaker: Speaker, scope: str, timeout_s: float = 30.0) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(speaker, scope, timeout_s)
    code: grpc.StatusCode = caught.value.code()
    return code


def played(
    scenario: Callable[[Speaker, Any], Awaitable[None]],
    kind: Callable[[], Any] = Echo,
    identity: Identity = MINE,
) -> None:
    """Run `scenario` with a speaker that has made as many calls as a tool makes."""

    async def run(directory: Path) -> None:
        servicer, path = kind(), directory / "cib.sock"
        service = Service(
            name="raftmaker.v1.Store",
            servicer=servicer,
            register=store_pb2_grpc.add_StoreServicer_to_server,
        )
        server = await serve([service], identity=MINE, socket=path)
        speaker = Speaker(path, identity)
        try:
            if identity is MINE:
                for _ in range(CALLS_ALONE):
                    await ask(speaker, "first")
            await scenario(speaker, servicer)
        finally:
            await speaker.close()
            await server.stop(None)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(Path(directory)))


def test_a_few_calls_go_by_themselves_and_more_over_one_stream() -> None:
    async def scenario(speaker: Speaker, echo: Echo) -> None:
        assert (echo.alone, echo.streams) == (CALLS_ALONE, 0)
        assert [await ask(speaker, f"{n}") for n in range(5)] == ["0", "1", "2", "3", "4"]
        assert (echo.alone, echo.streams) == (CALLS_ALONE, 1)

    played(scenario)


def test_a_call_that_waits_or_fails_holds_up_no_other() -> None:
    async def scenario(speaker: Speaker, echo: Echo) -> None:
        late = asyncio.ensure_future(ask(speaker, "late"))
        assert await ended(speaker, "refused") is grpc.StatusCode.ABORTED
        assert await ask(speaker, "other") == "other"
        assert not late.done()
        echo.release.set()
        assert await late == "late"

    played(scenario)


def test_a_call_ends_at_its_deadline_and_the_stream_goes_on() -> None:
    async def scenario(speaker: Speaker, echo: Echo) -> None:
        assert await ended(speaker, "late", 0.05) is grpc.StatusCode.DEADLINE_EXCEEDED
        assert await ask(speaker, "other") == "other"
        assert echo.streams == 1

    played(scenario)


def test_more_calls_than_are_read_at_a_time_all_end() -> None:
    async def scenario(speaker: Speaker, echo: Echo) -> None:
        late = [asyncio.ensure_future(ask(speaker, "late")) for _ in range(UNDER_WAY_MAX)]
        more = [asyncio.ensure_future(ask(speaker, f"{n}")) for n in range(UNDER_WAY_MAX)]
        await asyncio.sleep(0)  # they have been asked
        assert await ended(speaker, "unread", 0.05) is grpc.StatusCode.DEADLINE_EXCEEDED
        assert not any(each.done() for each in (*late, *more))
        echo.release.set()
        assert set(await asyncio.gather(*late)) == {"late"}
        assert await asyncio.gather(*more) == [f"{n}" for n in range(UNDER_WAY_MAX)]

    played(scenario)


def test_when_the_stream_ends_its_calls_fail_and_the_next_opens_another() -> None:
    async def scenario(speaker: Speaker, echo: Echo) -> None:
        late = asyncio.ensure_future(ended(speaker, "late"))
        assert await ask(speaker, "other") == "other"
        echo.stop.set_result(None)
        assert await late is grpc.StatusCode.UNAVAILABLE
        echo.stop = asyncio.get_running_loop().create_future()
        assert await ask(speaker, "again") == "again"
        assert echo.streams == 2

    played(scenario)


def test_an_older_store_is_spoken_to_as_before() -> None:
    async def scenario(speaker: Speaker, _: object) -> None:
        assert [await ask(speaker, f"{n}") for n in range(3)] == ["older 0", "older 1", "older 2"]

    played(scenario, Older)


def test_a_stranger_is_refused_by_either_way() -> None:
    async def scenario(speaker: Speaker, _: object) -> None:
        codes = {await ended(speaker, "x") for _ in range(CALLS_ALONE + 2)}
        # gRPC loses the reason where a write meets a stream that is just being ended.
        assert codes - {grpc.StatusCode.UNAVAILABLE} == {grpc.StatusCode.FAILED_PRECONDITION}

    played(scenario, identity=OTHER)
