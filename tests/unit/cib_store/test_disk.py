"""The disk's thread: nobody waits for it, what waits goes together, and room is waited for."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cib_store.raft.journal import Journal

PATIENCE_S = 60.0


class Syncs:
    """The system's `fdatasync`, which can be held up, or fail."""

    def __init__(self, real: Callable[[int], None]) -> None:
        self._real = real
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.errors: list[int] = []

    def __call__(self, handle: int) -> None:
        self.begun.release()
        assert self.may_end.acquire(timeout=PATIENCE_S)
        if self.errors:
            raise OSError(self.errors.pop(), "as the system says it")
        self._real(handle)

    def wait(self) -> None:
        """Return when the next sync has begun."""
        assert self.begun.acquire(timeout=PATIENCE_S)


class Watched:
    """A journal whose disk is held up, and word of what it has done."""

    def __init__(self, path: Path, syncs: Syncs) -> None:
        self.syncs = syncs
        self.journal = Journal(str(path))
        self._news = threading.Semaphore(0)
        self.journal.start(self._news.release)

    def add(self, *indexes: int) -> None:
        for index in indexes:
            self.journal.add(b"entry", index, 1)
        self.journal.submit()

    def is_full(self) -> bool:
        return self.journal.is_full

    def let_one_sync(self) -> bool:
        """Let the sync that has begun end; tell whether more is on disk."""
        self.syncs.may_end.release()
        assert self._news.acquire(timeout=PATIENCE_S)
        return self.journal.settle()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    path = tmp_path / "journal"
    Journal(str(path))._destroy()
    syncs = Syncs(os.fdatasync)
    syncs.may_end.release()  # what is found is stored again
    monkeypatch.setattr(os, "fdatasync", syncs)
    one = Watched(path, syncs)
    syncs.wait()
    yield one
    syncs.may_end.release(100)
    one.journal._destroy()


def test_nothing_counts_while_the_disk_is_stuck(watched: Watched) -> None:
    watched.add(1)
    watched.syncs.wait()
    watched.add(2)
    assert not watched.journal.settle()
    assert watched.journal.synced_index == 0
    first = watched.journal.stuck_s()
    assert watched.journal.stuck_s() > first
    assert watched.let_one_sync()
    assert watched.journal.synced_index == 1


def test_what_was_asked_during_a_sync_takes_one_more_together(watched: Watched) -> None:
    watched.add(1)
    watched.syncs.wait()
    for index in range(2, 50):
        watched.add(index)
    assert watched.let_one_sync()
    watched.syncs.wait()
    assert watched.let_one_sync()
    assert watched.journal.synced_index == 49
    assert watched.journal.stuck_s() == 0


def test_a_full_disk_is_waited_for(watched: Watched) -> None:
    watched.syncs.errors.append(errno.ENOSPC)
    watched.add(1)
    watched.syncs.wait()
    assert not watched.let_one_sync()
    assert watched.is_full()
    watched.syncs.wait()  # it is tried again
    assert watched.let_one_sync()
    assert not watched.is_full()
    assert watched.journal.synced_index == 1


def test_any_other_failure_ends_the_journal(watched: Watched) -> None:
    watched.syncs.errors.append(errno.EIO)
    watched.add(1)
    watched.syncs.wait()
    with pytest.raises(OSError, match="as the system says it"):
        watched.let_one_sync()
    assert watched.journal.synced_index == 0
