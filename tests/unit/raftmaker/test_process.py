"""Child processes: output, codes, time limits, groups, and finding one again (features 5.44)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

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
    assert _state_of(int(ended.stdout)) in ("", "Z")


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
