"""The last moments of a daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from raftmaker.runtime.daemon import finish_tasks
from raftmaker.runtime.rpc import introduction
from raftmaker.wire import store_pb2, store_pb2_grpc
from raftmaker.wire.types_pb2 import Identity
from tests.e2e.lone_controller import lone_settings


def test_what_is_about_to_end_is_not_cancelled_with_the_loop() -> None:
    ended = []

    async def task(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        ended.append(turns)

    async def daemon() -> None:
        kept = [asyncio.create_task(task(turns)) for turns in (1, 20)]
        await finish_tasks(60)
        assert all(each.done() for each in kept)

    asyncio.run(daemon())
    assert ended == [1, 20]


def test_what_goes_on_for_ever_holds_up_nobody() -> None:
    async def daemon() -> None:
        endless = asyncio.create_task(asyncio.Event().wait())
        await finish_tasks(0)
        assert not endless.done()

    asyncio.run(daemon())


_SERVING = """
import asyncio, sys
from pathlib import Path
from raftmaker.runtime.daemon import finish_tasks
from raftmaker.runtime.rpc import Service, serve
from raftmaker.wire import store_pb2, store_pb2_grpc
from raftmaker.wire.types_pb2 import Identity

class Ticking(store_pb2_grpc.StoreServicer):
    async def Watch(self, request, context):
        while True:
            yield store_pb2.WatchEvent()
            await asyncio.sleep(0.001)

async def daemon(socket):
    ticking = Service(name="raftmaker.v1.Store", servicer=Ticking(),
                      register=store_pb2_grpc.add_StoreServicer_to_server)
    server = await serve([ticking], identity=Identity(), socket=socket)
    print("serves", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await server.stop(grace=0)
    await finish_tasks(1)

asyncio.run(daemon(Path(sys.argv[1])))
"""


def test_calls_that_an_orderly_end_cuts_off_leave_no_traceback(tmp_path: Path) -> None:
    """gRPC prints them to standard error, whatever is logged."""
    socket = tmp_path / "socket"
    daemon = subprocess.Popen(
        [sys.executable, "-c", _SERVING, str(socket)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert daemon.stdout is not None
    assert daemon.stdout.readline() == "serves\n"
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        watch = store_pb2_grpc.StoreStub(channel).Watch
        calls = [
            watch(store_pb2.WatchRequest(), metadata=introduction(Identity())) for _ in range(40)
        ]
        for call in calls:
            next(call)
        _, told = daemon.communicate("end\n")
    assert (daemon.returncode, told) == (0, "")


_ENDING = """
import asyncio, os, signal, sys
from raftmaker.runtime.daemon import run_daemon

async def body(context):
    heard = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, heard.set)
    try:
        os.kill(os.getpid(), int(os.environ["FIRST"]))
        await context.stop.wait()
    finally:
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        await heard.wait()
        print("closed")

sys.exit(run_daemon("raftmaker-test", body))
"""


@pytest.mark.parametrize(("first", "code"), [(signal.SIGTERM, 0), (signal.SIGUSR1, 75)])
def test_what_a_daemon_does_at_its_end_is_not_cut_short(
    tmp_path: Path, first: signal.Signals, code: int
) -> None:
    """An upgrade may have it start again at that moment: it would leave half of it undone."""
    config = tmp_path / "raftmaker.toml"
    config.write_text(lone_settings(tmp_path, 3))
    (tmp_path / "run").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _ENDING, "--config", str(config)],
        env={**os.environ, "FIRST": str(int(first))}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "closed\n"), done.stderr
