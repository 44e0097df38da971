"""A worker loads in time that nobody else wants, until it is needed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest

from raftmaker.runtime import worker
from raftmaker.runtime.priority import idle, ordinary, patient
from raftmaker.runtime.worker import Worker

MAY = os.geteuid() == 0
MODULE = "crmd.scheduler_worker"


def policies(act: str) -> tuple[int, int]:
    """Return how the process is scheduled after it was warmed up, and after that act."""

    async def scenario() -> tuple[int, int]:
        one = Worker(MODULE)
        await one.warm_up()
        assert one._process is not None
        before = os.sched_getscheduler(one._process.pid)
        if act == "hurry":
            one.hurry()
        else:
            async with asyncio.timeout(60):
                while one._idling is not None:
                    await asyncio.sleep(0.01)
        after = os.sched_getscheduler(one._process.pid)
        await one.close()
        return before, after

    return asyncio.run(scenario())


@pytest.mark.skipif(not MAY, reason="needs root: an ordinary user cannot take idleness back")
@pytest.mark.parametrize("act", ["hurry", "wait"])
def test_it_is_idle_until_it_is_to_hurry(act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "IDLE_S", 0.05 if act == "wait" else 60.0)
    assert policies(act) == (os.SCHED_IDLE, os.SCHED_OTHER)


def test_who_could_not_take_it_back_is_not_made_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raftmaker.runtime.priority._may_set_priorities", lambda: False)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert not idle(child.pid)
        assert os.sched_getscheduler(child.pid) == os.SCHED_OTHER
        ordinary(child.pid)


@pytest.mark.skipif(not MAY, reason="needs root: an ordinary user cannot take idleness back")
def test_a_process_is_patient_for_a_while_and_then_as_others() -> None:
    with patient(60.0):
        assert os.sched_getscheduler(0) == os.SCHED_IDLE
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    with patient(0.01):
        until = time.monotonic() + 60
        while os.sched_getscheduler(0) == os.SCHED_IDLE and time.monotonic() < until:
            time.sleep(0.01)
        assert os.sched_getscheduler(0) == os.SCHED_OTHER
