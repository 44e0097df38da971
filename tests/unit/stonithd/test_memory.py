"""The fencer's files: what is kept comes back, what is damaged is noticed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from raftmaker.vocabulary.ids import NodeName, ResourceId, Token
from stonithd.fencing.history import ENDED_MAX, FencingRecord, FencingState, recorded
from stonithd.fencing.setup import FenceAction
from stonithd.fencing.step import initial_state
from stonithd.memory import Damaged, Memory

ME = NodeName("a")
RECORD = FencingRecord(
    number=3,
    keeper=ME,
    origin=NodeName("c"),
    target=NodeName("b"),
    action=FenceAction.REBOOT,
    client="crmd@a",
    delegate=NodeName("a"),
    state=FencingState.CONFIRMED,
    devices=(ResourceId("d1"),),
    at_us=17,
    reason="line one\nline two",
)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """features 17.41."""
    memory = Memory(tmp_path / "fencer")
    assert memory.token() == Token()
    assert memory.history(ME) == ()
    memory.keep_token(Token(2, 9))
    memory.keep_history((RECORD,))
    again = Memory(tmp_path / "fencer")
    assert again.token() == Token(2, 9)
    assert again.history(ME) == (RECORD,)


@pytest.mark.parametrize("damage", ["", "{}", '{"format": 9, "body": {}, "sha256": ""}'])
def test_a_damaged_token_is_a_refusal_that_says_what_to_do(tmp_path: Path, damage: str) -> None:
    memory = Memory(tmp_path)
    memory.keep_token(Token(2, 9))
    (tmp_path / "token.json").write_text(damage)
    with pytest.raises(Damaged, match="remove it"):
        memory.token()


def test_a_changed_digit_in_the_token_is_noticed(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.keep_token(Token(2, 9))
    path = tmp_path / "token.json"
    path.write_text(path.read_text().replace('"counter": 9', '"counter": 8'))
    with pytest.raises(Damaged, match="checksum"):
        memory.token()


def test_a_damaged_history_is_put_aside(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    (tmp_path / "history.json").write_text("nonsense")
    assert memory.history(ME) == ()
    assert (tmp_path / "history.damaged").read_text() == "nonsense"


def test_the_newest_500_that_ended_are_kept_and_all_that_run() -> None:
    """features 17.41."""
    records: tuple[FencingRecord, ...] = ()
    for number in range(ENDED_MAX + 5):
        state = FencingState.RUNNING if number == 0 else FencingState.FAILED
        record = FencingRecord(
            number=number, target=NodeName("b"), action=FenceAction.OFF, client="", state=state
        )
        records = recorded(records, record)
    assert [record.number for record in records] == [0, *range(5, ENDED_MAX + 5)]


def test_what_ran_when_the_fencer_ended_has_failed_and_numbers_go_on() -> None:
    running = FencingRecord(
        number=8, keeper=ME, target=NodeName("b"), action=FenceAction.OFF, client="crmd"
    )
    heard = replace(RECORD, number=70, keeper=NodeName("b"))
    state = initial_state(ME, Token(1, 1), (RECORD, running, heard))
    assert [record.state for record in state.history] == [
        FencingState.CONFIRMED,
        FencingState.FAILED,
        FencingState.CONFIRMED,
    ]
    assert "restarted" in state.history[1].reason
    assert state.next_number == 9, "numbers of other keepers are theirs"


def test_a_history_of_before_peers_were_heard_is_this_nodes(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.keep_history((RECORD,))
    path = tmp_path / "history.json"
    whole = json.loads(path.read_text())
    for entry in whole["body"]["records"]:
        del entry["keeper"], entry["origin"]
    text = json.dumps(whole["body"], sort_keys=True)
    whole["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(whole))
    assert memory.history(ME) == (replace(RECORD, origin=NodeName("")),)
