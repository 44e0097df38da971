"""Which controller a remote node listens to (features 22.8, 22.13)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lrmd.attendance import Attendance, attended, leaving, may_end, released
from lrmd.attending import Attending
from raftmaker.runtime.errors import Refused, Unreachable
from raftmaker.vocabulary.ids import Token

OLD, NEW = Token(1, 4), Token(1, 5)


def test_who_begins_takes_the_place_of_whoever_attended() -> None:
    state, fault = attended(Attendance(), "n1", OLD, OLD, begin=True)
    assert not fault
    state, fault = attended(state, "n2", OLD, OLD, begin=True)
    assert (state.router, fault) == ("n2", "")
    same, fault = attended(state, "n1", OLD, OLD, begin=False)
    assert (same, fault) == (state, "n2 attends to this node now")


@pytest.mark.parametrize("seen", ["by the executor", "by an attendance"])
def test_an_older_dc_takes_no_place(seen: str) -> None:
    state = Attendance(router="n1", token=NEW if seen == "by an attendance" else OLD)
    highest = NEW if seen == "by the executor" else OLD
    same, fault = attended(state, "n2", OLD, highest, begin=True)
    assert same == state
    assert "1.5" in fault


def test_who_was_replaced_releases_nothing() -> None:
    state = Attendance(router="n2", token=OLD)
    assert released(state, "n1") == state
    assert released(state, "n2").router == ""


def test_who_was_replaced_does_not_come_back_by_a_ping_after_a_release() -> None:
    """It would take its connection for good, and keep a daemon that is to stop from stopping."""
    state, _ = attended(Attendance(), "n1", OLD, OLD, begin=True)
    state, _ = attended(state, "n2", OLD, OLD, begin=True)
    state = released(leaving(state), "n2")
    for router in ("n1", "n2"):
        same, fault = attended(state, router, OLD, OLD, begin=False)
        assert (same, fault) == (state, "nobody attends to this node: its connection was stopped")
    assert may_end(state)
    assert attended(state, "n1", OLD, OLD, begin=True)[0].router == "n1"


def test_whoever_goes_on_attending_does_where_nothing_is_known(tmp_path: Path) -> None:
    state, fault = attended(Attendance(), "n1", OLD, NEW, begin=False)
    assert (state.router, fault) == ("n1", "")
    (tmp_path / "attendance.json").write_text("{")
    Attending(tmp_path).attend("n1", OLD, NEW, begin=False)


def test_a_daemon_that_is_to_stop_waits_for_its_release() -> None:
    state = leaving(Attendance(router="n2", token=OLD))
    assert not may_end(state)
    assert may_end(released(state, "n2"))


def test_the_attendance_outlives_the_daemon(tmp_path: Path) -> None:
    """Whoever was replaced before a restart is turned away after it."""
    first = Attending(tmp_path)
    first.attend("n1", OLD, OLD, begin=True)
    first.attend("n2", OLD, OLD, begin=True)
    again = Attending(tmp_path)
    with pytest.raises(Refused, match="n2 attends"):
        again.attend("n1", OLD, OLD, begin=False)
    again.attend("n2", OLD, OLD, begin=False)

    async def stop() -> None:
        leave = asyncio.create_task(again.leave())
        await asyncio.sleep(0)
        assert again.is_leaving
        assert not leave.done()
        again.release("n2")
        await asyncio.wait_for(leave, 60)
        with pytest.raises(Unreachable, match="is about to end"):
            again.attend("n1", OLD, OLD, begin=True)

    asyncio.run(stop())
