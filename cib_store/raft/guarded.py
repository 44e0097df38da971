"""PySyncObj with the guards that it needs inside: one subclass, so that nothing of it is vendored.

Each guard removes a hazard measured in 0.3.17; the numbers are those of the design note on Raft. A
start-up check names the internals that are relied on and refuses any other version.

Here are the guards on what comes in and on elections; when what is done is in `ticking`. Entries
are acknowledged once they are on disk.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pysyncobj.syncobj
from pysyncobj import SyncObj, SyncObjConf
from pysyncobj.fast_queue import FastQueue
from pysyncobj.version import VERSION

from cib_store.raft import snapshot as snapshots
from cib_store.raft.birth import born, exists
from cib_store.raft.configuration import KIND, Configuration, ConfigurationLog, decode, encode
from cib_store.raft.files import Files
from cib_store.raft.journal import Journal, damaged
from cib_store.raft.messages import Message
from cib_store.raft.node import Node
from cib_store.raft.prevote import LogEnd, PreVote
from cib_store.raft.records import Entry
from cib_store.raft.seats import ABSTAIN_S, Seats
from cib_store.raft.snapshot_store import SnapshotStore
from cib_store.raft.ticking import REGULAR, Machine, TickingSyncObj
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import Fatal
from raftmaker.vocabulary.ids import NodeName

VERSION_NEEDED = "0.3.17"
PREVOTE_ROUND_S = 0.05
SAID_AGAIN_S = 0.02
"""An acknowledgement that says nothing new follows another no sooner: a heartbeat's always does."""
COMPACT_BYTES = 16 * 1024 * 1024
_INTERNALS = (
    "_SyncObj__onMessageReceived",
    "_SyncObj__doApplyCommand",
    "_SyncObj__applyLogEntries",
    "_SyncObj__loadDumpFile",
    "_SyncObj__tryLogCompaction",
    "_SyncObj__sendNextNodeIdx",
    "_SyncObj__sendAppendEntries",
    "_SyncObj__onBecomeLeader",
    "_SyncObj__onLeaderChanged",
    "_SyncObj__connectedToAnyone",
    "_SyncObj__generateRaftTimeout",
    "_SyncObj__getEntries",
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
    missing += [] if hasattr(FastQueue(0), "_FastQueue__queue") else ["_FastQueue__queue"]
    if VERSION != VERSION_NEEDED or missing:
        raise Fatal(
            f"pysyncobj {VERSION} is installed, {VERSION_NEEDED} is needed"
            f" ({', '.join(missing) or 'other versions are untested'}): pip install"
            f" pysyncobj=={VERSION_NEEDED}"
        )


def _equip(
    now: Callable[[], float], make_journal: Callable[[str], Journal], store: SnapshotStore
) -> None:
    """Give PySyncObj our parts; process-wide, so it is done again for every engine."""
    pysyncobj.syncobj.monotonicTime = now
    pysyncobj.syncobj.createJournal = make_journal
    pysyncobj.syncobj.Serializer = lambda *_: store


class GuardedSyncObj(TickingSyncObj):
    """One voter. Everything is called on the event loop, and `machine` there too."""

    def __init__(
        self,
        node: str,
        seed: Configuration,
        *,
        founding: bool,
        conf: SyncObjConf,
        machine: Machine,
        transport: Callable[..., Any],
        wake: Callable[[], None],
        files: Files | None = None,
        now: Callable[[], float] = boot_s,
        compact_bytes: int = COMPACT_BYTES,
        threads: bool = True,
    ) -> None:
        """Line up journal and snapshot, then start. Raises `Rejected` when a file is damaged.

        `seed`: who takes part while nothing in the log says it. `founding`: see `birth`. `now` is
        the clock (seconds) of every engine in the process. `compact_bytes`: the size of the journal
        from which on a snapshot takes its place. `wake`, `threads`: see the base.
        """
        self._know_nothing()
        self._snapshot_path = Path(conf.fullDumpFile)
        self._files = files or Files()
        store = SnapshotStore(
            self._snapshot_path,
            files=self._files,
            state=machine.snapshot,
            applied=lambda: self.raftLastApplied,
            configuration=lambda index: encode(self.seats.at(index)),
            wake=wake if threads else None,
        )
        make_journal = partial(Journal, files=files)
        journal = partial(make_journal, conf.journalFile)
        self.seats = self._line_up(NodeName(node), seed, store, journal, founding=founding)
        self.seats.engine = self
        voters = self.seats.current.voters
        self._prevote = PreVote(voters=len(voters), silence_s=conf.raftMinTimeout)
        # Set, or PySyncObj would collect what to pickle; neither is called.
        conf.serializer = conf.deserializer = store.load
        _equip(now, make_journal, store)
        self._led_at = now()  # as if: nobody was missed before the start
        super().__init__(
            Node(node),
            [Node(voter) for voter in voters if voter != node],
            conf=conf,
            machine=machine,
            wake=wake,
            snapshot_store=store,
            now=now,
            compact_bytes=compact_bytes,
            threads=threads,
            nodeClass=Node,
            transportClass=transport,
        )
        self.seats.install()

    def _know_nothing(self) -> None:
        self._installed: int | None = None
        self._led_at = 0.0
        self._voters_of_term: tuple[int, set[str]] = (0, set())
        self._abstains_until = float("-inf")
        self._verified = (0, 0)
        self._committed = 0
        self._promised = ("", 0.0)
        self._acknowledged = (0, 0)
        self._acknowledged_at = 0.0
        self._awaits_disk = False
        self._refused: dict[Any, tuple[int, int]] = {}

    def _line_up(
        self,
        me: NodeName,
        seed: Configuration,
        store: SnapshotStore,
        make_journal: Callable[[], Journal],
        *,
        founding: bool,
    ) -> Seats:
        directory = self._snapshot_path.parent
        if exists(self._files, directory) and not self._files.exists(directory / "journal"):
            raise damaged(directory / "journal", "is missing although there was a store here")
        found = store.load()
        journal = make_journal()
        try:
            snapshots.line_up(found, journal, self._snapshot_path)
            log = ConfigurationLog(seed)
            if found is not None and found.configuration:
                log = ConfigurationLog(decode(found.configuration)[0], found.index)
            log.follow(journal)
        finally:
            journal._destroy()
        return Seats(me, born(self._files, directory, founding=founding), log)

    def voters_changed(self, voters: int) -> None:
        """Another configuration is in force: a round of pre-votes that was begun is void."""
        self._prevote.voters = voters
        self._prevote.asked_for_term = 0
        if self.leads and not self.seats.may_lead:
            self.step_down()

    def leaderless_s(self) -> float:
        """Return for how long no leader was heard; 0 while this node leads or one is heard."""
        now = self._now()
        if self.leads or not self._prevote.misses_leader(now):
            return 0.0
        return now - max(self._prevote.heard_leader_at, self._led_at)

    def campaign_now(self) -> None:
        """Let the next tick begin an election, if this node may lead."""
        self._SyncObj__raftElectionDeadline = 0.0

    def _agreed(self, common: int) -> int:
        """Of two voters the one that loses its vote must know of it (see `must_agree`)."""
        other = self.seats.needed_too()
        if other is None:
            return common
        matched: int = self._SyncObj__raftMatchIndex.get(Node(other), 0)
        return min(common, matched)

    def abstain(self) -> None:
        """Stop leading and leave the next election to the others for a while."""
        self.step_down()
        self._abstains_until = self._now() + ABSTAIN_S

    def _set_commit(self, index: int) -> None:
        super()._set_commit(index)
        self.seats.committed(index)

    def _hold_off_election(self, now: float) -> None:
        """Let the election deadline pass only when a majority would vote for this node (10)."""
        if self.leads:
            self._led_at = now
        if self.leads or self._SyncObj__raftElectionDeadline >= now:
            return
        waits = now < self._abstains_until or self._SyncObj__transport.greets
        if waits or not self.seats.may_lead:
            self._SyncObj__raftElectionDeadline = now + PREVOTE_ROUND_S
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
            "round": self._prevote.ask(term, now),
        }
        # Answers make the deadline due at once; without a majority the round is repeated.
        self._SyncObj__raftElectionDeadline = now + PREVOTE_ROUND_S * (1 + random.random())
        for node in self.otherNodes:
            self._SyncObj__transport.send(node, question)

    def _settled(self) -> None:
        """More is on disk: acknowledge it, and commit what the leader has committed of it."""
        if self.leads:
            return
        synced = self.journal.synced_index
        if min(self._committed, synced) > self.raftCommitIndex:
            self._set_commit(min(self._committed, synced))
        leader, (term, verified) = self._SyncObj__raftLeader, self._verified
        if leader is not None and term == self.raftCurrentTerm:
            self._awaits_disk = False
            if (term, min(verified, synced)) > self._acknowledged:
                self._SyncObj__sendNextNodeIdx(leader, nextNodeIdx=verified + 1, success=True)

    def _owes_acknowledgement(self) -> bool:
        waits = self._awaits_disk and not self.leads
        return waits and self.journal.synced_index < self._verified[1]

    def _answer_pre_vote(self, node: Any, message: Message) -> None:
        now = self._now()
        promised = self._promised[0] != node.id and now < self._promised[1]
        granted = not self.leads and not promised and self._may_vote_for(node)
        granted = granted and self._prevote.grants(
            term=message["term"],
            own_term=self.raftCurrentTerm,
            asker=LogEnd(message["last_log_term"], message["last_log_index"]),
            own=self._log_end(),
            now=now,
        )
        if granted and self.journal.votes_took_s:
            # On slow disks an election takes long: wait for it instead of beginning another.
            wait_s = 4 * self.journal.votes_took_s
            self._promised = (node.id, now + wait_s)
            self._put_off_election(now, wait_s)
        answer = {"type": "pre_vote_answer", "round": message["round"], "granted": granted}
        self._SyncObj__transport.send(node, answer)

    def _count_pre_vote(self, node: Any, message: Message) -> None:
        if message["sent_term"] > self.raftCurrentTerm and not self.leads:
            # Or a voter with a lower term and a longer log could never be elected.
            self._SyncObj__setCurrentTerm(message["sent_term"], None)
            return
        if message["granted"] and self.seats.counts(node.id) and node in self.otherNodes:
            self._prevote.count(node.id, message["round"])
        if self._prevote.won(self.raftCurrentTerm):
            self._SyncObj__raftElectionDeadline = 0

    def _given(self, command: bytes) -> bytes:
        """A configuration has something for the state machine too."""
        return decode(command[1:])[1] if command[0] == KIND else super()._given(command)

    def _SyncObj__loadDumpFile(self, clearJournal: bool) -> None:
        """Start from the snapshot on disk; a damaged one ends the daemon, never empties it (3)."""
        found = self._snapshots.load()
        assert found is not None
        snapshots.line_up(found, self.journal, self._snapshot_path)
        self._machine.restore(found.index, found.state)
        self._installed = found.index
        if found.configuration:
            self.seats.restart(decode(found.configuration)[0], found.index)
        self._SyncObj__raftLastApplied = found.index
        if self.raftCommitIndex < found.index:
            self._set_commit(found.index)

    def _SyncObj__sendNextNodeIdx(
        self,
        node: Any,
        reset: bool = False,
        nextNodeIdx: int | None = None,
        success: bool = False,
    ) -> None:
        """Answer the leader: agreement is told only of what is on disk; the rest follows later."""
        if reset and nextNodeIdx is not None:
            # In conflict: all of that term may be, and the leader need not go back one by one.
            nextNodeIdx = self.journal.first_of_term(nextNodeIdx, after=self.raftCommitIndex)
        if success:
            # After a snapshot only what is inside is known to match, not a tail that was kept (6).
            verified = self._installed if nextNodeIdx is None else nextNodeIdx - 1
            assert verified is not None
            if self._verified[0] == self.raftCurrentTerm:
                verified = max(verified, self._verified[1])
            self._verified = (self.raftCurrentTerm, verified)
            reached = min(verified, self.journal.synced_index)
            if self._awaits_disk and reached < verified:
                return
            said, now = (self.raftCurrentTerm, reached), self._now()
            if said == self._acknowledged and now - self._acknowledged_at < SAID_AGAIN_S:
                return
            self._acknowledged, self._acknowledged_at = said, now
            nextNodeIdx = reached + 1
        super()._SyncObj__sendNextNodeIdx(
            node, reset=reset, nextNodeIdx=nextNodeIdx, success=success
        )

    def _SyncObj__onMessageReceived(self, node: Any, message: Message) -> None:
        if self.leads and message["sent_term"] > self.raftCurrentTerm:
            self._give_way(node, message["sent_term"])
        guarded = self._guard(node, message)
        if guarded is not None:
            super()._SyncObj__onMessageReceived(node, guarded)
        self.seats.follow()

    def _give_way(self, node: Any, term: int) -> None:
        """A voter is in a later term: it takes nothing from this leader, and would stay behind.

        An election of its own that was cut short did it, which a majority had wanted (pre-vote).
        """
        if self.seats.counts(node.id) and node in self.otherNodes:
            self.step_down()
            self._SyncObj__setCurrentTerm(term, None)

    def _guard(self, node: Any, message: Message) -> Message | None:
        """Return the message as it may be handled, or None when it must not be."""
        match message.get("type"):
            case "append_entries":
                return self._guard_append(node, message)
            case "next_node_idx":
                return self._guard_progress(node, message)
            case "response_vote":
                counts = self.seats.counts(node.id) and node in self.otherNodes
                return message if counts and self._first_vote(node.id, message["term"]) else None
            case "pre_vote":
                self._answer_pre_vote(node, message)
                return None
            case "pre_vote_answer":
                self._count_pre_vote(node, message)
                return None
            case "request_vote":
                # Somebody who did not ask first must not depose a leader that is heard (10).
                heard = not self._prevote.misses_leader(self._now())
                return None if heard or not self._may_vote_for(node) else message
            case "timeout_now":
                return None
            case "apply_command":
                if message["command"][:1] != bytes([REGULAR]):
                    return None  # Configurations are written by `Seats.change` alone.
                self._forwarded = True
        return message

    def _may_vote_for(self, node: Any) -> bool:
        """A blank store votes for nobody; nobody votes for a store that does not count."""
        return not self.seats.card.is_blank and self.seats.may_elect(node.id)

    def _guard_progress(self, node: Any, message: Message) -> Message | None:
        # An answer to an append of an older term must not count (7).
        if message.get("sent_term") != self.raftCurrentTerm or not self.leads:
            return None
        if not self.seats.counts(node.id):
            return None
        if message["success"]:
            # What was sent already and is not answered yet must not be sent again.
            following = self._SyncObj__raftNextIndex[node]
            matched = message["next_node_idx"] - 1
            if matched > self._SyncObj__raftMatchIndex[node]:
                self._SyncObj__raftMatchIndex[node] = matched
            self._SyncObj__raftNextIndex[node] = max(following, matched + 1)
            self._refused.pop(node, None)
        elif message["reset"]:
            return message | {"next_node_idx": self._back_to(node, message["next_node_idx"])}
        return message

    def _back_to(self, node: Any, index: int) -> int:
        """Return from where on to send what was refused.

        Of several messages that are under way the later ones are refused only because the first
        was: what they say must not undo how far back that one was (8).
        """
        term, before = self._refused.get(node, (0, index))
        back = min(index, before) if term == self.raftCurrentTerm else index
        self._refused[node] = (self.raftCurrentTerm, back)
        return back

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
        held = self.journal.term_at(previous[0]) == previous[1]
        if self.journal.is_full and (entries or not held):
            self._without_entries(node, message)
            return None
        verified = previous[0] + len(entries)
        if held:
            self._committed = max(self._committed, min(message["commit_index"], verified))
        # What is on disk behind a conflict is not what the leader has committed.
        on_disk = min(self.journal.synced_index, previous[0])
        stripped: Message = {
            **message,
            "prevLogIdx": previous[0],
            "prevLogTerm": previous[1],
            "entries": entries,
            "commit_index": min(self._committed, on_disk),
        }
        # What is new is answered once it is on disk; a sign of life at once.
        self._awaits_disk = held and bool(entries)
        if not held or entries:
            return stripped
        # Everything is held already: accept it without touching what follows in the journal (7).
        self._accept_leader(node, stripped)
        self._SyncObj__sendNextNodeIdx(node, nextNodeIdx=verified + 1, success=True)
        return None

    def _accept_leader(self, node: Any, message: Message) -> None:
        """Take an append as a sign of life alone."""
        kept = ("prevLogIdx", "prevLogTerm", "entries")
        life = {name: value for name, value in message.items() if name not in kept}
        super()._SyncObj__onMessageReceived(node, life)

    def _without_entries(self, node: Any, message: Message) -> None:
        """No room on the disk: the leader is heard, and told nothing of what is held."""
        self._accept_leader(node, {**message, "commit_index": 0})
        super()._SyncObj__sendNextNodeIdx(node, nextNodeIdx=1, success=False, reset=False)

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
