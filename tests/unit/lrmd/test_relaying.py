"""Calls of a remote node's tools: given to the member that attends, ended with its stream."""

from __future__ import annotations

import asyncio

import pytest

from lrmd.relayed_calls import Calls, asked, broken_off, closed, ended, opened
from lrmd.relaying import BEHIND_MAX, UNREAD_MAX, ToolRelay
from raftmaker.runtime.errors import Refused
from raftmaker.vocabulary.relayed import (
    CALL_MS_MAX,
    CALLS_MAX,
    CONVERSE,
    RELAYED,
    REQUEST_BYTES_MAX,
    CallStatus,
    Daemon,
    RelayedAnswer,
    RelayedCall,
    time_for,
)

QUERY = "/raftmaker.v1.Store/Query"
WATCH = "/raftmaker.v1.Store/Watch"


def call(method: str = QUERY, **fields: object) -> RelayedCall:
    return RelayedCall(number=0, method=method, **fields)  # type: ignore[arg-type]  # by name


def refusal(calls: Calls, one: RelayedCall) -> RelayedAnswer:
    same, answer = asked(calls, one)
    assert same == calls
    assert isinstance(answer, RelayedAnswer)
    return answer


def test_a_call_goes_to_the_member_whose_stream_is_open() -> None:
    """Features 22.5: without one the tool hears at once that nobody is connected."""
    alone = Calls()
    nobody = refusal(alone, call())
    assert nobody.status == CallStatus.UNREACHABLE
    assert "no member" in nobody.details
    there, none = opened(alone, "n1")
    after, given = asked(there, call(request=b"x"))
    assert none == ()
    assert isinstance(given, RelayedCall)
    assert (given.number, given.request) == (1, b"x")
    assert after.under_way == (1,)
    assert ended(after, 1).under_way == ()


def test_calls_end_with_the_stream_they_went_by_and_numbers_are_never_used_again() -> None:
    calls, _ = opened(Calls(), "n1")
    calls, _ = asked(calls, call())
    newer, broken = opened(calls, "n2")
    assert broken == (1,)
    late, nothing = closed(newer, calls.stream)
    assert (late, nothing) == (newer, ())
    newer, given = asked(newer, call())
    assert isinstance(given, RelayedCall)
    assert given.number == 2
    over, broken = closed(newer, newer.stream)
    assert (over.member, broken) == ("", (2,))
    assert "not known" in broken_off(2, "n2").details


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("/raftmaker.v1.Store/AddMember", CallStatus.NOT_PERMITTED),
        ("/raftmaker.v1.Store/Heartbeat", CallStatus.NOT_PERMITTED),
        ("/raftmaker.v1.Store/GoAlone", CallStatus.NOT_PERMITTED),
        ("/raftmaker.v1.Controller/Order", CallStatus.NOT_PERMITTED),
        ("/raftmaker.v1.Controller/ConfirmDown", CallStatus.NOT_PERMITTED),
        ("/raftmaker.v1.Fencer/Fence", CallStatus.NOT_PERMITTED),
        ("/raftmaker.v1.Executor/Execute", CallStatus.NOT_PERMITTED),
        (CONVERSE, CallStatus.NOT_OFFERED),
        ("", CallStatus.NOT_PERMITTED),
    ],
)
def test_what_daemons_say_to_each_other_is_not_relayed(method: str, status: CallStatus) -> None:
    """Features 22.5: no part of the engine, the members, orders, or a word that a node is down."""
    calls, _ = opened(Calls(), "n1")
    assert refusal(calls, call(method)).status == status


def test_size_number_and_time_are_bounded() -> None:
    calls, _ = opened(Calls(), "n1")
    large = refusal(calls, call(request=b"x" * (REQUEST_BYTES_MAX + 1)))
    assert large.status == CallStatus.TOO_MUCH
    for _ in range(CALLS_MAX):
        calls, _ = asked(calls, call())
    assert refusal(calls, call()).status == CallStatus.TOO_MUCH
    assert time_for(call(timeout_ms=5)) == 5
    assert time_for(call()) == time_for(call(timeout_ms=10**9)) == CALL_MS_MAX
    assert time_for(call(WATCH)) is None


def test_every_relayed_method_is_one_of_ours() -> None:
    """Whether it has one answer or many is as the services have it."""
    from raftmaker.wire import controller_pb2, fencer_pb2, store_pb2

    modules = {
        Daemon.STORE: store_pb2,
        Daemon.CONTROLLER: controller_pb2,
        Daemon.FENCER: fencer_pb2,
    }
    for method, relayed in RELAYED.items():
        service, name = method.split("/")[1:]
        services = modules[relayed.daemon].DESCRIPTOR.services_by_name
        found = services[service.rpartition(".")[2]].methods_by_name[name]
        assert not found.client_streaming, method
        assert found.server_streaming is relayed.follows, method


async def heard(relay: ToolRelay, one: RelayedCall) -> list[RelayedAnswer]:
    return [answer async for answer in relay.ask(one)]


def test_a_call_waits_for_the_member_that_has_just_begun_to_attend() -> None:
    """An agent's first action may come before the member has opened its stream."""

    async def body() -> None:
        relay = ToolRelay(lambda: "n1")
        asking = asyncio.create_task(heard(relay, call()))
        await asyncio.sleep(0)
        stream = relay.stream("n1")
        given = await anext(stream)
        relay.answer(RelayedAnswer(number=given.number, message=b"yes", status=0))
        (answer,) = await asking
        assert answer.message == b"yes"
        relay.answer(RelayedAnswer(number=given.number, message=b"again"))  # nobody waits: ignored
        await stream.aclose()

    asyncio.run(body())


def test_only_the_member_that_attends_may_answer_and_the_newest_stream_counts() -> None:

    async def body() -> None:
        relay = ToolRelay(lambda: "n2")
        with pytest.raises(Refused, match="n2 attends"):
            await anext(relay.stream("n1"))
        first, second = relay.stream("n2"), relay.stream("n2")
        asking = asyncio.create_task(heard(relay, call()))
        await anext(first)
        reading = asyncio.create_task(anext(second, None))
        (answer,) = await asking
        assert answer.status == CallStatus.UNREACHABLE
        assert await anext(first, None) is None
        reading.cancel()

    asyncio.run(body())


def test_the_member_is_told_of_a_caller_that_has_gone_or_does_not_read() -> None:

    async def body() -> None:
        relay = ToolRelay(lambda: "n1")
        stream = relay.stream("n1")
        asking = asyncio.create_task(heard(relay, call(WATCH)))
        given = await anext(stream)
        asking.cancel()
        assert (await anext(stream)).given_up
        slow = relay.ask(call(WATCH))
        begun = asyncio.ensure_future(slow.__anext__())
        given = await anext(stream)
        for _ in range(BEHIND_MAX + 2):
            relay.answer(RelayedAnswer(number=given.number, message=b"news"))
        assert (await anext(stream)) == RelayedCall(number=given.number, given_up=True)
        assert (await begun).message == b"news"
        rest = [answer async for answer in slow]
        assert rest[-1].status == CallStatus.TOO_MUCH

    asyncio.run(body())


def test_a_member_that_reads_nothing_is_asked_no_more() -> None:
    """Callers that come and go would fill the memory else."""

    async def body() -> None:
        relay = ToolRelay(lambda: "n1")
        stream = relay.stream("n1")
        first = asyncio.create_task(heard(relay, call()))
        await anext(stream)
        for _ in range(UNREAD_MAX):
            asking = asyncio.create_task(heard(relay, call()))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        (answer,) = await heard(relay, call())
        assert answer.status == CallStatus.TOO_MUCH
        assert "reads nothing" in answer.details
        first.cancel()

    asyncio.run(body())
