"""The journal and snapshots: what was synced is found again, a torn tail is not, damage refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cib_store.raft import snapshot as snapshots
from cib_store.raft.journal import Journal
from cib_store.raft.records import Entry
from cib_store.raft.snapshot import Snapshot
from raftmaker.runtime.errors import Rejected

ENTRIES: list[Entry] = [(b"\x01", 1, 0), (b"\x00alpha", 2, 1), (b"\x00beta", 3, 1), (b"", 4, 2)]


def written(path: Path, entries: list[Entry] = ENTRIES) -> Journal:
    journal = Journal(str(path))
    for entry in entries:
        journal.add(*entry)
    journal.sync()
    return journal


def content(path: Path) -> list[Entry]:
    journal = Journal(str(path))
    entries = journal[:]
    journal._destroy()
    assert isinstance(entries, list)
    return entries


def test_entries_are_found_again(tmp_path: Path) -> None:
    written(tmp_path / "journal")._destroy()
    assert content(tmp_path / "journal") == ENTRIES


@pytest.mark.parametrize("cut", range(1, 32 + 4))
def test_a_torn_tail_is_dropped(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal"
    written(path, ENTRIES[:3])._destroy()
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    assert content(path) == ENTRIES[:2]
    # And the journal goes on from there.
    written(path, [(b"\x00again", 3, 2)])._destroy()
    assert content(path) == [*ENTRIES[:2], (b"\x00again", 3, 2)]


def flipped(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x10
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("offset", [0, 8, 12, 20, 28, 36, 41, 60])
def test_a_flipped_bit_in_what_was_on_disk_refuses_to_start(tmp_path: Path, offset: int) -> None:
    """A record that was written later says so."""
    path = tmp_path / "journal"
    journal = written(path, ENTRIES[:3])
    journal.add(*ENTRIES[3])
    journal._destroy()
    flipped(path, offset)
    with pytest.raises(Rejected, match="journal") as caught:
        Journal(str(path))
    assert caught.value.reports[0].mend


@pytest.mark.parametrize("command", [b"\x00" * 700, b"x" * 40])
def test_any_flipped_bit_of_the_last_record_refuses_to_start(
    tmp_path: Path, command: bytes
) -> None:
    """Nothing says yet that it was on disk, and it may have been acknowledged: it is no torn one.

    A command of zeros could have lost a sector, by its looks.
    """
    path = tmp_path / "journal"
    written(path, [*ENTRIES, (command, 5, 2)])._destroy()
    good = path.read_bytes()
    last = len(good) - 32 - len(command)
    for bit in (*range(32 * 8), *range(32 * 8, 8 * (len(good) - last), 61)):
        data = bytearray(good)
        data[last + bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(data))
        with pytest.raises(Rejected, match=f"the record at byte {last} fails its checksum"):
            Journal(str(path))


def test_other_bytes_in_the_last_record_refuse_to_start(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    written(path, [*ENTRIES, (b"x" * 700, 5, 2)])._destroy()
    good = path.read_bytes()
    path.write_bytes(good[:-80] + b"?" * 20 + good[-60:])
    with pytest.raises(Rejected, match="fails its checksum"):
        Journal(str(path))


def test_a_last_record_that_lacks_a_sector_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    written(path, [*ENTRIES, (b"x" * 1700, 5, 2)])._destroy()
    good = path.read_bytes()
    path.write_bytes(good[:512] + bytes(512) + good[1024:])
    assert content(path) == ENTRIES


def test_a_flipped_bit_in_what_was_committed_refuses_to_start(tmp_path: Path) -> None:
    """Though nothing follows it."""
    path = tmp_path / "journal"
    journal = written(path)
    journal.setRaftCommitIndex(4)
    journal.onOneSecondTimer()
    journal._destroy()
    flipped(path, -1)
    with pytest.raises(Rejected, match="fails its checksum"):
        Journal(str(path))


def test_a_journal_that_ends_before_what_was_committed_refuses_to_start(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = written(path)
    journal.setRaftCommitIndex(4)
    journal.onOneSecondTimer()
    journal._destroy()
    path.write_bytes(path.read_bytes()[:-32])
    with pytest.raises(Rejected, match="ends after entry 3, and had 4"):
        Journal(str(path))


def test_a_torn_record_that_was_not_on_disk_goes_with_all_after_it(tmp_path: Path) -> None:
    """A disk may write the later ones of a batch first; nobody was told of any of them."""
    path = tmp_path / "journal"
    journal = written(path, ENTRIES[:2])
    second = journal.size
    for entry in ENTRIES[2:]:
        journal.add(*entry)
    journal._destroy()
    data = bytearray(path.read_bytes())
    data[second : second + 32 + len(ENTRIES[2][0])] = bytes(32 + len(ENTRIES[2][0]))
    path.write_bytes(bytes(data))
    assert content(path) == ENTRIES[:2]
    written(path, [(b"\x00again", 3, 2)])._destroy()
    assert content(path) == [*ENTRIES[:2], (b"\x00again", 3, 2)]


def test_a_journal_that_vanished_after_a_vote_refuses_to_start(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = written(path)
    journal.setCurrentTerm(7, "b")
    journal._destroy()
    path.unlink()
    with pytest.raises(Rejected, match="is missing although this node has voted"):
        Journal(str(path))


def test_term_and_vote_survive_and_damage_of_them_refuses(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = written(path)
    journal.setCurrentTerm(7, "b")
    stored = [journal.votes_are_stored]
    journal.sync()
    assert [*stored, journal.votes_are_stored] == [False, True]
    again = Journal(str(path))
    assert (again.getCurrentTerm(), again.getVotedForNodeId()) == (7, "b")
    votes = tmp_path / "journal.vote"
    votes.write_bytes(votes.read_bytes().replace(b"7", b"8"))
    with pytest.raises(Rejected, match="fails its checksum"):
        Journal(str(path))


def test_the_commit_index_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = written(path)
    journal.setRaftCommitIndex(3)
    journal.onOneSecondTimer()
    journal._destroy()
    assert Journal(str(path)).getRaftCommitIndex() == 3


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.binary(max_size=40)),
            st.tuples(st.just("from"), st.integers(0, 12)),
            st.tuples(st.just("to"), st.integers(0, 6)),
        ),
        max_size=30,
    )
)
def test_file_and_memory_agree(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes | int]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal = Journal(str(path))
    model: list[Entry] = []
    following = 1
    for what, value in steps:
        if what == "add" and isinstance(value, bytes):
            journal.add(value, following, 1)
            model.append((value, following, 1))
            following += 1
        elif what == "from" and isinstance(value, int):
            journal.deleteEntriesFrom(value)
            del model[value:]
            following = model[-1][1] + 1 if model else following
        elif isinstance(value, int) and value < len(model):
            journal.deleteEntriesTo(value)
            del model[:value]
    journal._destroy()
    assert content(path) == model


def snapshot_of(entries: list[Entry], position: int) -> Snapshot:
    return Snapshot(before=entries[position - 1], last=entries[position], state=b"state")


def test_snapshots_are_found_again_and_damage_refuses(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(snapshots.encode(snapshot_of(ENTRIES, 2)))
    assert snapshots.decode(path.read_bytes(), path) == snapshot_of(ENTRIES, 2)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Rejected, match="fails its checksum"):
        snapshots.decode(path.read_bytes(), path)


def test_lining_up_keeps_every_newer_entry(tmp_path: Path) -> None:
    """A crash after the snapshot and before the journal was shortened (raft.md, hazard 2)."""
    journal = written(tmp_path / "journal")
    snapshots.line_up(snapshot_of(ENTRIES, 2), journal, tmp_path / "snapshot")
    assert journal[:] == ENTRIES[1:]


def test_lining_up_starts_again_where_the_journal_does_not_reach(tmp_path: Path) -> None:
    newer: list[Entry] = [(b"x", 8, 3), (b"y", 9, 3)]
    journal = written(tmp_path / "journal")
    snapshots.line_up(snapshot_of(newer, 1), journal, tmp_path / "snapshot")
    assert journal[:] == newer


def test_a_snapshot_that_is_missing_refuses_to_start(tmp_path: Path) -> None:
    """Instead of coming up empty (raft.md, hazard 3)."""
    journal = written(tmp_path / "journal", ENTRIES[2:])
    with pytest.raises(Rejected, match="is missing, but the journal begins at entry 3"):
        snapshots.line_up(None, journal, tmp_path / "snapshot")
