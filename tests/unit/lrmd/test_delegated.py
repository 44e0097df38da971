"""Connections to remote nodes are the controller's to carry out (features 5.7, 22.2)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from lrmd.agents.classes import Agents
from lrmd.agents.delegated import Delegates
from lrmd.metadata import read_metadata
from lrmd.operations.values import REMOTE_CONNECTION, OperationRequest, Outcome
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.ids import ResourceId

START = OperationRequest(
    resource=ResourceId("far"), agent=REMOTE_CONNECTION, operation="start", timeout_ms=1000
)
OK = Outcome(code=OcfCode.OK)


def test_what_waits_is_told_to_the_controller_that_comes_and_again_to_the_next() -> None:
    async def scenario() -> None:
        delegates = Delegates()
        run = delegates.begin(7, START)
        await asyncio.sleep(0)
        first = delegates.conversation()
        assert await anext(first) == (7, START)
        second = delegates.conversation()
        assert await anext(second) == (7, START)
        assert await anext(first, None) is None, "the older conversation goes on"
        delegates.answer(7, OK)
        delegates.answer(8, OK)
        assert await asyncio.wait_for(run.outcome(), 60) == OK

    asyncio.run(scenario())


def test_a_run_that_is_ended_is_called_off() -> None:
    async def scenario() -> None:
        delegates = Delegates()
        asked = delegates.conversation()
        run = delegates.begin(7, START)
        assert await anext(asked) == (7, START)
        run.end()
        assert (await run.outcome()).code is OcfCode.ERROR
        assert await anext(asked) == (7, None)

    asyncio.run(scenario())


def test_the_agent_describes_itself() -> None:
    described = read_metadata(asyncio.run(Delegates().metadata()))
    assert [one.name for one in described.parameters] == ["server", "port", "reconnect_interval"]
    assert described.has_action("migrate_from")


def test_a_remote_node_has_no_connections_of_its_own() -> None:
    """There the agent is looked for as any other, and is not installed."""
    delegates = Delegates()
    nothing = cast(Any, None)  # no other class is asked
    member = Agents(scripts=nothing, units=nothing, devices=None, delegates=delegates)
    assert member._class_of(REMOTE_CONNECTION) is delegates
    remote = Agents(scripts=nothing, units=nothing, devices=None)
    assert remote._class_of(REMOTE_CONNECTION) is None
