"""Child processes: output, codes, time limits, groups, and finding one again (features 5.44)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from raftmaker.runtime.privileges import ServiceUser
from raftmaker.runtime.process import Ended, Kept, run


def test_output_code_and_input() -> None:
    ended = asyncio.run(run(["sh", "-c", "cat; echo bad >&2; exit 3"], stdin="good"))
    assert ended == Ended(code=3, stdout="good", stderr="bad\n")


def test_a_service_left_behind_does_not_hang_the_reader() -> None:
    ended = asyncio.run(run(["sh", "-c", "sleep 60 & echo $!"]))
    assert ended.code == 0
    os.kill(int(ended.stdout), 9)


def test_a_time_limit_ends_the_whole_group() -> None:
    ended = asyncio.run(run(["sh", "-c", "sleep 60 & echo $!; wait"], timeout_ms=1000))
    assert ended.timed_out
    assert ended.code == -9
    deadline = time.monotonic() + 60
    while _state_of(int(ended.stdout)) not in ("", "Z"):  # it was killed a moment ago
        assert time.monotonic() < deadline, "it runs on"
        time.sleep(0.01)


def test_a_missing_command_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(run(["/nonexistent/command"]))


def test_a_kept_child_is_found_again(tmp_path: Path) -> None:
    async def scenario() -> Ended:
        Kept(tmp_path / "1").start(["sh", "-c", 'read x <"$F"; echo "$x"; exit 7'], _env(tmp_path))
        again = Kept(tmp_path / "1")
        assert again.was_begun
        waiting = asyncio.create_task(again.ended())
        await asyncio.to_thread((tmp_path / "fifo").write_text, "told\n")
        return await waiting

    os.mkfifo(tmp_path / "fifo")
    assert asyncio.run(scenario()) == Ended(code=7, stdout="told\n")


def test_a_kept_child_that_was_killed_has_no_code(tmp_path: Path) -> None:
    async def scenario() -> Ended:
        Kept(tmp_path / "1").start(["sh", "-c", 'read x <"$F"'], _env(tmp_path))
        again = Kept(tmp_path / "1")
        waiting = asyncio.create_task(again.ended())
        while not (tmp_path / "1" / "pid").exists() or not (tmp_path / "1" / "pid").read_text():
            await asyncio.sleep(0)
        again.kill()
        return await waiting

    os.mkfifo(tmp_path / "fifo")
    assert asyncio.run(scenario()).code is None


def test_a_kept_child_does_not_inherit_the_daemons_umask(tmp_path: Path) -> None:
    async def scenario() -> Ended:
        child = Kept(tmp_path / "1")
        child.start(["sh", "-c", "umask"], {"PATH": os.defpath})
        return await child.ended()

    before = os.umask(0o007)
    try:
        assert asyncio.run(scenario()) == Ended(code=0, stdout="0022\n")
    finally:
        os.umask(before)


def test_a_signal_is_told_as_such(tmp_path: Path) -> None:
    async def scenario() -> Ended:
        child = Kept(tmp_path / "1")
        child.start(["sh", "-c", "kill -TERM $$"], {})
        return await child.ended()

    assert asyncio.run(scenario()).code == -15


def test_a_number_that_another_process_has_now_is_not_killed(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "pid").write_text(str(os.getpid()))
    child = Kept(tmp_path / "1")
    child.kill()
    assert asyncio.run(child.ended()) == Ended(code=None)


def _env(directory: Path) -> dict[str, str]:
    return {"F": str(directory / "fifo"), "PATH": os.defpath}


def _state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


_BUSY = """
import asyncio, os, subprocess, sys
import raftmaker
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

async def ask(address):
    async with grpc.aio.insecure_channel(address) as channel:
        while True:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())

async def main(address):
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    server.add_insecure_port(address)
    await server.start()
    asking = [asyncio.create_task(ask(address)) for _ in range(4)]
    for _ in range(60):
        await asyncio.sleep(0.003)
        # With a group the child is made by fork(), as the executor's are in a package.
        child = subprocess.Popen(["/bin/true"], group=os.getgid())
        print(await asyncio.to_thread(child.wait), flush=True)
    os._exit(0)

asyncio.run(main(sys.argv[1]))
"""


def test_children_of_a_process_in_which_grpc_is_busy_live(tmp_path: Path) -> None:
    untouched = {k: v for k, v in os.environ.items() if not k.startswith("GRPC_")}
    done = subprocess.run(
        [sys.executable, "-c", _BUSY, f"unix:{tmp_path}/s"],
        capture_output=True, text=True, check=False, timeout=120, env=untouched,
    )  # fmt: skip
    assert done.stdout.split() == ["0"] * 60, done.stderr


def test_a_command_as_another_user() -> None:
    """Features 19.1: with none of our groups; who is not root cannot."""
    other = ServiceUser(user=65534, group=65533)
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            asyncio.run(run(["id"], user=other))
        return
    ended = asyncio.run(run(["sh", "-c", "id -u; id -g; id -G"], user=other))
    assert ended.stdout.split() == ["65534", "65533", "65533"]
