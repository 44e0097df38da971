"""A snapshot takes the place of the file only when it is whole and newer."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from cib_store.raft import snapshot as snapshots
from cib_store.raft.files import Files
from cib_store.raft.journal import Journal
from cib_store.raft.records import Entry
from cib_store.raft.snapshot import Snapshot
from cib_store.raft.snapshot_store import SnapshotStore
from raftmaker.runtime.errors import Rejected


def store_in(directory: Path, *, state: bytes = b"state", applied: int = 1) -> SnapshotStore:
    path = directory / "snapshot"
    return SnapshotStore(path, files=Files(), state=lambda: lambda: state, applied=lambda: applied)


def entry(index: int) -> Entry:
    return (b"\x00command", index, 1)


def written(directory: Path, index: int, state: bytes = b"state") -> SnapshotStore:
    store = store_in(directory, state=state)
    store.serialize((None, entry(index), entry(index - 1), None), index - 1)
    store.checkSerializing()
    return store


def parts(directory: Path, index: int, state: bytes) -> list[tuple[bytes, bool, bool]]:
    sender = written(directory, index, state)
    found: list[tuple[bytes, bool, bool]] = []
    while not (found and found[-1][2]):
        part = sender.getTransmissionData("peer")
        assert part is not None
        found.append(part)
    return found


@pytest.fixture
def leader(tmp_path: Path) -> Path:
    (tmp_path / "leader").mkdir()
    return tmp_path / "leader"


@pytest.fixture
def follower(tmp_path: Path) -> Path:
    (tmp_path / "follower").mkdir()
    return tmp_path / "follower"


def test_a_snapshot_is_sent_in_parts_and_installed_by_the_last(
    leader: Path, follower: Path
) -> None:
    receiver = store_in(follower)
    sent = parts(leader, 9, bytes(200_000))
    assert [receiver.setTransmissionData(part) for part in sent] == [*[False] * 4, True]
    assert receiver.load() == Snapshot(before=entry(8), last=entry(9), state=bytes(200_000))


def test_a_hole_leaves_the_good_file_in_place(leader: Path, follower: Path) -> None:
    """Parts are lost with a stream; the old file would be gone for good (raft.md, hazard 3)."""
    receiver = written(follower, 5)
    sent = parts(leader, 9, bytes(200_000))
    del sent[1]
    assert not any(receiver.setTransmissionData(part) for part in sent)
    held = receiver.load()
    assert held is not None
    assert held.index == 5


def test_a_snapshot_that_comes_late_is_not_installed(leader: Path, follower: Path) -> None:
    """Going back to it would drop entries that were acknowledged since."""
    receiver = store_in(follower, applied=9)
    assert not any(receiver.setTransmissionData(part) for part in parts(leader, 9, b"old"))
    assert receiver.load() is None


def test_parts_from_the_middle_are_not_taken(leader: Path, follower: Path) -> None:
    receiver = store_in(follower)
    sent = parts(leader, 9, bytes(200_000))
    assert not any(receiver.setTransmissionData(part) for part in sent[1:])
    assert receiver.load() is None


def test_a_gap_between_snapshot_and_journal_refuses_to_start(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "journal"))
    journal.reset([entry(20), entry(21)])
    older = Snapshot(before=entry(8), last=entry(9), state=b"")
    with pytest.raises(Rejected, match="ends at entry 9, but the journal begins at entry 20"):
        snapshots.line_up(older, journal, tmp_path / "snapshot")
    assert len(journal) == 2


@pytest.mark.parametrize("size", [0, 7, 12, 20, 40, 90])
def test_a_cut_snapshot_is_damage(tmp_path: Path, size: int) -> None:
    content = snapshots.encode(Snapshot(before=entry(8), last=entry(9), state=b"state"))
    with pytest.raises(Rejected, match="snapshot"):
        snapshots.decode(content[:size], tmp_path / "snapshot")


def test_a_write_that_the_disk_takes_in_part_is_an_error(tmp_path: Path) -> None:
    """A full disk takes what it has room for and says so only when asked again."""
    files = Files()
    handle = files.open(tmp_path / "file", create=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            files.write(handle, bytes(20_000), 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        files.close(handle)
