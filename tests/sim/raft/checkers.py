"""What must hold after every step, judged from outside the engine: disks, messages, logs, clients.

`Violation.rule` names what was broken.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cib_store.raft.configuration import KIND
from cib_store.raft.configuration import decode as decoded
from cib_store.raft.engine import unpacked
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.raft_pb2 import RaftMessage
from tests.faults.linearizability import is_linearizable
from tests.sim.checkers import Violation
from tests.sim.loop import MS, SECOND
from tests.sim.raft.machine import Request, decode

if TYPE_CHECKING:
    from tests.sim.raft.voter import Voter
    from tests.sim.raft.world import World

STEP_DOWN_US = 1_000 * MS
"""Half a second without answers, one tick, and what was under way."""
UNDISTURBED_US = 3 * SECOND


class Checkers:
    """The judges of one world."""

    def __init__(self, world: World) -> None:
        """Nothing has happened yet."""
        self._world = world
        self.checks = 0
        self._leaders: dict[int, NodeName] = {}
        self._votes: dict[tuple[NodeName, int], NodeName] = {}
        self._chosen: dict[int, tuple[int, bytes]] = {}
        self._chain: dict[int, str] = {}
        self._carried_out: set[tuple[str, int]] = set()
        self._acknowledged: set[tuple[str, int]] = set()
        self._never: set[tuple[str, int]] = set()
        self.snapshots = 0
        """How many snapshots a voter has sent another whole."""
        self._committed: dict[tuple[NodeName, int], int] = {}
        self._alone_since_us: dict[NodeName, int] = {}
        self._highest_term = 0
        world.network.seen.append(self._sent)

    def _fail(self, rule: str, what: str) -> None:
        self._world.trace("VIOLATION", f"{rule}: {what}")
        raise Violation(rule, what)

    def _check(self, holds: bool, rule: str, what: str) -> None:
        self.checks += 1
        if not holds:
            self._fail(rule, what)

    # Called by the world.

    def _sent(self, source: NodeName, target: NodeName, message: RaftMessage) -> None:
        if message.HasField("request_vote"):
            self._voted(source, message.request_vote.term, source)
        elif message.HasField("vote"):
            self._voted(source, message.vote.term, target)
        elif message.HasField("snapshot_part") and message.snapshot_part.last:
            self.snapshots += 1

    def _voted(self, voter: NodeName, term: int, candidate: NodeName) -> None:
        before = self._votes.setdefault((voter, term), candidate)
        what = f"{voter} voted for {before} and {candidate} in term {term}"
        self._check(before == candidate, "one-vote", what)

    def applied(self, voter: Voter, index: int) -> None:
        """A voter has applied an entry."""
        first = index not in self._chain
        chain = voter.machine.chain
        before = self._chain.setdefault(index, chain)
        self._check(before == chain, "same-state", f"{voter.name} differs at entry {index}")
        key = voter.machine.carried_out
        if key is None or not first:
            return
        what = f"{key} was certainly not proposed, and is done"
        self._check(key not in self._never, "not-proposed", what)
        self._check(key not in self._carried_out, "exactly-once", f"{key} was done twice")
        self._carried_out.add(key)

    def never_proposed(self, request: Request) -> None:
        """Every attempt was answered with: certainly not proposed."""
        key = (request.client, request.sequence)
        what = f"{key} was certainly not proposed, and is done"
        self._check(key not in self._carried_out, "not-proposed", what)
        self._never.add(key)

    def acknowledged(self, voter: Voter, request: Request) -> None:
        """A client was told that its change is done."""
        index = voter.machine.index
        chosen = self._chosen_at(voter, index)
        self._acknowledged.add((request.client, request.sequence))
        holders = [
            one.name for one in self._world.voters.values() if one.holds_safely(index, chosen)
        ]
        assert voter.engine is not None
        # In force from when it is written: the leader may have counted by one that came later.
        seats = voter.engine.seats
        enough = any(one.has_majority(holders) for one in (seats.at(index), seats.current))
        what = f"entry {index} was acknowledged by {voter.name} and is safe only on {holders}"
        self._check(enough, "durable-majority", what)

    def _chosen_at(self, voter: Voter, index: int) -> int:
        assert voter.engine is not None
        self._learn(voter, index)
        return self._chosen[index][0]

    def ended(self, voter: Voter, error: OSError) -> None:
        """An engine has given up; right only when its disk has failed."""
        what = f"the engine of {voter.name} ended: {error!r}"
        self._check(voter.files.has_failed, "ended", what)

    def refused(self, voter: Voter, error: Rejected) -> None:
        """A voter does not start; right only when its files were damaged."""
        self._check(voter.is_damaged, "starts", f"{voter.name} refuses to start: {error}")

    def undetected(self, voter: Voter, path: Path) -> None:
        """A voter came up with a damaged file; harmless only where nothing of it was needed."""
        self._world.trace(voter.name, f"did not see that {path} is damaged")

    def ticked(self, voter: Voter) -> None:
        """A voter's engine has done a step."""
        engine = voter.engine
        assert engine is not None
        if engine.raftCommitIndex > self._committed.get((voter.name, voter.starts), 0):
            self._learn(voter, engine.raftCommitIndex)
            safe = voter.safe_index()
            if engine.raftCommitIndex > max(safe, 1):
                # A snapshot that was sent whole is on disk before the journal begins after it.
                safe = max(safe, voter.safe_in_snapshot())
            what = f"{voter.name} commits {engine.raftCommitIndex}, on disk is {safe}"
            # The first entry is the same everywhere and always.
            self._check(engine.raftCommitIndex <= max(safe, 1), "commit-on-disk", what)
        if voter.leads:
            self._leads(voter, engine.raftCurrentTerm)
        self._alone(voter)
        if engine.raftCurrentTerm > self._highest_term:
            self._term_rose(voter, engine.raftCurrentTerm)

    def _learn(self, voter: Voter, commit: int) -> None:
        """Compare what a voter holds as committed with what anybody ever did."""
        assert voter.engine is not None
        journal = voter.engine.journal
        key = (voter.name, voter.starts)
        first = journal[0]
        assert isinstance(first, tuple)
        begin = max(self._committed.get(key, 0) + 1, first[1])
        for index in range(begin, commit + 1):
            entry = journal[index - first[1]]
            assert isinstance(entry, tuple)
            chosen = self._chosen.setdefault(index, (entry[2], entry[0]))
            if entry[0][0] == KIND:
                self._world.membership.learn(decoded(entry[0][1:])[0])
            what = f"{voter.name} has another entry {index} than was committed (term {chosen[0]})"
            self._check(chosen == (entry[2], entry[0]), "log-matching", what)
        self._committed[key] = max(self._committed.get(key, 0), commit)

    def _leads(self, voter: Voter, term: int) -> None:
        if term in self._leaders:
            first = self._leaders[term]
            what = f"{first} and {voter.name} lead in term {term}"
            self._check(first == voter.name, "one-leader", what)
            return
        self._leaders[term] = voter.name
        self._world.trace(voter.name, f"leads in term {term}")
        assert voter.engine is not None
        journal = voter.engine.journal
        first_held = journal[0]
        assert isinstance(first_held, tuple)
        for index, (chosen_term, _) in self._chosen.items():
            if index >= first_held[1]:
                what = f"{voter.name} leads in term {term} without entry {index}"
                holds = journal.term_at(index) == chosen_term
                self._check(holds, "leader-completeness", what)

    def _alone(self, voter: Voter) -> None:
        """A leader that no majority answers must not go on leading."""
        now_us = self._world.loop.now_us
        if not voter.leads or self._world.majority_reaches(voter):
            self._alone_since_us.pop(voter.name, None)
            return
        since_us = self._alone_since_us.setdefault(voter.name, now_us)
        paused = voter.paused_until_us > since_us
        what = f"{voter.name} leads for {(now_us - since_us) // MS} ms without a majority"
        self._check(now_us - since_us <= STEP_DOWN_US or paused, "steps-down", what)

    def _term_rose(self, voter: Voter, term: int) -> None:
        self._highest_term = term
        now_us = self._world.loop.now_us
        if now_us - self._world.disturbed_at_us < UNDISTURBED_US:
            return
        what = f"{voter.name} begins term {term} though nothing has changed for 3 s"
        self._check(self._world.leaderless_is_right(), "undisturbed", what)

    def finish(self) -> None:
        """After the faults: all are the same, and every history has an order."""
        held = {voter.name: voter.machine for voter in self._world.members()}
        states = {(machine.index, machine.chain) for machine in held.values()}
        self._check(len(states) == 1, "settles", f"the voters differ: {states}")
        requests = {
            (request.client, request.sequence)
            for _, command in self._chosen.values()
            for request in _requests(command)
        }
        lost = self._acknowledged - requests
        self._check(not lost, "acknowledged", f"acknowledged, and in no log: {sorted(lost)}")
        for register, history in self._world.histories().items():
            what = f"register {register}: {sorted(history, key=lambda one: one.began)}"
            self._check(is_linearizable(history), "linearizable", what)

    @property
    def elections(self) -> int:
        """How many terms had a leader."""
        return len(self._leaders)

    @property
    def acknowledged_count(self) -> int:
        """How many changes clients were told of."""
        return len(self._acknowledged)


def _requests(command: bytes) -> list[Request]:
    if command[:1] != b"\x00":
        return []
    return [decode(entry) for entry in unpacked(command[1:]) if entry]
