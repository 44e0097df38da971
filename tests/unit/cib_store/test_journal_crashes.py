"""What the journal counts as on disk survives a loss of power, whatever happened before."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from cib_store.raft.journal import Journal
from cib_store.raft.records import Entry
from tests.sim.raft.disk import PowerLost, SimulatedFiles

PATH = Path("/raft/journal")


def held(journal: Journal) -> list[Entry]:
    entries = journal[:]
    assert isinstance(entries, list)
    return entries


def entries_after_power_loss(files: SimulatedFiles) -> list[int]:
    files.lose_power()
    return [index for _, index, _ in held(Journal(str(PATH), files))]


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


@pytest.mark.parametrize("seed", range(150))
def test_a_loss_of_power_costs_nothing_that_counted_and_is_no_damage(seed: int) -> None:
    """Batches of several records, tails cut off, whatever the disk wrote first of them."""
    chance, files = Random(seed), SimulatedFiles(Random(seed))
    journal = Journal(str(PATH), files)
    journal.add(b"first", 1, 0)
    for term in range(1, 1 + chance.randrange(12)):
        if chance.random() < 0.3 and len(journal) > 2:
            journal.deleteEntriesFrom(chance.randrange(1, len(journal)))
        for _ in range(chance.randrange(5)):
            journal.add(chance.randbytes(chance.randrange(900)), journal.last_index + 1, term)
        if chance.random() < 0.8:
            journal.sync()
    counted = held(journal)[: journal.synced_index]
    files.calls, files.crash_at = 0, chance.randrange(1, 6)
    journal.deleteEntriesFrom(max(1, journal.last_index - chance.randrange(3)))
    for _ in range(3):
        journal.add(chance.randbytes(chance.randrange(900)), journal.last_index + 1, 99)
    counted = counted[: journal.synced_index]
    with suppress(PowerLost):
        journal.sync()
        counted = held(journal)
    files.lose_power()
    assert held(Journal(str(PATH), files))[: len(counted)] == counted


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
