"""A model of the replicated log: what a correct Raft lets happen, without its timers and votes.

Real are: terms, one log a replica, conflicts cut at append, commit by a majority of the leader's
own term, the election restriction. Abstract are: who campaigns when (`elections.py` decides by
what can reach what), votes (granted at one moment) and fsync (what a replica holds survives its
crash). So entries are proposed twice, late, to old leaders, lost with them or committed by the
next one, and the proposer may never learn which. `apply` runs once an index, however many
replicas there are: states are immutable and shared.

Who votes is in the log too. Of two voters one may go on alone in the next generation; the store of
an older one, which meets it, is set aside and filled anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from msgspec import Struct, field

from cib_store.apply import Outcome, State
from cib_store.raft.configuration import Card, Configuration, must_agree
from raftmaker.vocabulary.commands import Body, Command
from raftmaker.vocabulary.ids import NodeName, Term
from raftmaker.vocabulary.membership import LogPlace
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
    configuration: Configuration | None = None
    """Who takes part from here on; None: the same."""


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
    founder: bool = True
    store_id: str = ""
    """Which store is on its disk; another one once it was set aside."""
    configurations: list[tuple[int, Configuration]] = field(default_factory=list)
    """Those in its log, with their indices; the first is that of before."""
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

    @property
    def current(self) -> Configuration:
        """Who takes part: the newest in its log, committed or not."""
        return self.configurations[-1][1]

    @property
    def card(self) -> Card:
        """What its store says of itself."""
        return Card(
            store_id=self.store_id,
            founder=self.founder,
            generation=self.current.generation,
            number=self.current.number,
        )

    @property
    def may_lead(self) -> bool:
        """Whether it has a vote, and its store is the one that counts."""
        seat = self.current.seat(self.name)
        return seat is not None and seat.votes and seat.admits(self.card)

    def counts(self, other: Replica) -> bool:
        """Whether the other one's vote is that of the store that was admitted."""
        seat = self.current.seat(other.name)
        return seat is not None and seat.votes and seat.admits(other.card)

    def hears(self, other: Replica) -> bool:
        """Whether both are of one generation, or one of them has nothing yet."""
        cards = self.card, other.card
        return any(one.is_blank for one in cards) or cards[0].generation == cards[1].generation

    def since(self, index: int) -> tuple[Configuration, ...]:
        """Return who took part after an entry, and everything that followed it in the log."""
        before = [one for at, one in self.configurations if at <= index]
        return (before[-1], *(one for at, one in self.configurations if at > index))

    def follow(self, kept: int) -> None:
        """Go by the log again, of which the first `kept` entries are as they were."""
        self.configurations = [one for one in self.configurations if one[0] <= kept]
        for index in range(kept, len(self.log)):
            configuration = self.log[index].configuration
            if configuration is not None:
                self.configurations.append((index + 1, configuration))

    @property
    def place(self) -> LogPlace:
        """Where its log stands."""
        current = self.current
        return LogPlace(
            term=self.term,
            last_index=len(self.log),
            generation=current.generation,
            number=current.number,
        )

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
        seed: Configuration,
        apply: Callable[[State, int, Command], tuple[State, Outcome]],
    ) -> None:
        self._loop = loop
        self._network = network
        self._random = random
        self._trace = trace
        self._apply = apply
        self._seed = seed
        self.replicas: dict[NodeName, Replica] = {}
        self.applied: list[Applied] = [Applied(0, None, initial, None)]
        self.entries: list[Entry] = []
        """The entries behind `applied[1:]`: committed, so never another one in their place."""
        self.before_apply: list[Callable[[State, Command], None]] = []
        self.after_apply: list[Callable[[Applied, Applied], None]] = []
        self.on_two_histories: Callable[[int], None] = _two_histories
        """Told of an index at which two entries were committed; raises."""
        self.lost_proposals = 0
        self._committer: Replica | None = None

    @property
    def majority(self) -> int:
        """How many make a majority, as whoever commits counts."""
        return (self._committer.current if self._committer is not None else self._seed).majority

    @property
    def voters(self) -> tuple[NodeName, ...]:
        """Who votes, as whoever commits sees it."""
        return (self._committer.current if self._committer is not None else self._seed).voters

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
        store_id = f"{process.machine.name}/0"
        replica = Replica(process=process, store_id=store_id, configurations=[(0, self._seed)])
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

    def set_aside(self, replica: Replica) -> None:
        """Its generation is over: its disk has a new, empty store from now on."""
        replica.log, replica.term, replica.commit, replica.applied = [], 0, 0, 0
        replica.founder, replica.store_id = False, f"{replica.name}/{self._loop.now_us}"
        replica.configurations = [(0, Configuration(number=0, generation=0))]
        for other in self.replicas.values():
            other.known[replica.name] = 0

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

    def reconfigure(
        self, replica: Replica, wanted: Configuration, command: Command, done: Done
    ) -> None:
        """Write who takes part into a leader's log."""
        self._append(replica, command, done, wanted)

    def go_alone(
        self, replica: Replica, wanted: Configuration, command: Command, done: Done
    ) -> None:
        """Begin the next generation, of which this replica is the only voter."""
        replica.term += 1
        self._append(replica, command, done, wanted)

    def _append(
        self,
        replica: Replica,
        command: Command,
        done: Done,
        configuration: Configuration | None = None,
    ) -> None:
        entry = Entry(replica.term, command, configuration)
        replica.log.append(entry)
        replica.follow(len(replica.log) - 1)
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
        if not leader.leads:
            return
        if len(leader.current.voters) == 1:
            self._commit_leader(leader)
        for name in self.replicas:
            if name != leader.name and name not in leader.busy:
                self._send(leader, self.replicas[name])

    def _send(self, leader: Replica, target: Replica) -> None:
        if not leader.leads or not leader.process.runs:
            return
        if not leader.hears(target):
            return  # one of the two is set aside; it is sent to when it is met again
        term, count, commit = leader.term, len(leader.log), leader.commit
        store_id = target.store_id
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
            if ok and leader.leads and target.store_id == store_id:
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
        if term < replica.term or not self.replicas[leader].hears(replica):
            return False
        if replica.leads:
            if term == replica.term:
                raise AssertionError("two leaders of one term: the model itself is wrong")
            self.step_down(replica, term)
        if replica.term != term or replica.leader != leader:
            replica.term, replica.leader = term, leader
            replica.on_leadership(Term(term), False)
        mine, held = replica.log, len(replica.log)
        start = min(len(mine), count)
        while start > replica.commit and mine[start - 1] is not log[start - 1]:
            start -= 1
        if start < min(len(mine), count):
            # A new list: messages under way still refer to the old one.
            mine = replica.log = mine[:start]
        if len(mine) < count:
            mine.extend(log[len(mine) : count])
        if start < held or len(mine) > held:
            replica.follow(min(start, held))
        self._commit(replica, min(commit, count))
        return True

    def _commit_leader(self, leader: Replica) -> None:
        current = leader.current
        held = sorted(
            (
                len(leader.log) if name == leader.name else leader.known[name]
                for name in current.voters
            ),
            reverse=True,
        )
        reach = held[current.majority - 1]
        index = leader.configurations[-1][0]
        if index > leader.commit:
            other = must_agree(leader.since(index - 1)[0], current)
            reach = reach if other is None else min(reach, leader.known[other])
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
            if self.entries[index - 1] is not entry:
                self.on_two_histories(index)
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


def _two_histories(index: int) -> None:
    raise AssertionError(f"the model committed two entries at index {index}")
