"""The engine goes by the configuration in its log: whom it sends to, whom it counts, who may lead.

It works on PySyncObj's own tables, whose membership
changes are not guarded (raft.md, hazard 11): a configuration takes their place as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pysyncobj.syncobj
from msgspec.structs import replace

from cib_store.raft.birth import Birth
from cib_store.raft.configuration import (
    CLOSE,
    KIND,
    Card,
    Configuration,
    ConfigurationLog,
    SeatStatus,
    encode,
    must_agree,
    reasons_against,
)
from cib_store.raft.node import Node
from raftmaker.runtime.errors import NotLeader, Rejected, Report
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import LogPlace

if TYPE_CHECKING:
    from cib_store.raft.guarded import GuardedSyncObj

ANSWERS_S = 1.0
"""Who answered within this counts as there when a change is judged."""
SYNC_MAX_S = 3.0
"""How long the disk is waited for before a store that goes on alone gives up, and ends."""
ABSTAIN_S = 3.0
"""How long a leader that is to go leaves the election to the others."""


class Seats:
    """The configurations of one voter or learner, and the cards of its peers."""

    def __init__(self, me: NodeName, birth: Birth, log: ConfigurationLog) -> None:
        """`log`: as the snapshot or the seed has it."""
        self.me = me
        self._birth = birth
        self._log = log
        self.cards: dict[str, Card] = {}
        self.leaving: frozenset[NodeName] = frozenset()
        """See `ConfigurationLog.leaving`."""
        self.engine: GuardedSyncObj | None = None
        self.on_change: Callable[[Configuration], None] = lambda configuration: None

    @property
    def current(self) -> Configuration:
        """The configuration in force."""
        return self._log.current

    @property
    def card(self) -> Card:
        """What this store says of itself."""
        return Card(
            store_id=self._birth.store_id,
            founder=self._birth.founder,
            generation=self.current.generation,
            number=self.current.number,
        )

    def at(self, index: int) -> Configuration:
        """Return what was in force after an entry."""
        return self._log.at(index)

    def since(self, index: int) -> tuple[Configuration, ...]:
        """Return what was in force after an entry, and everything that followed it in the log."""
        return self._log.since(index)

    @property
    def may_lead(self) -> bool:
        """Whether this store may ask for votes: it has a vote, and is the one that counts."""
        seat = self.current.seat(self.me)
        return seat is not None and seat.votes and seat.admits(self.card)

    def counts(self, peer: str) -> bool:
        """Tell whether a peer's vote or acknowledgement is that of the store that was admitted.

        A learner's acknowledgements are taken too: they only tell how far it is.
        """
        seat, card = self.current.seat(peer), self.cards.get(peer)
        if seat is None or card is None:
            return False
        return not seat.votes or seat.admits(card)

    def may_elect(self, peer: str) -> bool:
        """Tell whether this store may vote for a peer.

        Also for one that a change removed which is not committed: where it never will be, that one
        may be the only voter whose log is long enough (Ongaro's thesis, 4.2.2: a vote is given
        whoever the configuration names; the asker counts the votes by its own).
        """
        if self.counts(peer):
            return True
        card = self.cards.get(peer)
        if card is None or peer not in self.leaving or self.engine is None:
            return False
        seats = (each.seat(peer) for each in self.since(self.engine.raftCommitIndex))
        return any(seat is not None and seat.votes and seat.admits(card) for seat in seats)

    def met(self, peer: str, card: Card) -> None:
        """A stream to a peer is up: what another store of it had acknowledged is void."""
        before = self.cards.get(peer)
        self.cards[peer] = card
        if self.engine is not None and before is not None and before.store_id != card.store_id:
            node = Node(peer)
            if node in self.engine._SyncObj__raftMatchIndex:
                self.engine._SyncObj__raftMatchIndex[node] = 0

    def follow(self) -> None:
        """Look at the journal; go by another configuration when there is one."""
        assert self.engine is not None
        if self._log.follow(self.engine.journal):
            self.install()
        else:
            self.committed(self.engine.raftCommitIndex)

    def restart(self, configuration: Configuration, index: int) -> None:
        """A snapshot took the place of everything before the entry `index`."""
        assert self.engine is not None
        before = self.current
        self._log = ConfigurationLog(configuration, index)
        self._log.follow(self.engine.journal)
        if self.current != before:
            self.install()

    def install(self) -> None:
        """Put the configuration in force into the engine's tables."""
        engine, now = self.engine, pysyncobj.syncobj.monotonicTime()
        assert engine is not None
        self.leaving = self._log.leaving(engine.raftCommitIndex)
        others = {s.name: s for s in self.current.seats if s.name != self.me}
        voters = {Node(name) for name, seat in others.items() if seat.votes}
        learners = {Node(name) for name, seat in others.items() if not seat.votes}
        for node in engine._SyncObj__otherNodes | engine._SyncObj__readonlyNodes:
            if node not in voters | learners:
                for table in (
                    engine._SyncObj__raftNextIndex,
                    engine._SyncObj__raftMatchIndex,
                    engine._SyncObj__lastResponseTime,
                ):
                    table.pop(node, None)
                if node.id not in self.leaving:
                    self._part_from(node)
        for node in voters | learners:
            following = engine.journal.last_index + 1
            engine._SyncObj__raftNextIndex.setdefault(node, following)
            engine._SyncObj__raftMatchIndex.setdefault(node, 0)
            engine._SyncObj__lastResponseTime.setdefault(node, now)
        engine._SyncObj__otherNodes = voters
        engine._SyncObj__readonlyNodes = learners
        engine.voters_changed(len(self.current.voters))
        self.on_change(self.current)

    def committed(self, index: int) -> None:
        """The log is committed up to `index`: who has left for good is not heard any more."""
        leaving = self._log.leaving(index) if self.leaving else self.leaving
        if leaving != self.leaving:
            for name in sorted(self.leaving - leaving):
                self._part_from(Node(name))
            self.leaving = leaving
            self.on_change(self.current)

    def _part_from(self, node: Node) -> None:
        assert self.engine is not None
        self.cards.pop(node.id, None)
        self.engine._SyncObj__connectedNodes.discard(node)

    def status(self) -> tuple[SeatStatus, ...]:
        """Describe the peers."""
        engine = self.engine
        assert engine is not None
        leads, last = engine._isLeader(), engine.journal.last_index
        matched: Mapping[Node, int] = engine._SyncObj__raftMatchIndex
        connected: set[Node] = engine._SyncObj__connectedNodes
        found: list[SeatStatus] = []
        for seat in self.current.seats:
            if seat.name == self.me:
                found.append(SeatStatus(name=seat.name, card=self.card, behind=0))
                continue
            node = Node(seat.name)
            there = node in connected
            behind = last - matched.get(node, 0) if leads and there and matched.get(node) else None
            card = self.cards.get(seat.name) if there else None
            found.append(SeatStatus(name=seat.name, card=card, behind=behind))
        return tuple(found)

    def change(
        self, wanted: Configuration, entry: bytes, done: Callable[[list[object] | None, int], None]
    ) -> None:
        """Write a configuration into the log. Raises `NotLeader` or `Rejected`: not written."""
        engine = self.engine
        assert engine is not None
        if not engine._isLeader():
            raise NotLeader("this store does not lead: nothing was proposed")
        reasons = (*self._not_yet(), *reasons_against(self.current, wanted))
        reasons = (*reasons, *self._unsafe(wanted))
        if reasons:
            report = Report(
                code="members-cannot-change",
                what="; ".join(reasons),
                mend="see 'crm cluster members', and try again",
            )
            raise Rejected(ExitCode.TEMPFAIL, (report,))
        index, term = engine.journal.last_index + 1, engine.raftCurrentTerm
        engine.journal.add(bytes([KIND]) + encode(wanted, entry), index, term)
        engine._SyncObj__commandsWaitingCommit[index].append((term, done))
        self.follow()

    def needed_too(self) -> str | None:
        """Return whose acknowledgement a change that is not committed needs beside a majority's."""
        engine, index = self.engine, self._log.index
        if engine is None or not index or index <= engine.raftCommitIndex:
            return None
        return must_agree(self.at(index - 1), self.current)

    @property
    def place(self) -> LogPlace:
        """Where the log stands; see `LogPlace`."""
        engine = self.engine
        assert engine is not None
        return LogPlace(
            term=engine.raftCurrentTerm,
            last_index=engine.journal.last_index,
            generation=self.current.generation,
            number=self.current.number,
        )

    def go_alone(
        self,
        wanted: Configuration,
        entry: bytes,
        read: LogPlace,
        done: Callable[[list[object] | None, int], None],
    ) -> None:
        """Begin the next generation, of which this store is the only voter; on disk on return.

        The caller has the proof that the other voter is down. Raises `Rejected`: nothing was
        written, for a leader is heard or the log has left the place `read`. After an OSError
        the process must end: what it finds on disk at its next start counts.
        """
        engine = self.engine
        assert engine is not None
        assert wanted.voters == (self.me,)
        assert wanted.generation == self.current.generation + 1
        reasons = []
        if not engine.leaderless_s():
            reasons.append("a leader is heard")
        if read != self.place:
            reasons.append(f"the log was at {read.told}, and is at {self.place.told} now")
        if reasons:
            report = Report(code="cannot-go-alone", what="; ".join(reasons), mend="look again")
            raise Rejected(ExitCode.UNSAFE, (report,))
        index, term = engine.journal.last_index + 1, engine.raftCurrentTerm + 1
        engine._SyncObj__setCurrentTerm(term, self.me)
        engine.journal.add(bytes([KIND]) + encode(wanted, entry), index, term)
        # Nobody is told of the generation, and nothing is counted by it, before it is on disk.
        engine.journal.sync(SYNC_MAX_S)
        if engine.journal.synced_index < index:
            raise TimeoutError(f"the next generation was not on disk within {SYNC_MAX_S} s")
        engine._SyncObj__commandsWaitingCommit[index].append((term, done))
        self.follow()
        engine._SyncObj__transport.begin_anew()
        engine.campaign_now()

    def _not_yet(self) -> tuple[str, ...]:
        engine = self.engine
        assert engine is not None
        applied = engine.raftLastApplied
        if applied < self._log.index:
            return ("the last change of the members is not committed yet",)
        if engine._SyncObj__noopIDx is None or applied < engine._SyncObj__noopIDx:
            # Else a change of an earlier leader could be in force elsewhere (Ongaro, 2015).
            return ("this leader has committed nothing of its term yet",)
        return ()

    def _unsafe(self, wanted: Configuration) -> tuple[str, ...]:
        engine = self.engine
        assert engine is not None
        if self.me not in wanted.voters:
            return (f"{self.me} leads: another must lead before it can go",)
        now, reasons = pysyncobj.syncobj.monotonicTime(), []
        matched = engine._SyncObj__raftMatchIndex
        for name in sorted(set(wanted.voters) - set(self.current.voters)):
            seat, card = wanted.seat(name), self.cards.get(name)
            # A voter that had lost its disk acknowledged nothing after it was made a learner.
            needed = max(self._log.index, engine.raftCommitIndex - CLOSE)
            if matched.get(Node(name), 0) < needed:
                reasons.append(f"{name} has not caught up yet")
            elif seat is None or card is None or not seat.admits(card):
                reasons.append(f"{name} has another store now")
        answered: dict[Node, float] = engine._SyncObj__lastResponseTime
        there = {node.id for node, when in answered.items() if now - when < ANSWERS_S}
        if not wanted.has_majority({*there, self.me}):
            away = ", ".join(sorted(set(wanted.voters) - there - {self.me}))
            reasons.append(f"too few of the voters would be there: {away} do not answer")
        return tuple(reasons)

    def forced(self, address: str) -> Configuration:
        """Return the configuration in which this store goes on alone, in the next generation."""
        seat = self.current.seat(self.me)
        assert seat is not None
        alone = replace(seat, votes=True, address=address or seat.address)
        return Configuration(
            number=self.current.number + 1,
            generation=self.current.generation + 1,
            seats=(alone,),
        )
