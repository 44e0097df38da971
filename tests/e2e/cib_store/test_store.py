"""Real store daemons: what was acknowledged stays, requests run once, followers miss nothing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cib_store.client import StoreClient, WatchStep
from cib_store.document.path import find
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from tests.e2e.cib_store.stores import NAMES, Stores
from tests.e2e.cib_store.waiting import PATIENCE_MS, leader_of, patiently, ready

pytestmark = pytest.mark.e2e
COUNTER = "/cib/status/node_state[@id='counter']"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = Stores(tmp_path)
    made.start(*NAMES)
    yield made
    made.close()


async def _add(client: StoreClient) -> None:
    operation = CibOperation(
        kind=OperationKind.MODIFY,
        xml='<node_state id="counter" uname="uname++"/>',
        scope="status",
        score=True,
        all=True,
    )
    outcome = await client.change([operation], timeout_ms=PATIENCE_MS)
    assert outcome.succeeded, outcome


async def _count(client: StoreClient) -> int:
    answer = await client.query(xpath=COUNTER, timeout_ms=PATIENCE_MS)
    return int(answer.elements[0].get("uname"))


def test_every_request_runs_once_while_leaders_are_killed(stores: Stores) -> None:
    """features 4.14: a sum shows each request that ran twice or never."""

    async def story() -> None:
        client = stores.client(*NAMES, exactly_once=True)
        await ready(client)
        await _add(client)
        for _ in range(2):
            leader = await leader_of(client)
            adding = asyncio.gather(*(_add(client) for _ in range(20)))
            await asyncio.sleep(0.02)
            stores.kill(leader)
            await adding
            stores.start(leader)
        assert await _count(client) == 41
        await client.close()

    asyncio.run(story())


def test_what_was_acknowledged_survives_killing_all_at_once(stores: Stores) -> None:
    async def story() -> None:
        client = stores.client("a", exactly_once=True)
        await ready(client)
        tag = CibOperation(kind=OperationKind.CREATE, xml='<tag id="kept"/>')
        assert (await client.change([tag], timeout_ms=PATIENCE_MS)).succeeded
        await asyncio.gather(*(_add(client) for _ in range(50)))
        before = await patiently(client.query)
        stores.kill(*NAMES)
        stores.start(*NAMES)
        await ready(client)
        after = await patiently(client.query)
        assert after.elements == before.elements
        (change, *_) = await client.history(limit=1, patches=True)
        assert change.origin.client == "test"
        assert "kept" in change.patch
        then = await client.cib_at(change.revision)
        assert then is not None
        assert then.child("configuration") == after.elements[0].child("configuration")
        await client.close()

    asyncio.run(story())


async def at_home(client: StoreClient) -> None:
    while not client.is_home:
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("loss", [signal.SIGKILL, signal.SIGSTOP])
def test_a_follower_goes_on_at_another_store_and_misses_nothing(
    stores: Stores, loss: signal.Signals
) -> None:
    """features 4.17: though the connection of one that stands still stays open."""

    async def story() -> None:
        writer = stores.client("b", "c", exactly_once=True)
        await ready(writer)
        follower = stores.client(*NAMES)
        seen: list[WatchStep] = []

        async def follow() -> None:
            while True:
                with contextlib.suppress(HaError):
                    async for step in follower.watch(seen[-1] if seen else None):
                        seen.append(step)
                await asyncio.sleep(0.05)

        following = asyncio.create_task(follow())
        for number in range(30):
            if number == 15:
                stores.signal(loss, "a")
            await _add(writer)
        newest = await writer.query(timeout_ms=PATIENCE_MS)
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not seen or seen[-1].cib != newest.elements[0]:
                await asyncio.sleep(0.05)
        assert not follower.is_home
        if loss is signal.SIGSTOP:
            stores.signal(signal.SIGCONT, "a")
        else:
            stores.kill("a")
            stores.start("a")
        await _add(writer)
        async with asyncio.timeout(PATIENCE_MS / 1000):
            await at_home(follower)
        # What it watches now, and not another one, it hears of.
        await _add(writer)
        newest = await writer.query(timeout_ms=PATIENCE_MS)
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while seen[-1].cib != newest.elements[0]:
                await asyncio.sleep(0.05)
        following.cancel()
        assert [step.index for step in seen] == sorted({step.index for step in seen})
        assert not any(step.resync for step in seen[1:])
        counts = [find(step.cib, COUNTER) for step in seen]
        values = [int(each.get("uname")) for each in counts if each is not None]
        assert values == sorted(values)
        assert values[-1] == 32
        await writer.close()
        await follower.close()

    asyncio.run(story())


def test_a_follower_that_leaves_a_store_goes_on_at_another(stores: Stores) -> None:
    """features 4.17: a store may be there and lag behind."""

    async def story() -> None:
        writer = stores.client("b", exactly_once=True)
        await ready(writer)
        follower = stores.client(*NAMES)
        seen: list[WatchStep] = []
        was_away = asyncio.Event()

        async def follow() -> None:
            while True:
                with contextlib.suppress(HaError):
                    async for step in follower.watch(seen[-1] if seen else None):
                        seen.append(step)
                if not follower.is_home:
                    was_away.set()

        following = asyncio.create_task(follow())
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not seen:
                await asyncio.sleep(0.05)
            assert follower.is_home
            follower.leave()
            await was_away.wait()
        await _add(writer)
        newest = await writer.query(timeout_ms=PATIENCE_MS)
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while seen[-1].cib != newest.elements[0]:
                await asyncio.sleep(0.05)
        following.cancel()
        await writer.close()
        await follower.close()

    asyncio.run(story())


def test_a_minority_neither_writes_nor_reads_but_shows_what_it_has(stores: Stores) -> None:
    async def story() -> None:
        client = stores.client("a")
        await ready(client)
        stores.kill("b", "c")
        with pytest.raises(HaError):
            await client.query(timeout_ms=1500)
        tag = CibOperation(kind=OperationKind.CREATE, xml='<tag id="t"/>')
        with pytest.raises(HaError):
            await client.change([tag], timeout_ms=1500)
        answer = await client.query(local=True)
        assert answer.elements[0].tag == "cib"
        await client.close()

    asyncio.run(story())


def test_refusals_are_outcomes_with_every_fault(stores: Stores) -> None:
    """features 4.2, 4.20"""

    async def story() -> None:
        client = stores.client("a", exactly_once=True)
        await ready(client)
        wrong = [
            CibOperation(kind=OperationKind.CREATE, xml='<group id="g"/>'),
            CibOperation(kind=OperationKind.CREATE, xml='<rsc_order id="o" first="no" then="x"/>'),
        ]
        outcome = await client.change(wrong, timeout_ms=PATIENCE_MS)
        assert outcome.code is ExitCode.CONFIG
        assert len(outcome.reports) == 3
        tag = CibOperation(kind=OperationKind.CREATE, xml='<tag id="t"/>')
        for rehearse, code in ((True, ExitCode.OK), (False, ExitCode.OK), (False, ExitCode.EXISTS)):
            outcome = await client.change([tag], rehearse=rehearse, timeout_ms=PATIENCE_MS)
            assert outcome.code is code
        await client.close()

    asyncio.run(story())
