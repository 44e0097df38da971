"""What a fencer remembers of its own fencings and of those that peers saw to (features 17.41)."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from raftmaker.vocabulary.ids import NodeName
from stonithd.fencing.effects import PersistHistory, ShareRecord
from stonithd.fencing.events import HistoryCleared, HistoryHeard
from stonithd.fencing.history import FencingRecord, FencingState
from stonithd.fencing.setup import FenceAction, HostCheck
from stonithd.history_wire import info_of, info_of_record, message_of, records_of
from stonithd.memory import Memory
from tests.fakes.fencer import Fencer, device, level

HEARD = FencingRecord(
    number=1,
    keeper=NodeName("c"),
    target=NodeName("a"),
    action=FenceAction.REBOOT,
    client="raftmaker-crmd",
    origin=NodeName("c"),
    delegate=NodeName("c"),
    state=FencingState.CONFIRMED,
    at_us=12,
    reason="why",
)


def states(fencer: Fencer) -> list[str]:
    return [record.state.value for record in fencer.state.history]


def shared(fencer: Fencer) -> list[FencingRecord]:
    return [effect.record for effect in fencer.effects if isinstance(effect, ShareRecord)]


def test_who_asked_and_where_is_kept_and_the_end_is_told_to_all() -> None:
    """features 17.41"""
    fencer = Fencer(device("d1"))
    fencer.fence(client="stonith_admin.me", origin=NodeName("c"))
    assert not shared(fencer)
    fencer.ends()
    (record,) = fencer.state.history
    assert (record.client, record.origin, record.keeper) == ("stonith_admin.me", "c", "a")
    assert shared(fencer) == [record]


def test_while_devices_are_asked_it_is_querying() -> None:
    """features 17.42"""
    fencer = Fencer(device("d1", host_list=(), host_check=HostCheck.DYNAMIC_LIST))
    fencer.fence()
    assert states(fencer) == ["querying"]
    assert FencingState.QUERYING.is_over is False


def test_another_who_asks_for_the_same_has_an_entry_that_ends_as_the_first_one() -> None:
    """features 17.39, 17.42: as in Pacemaker it is a duplicate while the first one runs."""
    fencer = Fencer(device("d1"))
    fencer.fence(client="raftmaker-crmd", origin=NodeName("c"))
    fencer.fence(request=2, client="raftmaker-crmd", origin=NodeName("d"))
    assert states(fencer) == ["running", "duplicate"]
    assert not shared(fencer)
    assert len(fencer.forked()) == 1
    fencer.ends()
    assert states(fencer) == ["confirmed", "confirmed"]
    first, second = fencer.state.history
    assert (first.origin, second.origin) == ("c", "d")
    assert second.number != first.number
    assert (second.devices, second.delegate) == (first.devices, first.delegate)
    assert shared(fencer) == [first, second]


def test_who_asks_again_for_the_same_has_no_second_entry() -> None:
    """It tries its request again, for which it may not have had an answer."""
    fencer = Fencer(device("d1"))
    for request in (1, 2):
        fencer.fence(request=request, client="raftmaker-crmd", origin=NodeName("c"))
    for request in (3, 4):
        fencer.fence(request=request, client="stonith_admin.me", origin=NodeName("c"))
    assert states(fencer) == ["running", "duplicate"]
    while fencer.state.operations:
        fencer.ends(code=1)
        fencer.advance(1_000)
    assert states(fencer) == ["failed", "failed"]
    assert sorted(fencer.replies()) == [1, 2, 3, 4]


def test_who_asks_while_the_target_is_turned_on_again_is_answered_and_noted() -> None:
    """features 17.26, 17.42: what makes it safe is done already."""
    fencer = Fencer(device("d1"), device("d2"), topology=(level(1, "d1", "d2"),))
    fencer.fence(FenceAction.REBOOT, origin=NodeName("c"))
    fencer.ends()
    fencer.ends()
    fencer.fence(FenceAction.REBOOT, request=2, origin=NodeName("d"))
    assert fencer.replies()[2].confirmed
    assert states(fencer) == ["running", "duplicate"]
    fencer.ends()
    fencer.ends()
    assert fencer.done() == [("d1", "off"), ("d2", "off"), ("d1", "on"), ("d2", "on")]
    assert states(fencer) == ["confirmed", "confirmed"]


def test_an_older_fencer_can_read_the_history_with_a_duplicate_in_it(tmp_path: Path) -> None:
    """It knows no such word, and would put the whole file aside."""
    memory = Memory(tmp_path)
    memory.keep_history((replace(HEARD, state=FencingState.DUPLICATE),))
    assert "duplicate" not in (tmp_path / "history.json").read_text()
    assert memory.history(NodeName("c")) == (replace(HEARD, state=FencingState.RUNNING),)


def test_what_peers_saw_to_is_remembered_once() -> None:
    """features 17.41"""
    fencer = Fencer(device("d1"))
    fencer.fence()
    fencer.ends()
    effects = fencer.send(HistoryHeard(fencer.now_ms, (HEARD,)))
    assert effects == (PersistHistory(fencer.state.history),)
    assert [record.keeper for record in fencer.state.history] == ["a", "c"]
    assert not fencer.send(HistoryHeard(fencer.now_ms, (HEARD,)))


def test_of_its_own_fencings_a_fencer_knows_best() -> None:
    fencer = Fencer(device("d1"))
    lie = replace(HEARD, keeper=NodeName("a"))
    running = replace(HEARD, state=FencingState.RUNNING)
    assert not fencer.send(HistoryHeard(fencer.now_ms, (lie, running)))


def test_clearing_forgets_what_has_ended() -> None:
    """features 17.41, 27.16"""
    fencer = Fencer(device("d1"))
    fencer.fence()
    fencer.send(
        HistoryHeard(fencer.now_ms, (HEARD, replace(HEARD, number=2, target=NodeName("c"))))
    )
    fencer.send(HistoryCleared(fencer.now_ms, NodeName("a")))
    assert [record.target for record in fencer.state.history] == ["b", "c"]
    fencer.send(HistoryCleared(fencer.now_ms, NodeName("")))
    assert states(fencer) == ["running"]
    assert not fencer.send(HistoryCleared(fencer.now_ms, NodeName("")))


def test_records_survive_the_wire_and_strange_ones_are_left_out() -> None:
    told = info_of(message_of(info_of_record(HEARD)))
    assert records_of((told,)) == (HEARD,)
    assert records_of((replace(told, state="evaporated"), replace(told, action="melt"))) == ()
