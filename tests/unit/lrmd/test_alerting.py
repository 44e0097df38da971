"""How alert agents are run: environment, numbers, time, and nothing that waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

import lrmd.alerting
from lrmd.alerting import AlertAgents
from lrmd.operations.values import AlertRun
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.ids import NodeName

PATIENCE_S = 60.0


def agent(tmp_path: Path, text: str) -> AlertRun:
    path = tmp_path / "agent"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return AlertRun(alert="a", path=str(path), timeout_ms=30_000, variables={"OUT": str(tmp_path)})


def assert_ends(file: Path) -> None:
    """Wait until the process whose number is in a file has ended: it was killed a moment ago."""
    stat = Path(f"/proc/{file.read_text().strip()}/stat")
    deadline = time.monotonic() + PATIENCE_S
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        while stat.read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < deadline, "it runs on"
            time.sleep(0.01)


def running(
    tmp_path: Path,
    act: Callable[[AlertAgents], Awaitable[None]],
    inherited: Mapping[str, str] | None = None,
) -> None:
    async def scenario() -> None:
        agents = AlertAgents(
            sequence_file=tmp_path / "sequence",
            inherited=inherited or {},
            node=NodeName("n1"),
            user=lambda: None,
            log=Log("test"),
        )
        async with asyncio.timeout(PATIENCE_S):
            await act(agents)
            await agents.end()

    asyncio.run(scenario())


def test_the_event_is_in_the_environment(tmp_path: Path) -> None:
    """Features 19.1, 19.7: no arguments; what the daemon got from systemd is not passed on."""
    run = agent(tmp_path, 'env >"$OUT/env.$CRM_alert_node_sequence"; echo "$#" >"$OUT/arguments"\n')
    run = replace(run, variables={**run.variables, "CRM_alert_desc": "two\nlines = 'x'"})

    async def act(agents: AlertAgents) -> None:
        agents.take("1", [run])

    running(tmp_path, act, {"NOTIFY_SOCKET": "/x", "HOME": "/h"})
    lines = (tmp_path / "env.1").read_text()
    assert "CRM_alert_desc=two\nlines = 'x'\n" in lines
    assert "CRM_alert_node_sequence=1\n" in lines
    assert "HOME=/h\n" in lines
    assert "PATH=" in lines
    assert "NOTIFY_SOCKET" not in lines
    assert (tmp_path / "arguments").read_text() == "0\n"


def test_numbers_grow_also_over_a_restart_of_the_daemon(tmp_path: Path) -> None:
    """Features 19.7: one for each run, not for each event."""
    run = agent(tmp_path, ': >"$OUT/number.$CRM_alert_node_sequence"\n')

    async def act(agents: AlertAgents) -> None:
        agents.take("1", [run, run])

    running(tmp_path, act)
    running(tmp_path, act)
    assert sorted(path.suffix for path in tmp_path.glob("number.*")) == [".1", ".2", ".3", ".4"]


def test_an_event_that_is_told_again_runs_nothing(tmp_path: Path) -> None:
    run = agent(tmp_path, ': >"$OUT/number.$CRM_alert_node_sequence"\n')

    async def act(agents: AlertAgents) -> None:
        for event in ("one", "two", "one", "two"):
            agents.take(event, [run])

    running(tmp_path, act)
    assert len(list(tmp_path.glob("number.*"))) == 2


def test_runs_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Features 19.12: the first ends only when the second has run."""
    (tmp_path / "agent").touch()
    run = agent(
        tmp_path,
        'if [ "$CRM_alert_node_sequence" = 1 ]; then\n'
        '  until [ -e "$OUT/second" ]; do sleep 0.01; done; : >"$OUT/first"\n'
        'else : >"$OUT/second"; fi\n',
    )

    async def act(agents: AlertAgents) -> None:
        agents.take("1", [run, run])
        while not (tmp_path / "first").exists():
            await asyncio.sleep(0.01)

    running(tmp_path, act)


def test_after_its_time_the_whole_group_is_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Features 19.4."""
    run = agent(tmp_path, 'sleep 60 & echo $! >"$OUT/child"; wait\n')

    async def act(agents: AlertAgents) -> None:
        agents.take("1", [replace(run, timeout_ms=500)])
        while "timed out" not in caplog.text:
            await asyncio.sleep(0.01)

    running(tmp_path, act)
    assert_ends(tmp_path / "child")


def test_the_end_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lrmd.alerting, "END_S", 0.0)
    run = agent(tmp_path, 'echo $$ >"$OUT/pid.new"; mv "$OUT/pid.new" "$OUT/pid"; exec sleep 60\n')

    async def act(agents: AlertAgents) -> None:
        agents.take("1", [run])
        while not (tmp_path / "pid").exists():
            await asyncio.sleep(0.01)

    running(tmp_path, act)
    assert_ends(tmp_path / "pid")


@pytest.mark.parametrize("text", ["echo broken >&2; exit 3\n", None], ids=["fails", "missing"])
def test_how_an_agent_fails_is_told(
    tmp_path: Path, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    run = agent(tmp_path, text or "")
    if text is None:
        (tmp_path / "agent").unlink()

    async def act(agents: AlertAgents) -> None:
        agents.take("1", [run])

    running(tmp_path, act)
    assert ("broken" if text else "not found") in caplog.text
    assert "alert=a" in caplog.text


def test_too_many_are_not_run_and_their_numbers_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Features 19.7: gaps show loss."""
    monkeypatch.setattr(lrmd.alerting, "RUNNING_MAX", 1)
    monkeypatch.setattr(lrmd.alerting, "WAITING_MAX", 1)
    run = agent(tmp_path, ': >"$OUT/number.$CRM_alert_node_sequence"\n')

    async def act(agents: AlertAgents) -> None:
        agents.take("1", [run] * 3)
        await agents.end()
        agents.take("2", [run])

    running(tmp_path, act)
    assert sorted(path.suffix for path in tmp_path.glob("number.*")) == [".1", ".2", ".4"]
