"""A cluster grows from one node to three and to five, and shrinks again, while nodes are killed.

Somebody counts all the while: every acknowledged step is there once, and the replicas are one.
Features 25.18, 30.6.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cib_store.client import Membership, StoreClient
from cib_store.document.path import find
from crm_shell.local_cluster.cluster import LocalCluster
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.founding import marker_of
from raftmaker.runtime.identity import tool_identity
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from raftmaker.vocabulary.outcomes import Outcome
from tests.e2e.site import FAILOVER_S, START_S

pytestmark = pytest.mark.e2e
NAMES = ("n1", "n2", "n3", "n4", "n5")
PAUSE_S = 0.05
STEP = CibOperation(
    kind=OperationKind.MODIFY,
    xml='<nvpair id="counter" value="value++"/>',
    scope="crm_config",
    score=True,
)
FIRST = (
    '<cluster_property_set id="counting"><nvpair id="counter" name="count" value="0"/>'
    '<nvpair id="counting-f" name="fencing-enabled" value="false"/></cluster_property_set>'
)


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    """Five nodes laid out; the first is a cluster, the others know it and themselves."""
    with (
        tempfile.TemporaryDirectory(prefix="rm-e2e-") as directory,
        LocalCluster.create(Path(directory), NAMES, bound=True) as made,
    ):
        for name in NAMES:
            config = made.node(name).config
            head, *peers = config.read_text().split("[[peers]]\n")
            wanted = {'name = "n1"', f'name = "{name}"'}
            kept = [peer for peer in peers if peer.splitlines()[0] in wanted]
            config.write_text("[[peers]]\n".join((head, *kept)))
            if name != "n1":
                marker_of(made.node(name).directory / "state").unlink()
        yield made


class Growth:
    """What the test does to the cluster, and what it counts meanwhile."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster = cluster
        sockets = [cluster.node(name).run / "cib.sock" for name in NAMES]
        self.client = StoreClient(sockets, tool_identity("", "count"), exactly_once=True)
        self.counted = 0
        self.stops = False

    async def count(self) -> None:
        """Count until asked to stop; whatever happens, a step has an outcome in the end."""
        while not self.stops:
            outcome = await self.client.change([STEP], timeout_ms=int(START_S * 1000))
            assert outcome.succeeded, outcome
            self.counted += 1
            await asyncio.sleep(PAUSE_S)

    async def crm(self, *words: str) -> str:
        """Run crm on the first node; return what it complains of, nothing when it succeeds."""
        done = await asyncio.to_thread(
            subprocess.run,
            [str(Path(sys.executable).with_name("crm")), *words],
            env=self.cluster.tool_environment("n1"),
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S,
        )
        return done.stderr + done.stdout if done.returncode else ""

    async def change_members(self, name: str, *words: str, there: bool) -> None:
        """Give a command until it is done: the store that it asks may just be dead."""
        said = ""
        deadline = time.monotonic() + START_S
        while (name in (await self.members()).members.names) != there:
            assert time.monotonic() < deadline, said
            said = await self.crm("cluster", *words) or said
            await asyncio.sleep(PAUSE_S)

    async def add(self, name: str) -> None:
        """Start a node and make it a member; it votes when it has caught up."""
        node = self.cluster.node(name)
        places = [
            word
            for daemon in ("store", "controller", "fencer")
            for word in (f"--{daemon}", f"127.0.0.1:{node.ports[daemon]}")
        ]
        self.cluster.start(name)
        await self.change_members(name, "add", name, *places, "--no-wait", there=True)

    async def members(self) -> Membership:
        """Ask any store; one that does not answer is no reason to give up."""
        while True:
            for name in NAMES:
                one = StoreClient(
                    self.cluster.node(name).run / "cib.sock", tool_identity("", "look")
                )
                try:
                    found = await one.members()
                    if found.leader:
                        return found
                except HaError:
                    continue
                finally:
                    await one.close()
            await asyncio.sleep(0.1)

    async def voters(self, count: int) -> None:
        async with asyncio.timeout(START_S):
            while True:
                found = (await self.members()).members
                if len([each for each in found.voters if each.store_id]) == count:
                    return
                await asyncio.sleep(0.1)

    async def kill_leader(self) -> None:
        """Kill the leader's store; its node's supervisor starts it again."""
        leader = (await self.members()).leader
        self.cluster.kill_daemon(str(leader), "cib")

    async def remove(self, name: str) -> None:
        await asyncio.to_thread(self.cluster.stop, name, timeout_s=FAILOVER_S)
        await self.change_members(name, "remove", name, there=False)


def test_a_cluster_grows_to_five_voters_and_shrinks_while_nodes_are_killed(
    cluster: LocalCluster,
) -> None:
    asyncio.run(_story(cluster))


async def _story(cluster: LocalCluster) -> None:
    growth = Growth(cluster)
    cluster.start("n1")
    begin = CibOperation(kind=OperationKind.CREATE, xml=FIRST, scope="crm_config")
    assert (await _until_begun(growth, begin)).succeeded
    counting = asyncio.create_task(growth.count())
    try:
        await growth.add("n2")
        await growth.add("n3")
        cluster.kill("n3")
        cluster.start("n3")
        await growth.voters(3)
        await growth.kill_leader()
        await growth.add("n4")
        cluster.kill("n4")
        await growth.add("n5")
        await growth.kill_leader()
        cluster.start("n4")
        await growth.voters(5)
        await growth.remove("n5")
        await growth.kill_leader()
        await growth.remove("n4")
        await growth.voters(3)
    finally:
        growth.stops = True
        await counting
    await _insist_on_one_truth(growth)
    await growth.client.close()


async def _until_begun(growth: Growth, begin: CibOperation) -> Outcome:
    deadline = time.monotonic() + START_S
    while True:
        try:
            return await growth.client.change([begin], timeout_ms=5000)
        except HaError:
            assert time.monotonic() < deadline


async def _insist_on_one_truth(growth: Growth) -> None:
    """Every replica holds each step once, and all hold the same configuration."""
    assert growth.counted > 20, "nobody counted"
    seen = []
    for name in NAMES[:3]:
        client = StoreClient(growth.cluster.node(name).run / "cib.sock", tool_identity("", "look"))
        answer = await client.query(timeout_ms=int(START_S * 1000))
        await client.close()
        counter = find(answer.elements[0], "/cib/configuration/crm_config")
        assert counter is not None
        values = [each.get("value") for each in counter.walk() if each.id == "counter"]
        assert values == [str(growth.counted)]
        seen.append(answer.elements[0].child("configuration"))
    assert seen[0] == seen[1] == seen[2]
