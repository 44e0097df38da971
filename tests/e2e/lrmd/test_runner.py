"""The executor's end while agents run: nothing is taken any more, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from lrmd.agents.fence_devices import FenceDevices
from lrmd.agents.scripts import Scripts
from lrmd.history import open_memory
from lrmd.operations.events import Execute
from lrmd.operations.values import Agent, OperationRequest, Result, Standard
from lrmd.runner import Runner
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.logs import Log
from raftmaker.runtime.process import run
from raftmaker.runtime.secrets import Secrets
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.ids import BootId, ClusterId, NodeName, ResourceId, Token
from stonithd.client import FencerClient

pytestmark = pytest.mark.e2e

SLOW = Agent(Standard.OCF, "test", "slow")
LIMIT_S = 20.0


def runner_of(root: Path, devices: FenceDevices | None = None) -> Runner:
    opened = open_memory(
        run_dir=root / "run", state_dir=root, boot_id=BootId("b"), cluster=ClusterId("c")
    )
    scripts = Scripts(
        ocf_roots=(root / "ocf",),
        children=root / "run" / "runs",
        inherited={"PATH": "/usr/bin:/bin", "STEPS": str(root)},
        node=NodeName("n1"),
        secrets=Secrets(root / "secrets"),
    )
    return Runner(
        state=opened.state,
        memory=opened.memory,
        agents=devices or scripts,
        clear=scripts.clear,
        log=Log("raftmaker-lrmd"),
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


def test_what_ends_while_the_daemon_ends_is_found_by_the_next_one(tmp_path: Path) -> None:
    """Its tasks outlive its memory, as calls do that are given up."""
    path = tmp_path / "ocf" / "resource.d" / "test" / "slow"
    path.parent.mkdir(parents=True)
    path.write_text(
        '#!/bin/sh\ntouch "$STEPS/begun"\nuntil test -e "$STEPS/go"; do sleep 0.01; done\nexit 5\n'
    )
    path.chmod(0o755)

    async def body() -> Result:
        first = runner_of(tmp_path)
        request = OperationRequest(
            resource=ResourceId("r"), agent=SLOW, operation="start", token=Token(1, 1)
        )
        first.take(Execute(at_ms=boot_ms(), wall_us=wall_us(), request=request))
        await until((tmp_path / "begun").exists)
        await first.close()
        (tmp_path / "go").touch()
        ended = tmp_path / "run" / "runs" / "1" / "code"
        await until(lambda: ended.exists() and ended.read_text().strip() != "")
        await run(["true"])  # by now the first one would have heard of the end
        assert not first.failure.done()
        second = runner_of(tmp_path)
        second.restart()
        async with asyncio.timeout(LIMIT_S):
            result = await anext(second.results(0))
        await second.close()
        return result

    result = asyncio.run(body())
    assert result.outcome.code is OcfCode.NOT_INSTALLED


def test_nobody_asks_the_fencer_any_more_once_the_executor_is_closed(tmp_path: Path) -> None:
    """A device's monitor waits for a fencer that is not there, by a connection that is closed."""

    async def body() -> None:
        fencer = FencerClient(tmp_path / "none.sock", identity=tool_identity("c", "test"))
        runner = runner_of(tmp_path, FenceDevices(fencer))
        device = Agent(Standard.STONITH, "", "fence_x")
        request = OperationRequest(
            resource=ResourceId("f"), agent=device, operation="start", token=Token(1, 1)
        )
        runner.take(Execute(at_ms=boot_ms(), wall_us=wall_us(), request=request))
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) > 1
        await runner.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await fencer.close()

    asyncio.run(body())
