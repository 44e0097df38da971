"""The way from what a controller sees to the agents that its node's executor runs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from cib_store.document.codec import parse
from crmd.alerting import Alerting, untold
from crmd.fsa.events import ExecutorResult, StoreChanged
from lrmd.agents.classes import Agents
from lrmd.alerting import AlertAgents
from lrmd.client import ExecutorClient
from lrmd.operations.values import Agent, OperationRequest, Outcome, Result, Standard
from lrmd.runner import Runner
from lrmd.server import ExecutorServicer, service_of
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.logs import Log
from raftmaker.runtime.rpc import Server, serve
from raftmaker.runtime.secrets import Secrets
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.ids import BootId, NodeName, ResourceId, Session
from raftmaker.vocabulary.membership import Facts, NodeFacts, Presence
from stonithd.client import FencerClient, FencingInfo

NODE = NodeName("n1")
BOOT = BootId("boot")
IDENTITY = tool_identity("alerting-test", "test")
LOG = Log("test")
AGENT = """\
#!/bin/sh
echo "$CRM_alert_kind $CRM_alert_node $CRM_alert_desc" >>{folder}/told.new
cp {folder}/told.new {folder}/told.copy && mv {folder}/told.copy {folder}/told
"""


@dataclass
class Place:
    """A folder with an agent, and an executor that may be there or not."""

    folder: Path

    def __post_init__(self) -> None:
        agent = self.folder / "agent"
        agent.write_text(AGENT.format(folder=self.folder))
        agent.chmod(0o755)
        self.client = ExecutorClient(self.folder / "lrmd.sock", identity=IDENTITY)

    async def executor(self) -> Server:
        agents = AlertAgents(
            sequence_file=self.folder / "sequence",
            inherited={},
            node=NODE,
            user=lambda: None,
            log=LOG,
        )
        # Neither operations nor agents of resources are asked for here.
        servicer = ExecutorServicer(
            runner=cast(Runner, None),
            agents=cast(Agents, None),
            alert_agents=agents,
            identity=IDENTITY,
            boot_id=BOOT,
            incarnation="1",
            secrets=Secrets(self.folder / "secrets"),
        )
        return await serve(
            [service_of(servicer)], identity=IDENTITY, socket=self.folder / "lrmd.sock"
        )

    def controller(self, process: str) -> Alerting:
        """A controller's alerting that has seen the store once."""
        made = Alerting(
            node=NODE,
            boot_id=BOOT,
            process=process,
            executor=self.client,
            fencer=lambda: FencerClient(self.folder / "nobody", identity=IDENTITY),
            log=LOG,
        )
        made.take(self.seen(1, Presence.MEMBER))
        return made

    def seen(self, index: int, presence: Presence) -> StoreChanged:
        path = self.folder / "agent"
        cib = parse(
            f'<cib><configuration><alerts><alert id="a" path="{path}"/></alerts></configuration>'
            "<status/></cib>"
        )
        other = NodeFacts(
            node=NodeName("n2"), boot_id=BootId("b2"), session=Session(1), presence=presence
        )
        return StoreChanged(at_ms=0, index=index, cib=cib, facts=Facts(nodes=(other,)))

    async def told(self, *lines: str) -> None:
        """Wait until the agent was told this, in this order, and nothing else."""
        file = self.folder / "told"
        while not file.exists() or len(file.read_text().splitlines()) < len(lines):
            await asyncio.sleep(0.01)
        assert file.read_text().splitlines() == list(lines)


def result(serial: int, code: OcfCode = OcfCode.OK) -> ExecutorResult:
    request = OperationRequest(
        resource=ResourceId("web"), agent=Agent(Standard.OCF, "test", "web"), operation="start"
    )
    ended = Result(
        serial=serial,
        call_id=serial,
        request=request,
        outcome=Outcome(code=code),
        last_change_us=serial,
    )
    return ExecutorResult(at_ms=0, result=ended)


def carried_out(story: Callable[[Place], Awaitable[None]]) -> None:
    async def scenario(folder: str) -> None:
        place = Place(Path(folder))
        async with asyncio.timeout(60):
            await story(place)
        await place.client.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(scenario(folder))


def test_what_is_seen_while_the_executor_is_away_is_told_when_it_is_back() -> None:
    async def story(place: Place) -> None:
        alerting = place.controller("one")
        running = asyncio.create_task(alerting.run())
        alerting.take(place.seen(2, Presence.LOST))
        while not alerting._waiting.empty():  # then it is being offered
            await asyncio.sleep(0.01)
        server = await place.executor()
        await place.told("node n2 lost")
        running.cancel()
        await server.stop(None)

    carried_out(story)


@pytest.mark.parametrize(
    ("target", "action", "is_told"),
    [("n2", "on", True), ("n2", "reboot", False), ("far", "off", True), ("far", "on", True)],
)
def test_a_fencer_is_believed_where_no_committed_fact_tells(
    target: str, action: str, is_told: bool
) -> None:
    """Features 17.40, 19.5: nodes that are turned on, and remote nodes."""
    facts = Facts(nodes=(NodeFacts(node=NodeName("n2"), boot_id=BOOT, session=Session(1)),))
    info = FencingInfo(
        target=NodeName(target),
        action=action,
        client="raftmaker-crmd",
        delegate=NodeName("n1"),
        state="failed",
        devices=(ResourceId("ipmi"),),
        at_us=1,
        reason="no power",
        origin=NodeName("n3"),
    )
    event = untold(facts, info)
    assert (event is not None) == is_told
    if event is not None:
        assert (event.target, event.action, event.confirmed) == (target, action, False)
        assert (event.client, event.origin, event.delegate) == ("raftmaker-crmd", "n3", "n1")
        assert (event.devices, event.reason) == (("ipmi",), "no power")


def test_a_controller_that_was_restarted_tells_no_result_again() -> None:
    """The executor sends it what is not confirmed (features 19.1)."""

    async def story(place: Place) -> None:
        server = await place.executor()
        first = place.controller("one")
        running = asyncio.create_task(first.run())
        first.take(result(1))
        await place.told("resource n1 OK")
        running.cancel()
        second = place.controller("two")
        running = asyncio.create_task(second.run())
        second.take(result(1))
        second.take(result(2, OcfCode.NOT_RUNNING))
        await place.told("resource n1 OK", "resource n1 Not running")
        running.cancel()
        await server.stop(None)

    carried_out(story)
