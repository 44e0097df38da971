"""A store that its cluster went on without: whether it begins anew by itself (25.11)."""

from __future__ import annotations

from pathlib import Path

import pytest

from cib_store.mending import LEFT_BEHIND_MAX, set_left_behind_aside
from cib_store.raft.birth import begins_anew, born, superseded
from cib_store.raft.configuration import Card, card_message, card_of
from cib_store.raft.files import Files
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.codes import ExitCode


def test_a_member_begins_anew_and_a_stranger_asks_people(tmp_path: Path) -> None:
    files = Files()
    born(files, tmp_path, founding=True)
    assert not begins_anew(files, tmp_path)
    stranger = superseded(files, tmp_path, by="a", generation=2, begins_anew=False)
    assert stranger.exit_code is ExitCode.OLD
    assert not begins_anew(files, tmp_path)
    member = superseded(files, tmp_path, by="a", generation=2, begins_anew=True)
    assert member.exit_code is ExitCode.TEMPFAIL, "who started the daemon starts it again"
    assert begins_anew(files, tmp_path)
    with pytest.raises(Rejected, match="generation 2"):
        born(files, tmp_path, founding=False)


def test_what_cannot_be_read_is_not_set_aside(tmp_path: Path) -> None:
    (tmp_path / "superseded.json").write_text("{")
    assert not begins_anew(Files(), tmp_path)


def test_of_what_was_left_behind_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(LEFT_BEHIND_MAX + 3):
        (tmp_path / "raft").mkdir()
        (tmp_path / "raft" / "journal").write_text(str(number))
        assert set_left_behind_aside(tmp_path / "raft") is not None
    assert len(list(tmp_path.iterdir())) == LEFT_BEHIND_MAX
    (tmp_path / "raft.set-aside-by-hand").mkdir()
    (tmp_path / "raft").mkdir()
    set_left_behind_aside(tmp_path / "raft")
    assert (tmp_path / "raft.set-aside-by-hand").exists()


def test_a_card_tells_whether_its_store_knows_who_is_shown_it() -> None:
    card = Card(store_id="s", generation=2, number=3, knows_you=True)
    assert card_of(card_message(card)) == card
