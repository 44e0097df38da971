"""Transient attributes on real stores: nothing lost among many writers or with a leader."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cib_store.client import StoreClient
from cib_store.document.transient import Shelf, value_of
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    AttributeChange,
    CibOperation,
    OperationKind,
    Sum,
    UpdateAttributes,
)
from raftmaker.vocabulary.ids import NodeName
from tests.e2e.cib_store.stores import NAMES, Stores
from tests.e2e.cib_store.waiting import PATIENCE_MS, leader_of, ready

pytestmark = pytest.mark.e2e
A = NodeName("a")
NODES = "".join(f'<node id="{name}" uname="{name}"/>' for name in NAMES)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    made = Stores(tmp_path_factory.mktemp("stores"))
    made.start(*NAMES)
    asyncio.run(_with_nodes(made))
    yield made
    made.close()


async def _with_nodes(stores: Stores) -> None:
    client = stores.client(*NAMES, exactly_once=True)
    await ready(client)
    nodes = CibOperation(kind=OperationKind.MODIFY, scope="nodes", xml=f"<nodes>{NODES}</nodes>")
    assert (await client.change([nodes], timeout_ms=PATIENCE_MS)).succeeded
    await client.close()


def _tool(stores: Stores, node: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("attrd_updater")), *words],
        env={**os.environ, "RAFTMAKER_CONFIG": str(stores.directory / node / "raftmaker.toml")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def _in_cib(client: StoreClient, name: str) -> str | None:
    answer = await client.query(timeout_ms=PATIENCE_MS)
    return value_of(answer.elements[0], A, name, Shelf())


def test_no_sum_is_lost_among_many_writers(stores: Stores) -> None:
    """features 15.8, 24.15: eight writers at three stores, one attribute."""

    async def story() -> None:
        clients = [stores.client(name, exactly_once=True) for name in (*NAMES, *NAMES, "a", "b")]
        change = AttributeChange(name="hits", node=A, value=Sum(1))

        async def write(client: StoreClient) -> None:
            for _ in range(10):
                outcome = await client.record(UpdateAttributes((change,)), timeout_ms=PATIENCE_MS)
                assert outcome.succeeded, outcome

        await asyncio.gather(*map(write, clients))
        assert await _in_cib(clients[0], "hits") == "80"
        for client in clients:
            await client.close()

    asyncio.run(story())


def test_a_delayed_value_is_written_though_the_leader_dies(stores: Stores) -> None:
    """features 15.7, 24.16 (update-both)"""

    async def story() -> None:
        client = stores.client(*NAMES, exactly_once=True)
        set_ = _tool(stores, "a", "-n", "slow", "-B", "7", "-d", "5s")
        assert (set_.returncode, set_.stderr) == (0, "")
        assert await _in_cib(client, "slow") is None
        shown = _tool(stores, "a", "-n", "slow", "-Q")
        assert shown.stdout == 'name="slow" host="a" value="7"\n'
        leader = await leader_of(client)
        stores.kill(leader)
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while await _in_cib(client, "slow") != "7":
                await asyncio.sleep(0.1)
        stores.start(leader)
        await client.close()
        back = stores.client(leader)
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while True:
                with contextlib.suppress(HaError):
                    await back.query(timeout_ms=1000)
                    break
                await asyncio.sleep(0.1)
        await back.close()

    asyncio.run(story())


def test_the_tool_speaks_as_agents_expect(stores: Stores) -> None:
    """features 15.6, 15.9, 15.20, 24.16, 27.12, 29.15, 29.19"""
    name = "evacuate"
    assert _tool(stores, "a", "-p", "-n", name, "-U", "yes", "-W", "cluster").returncode == 0
    for node in NAMES:
        shown = _tool(stores, node, "-p", "-n", name, "-Q", "-A")
        assert shown.stdout == f'name="{name}" host="a" value="yes"\n', node
    held = _tool(stores, "a", "-n", "held", "-U", "1", "-d", "1h")
    assert held.returncode == 0, held.stderr
    assert _tool(stores, "b", "-R").returncode == 0

    async def look() -> None:
        client = stores.client("a")
        assert await _in_cib(client, name) is None
        assert await _in_cib(client, "held") == "1"
        await client.close()

    asyncio.run(look())
    assert _tool(stores, "a", "-P", "^(held|evac)", "-D").returncode == 0
    gone = _tool(stores, "a", "-n", "held", "-Q")
    assert gone.returncode == ExitCode.NOSUCH
    for wrong, word in (
        (("-n", "#digests-all", "-U", "x"), "kept for the cluster itself"),
        (("-n", "x", "-U", "1", "-N", "nowhere"), "nowhere"),
        (("-n", "x", "-Y"), "--delay"),
        (("-n", "x", "-U", "1", "-d", "soon"), "soon"),
        (("-n", "x", "-U", "1", "-W", "ever"), "cluster"),
        (("-n", "x"), "-U"),
    ):
        refused = _tool(stores, "a", *wrong)
        assert refused.returncode != 0
        assert word in refused.stderr
