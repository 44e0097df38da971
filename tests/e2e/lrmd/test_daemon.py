"""The executor as a process: real agents, kill -9 and restart, tokens, node-wide ends."""

from __future__ import annotations

import asyncio
import os
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from crm_shell.local_cluster.layout import free_ports
from lrmd.client import ExecutorClient
from lrmd.operations.values import Agent, OperationRequest, Result, Standard
from raftmaker.runtime.errors import HaError, Refused, Unreachable
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import ResourceId, Token
from tests.e2e.lrmd.conftest import Daemon

pytestmark = pytest.mark.e2e

R = ResourceId("r")
TOKEN = Token(1, 1)
DUMMY = Agent(Standard.OCF, "heartbeat", "Dummy")
LIMIT_S = 20.0


def ask(operation: str, agent: Agent = DUMMY, **more: object) -> OperationRequest:
    base = OperationRequest(resource=R, agent=agent, operation=operation, token=TOKEN)
    return replace(base, **more)  # type: ignore[arg-type]  # fields by name, for brevity


def test_agent(name: str) -> Agent:
    return Agent(Standard.OCF, "test", name)


test_agent.__test__ = False  # type: ignore[attr-defined]  # its name is not a test's


async def up(daemon: Daemon) -> ExecutorClient:
    """Return a client of the daemon once it answers."""
    client = daemon.client()
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                await client.hello()
            except Unreachable:
                await asyncio.sleep(0.02)
            else:
                return client


async def ran(client: ExecutorClient, request: OperationRequest) -> Result:
    """Run an operation; return its first result."""
    call_id = await client.execute(request)
    return await reported(client.results(), call_id)


async def reported(results: AsyncIterator[Result], call_id: int) -> Result:
    async with asyncio.timeout(LIMIT_S):
        async for result in results:
            if result.call_id == call_id:
                return result
    raise AssertionError("the results ended")


def scenario(body: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(3 * LIMIT_S):
            await body()

    asyncio.run(limited())


def test_what_is_set_in_vain_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """features 26.12, 26.13"""
    monkeypatch.setenv("PCMK_ca_file", "/etc/ssl/mine.pem")
    monkeypatch.setenv("PCMK_authkey_location", "/etc/pacemaker/authkey")
    monkeypatch.setenv("PCMK_crl_file", "")
    daemon = Daemon(tmp_path)
    daemon.start()

    async def body() -> None:
        await (await up(daemon)).close()

    try:
        scenario(body)
    finally:
        daemon.end_all()
    told = [line for line in (tmp_path / "log").read_text().splitlines() if "set in vain" in line]
    assert len(told) == 2, told
    assert "PCMK_ca_file" in told[0]
    assert "raftmaker.toml" in told[0]
    assert "PCMK_authkey_location" in told[1]


def test_what_a_person_runs_leaves_no_trace(daemon: Daemon) -> None:
    """features 27.8: no token, no history; an end when its time is up."""

    async def body() -> None:
        client = await up(daemon)
        agent = Agent(Standard.OCF, "raftmaker", "Dummy")
        by_hand = replace(ask("monitor", agent), token=Token())
        assert (await client.run_by_hand(by_hand)).code is OcfCode.NOT_RUNNING
        assert (await client.run_by_hand(replace(by_hand, operation="start"))).code is OcfCode.OK
        assert (await client.run_by_hand(by_hand)).code is OcfCode.OK
        assert (await client.run_by_hand(replace(by_hand, operation="stop"))).code is OcfCode.OK
        missing = await client.run_by_hand(replace(by_hand, agent=test_agent("none")))
        assert missing.status is OpStatus.NOT_INSTALLED
        state = await client.state()
        assert (state.history, state.pending) == ((), ())
        await client.close()

    scenario(body)


@pytest.mark.parametrize("provider", ["heartbeat", "raftmaker"])
def test_a_resource_lives_through_its_actions(daemon: Daemon, provider: str) -> None:
    """Features 5.9, 5.30, 5.36: Debian's agent and ours pass the same suite."""
    agent = Agent(Standard.OCF, provider, "Dummy")
    probe = ask("monitor", agent, expected_code=OcfCode.NOT_RUNNING)

    async def body() -> None:
        client = await up(daemon)
        assert (await ran(client, probe)).outcome.code is OcfCode.NOT_RUNNING
        assert (await ran(client, ask("stop", agent))).outcome.code is OcfCode.OK
        for _ in range(2):
            assert (await ran(client, ask("start", agent))).outcome.code is OcfCode.OK
        monitor = await ran(client, ask("monitor", agent, interval_ms=60_000))
        assert monitor.outcome.code is OcfCode.OK
        state = await client.state()
        assert [one.request.operation for one in state.history] == ["start", "monitor"]
        assert state.pending == ()
        assert (await ran(client, ask("stop", agent))).outcome.code is OcfCode.OK
        state = await client.state()
        assert [one.request.operation for one in state.history] == ["stop"]
        assert (await ran(client, probe)).outcome.code is OcfCode.NOT_RUNNING
        assert (await ran(client, ask("no-such", agent))).outcome.code is OcfCode.UNIMPLEMENTED
        await client.close()

    scenario(body)


def test_the_history_survives_kill_and_restart(daemon: Daemon) -> None:
    async def body() -> None:
        client = await up(daemon)
        await client.raise_token(TOKEN)
        await ran(client, ask("start"))
        await ran(client, ask("monitor", interval_ms=100))
        before = await client.state()
        daemon.kill()
        await client.close()
        daemon.start()
        client = await up(daemon)
        after = await client.state()
        assert after.history == before.history
        assert (after.boot_id, after.token) == (before.boot_id, TOKEN)
        assert after.incarnation != before.incarnation
        # The recurring monitor goes on: it finds out that the resource has stopped.
        for name in (daemon.run_dir / "resource-agents").iterdir():
            name.unlink()
        result = await reported(client.results(after=2), 2)
        assert result.outcome.code is OcfCode.NOT_RUNNING
        with pytest.raises(Refused):
            await client.execute(ask("start", token=Token(1, 0)))
        await client.close()

    scenario(body)


def test_a_run_in_progress_is_found_again(daemon: Daemon) -> None:
    gate = daemon.root / "gate"
    os.mkfifo(gate)
    daemon.agent("Slow", f'read word <"{gate}"; echo "ocf-exit-reason:$word" >&2; exit 9\n')

    async def body() -> None:
        client = await up(daemon)
        call_id = await client.execute(ask("start", test_agent("Slow")))
        writer = asyncio.create_task(asyncio.to_thread(open_for_writing, str(gate)))
        descriptor = await writer
        daemon.kill()
        await client.close()
        daemon.start()
        client = await up(daemon)
        pending = (await client.state()).pending
        assert [(one.call_id, one.running) for one in pending] == [(call_id, True)]
        os.write(descriptor, b"found again\n")
        os.close(descriptor)
        outcome = (await reported(client.results(), call_id)).outcome
        assert (outcome.code, outcome.exit_reason) == (OcfCode.FAILED_PROMOTED, "found again")
        await client.close()

    scenario(body)


def open_for_writing(path: str) -> int:
    """Open a fifo; returns when the agent reads it, so that it runs for certain."""
    return os.open(path, os.O_WRONLY)


def test_a_run_that_ends_while_the_daemon_is_down_is_not_lost(daemon: Daemon) -> None:
    gate = daemon.root / "gate"
    os.mkfifo(gate)
    daemon.agent("Slow", f'read word <"{gate}"; exit 0\n')

    async def body() -> None:
        client = await up(daemon)
        call_id = await client.execute(ask("stop", test_agent("Slow")))
        descriptor = await asyncio.to_thread(open_for_writing, str(gate))
        daemon.kill()
        await client.close()
        os.write(descriptor, b"x\n")
        os.close(descriptor)
        while daemon.processes():
            await asyncio.sleep(0.01)
        daemon.start()
        client = await up(daemon)
        outcome = (await reported(client.results(), call_id)).outcome
        assert (outcome.code, outcome.status) == (OcfCode.OK, OpStatus.DONE)
        await client.close()

    scenario(body)


def test_a_timeout_kills_the_process_group(daemon: Daemon) -> None:
    """Features 5.44."""
    daemon.agent("Hang", "sleep 1000 & wait\n")

    async def body() -> None:
        client = await up(daemon)
        result = await ran(client, ask("start", test_agent("Hang"), timeout_ms=300))
        assert (result.outcome.code, result.outcome.status) == (OcfCode.ERROR, OpStatus.TIMEOUT)
        assert result.outcome.exit_reason == "Resource agent did not complete within 0.3s"
        # The next action of the resource begins when the killed one is gone.
        await ran(client, ask("monitor", Agent(Standard.OCF, "raftmaker", "Dummy")))
        while daemon.processes():
            await asyncio.sleep(0.01)
        await client.close()

    scenario(body)


def test_a_run_that_is_overdue_after_a_restart_is_ended(daemon: Daemon) -> None:
    daemon.agent("Hang", "sleep 1000 & wait\n")

    async def body() -> None:
        client = await up(daemon)
        call_id = await client.execute(ask("start", test_agent("Hang"), timeout_ms=3000))
        while len(daemon.processes()) < 3:
            await asyncio.sleep(0.01)
        daemon.kill()
        await client.close()
        daemon.start()
        client = await up(daemon)
        outcome = (await reported(client.results(), call_id)).outcome
        assert outcome.status is OpStatus.TIMEOUT
        while daemon.processes():
            await asyncio.sleep(0.01)
        await client.close()

    scenario(body)


def test_a_missing_agent_is_not_installed(daemon: Daemon) -> None:
    """Features 5.34."""

    async def body() -> None:
        client = await up(daemon)
        outcome = (await ran(client, ask("monitor", test_agent("Nothing")))).outcome
        assert (outcome.code, outcome.status) == (OcfCode.NOT_INSTALLED, OpStatus.NOT_INSTALLED)
        assert "ocf:test:Nothing" in outcome.exit_reason
        await client.close()

    scenario(body)


def test_the_environment_that_an_agent_sees(daemon: Daemon) -> None:
    """Features 5.17-5.22, 5.25, 5.29."""
    daemon.agent("Env", f'env >"{daemon.root}/seen"; exit 0\n')

    async def body() -> None:
        client = await up(daemon)
        request = ask(
            "monitor",
            test_agent("Env"),
            interval_ms=10_000,
            timeout_ms=7000,
            parameters={"ip": "1.2.3.4", "OCF_CHECK_LEVEL": "10"},
            meta={"clone-max": "2", "promoted-max": "1"},
        )
        await ran(client, request)
        await client.close()

    scenario(body)
    seen = dict(line.split("=", 1) for line in (daemon.root / "seen").read_text().splitlines())
    assert seen["OCF_RESKEY_ip"] == "1.2.3.4"
    assert seen["OCF_CHECK_LEVEL"] == "10"
    assert seen["OCF_RESKEY_CRM_meta_timeout"] == "7000"
    assert seen["OCF_RESKEY_CRM_meta_interval"] == "10000"
    assert seen["OCF_RESKEY_CRM_meta_clone_max"] == "2"
    assert seen["OCF_RESKEY_CRM_meta_master_max"] == "1"
    assert seen["OCF_RESOURCE_INSTANCE"] == "r"
    assert seen["RAFTMAKER_NODE"] == daemon.mark
    assert seen["RAFTMAKER_CONFIG"] == str(daemon.root / "raftmaker.toml")
    assert "NOTIFY_SOCKET" not in seen


def test_a_service_outlives_the_daemon_and_belongs_to_the_node(daemon: Daemon) -> None:
    (port,) = free_ports(1)
    web = Agent(Standard.OCF, "raftmaker", "web")
    parameters = {"port": str(port)}

    def page() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
            text: str = answer.read().decode()
            return text

    async def body() -> None:
        client = await up(daemon)
        started = await ran(client, ask("start", web, parameters=parameters))
        assert started.outcome.code is OcfCode.OK
        assert daemon.mark in page()
        await client.close()
        assert daemon.stop() == 0
        assert daemon.mark in page()
        daemon.start()
        client = await up(daemon)
        monitor = await ran(client, ask("monitor", web, parameters=parameters))
        assert monitor.outcome.code is OcfCode.OK
        await client.close()

    scenario(body)
    assert len(daemon.processes()) == 1
    daemon.end_all()
    with pytest.raises(OSError, match=r"refused|reset"):
        page()


def test_a_forgotten_failure_stays_forgotten_unless_it_lasts(daemon: Daemon) -> None:
    """Features 8.23: over a restart too; what was done last is still known."""
    daemon.agent("Broken", "exit 1\n")

    async def body() -> None:
        client = await up(daemon)
        await client.raise_token(TOKEN)
        broken = test_agent("Broken")
        start = await ran(client, ask("start", broken))
        await client.confirm(start.serial)
        assert await client.forget(token=TOKEN, resource=R, failure=start.failure_id)
        assert not await client.forget(token=TOKEN, resource=R, failure=start.failure_id)
        daemon.kill()
        await client.close()
        daemon.start()
        client = await up(daemon)
        state = await client.state()
        assert state.history == (replace(start, cleared=True),)
        assert state.confirmed_serial == start.serial
        monitor = await ran(client, ask("monitor", broken, interval_ms=100))
        assert await client.forget(token=TOKEN, resource=R, failure=monitor.failure_id)
        again = await reported(client.results(after=monitor.serial), monitor.call_id)
        assert again.outcome.code is OcfCode.ERROR
        await client.close()

    scenario(body)


def test_a_new_boot_begins_without_history(daemon: Daemon) -> None:
    async def body() -> None:
        client = await up(daemon)
        await client.raise_token(TOKEN)
        await ran(client, ask("start"))
        daemon.kill()
        await client.close()
        (daemon.run_dir / "boot-id").unlink()
        daemon.start()
        client = await up(daemon)
        state = await client.state()
        assert (state.history, state.pending) == ((), ())
        assert state.token == TOKEN
        await client.close()

    scenario(body)


def test_metadata_and_the_list_of_agents(daemon: Daemon) -> None:
    async def body() -> None:
        client = await up(daemon)
        dummy = Agent(Standard.OCF, "raftmaker", "Dummy")
        metadata = await client.metadata(dummy)
        assert metadata.has_action("reload-agent")
        assert [one.name for one in metadata.parameters if one.reloadable] == ["fake"]
        assert (await client.metadata(DUMMY)).name == "Dummy"
        agents = await client.agents("ocf", "raftmaker")
        assert agents == (dummy, Agent(Standard.OCF, "raftmaker", "web"))
        with pytest.raises(HaError, match="not installed"):
            await client.metadata(test_agent("Nothing"))
        await client.close()

    scenario(body)


def test_a_wrong_request_is_refused_with_a_reason(daemon: Daemon) -> None:
    """Features 5.6."""

    async def body() -> None:
        client = await up(daemon)
        with pytest.raises(HaError, match="provider"):
            await client.execute(ask("start", Agent(Standard.OCF, "", "Dummy")))
        with pytest.raises(HaError, match="missing"):
            await client.execute(ask(""))
        await client.close()

    scenario(body)
