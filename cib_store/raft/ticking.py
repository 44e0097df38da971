"""PySyncObj's tick, done our way: on the event loop, when there is something to do, never waiting.

An entry counts as held by this node once it is on disk: the leader commits no other, and the commit
index is never beyond this disk (the numbers are the hazards of the design note on Raft). A disk
that takes nothing, and a process that stood still, are told from a leader that is gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any, Protocol

from msgspec import Struct
from pysyncobj import FAIL_REASON, SyncObj, SyncObjConf

from cib_store.raft.journal import Journal
from cib_store.raft.node import Node
from cib_store.raft.prevote import LogEnd
from cib_store.raft.records import Entry
from cib_store.raft.snapshot_store import SnapshotStore
from raftmaker.vocabulary.ids import NodeName

REGULAR = 0
FOLLOWER, CANDIDATE, LEADER = 0, 1, 2
STALL_S = 0.1
"""A tick that comes so much later than it was due, or takes so long: this process stood still, not
its peers."""
DISK_STUCK_S = 0.5
"""A leader whose log has not come to disk for so long steps down (protocols, Raft)."""
STORE_COMMIT_S = 5.0
"""How often the commit index is stored, which only saves work after a restart."""
APPLY_S = 0.005
"""How long a tick applies entries before it lets others run: acknowledgements wait meanwhile."""
ACKNOWLEDGE_FIRST_S = 0.01
"""How long a follower leaves what is committed for later while entries that it has to acknowledge
come to its disk: the leader waits for those, and the disk's thread for the interpreter."""
TELL_COMMIT_S = 0.004
"""How long a leader waits for an entry that tells the others of a commit which none waits for."""
BATCH_BYTES = 8 * 1024 * 1024
"""Entries of up to so many bytes go in one message; one that is larger goes alone."""
LARGE_BYTES = 64 * 1024
"""An entry from this size on is prepared on a thread: a voter that applied the configuration of
thousands of resources in one go would stand still for a second, and be taken for dead. It is done
while the entry is on its way, one at a time, so that what follows it waits no longer for that."""
COMPACT_AGAIN_S = 10.0
"""After a snapshot that could not be written."""


class Machine(Protocol):
    """The state machine as the engine calls it."""

    def prepare(self, data: bytes) -> None:
        """See `StateMachine.prepare`."""

    def apply(self, index: int, data: bytes) -> object:
        """Apply one entry; what it returns goes to whoever proposed it."""

    def snapshot(self) -> Callable[[], bytes]:
        """See `StateMachine.snapshot`."""

    def restore(self, index: int, data: bytes) -> None:
        """See `StateMachine.restore`."""


class _Preparation(Struct, eq=False):
    """A large entry that a thread prepares, by its place in the log."""

    index: int
    term: int
    is_done: bool = False


class TickingSyncObj(SyncObj):  # type: ignore[misc]  # pysyncobj has no types
    """One voter. A tick that raises has failed for good: the daemon must end."""

    _SyncObj__raftElectionDeadline: float
    _SyncObj__raftCommitIndex: int
    _SyncObj__raftLastApplied: int
    _SyncObj__raftState: int
    _SyncObj__raftLeader: Any
    _SyncObj__needLoadDumpFile: bool
    _SyncObj__forceLogCompaction: bool

    def __init__(
        self,
        *arguments: Any,
        machine: Machine,
        wake: Callable[[], None],
        conf: SyncObjConf,
        snapshot_store: SnapshotStore,
        now: Callable[[], float],
        compact_bytes: int,
        threads: bool,
        **others: Any,
    ) -> None:
        """Start. `wake` is called, on any thread, when there is something for a tick to do.

        Without `threads` the disk is waited for: what a tick asked of it is done at its end.
        """
        self._machine = machine
        self._wake = wake
        self._now = now
        self._quorum_s = conf.leaderFallbackTimeout
        self._snapshots = snapshot_store
        self._compact_bytes = compact_bytes
        self._compact_not_before = 0.0
        self._sent = (0, 0)
        self._committed_at = float("inf")
        self._forwarded = False
        self._awaited = 0
        self._has_put_off = False
        self._apply_at = float("inf")
        self._due_at = float("inf")
        self._has_threads = threads
        self._preparation: _Preparation | None = None
        self._looked_at = 0
        super().__init__(*arguments, conf=conf, **others)
        # What is to be proposed: most ticks find nothing there, and PySyncObj raises for that.
        self._asked: deque[object] = self._SyncObj__commandsQueue._FastQueue__queue
        if threads:
            self.journal.start(wake)

    @property
    def journal(self) -> Journal:
        """The journal, by PySyncObj's private name."""
        journal: Journal = self._SyncObj__raftLog
        return journal

    @property
    def leads(self) -> bool:
        """This node is leader of its term, as far as it knows."""
        return self._SyncObj__raftState == LEADER

    @property
    def leader_name(self) -> NodeName:
        """Who leads, as far as this node knows; empty: nobody."""
        leader = self._SyncObj__raftLeader
        return NodeName("" if leader is None else leader.id)

    def step_down(self) -> None:
        """Stop leading."""
        if self.leads:
            self._SyncObj__setState(FOLLOWER)
            self._SyncObj__raftLeader = None

    def due_s(self) -> float:
        """Return in how many seconds the next tick is due, if nothing happens before."""
        now = self._now()
        if self.leads:
            due = min(self._SyncObj__newAppendEntriesTime, self._committed_at + TELL_COMMIT_S)
        else:
            due = min(self._SyncObj__raftElectionDeadline, self._apply_at)
        self._due_at = min(max(due, now), now + 1.0)
        return self._due_at - now

    def _onTick(self, timeToWait: float = 0.0) -> None:
        """Do all that is due: take in, elect, commit, send, apply. Never waits."""
        now = self._now()
        if self._has_put_off and now < self._due_at and not self._has_news():
            self._apply_committed(now, others_go_on=False)
            return
        if now - self._due_at >= STALL_S:
            self._rearm_after_stall(now - self._due_at, now)
        if self._SyncObj__needLoadDumpFile:
            self._SyncObj__needLoadDumpFile = False
            if self._snapshots.exists():
                self._SyncObj__loadDumpFile(clearJournal=False)
        self._now_and_then(now)
        if self.journal.settle():
            self._settled()
        self._SyncObj__transport.drain()
        self._mind_the_disk(now)
        self._hold_off_election(now)
        self._campaign(now)
        self._lead(now)
        if self._asked:
            self._checkCommandsToApply()
        self._send_entries(now)
        asked = self.journal.submit()
        self._prepare_ahead()
        if self.journal.settle():
            self._settled()
            self._wake()  # a lone voter can commit now
        sent = self._SyncObj__transport.flush()
        self._apply_committed(now, others_go_on=asked or sent)
        self._compact_if_large(now)
        took = self._now() - now
        if took >= STALL_S:  # A large change was applied: nobody was listened to meanwhile.
            self._rearm_after_stall(took, now + took)

    def _has_news(self) -> bool:
        """Tell whether anything came up that a tick has to see to."""
        return bool(self._asked) or self._SyncObj__transport.has_news or self.journal.has_news

    def _apply_committed(self, now: float, *, others_go_on: bool) -> None:
        """Apply, or first let the loop hand over what the disk and the other voters wait for.

        They work while this voter applies. It is put off for a while only, or a busy one would
        never come to it.
        """
        if self._SyncObj__raftLastApplied >= self._SyncObj__raftCommitIndex:
            self._has_put_off, self._apply_at = False, float("inf")
        elif self._owes_acknowledgement() and now < self._apply_at:
            self._apply_at = min(self._apply_at, now + ACKNOWLEDGE_FIRST_S)
        elif others_go_on and not self._has_put_off:
            self._has_put_off = True
            self._wake()
        else:
            self._has_put_off, self._apply_at = False, float("inf")
            self._SyncObj__applyLogEntries()

    def _rearm_after_stall(self, stall: float, now: float) -> None:
        """What this process missed while it stood still, it did not miss of its peers.

        What they sent meanwhile waits to be read, and is read before the new deadlines.
        """
        if self.leads:
            for node in self._SyncObj__lastResponseTime:
                self._SyncObj__lastResponseTime[node] += stall
        else:
            self._put_off_election(now)

    def _put_off_election(self, now: float, further_s: float = 0.0) -> None:
        deadline = now + self._SyncObj__generateRaftTimeout() + further_s
        if deadline > self._SyncObj__raftElectionDeadline:
            self._SyncObj__raftElectionDeadline = deadline

    def _now_and_then(self, now: float) -> None:
        if now - self._SyncObj__startTime > self._SyncObj__numOneSecondDumps * STORE_COMMIT_S:
            self._SyncObj__numOneSecondDumps += 1
            self.journal.onOneSecondTimer()

    def _mind_the_disk(self, now: float) -> None:
        """A node whose disk takes nothing must not lead; one that stores its vote must wait."""
        stuck = self.journal.is_full or self.journal.stuck_s() > DISK_STUCK_S
        if stuck and self.leads:
            self.step_down()
        if stuck or not self.journal.votes_are_stored:
            # The messages that wait for the disk need as long again at their receiver.
            self._put_off_election(now, 3 * max(self.journal.stuck_s(), self.journal.votes_took_s))

    def _campaign(self, now: float) -> None:
        """Ask for votes once the election deadline has passed."""
        due = self._SyncObj__raftElectionDeadline < now
        if self.leads or not due or not self._SyncObj__connectedToAnyone():
            return
        self._SyncObj__raftElectionDeadline = now + self._SyncObj__generateRaftTimeout()
        self._SyncObj__raftLeader = None
        self._SyncObj__setState(CANDIDATE)
        self._SyncObj__setCurrentTerm(self.raftCurrentTerm + 1, self._SyncObj__selfNode.id)
        self._SyncObj__votesCount = 1
        own = self._log_end()
        question = {
            "type": "request_vote",
            "term": self.raftCurrentTerm,
            "last_log_index": own.index,
            "last_log_term": own.term,
        }
        for node in self.otherNodes:
            self._SyncObj__transport.send(node, question)
        self._SyncObj__onLeaderChanged()
        if not self._SyncObj__otherNodes:
            self._SyncObj__onBecomeLeader()

    def _lead(self, now: float) -> None:
        """Commit what a majority has on disk, and step down where no majority answers."""
        if not self.leads:
            return
        synced, others = self.journal.synced_index, self._SyncObj__otherNodes
        if synced > self._SyncObj__raftCommitIndex:
            matched = self._SyncObj__raftMatchIndex
            held = sorted([synced, *(matched[node] for node in others)])
            # What a majority holds; never more than is on this disk (1).
            common = self._agreed(min(held[(len(held) - 1) // 2], synced))
            is_new = common > self._SyncObj__raftCommitIndex
            if is_new and self.journal.term_at(common) == self.raftCurrentTerm:
                self._set_commit(common)
        answered, since = self._SyncObj__lastResponseTime, now - self._quorum_s
        if 2 * (sum(answered[node] > since for node in others) + 1) <= len(others) + 1:
            self.step_down()

    def _set_commit(self, index: int) -> None:
        self._SyncObj__raftCommitIndex = index
        self.journal.setRaftCommitIndex(index)

    def _send_entries(self, now: float) -> None:
        """Send what is new to all, or a sign of life when one is due.

        A commit goes with the next entry, if nobody elsewhere waits for it and one comes soon.
        """
        last, committed = self.journal.last_index, self.raftCommitIndex
        if self._forwarded:
            self._forwarded, self._awaited = False, last
        if not self.leads:
            self._committed_at = float("inf")
            return
        if committed == self._sent[1]:
            self._committed_at = float("inf")
        else:
            self._committed_at = min(self._committed_at, now)
        is_due = now >= min(self._SyncObj__newAppendEntriesTime, self._committed_at + TELL_COMMIT_S)
        is_awaited = self._sent[1] < min(self._awaited, committed)
        if last != self._sent[0] or is_awaited or is_due:
            self._sent, self._committed_at = (last, committed), float("inf")
            self._SyncObj__sendAppendEntries()

    def _SyncObj__sendAppendEntries(self) -> None:
        """Send all that the others lack, or to whom lacks nothing a sign of life.

        PySyncObj would ask for a snapshot that is still being written again and again, for a whole
        period, and send as many empty parts: nothing else was done here meanwhile.
        """
        now, period_s = self._now(), self._SyncObj__conf.appendEntriesPeriod
        self._SyncObj__newAppendEntriesTime = now + period_s
        for node in self._SyncObj__otherNodes | self._SyncObj__readonlyNodes:
            if node not in self._SyncObj__connectedNodes:
                self._snapshots.cancelTransmisstion(node)
                continue
            goes_on = True
            while goes_on:
                goes_on = self._send_next(node) and self._now() <= now + period_s

    def _send_next(self, node: Node) -> bool:
        """Send entries that a node lacks, or a part of a snapshot; tell whether there are more."""
        following: int = self._SyncObj__raftNextIndex[node]
        message: dict[str, object] = {
            "type": "append_entries",
            "term": self.raftCurrentTerm,
            "commit_index": self.raftCommitIndex,
        }
        first = self.journal.first_index
        if following <= first:
            part = self._snapshots.getTransmissionData(node)
            self._SyncObj__transport.send(node, {**message, "serialized": part})
            if part is None or not part[2]:
                return part is not None
            following = first + 2  # a journal begins with the snapshot's two entries
        else:
            entries = self.journal.batch_from(following, BATCH_BYTES)
            term = self.journal.term_at(following - 1)
            message["prevLogIdx"] = None if term is None else following - 1
            message["prevLogTerm"] = term
            self._SyncObj__transport.send(node, {**message, "entries": entries})
            following += len(entries)
        self._SyncObj__raftNextIndex[node] = following
        return following <= self.journal.last_index

    def _log_end(self) -> LogEnd:
        return LogEnd(self._SyncObj__getCurrentLogTerm(), self._SyncObj__getCurrentLogIndex())

    def _SyncObj__applyLogEntries(self) -> bool:
        """Apply what is committed; go on in the next tick when it takes long."""
        began = self._now()
        while self.raftLastApplied < self.raftCommitIndex:
            index = self.raftLastApplied + 1
            (entry,) = self._SyncObj__getEntries(index, 1)
            if len(entry[0]) >= LARGE_BYTES and not self._is_prepared(entry):
                break
            result = self._SyncObj__doApplyCommand(entry[0])
            self._SyncObj__raftLastApplied = index
            for term, callback in self._SyncObj__commandsWaitingCommit.pop(index, ()):
                if term == entry[2]:
                    callback(result, FAIL_REASON.SUCCESS)
                else:
                    callback(None, FAIL_REASON.DISCARDED)
            if self._now() - began > APPLY_S:
                self._wake()
                break
        return False

    def _prepare_ahead(self) -> None:
        """Begin with the next large entry in the log, whether it is committed or not."""
        last, begun = self.journal.last_index, self._preparation
        self._looked_at = min(self._looked_at, last)
        if not self._has_threads or self._looked_at == last:
            return
        waits = begun is not None and begun.index > self.raftLastApplied
        if begun is not None and waits and self.journal.term_at(begun.index) == begun.term:
            return  # the next one has its turn when this is applied
        after = max(self._looked_at, self.raftLastApplied)
        found = self.journal.first_large(after, LARGE_BYTES)
        self._looked_at = last if found is None else found[1]
        if found is not None:
            self._is_prepared(found)

    def _is_prepared(self, entry: Entry) -> bool:
        """Tell whether a large entry can be applied; a thread prepares it, and wakes when it has.

        Index and term say which entry it is: another may take its place before it is committed.
        """
        command, index, term = entry
        begun = self._preparation
        if not self._has_threads:
            return True
        if begun is None or (begun.index, begun.term) != (index, term):
            self._preparation = begun = _Preparation(index, term)
            Thread(target=self._prepare, args=(begun, command), daemon=True).start()
        return begun.is_done

    def _prepare(self, preparation: _Preparation, command: bytes) -> None:
        try:
            self._machine.prepare(self._given(command))
        finally:
            preparation.is_done = True
            self._wake()

    def _given(self, command: bytes) -> bytes:
        """Return what of an entry is for the state machine; empty: nothing."""
        return command[1:] if command[0] == REGULAR else b""

    def _SyncObj__doApplyCommand(self, command: bytes) -> object:
        """Hand our bytes to the state machine; no pickle, no method numbers (9, 14)."""
        given = self._given(command)
        return self._machine.apply(self.raftLastApplied + 1, given) if given else None

    def unapplied(self) -> Iterator[bytes]:
        """Yield our bytes of each entry that is in the log and not applied; no configurations."""
        for command, _, _ in self._SyncObj__getEntries(self.raftLastApplied + 1):
            if command[0] == REGULAR:
                yield command[1:]

    def _compact_if_large(self, now: float) -> None:
        """Let a snapshot take the place of the journal; one that fails is not tried at once."""
        if self.journal.size > self._compact_bytes and now >= self._compact_not_before:
            self._compact_not_before = now + COMPACT_AGAIN_S
            self.forceLogCompaction()
        if self._SyncObj__forceLogCompaction or self._snapshots.is_busy:
            self._SyncObj__tryLogCompaction()

    def _doDestroy(self) -> None:
        self._snapshots.close()
        super()._doDestroy()

    # What the guards do.

    def _agreed(self, common: int) -> int:
        """Return what of `common`, which a majority holds, may be committed."""
        return common

    def _settled(self) -> None:
        """Something more is on disk."""

    def _owes_acknowledgement(self) -> bool:
        """Tell whether the leader waits for entries that are on their way to this disk."""
        return False

    def _hold_off_election(self, now: float) -> None:
        """Let the election deadline pass only when the election would be won."""
