"""A model of the replicated log: what a correct Raft lets happen, without its timers and votes.

Real are: terms, one log a replica, conflicts cut at append, commit by a majority of the leader's
own term, the election restriction. Abstract are: who campaigns when (`elections.py` decides by
what can reach what), votes (granted at one moment) and fsync (what a replica holds survives its
crash). So entries are proposed twice, late, to old leaders, lost with them or committed by the
next one, and the proposer may never learn which. `apply` runs once an index, however many
replicas there are: states are immutable and shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from msgspec import Struct, field

from cib_store.apply import Outcome, State
from raftmaker.vocabulary.commands import Body, Command
from raftmaker.vocabulary.ids import NodeName, Term
from tests.sim.loop import MS, SECOND, Loop
from tests.sim.machine import Process
from tests.sim.network import Network
from tests.sim.trace import Trace

Done = Callable[[Outcome | None], None]
"""Gets the outcome, or None when the fate of the proposal is unknown."""
RESEND_MS = 120
PROPOSAL_TIMEOUT_MS = 4_000


class Entry(Struct, eq=False):
    """One entry; its identity is the object."""

    term: int
    command: Command | None
    """None: the empty entry that begins a term."""


class Applied(Struct, frozen=True):
    """The state after an index, the same for every replica."""

    index: int
    command: Command | None
    state: State
    outcome: Outcome | None


class Replica(Struct, eq=False):
    """One voter's log. `log`, `term` survive a crash, the rest does not."""

    process: Process
    log: list[Entry] = field(default_factory=list)
    term: int = 0
    commit: int = 0
    applied: int = 0
    leads: bool = False
    leader: NodeName | None = None
    known: dict[NodeName, int] = field(default_factory=dict)
    """The leader's view: how many entries each other holds."""
    busy: set[NodeName] = field(default_factory=set)
    waiting: dict[Entry, Done] = field(default_factory=dict)
    on_applied: Callable[[Applied], None] = lambda applied: None
    on_leadership: Callable[[Term, bool], None] = lambda term, leads: None

    @property
    def name(self) -> NodeName:
        """The node."""
        return self.process.machine.name

    def unapplied(self) -> list[Entry]:
        """Return what it holds and has not applied, committed or not."""
        return self.log[self.applied :]

    @property
    def position(self) -> tuple[int, int]:
        """How far its log is, as elections compare it."""
        return (self.log[-1].term if self.log else 0, len(self.log))


class LogModel:
    """All replicas of one log."""

    def __init__(
        self,
        *,
        loop: Loop,
        network: Network,
        random: Random,
        trace: Trace,
        initial: State,
        apply: Callable[[State, int, Command], tuple[State, Outcome]],
    ) -> None:
        self._loop = loop
        self._network = network
        self._random = random
        self._trace = trace
        self._apply = apply
        self.replicas: dict[NodeName, Replica] = {}
        self.applied: list[Applied] = [Applied(0, None, initial, None)]
        self.entries: list[Entry] = []
        """The entries behind `applied[1:]`: committed, so never another one in their place."""
        self.before_apply: list[Callable[[State, Command], None]] = []
        self.after_apply: list[Callable[[Applied, Applied], None]] = []
        self.lost_proposals = 0
        self._committer: Replica | None = None

    @property
    def majority(self) -> int:
        """How many make a majority."""
        return len(self.replicas) // 2 + 1

    @property
    def newest(self) -> Applied:
        """The newest state that any replica has applied."""
        return self.applied[-1]

    @property
    def committing_term(self) -> int:
        """The term of whoever commits the entry that is being applied for the first time."""
        return self._committer.term if self._committer is not None else 0

    def behind(self, index: int) -> Iterator[Body]:
        """Yield what its log holds behind an entry, for `after_apply` to look at."""
        for entry in self._committer.log[index:] if self._committer is not None else ():
            if entry.command is not None:
                yield entry.command.body

    def add(self, process: Process) -> Replica:
        """Add a voter."""
        replica = Replica(process=process)
        self.replicas[replica.name] = replica
        return replica

    # -- life of a replica ------------------------------------------------------------

    def crashed(self, replica: Replica) -> None:
        """Its process ended; log and term are on disk. The commit index is found again later."""
        replica.leads, replica.leader = False, None
        replica.waiting.clear()
        replica.busy.clear()
        back = self._random.choice((0, 0, 3, 20))
        replica.commit = replica.applied = max(0, replica.applied - back)

    def lead(self, replica: Replica, term: int) -> None:
        """Make it the leader of a new term; the caller made sure of a majority's votes."""
        replica.term = term
        replica.leads, replica.leader = True, replica.name
        replica.known = dict.fromkeys(self.replicas, 0)
        replica.busy = set()
        self._trace(replica.process.label, f"leads term {term}, log {len(replica.log)}")
        replica.log.append(Entry(term, None))
        replica.on_leadership(Term(term), True)
        self.pump(replica)

    def step_down(self, replica: Replica, term: int | None = None) -> None:
        """Stop leading; what it has not committed has an unknown fate for its proposers."""
        if term is not None:
            replica.term = max(replica.term, term)
        if not replica.leads:
            return
        replica.leads, replica.leader = False, None
        self._trace(replica.process.label, f"leads no more (term {replica.term})")
        waiting, replica.waiting = replica.waiting, {}
        for done in waiting.values():
            done(None)
        replica.on_leadership(Term(replica.term), False)

    # -- proposals ------------------------------------------------------------

    def propose(self, name: NodeName, command: Command, done: Done) -> None:
        """Propose at a replica; one that does not lead forwards to the leader it knows."""
        replica = self.replicas[name]
        if replica.leads:
            self._append(replica, command, done)
            return
        leader = replica.leader
        if leader is None or leader == name:
            done(None)
            return
        self._forward(replica, self.replicas[leader], command, done)

    def _append(self, replica: Replica, command: Command, done: Done) -> None:
        entry = Entry(replica.term, command)
        replica.log.append(entry)
        replica.waiting[entry] = done

        def expire() -> None:
            if replica.waiting.pop(entry, None) is not None:
                self.lost_proposals += 1
                replica.process.take(lambda: done(None))

        self._loop.after(PROPOSAL_TIMEOUT_MS * MS, expire)
        self.pump(replica)

    def _forward(self, replica: Replica, target: Replica, command: Command, done: Done) -> None:
        open_call = True
        incarnation = replica.process.incarnation

        def answer(outcome: Outcome | None) -> None:
            nonlocal open_call
            if open_call and replica.process.incarnation == incarnation:
                open_call = False
                replica.process.take(lambda: done(outcome))

        def take() -> None:
            # It may have lost its lead meanwhile, and forwards no second time.
            if target.leads:
                self._append(target, command, back)
            else:
                back(None)

        def back(outcome: Outcome | None) -> None:
            self._network.send(target.name, replica.name, lambda: answer(outcome))

        def send() -> None:
            self._network.send(replica.name, target.name, lambda: target.process.take(take))

        if self._random.random() < 0.03:
            # A queued command that runs late, long after its proposer gave up.
            self._loop.after(self._random.randrange(100 * MS, 8 * SECOND), send)
        else:
            send()
        self._loop.after(PROPOSAL_TIMEOUT_MS * MS, lambda: answer(None))

    # -- replication ------------------------------------------------------------

    def pump(self, leader: Replica) -> None:
        """Send every other what it lacks, one message at a time each."""
        if len(self.replicas) == 1:
            self._commit_leader(leader)
        for name in self.replicas:
            if name != leader.name and name not in leader.busy:
                self._send(leader, self.replicas[name])

    def _send(self, leader: Replica, target: Replica) -> None:
        if not leader.leads or not leader.process.runs:
            return
        term, count, commit = leader.term, len(leader.log), leader.commit
        log = leader.log
        leader.busy.add(target.name)
        answered = False
        incarnation = leader.process.incarnation

        def acknowledge(other_term: int, ok: bool) -> None:
            nonlocal answered
            if leader.process.incarnation != incarnation or leader.term != term or answered:
                if other_term > leader.term:
                    self.step_down(leader, other_term)
                return
            answered = True
            timer.cancel()
            leader.busy.discard(target.name)
            if other_term > term:
                self.step_down(leader, other_term)
                return
            if ok and leader.leads:
                leader.known[target.name] = max(leader.known[target.name], count)
                self._commit_leader(leader)
                if len(leader.log) > count or leader.commit > commit:
                    self._send(leader, target)

        def arrive() -> None:
            ok = self._receive(target, leader.name, term, log, count, commit)
            reached = target.term
            self._network.send(
                target.name,
                leader.name,
                lambda: leader.process.take(lambda: acknowledge(reached, ok)),
            )

        def resend() -> None:
            nonlocal answered
            if answered or leader.process.incarnation != incarnation or leader.term != term:
                return
            answered = True
            leader.busy.discard(target.name)
            leader.process.take(lambda: self._send(leader, target))

        self._network.send(leader.name, target.name, lambda: target.process.take(arrive))
        timer = self._loop.after(RESEND_MS * MS, resend)

    def _receive(
        self,
        replica: Replica,
        leader: NodeName,
        term: int,
        log: list[Entry],
        count: int,
        commit: int,
    ) -> bool:
        """Take over the first `count` entries of the leader's log, whose term it is."""
        if term < replica.term:
            return False
        if replica.leads:
            if term == replica.term:
                raise AssertionError("two leaders of one term: the model itself is wrong")
            self.step_down(replica, term)
        if replica.term != term or replica.leader != leader:
            replica.term, replica.leader = term, leader
            replica.on_leadership(Term(term), False)
        mine = replica.log
        start = min(len(mine), count)
        while start > replica.commit and mine[start - 1] is not log[start - 1]:
            start -= 1
        if start < min(len(mine), count):
            # A new list: messages under way still refer to the old one.
            mine = replica.log = mine[:start]
        if len(mine) < count:
            mine.extend(log[len(mine) : count])
        self._commit(replica, min(commit, count))
        return True

    def _commit_leader(self, leader: Replica) -> None:
        held = sorted(
            (
                len(leader.log) if name == leader.name else leader.known[name]
                for name in self.replicas
            ),
            reverse=True,
        )
        reach = held[self.majority - 1]
        if reach > leader.commit and leader.log[reach - 1].term == leader.term:
            self._commit(leader, reach)
            self.pump(leader)

    def _commit(self, replica: Replica, commit: int) -> None:
        replica.commit = max(replica.commit, commit)
        self._committer = replica
        while replica.applied < replica.commit:
            index = replica.applied + 1
            entry = replica.log[index - 1]
            applied = self._applied(index, entry)
            replica.applied = index
            done = replica.waiting.pop(entry, None)
            replica.on_applied(applied)
            if done is not None:
                done(applied.outcome)

    def _applied(self, index: int, entry: Entry) -> Applied:
        if index < len(self.applied):
            assert self.entries[index - 1] is entry, "the model committed two entries at one index"
            return self.applied[index]
        assert index == len(self.applied)
        before = self.applied[-1]
        if entry.command is None:
            after = Applied(index, None, before.state, None)
        else:
            for check in self.before_apply:
                check(before.state, entry.command)
            state, outcome = self._apply(before.state, index, entry.command)
            after = Applied(index, entry.command, state, outcome)
        self.applied.append(after)
        self.entries.append(entry)
        for hook in self.after_apply:
            hook(before, after)
        return after
