"""What the journal counts as on disk survives a loss of power, whatever happened before."""

from __future__ import annotations

import errno
from pathlib import Path
from random import Random

import pytest

from cib_store.raft.journal import Journal
from tests.sim.raft.disk import SimulatedFiles

PATH = Path("/raft/journal")


def entries_after_power_loss(files: SimulatedFiles) -> list[int]:
    files.lose_power()
    journal = Journal(str(PATH), files)
    entries = journal[:]
    assert isinstance(entries, list)
    return [index for _, index, _ in entries]


def killed_before_the_sync(seed: int) -> SimulatedFiles:
    """Return the disk of a process that was killed between writing entry 2 and syncing it."""
    files = SimulatedFiles(Random(seed))
    journal = Journal(str(PATH), files)
    journal.add(b"one", 1, 1)
    journal.sync()
    files.fails = lambda call: errno.EIO if call == "sync" else None
    journal.add(b"two", 2, 1)
    with pytest.raises(OSError, match="sync"):
        journal.sync()
    files.fails = lambda call: None
    files.end_process()
    return files


@pytest.mark.parametrize("seed", range(8))
def test_what_is_found_at_start_is_on_disk_before_it_counts(seed: int) -> None:
    """The kernel shows what the dead process wrote, and it may be nowhere else (raft.md, 1)."""
    files = killed_before_the_sync(seed)
    journal = Journal(str(PATH), files)
    assert journal.synced_index == journal.last_index == 2
    files.end_process()
    assert entries_after_power_loss(files) == [1, 2]


@pytest.mark.parametrize("seed", range(8))
def test_a_vote_that_is_found_at_start_is_on_disk_before_it_counts(seed: int) -> None:
    files = SimulatedFiles(Random(seed))
    journal = Journal(str(PATH), files)
    journal.setCurrentTerm(3, "a")
    files.fails = lambda call: errno.EIO if call == "sync_directory" else None
    with pytest.raises(OSError, match="sync_directory"):
        journal.sync()
    files.fails = lambda call: None
    files.end_process()
    found = Journal(str(PATH), files)
    assert (found.getCurrentTerm(), found.getVotedForNodeId()) == (3, "a")
    files.end_process()
    files.lose_power()
    again = Journal(str(PATH), files)
    assert (again.getCurrentTerm(), again.getVotedForNodeId()) == (3, "a")
