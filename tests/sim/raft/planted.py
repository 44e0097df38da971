"""Planted faults: each switches one guard of the engine off, from outside, for one run.

Production code has no switch: a method or a function is replaced while the run lasts by what the
engine would do without the guard.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cib_store.raft import journal, records, ticking
from cib_store.raft import snapshot as snapshots
from cib_store.raft.disk import Disk
from cib_store.raft.files import Files, replace_file
from cib_store.raft.guarded import GuardedSyncObj
from cib_store.raft.journal import Journal
from cib_store.raft.snapshot import Snapshot
from cib_store.raft.snapshot_store import SnapshotStore
from cib_store.raft.ticking import TickingSyncObj
from raftmaker.runtime.errors import Rejected
from tests.sim.raft.plan import Guards

SNAPSHOT_EVERY_S = 0.3
"""Instead of ten seconds: a run is short."""

Plant = Callable[[ExitStack], object]
Message = dict[str, Any]


@contextmanager
def planted(guards: Guards) -> Iterator[None]:
    """Run with the guards that are off replaced."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(ticking, "COMPACT_AGAIN_S", SNAPSHOT_EVERY_S))
        # A seed decides everything, the ids of new stores too.
        ids = (f"{number:016x}" for number in count(1))
        stack.enter_context(patch.object(secrets, "token_hex", lambda size: next(ids)))
        for name in Guards.__struct_fields__:
            if not getattr(guards, name) and name in PLANTS:
                PLANTS[name](stack)
        yield


def _replace(owner: object, name: str, value: object) -> Plant:
    return lambda stack: stack.enter_context(patch.object(owner, name, value))


def _property(owner: type, name: str, value: Callable[[Any], object]) -> Plant:
    return lambda stack: stack.enter_context(patch.object(owner, name, property(value)))


def _all(*plants: Plant) -> Plant:
    def plant(stack: ExitStack) -> None:
        for one in plants:
            one(stack)

    return plant


def _lead_on_memory(self: Any, now: float) -> None:
    last = property(lambda journal: journal.last_index)
    with patch.object(Journal, "synced_index", last):
        _lead(self, now)


_lead = TickingSyncObj._lead


def _acknowledge_memory(self: Any, *arguments: Any, **named: Any) -> None:
    last = property(lambda journal: journal.last_index)
    with patch.object(Journal, "synced_index", last):
        _acknowledge(self, *arguments, **named)


_acknowledge = GuardedSyncObj._SyncObj__sendNextNodeIdx


def _go_on_after_failure(self: Disk) -> None:
    _carry_out(self)
    if self.failure is not None:  # as PySyncObj's tick does: log it, and try again
        self.failure = None
        while self._asked:
            self.done = self._asked.popleft()[0]


_carry_out = Disk._carry_out


def _only_whole(snapshot: Snapshot | None, journal: Journal, path: Path) -> None:
    """Line up as PySyncObj does: another beginning throws the whole journal away."""
    if snapshot is not None and journal[0:2] != [snapshot.before, snapshot.last]:
        journal.reset([snapshot.before, snapshot.last])


def _empty_on_damage(self: SnapshotStore) -> Snapshot | None:
    try:
        with patch.object(SnapshotStore, "exists", _exists):
            return _load(self)
    except Rejected:
        return None


_load = SnapshotStore.load


def _good(self: SnapshotStore) -> bool:
    return _exists(self) and _empty_on_damage(self) is not None


_exists = SnapshotStore.exists


def _begin_empty(snapshot: Snapshot | None, journal: Journal, path: Path) -> None:
    first = journal[0] if len(journal) else None
    if snapshot is None and isinstance(first, tuple) and first[1] > 1:
        journal.reset([(b"\x01", 1, 0)])
        return
    _line_up(snapshot, journal, path)


_line_up = snapshots.line_up


def _append_unguarded(self: Any, node: Any, message: Message) -> Message | None:
    """Take an append as PySyncObj does, which cuts off whatever follows."""
    if message["term"] >= self.raftCurrentTerm and message.get("prevLogIdx", 0) is not None:
        self._prevote.heard_leader(self._now())
        if "prevLogIdx" in message:
            self._committed = max(self._committed, message["commit_index"])
            return message | {"commit_index": min(self._committed, self.journal.synced_index)}
    return _guard_append(self, node, message)


def _snapshot_unguarded(self: Any, node: Any, message: Message) -> Message | None:
    guarded = _guard_append(self, node, message)
    return message if guarded is not None and "prevLogIdx" not in message else guarded


_guard_append = GuardedSyncObj._guard_append


def _progress_unguarded(self: Any, node: Any, message: Message) -> Message | None:
    return _guard_progress(self, node, message | {"sent_term": self.raftCurrentTerm})


_guard_progress = GuardedSyncObj._guard_progress


def _claim_all_after_snapshot(
    self: Any,
    node: Any,
    reset: bool = False,
    nextNodeIdx: int | None = None,
    success: bool = False,
) -> None:
    if success and nextNodeIdx is None:
        nextNodeIdx = self.journal.last_index + 1
    _acknowledge(self, node, reset=reset, nextNodeIdx=nextNodeIdx, success=success)


def _install_unchecked(self: SnapshotStore, content: bytes) -> bool:
    replace_file(self._files, self._path, content)
    return True


def _install_late(self: SnapshotStore, content: bytes) -> bool:
    with patch.object(self, "_applied", lambda: 0):
        return _install(self, content)


_install = SnapshotStore._install


def _forget_votes(self: Journal, term: int, votedForNodeId: str | None) -> None:
    self._meta["term"], self._meta["vote"] = term, votedForNodeId


def _nothing(*arguments: object) -> None:
    return None


def _no_file(files: Files, handle: int, content: bytes) -> None:
    files.truncate(handle, len(content))


PLANTS: Mapping[str, Plant] = {
    "leader_waits_for_its_disk": _replace(TickingSyncObj, "_lead", _lead_on_memory),
    "follower_waits_for_its_disk": _replace(
        GuardedSyncObj, "_SyncObj__sendNextNodeIdx", _acknowledge_memory
    ),
    "votes_stored": _replace(Journal, "setCurrentTerm", _forget_votes),
    "votes_wait_for_disk": _property(Journal, "votes_are_stored", lambda self: True),
    "found_is_stored_again": _replace(journal, "_store_again", _no_file),
    "failed_sync_ends": _replace(Disk, "_carry_out", _go_on_after_failure),
    "stuck_leader_steps_down": _replace(TickingSyncObj, "_mind_the_disk", _nothing),
    "newer_entries_kept": _replace(snapshots, "line_up", _only_whole),
    "damage_refused": _all(
        _replace(SnapshotStore, "load", _empty_on_damage),
        _replace(SnapshotStore, "exists", _good),
        _replace(snapshots, "line_up", _begin_empty),
    ),
    "checksums": _all(
        _replace(zlib, "crc32", lambda data, value=0: 0),
    ),
    "decay_told": _replace(records, "was_whole", lambda data, offset: False),
    "snapshot_commits_nothing": _replace(GuardedSyncObj, "_guard_append", _snapshot_unguarded),
    "snapshot_proves_its_part": _replace(
        GuardedSyncObj, "_SyncObj__sendNextNodeIdx", _claim_all_after_snapshot
    ),
    "snapshot_checked": _replace(SnapshotStore, "_install", _install_unchecked),
    "late_snapshot_dropped": _replace(SnapshotStore, "_install", _install_late),
    "only_conflicts_truncate": _replace(GuardedSyncObj, "_guard_append", _append_unguarded),
    "answers_name_their_term": _replace(GuardedSyncObj, "_guard_progress", _progress_unguarded),
    "refusals_go_back": _replace(GuardedSyncObj, "_back_to", lambda self, node, index: index),
    "votes_count_once": _replace(GuardedSyncObj, "_first_vote", lambda *_: True),
    "pre_vote": _replace(GuardedSyncObj, "_hold_off_election", _nothing),
}
