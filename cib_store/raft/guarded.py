"""PySyncObj with the guards that it needs inside: one subclass, so that nothing of it is vendored.

Each guard removes a hazard measured in 0.3.17; the numbers are those of the design note on Raft. A
start-up check names the internals that are relied on and refuses any other version.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pysyncobj.syncobj
from pysyncobj import SyncObj, SyncObjConf
from pysyncobj.node import Node
from pysyncobj.version import VERSION

from cib_store.raft import snapshot as snapshots
from cib_store.raft.files import Files
from cib_store.raft.journal import Entry, Journal
from cib_store.raft.log import StateMachine
from cib_store.raft.messages import Message
from cib_store.raft.prevote import LogEnd, PreVote
from cib_store.raft.snapshot_store import SnapshotStore
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import Refused

VERSION_NEEDED = "0.3.17"
REGULAR, NO_OP = 0, 1
LEADER = 2
FOLLOWER = 0
PREVOTE_ROUND_S = 0.05
COMPACT_BYTES = 16 * 1024 * 1024
_INTERNALS = (
    "_SyncObj__onMessageReceived",
    "_SyncObj__doApplyCommand",
    "_SyncObj__loadDumpFile",
    "_SyncObj__sendNextNodeIdx",
    "_SyncObj__setState",
    "_SyncObj__getCurrentLogIndex",
    "_SyncObj__getCurrentLogTerm",
    "_SyncObj__setCurrentTerm",
    "_onTick",
    "_checkCommandsToApply",
)
_REPLACED = ("createJournal", "monotonicTime", "Serializer")


def boot_s() -> float:
    """Seconds since the machine booted."""
    return boot_ms() / 1000


def check_engine() -> None:
    """Refuse any version but the one whose internals are guarded."""
    missing = [name for name in _INTERNALS if not hasattr(SyncObj, name)]
    missing += [name for name in _REPLACED if not hasattr(pysyncobj.syncobj, name)]
    if VERSION != VERSION_NEEDED or missing:
        raise Refused(
            f"pysyncobj {VERSION} is installed, {VERSION_NEEDED} is needed"
            f" ({', '.join(missing) or 'other versions are untested'}): pip install"
            f" pysyncobj=={VERSION_NEEDED}"
        )


class GuardedSyncObj(SyncObj):  # type: ignore[misc]  # pysyncobj has no types
    """One voter. `machine` is called on the tick thread only."""

    _SyncObj__raftElectionDeadline: float
    _SyncObj__needLoadDumpFile: bool

    def __init__(
        self,
        node: str,
        others: list[str],
        *,
        conf: SyncObjConf,
        machine: StateMachine,
        transport: Callable[..., Any],
        on_fatal: Callable[[BaseException], None],
        files: Files | None = None,
        now: Callable[[], float] = boot_s,
        compact_bytes: int = COMPACT_BYTES,
    ) -> None:
        """Line up journal and snapshot, then start. Raises `Rejected` when a file is damaged.

        `now` is the clock (seconds) of every engine in the process. `compact_bytes`: the size of
        the journal from which on a snapshot takes its place.
        """
        self._machine = machine
        self._on_fatal = on_fatal
        self._now = now
        self._compact_bytes = compact_bytes
        self._snapshot_path = Path(conf.fullDumpFile)
        self._snapshots = SnapshotStore(
            self._snapshot_path,
            files=files or Files(),
            state=machine.snapshot,
            applied=lambda: self.raftLastApplied,
        )
        make_journal = partial(Journal, files=files)
        self._installed: int | None = None
        self._voters_of_term: tuple[int, set[str]] = (0, set())
        self._prevote = PreVote(voters=len(others) + 1, silence_s=conf.raftMinTimeout)
        journal = make_journal(conf.journalFile)
        try:
            snapshots.line_up(self._snapshots.load(), journal, self._snapshot_path)
        finally:
            journal._destroy()
        # Set, or PySyncObj would collect what to pickle; neither is called.
        conf.serializer = conf.deserializer = self._snapshots.load
        # Process-wide: what a further engine in this process needs is set when it is made.
        pysyncobj.syncobj.monotonicTime = now
        pysyncobj.syncobj.createJournal = make_journal
        pysyncobj.syncobj.Serializer = lambda *_: self._snapshots
        super().__init__(
            Node(node),
            [Node(other) for other in others],
            conf=conf,
            nodeClass=Node,
            transportClass=transport,
        )

    @property
    def journal(self) -> Journal:
        """The journal, by PySyncObj's private name."""
        journal: Journal = self._SyncObj__raftLog
        return journal

    def step_down(self) -> None:
        """Stop leading; on the tick thread only."""
        if self._SyncObj__raftState == LEADER:
            self._SyncObj__setState(FOLLOWER)
            self._SyncObj__raftLeader = None

    # Overridden internals.

    def _onTick(self, timeToWait: float = 0.0) -> None:
        # The leader counts itself as holding an entry: true only once it is on disk (1).
        self.journal.sync()
        if self._SyncObj__needLoadDumpFile:
            self._SyncObj__needLoadDumpFile = False
            if self._snapshots.exists():
                self._SyncObj__loadDumpFile(clearJournal=False)
        if self.journal.size > self._compact_bytes:
            self.forceLogCompaction()
        self._SyncObj__transport.drain()
        self._hold_off_election()
        super()._onTick(timeToWait)

    def _hold_off_election(self) -> None:
        """Let the election deadline pass only when a majority would vote for this node (10)."""
        now = self._now()
        if self._SyncObj__raftState == LEADER or self._SyncObj__raftElectionDeadline >= now:
            return
        if self._prevote.won(self.raftCurrentTerm):
            self._prevote.asked_for_term = 0
            return
        term, own = self.raftCurrentTerm + 1, self._log_end()
        question = {
            "type": "pre_vote",
            "term": term,
            "last_log_index": own.index,
            "last_log_term": own.term,
            "round": self._prevote.ask(term),
        }
        # Answers make the deadline due at once; without a majority the round is repeated.
        self._SyncObj__raftElectionDeadline = now + PREVOTE_ROUND_S * (1 + random.random())
        for node in self.otherNodes:
            self._SyncObj__transport.send(node, question)

    def _log_end(self) -> LogEnd:
        return LogEnd(self._SyncObj__getCurrentLogTerm(), self._SyncObj__getCurrentLogIndex())

    def _answer_pre_vote(self, node: Any, message: Message) -> None:
        granted = self._SyncObj__raftState != LEADER and self._prevote.grants(
            term=message["term"],
            own_term=self.raftCurrentTerm,
            asker=LogEnd(message["last_log_term"], message["last_log_index"]),
            own=self._log_end(),
            now=self._now(),
        )
        answer = {"type": "pre_vote_answer", "round": message["round"], "granted": granted}
        self._SyncObj__transport.send(node, answer)

    def _count_pre_vote(self, node: Any, message: Message) -> None:
        if message["sent_term"] > self.raftCurrentTerm and self._SyncObj__raftState != LEADER:
            # Or a voter with a lower term and a longer log could never be elected.
            self._SyncObj__setCurrentTerm(message["sent_term"], None)
            return
        if message["granted"]:
            self._prevote.count(node.id, message["round"])
        if self._prevote.won(self.raftCurrentTerm):
            self._SyncObj__raftElectionDeadline = 0

    def _checkCommandsToApply(self) -> None:
        super()._checkCommandsToApply()
        if not self._SyncObj__otherNodes and self.raftCommitIndex < self.journal.last_index:
            # Nobody's answer wakes a lone voter: it must not sleep on what it can commit.
            self._SyncObj__pipeNotifier.notify()

    def _SyncObj__doApplyCommand(self, command: bytes) -> bytes | None:
        """Hand our bytes to the state machine; no pickle, no method numbers (9, 14)."""
        if command[0] != REGULAR:
            return None
        return self._machine.apply(self.raftLastApplied + 1, command[1:])

    def _SyncObj__loadDumpFile(self, clearJournal: bool) -> None:
        """Start from the snapshot on disk; a damaged one ends the daemon, never empties it (3)."""
        try:
            found = self._snapshots.load()
            assert found is not None
            snapshots.line_up(found, self.journal, self._snapshot_path)
            self._machine.restore(found.index, found.state)
        except Exception as error:  # noqa: BLE001  # PySyncObj would swallow it and go on empty
            self._on_fatal(error)
            self.destroy()
            return
        self._installed = found.index
        self._SyncObj__raftLastApplied = found.index
        if self.raftCommitIndex < found.index:
            self._SyncObj__raftCommitIndex = found.index
            self.journal.setRaftCommitIndex(found.index)

    def _SyncObj__sendNextNodeIdx(
        self,
        node: Any,
        reset: bool = False,
        nextNodeIdx: int | None = None,
        success: bool = False,
    ) -> None:
        # After a snapshot only what is inside is known to match, not a tail that was kept (6, 7).
        if success and nextNodeIdx is None and self._installed is not None:
            nextNodeIdx = self._installed + 1
        super()._SyncObj__sendNextNodeIdx(
            node, reset=reset, nextNodeIdx=nextNodeIdx, success=success
        )

    def _SyncObj__onMessageReceived(self, node: Any, message: Message) -> None:
        guarded = self._guard(node, message)
        if guarded is not None:
            super()._SyncObj__onMessageReceived(node, guarded)

    def _guard(self, node: Any, message: Message) -> Message | None:
        """Return the message as it may be handled, or None when it must not be."""
        match message.get("type"):
            case "append_entries":
                return self._guard_append(node, message)
            case "next_node_idx":
                # An answer to an append of an older term must not count (7).
                return message if message.get("sent_term") == self.raftCurrentTerm else None
            case "response_vote":
                return message if self._first_vote(node.id, message["term"]) else None
            case "pre_vote":
                self._answer_pre_vote(node, message)
                return None
            case "pre_vote_answer":
                self._count_pre_vote(node, message)
                return None
            case "request_vote":
                # Somebody who did not ask first must not depose a leader that is heard (10).
                heard = not self._prevote.misses_leader(self._now())
                return None if heard else message
            case "timeout_now":
                return None
        return message

    def _first_vote(self, voter: str, term: int) -> bool:
        """A vote counts once a node and term (7)."""
        if self._voters_of_term[0] != term:
            self._voters_of_term = (term, set())
        voters = self._voters_of_term[1]
        if voter in voters:
            return False
        voters.add(voter)
        return True

    def _guard_append(self, node: Any, message: Message) -> Message | None:
        if message["term"] < self.raftCurrentTerm:
            return message
        self._prevote.heard_leader(self._now())
        if "prevLogIdx" not in message:
            # A snapshot says nothing about the tail: it must not advance the commit index (6).
            return {**message, "commit_index": 0}
        if message["prevLogIdx"] is None:
            return None
        previous, entries = self._new_part(message)
        verified = previous[0] + len(entries)
        held = self.journal.term_at(previous[0]) == previous[1]
        stripped: Message = {
            **message,
            "prevLogIdx": previous[0],
            "prevLogTerm": previous[1],
            "entries": entries,
            "commit_index": min(message["commit_index"], verified) if held else 0,
        }
        if not held or entries or "transmission" in message:
            return stripped
        # Everything is held already: accept it without touching what follows in the journal (7).
        del stripped["prevLogIdx"], stripped["prevLogTerm"], stripped["entries"]
        super()._SyncObj__onMessageReceived(node, stripped)
        self._SyncObj__sendNextNodeIdx(node, nextNodeIdx=verified + 1, success=True)
        return None

    def _new_part(self, message: Mapping[str, Any]) -> tuple[tuple[int, int], list[Entry]]:
        """Strip the entries that the journal holds already, so that only a conflict truncates."""
        index, term = message["prevLogIdx"], message["prevLogTerm"]
        entries: list[Entry] = [tuple(entry) for entry in message.get("entries", [])]
        if self.journal.term_at(index) != term:
            return (index, term), entries
        kept = 0
        for _, entry_index, entry_term in entries:
            if self.journal.term_at(entry_index) != entry_term:
                break
            index, term, kept = entry_index, entry_term, kept + 1
        return (index, term), entries[kept:]
