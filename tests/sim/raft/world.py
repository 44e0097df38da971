"""One run of a seed: voters, clients, faults and judges around one virtual clock."""

from __future__ import annotations

import logging
import random
from itertools import combinations

from raftmaker.vocabulary.ids import NodeName
from tests.faults.linearizability import Operation
from tests.sim.checkers import Violation
from tests.sim.loop import MS, SECOND, Loop
from tests.sim.raft.checkers import Checkers
from tests.sim.raft.clients import Client
from tests.sim.raft.membership import Membership
from tests.sim.raft.nemesis import Nemesis
from tests.sim.raft.network import Network
from tests.sim.raft.plan import Plan
from tests.sim.raft.voter import Voter
from tests.sim.trace import Trace

CLIENTS = 3
REDIAL_US = 100 * MS
SETTLE_S = 12


class World:
    """Everything of one seed."""

    def __init__(self, plan: Plan) -> None:
        """Nothing runs before `run`."""
        self.plan = plan
        self.loop = Loop()
        self.trace = Trace(self.loop)
        every = tuple(NodeName(name) for name in "abcdefg"[: plan.voters + plan.spares])
        self.names, self.founders = every, every[: plan.voters]
        self.network = Network(self.loop, plan.seed, self.names)
        self.network.deliver = self._deliver
        self.checkers = Checkers(self)
        self.voters = {name: Voter(name, self) for name in self.names}
        self.membership = Membership(self)
        self.nemesis = Nemesis(self)
        self.disturbed_at_us = 0
        self._random = random.Random(f"{plan.seed} world")
        self._streams: set[tuple[NodeName, NodeName]] = set()
        self._clients: list[Client] = []

    def now_s(self) -> float:
        """Return the clock of the engines."""
        return 1_000 + self.loop.now_us / SECOND

    def soon_us(self) -> int:
        """How long a process takes to see what has come."""
        return self._random.randrange(20, 400)

    def run(self) -> None:
        """Run to the end. Raises `Violation`."""
        # PySyncObj draws its election timeouts from the module's random; its log is the engine's.
        random.seed(self.plan.seed)
        logging.disable(logging.CRITICAL)
        try:
            self._run()
        finally:
            logging.disable(logging.NOTSET)
            for voter in self.voters.values():
                voter.loses_power = False
                if voter.is_up:
                    voter.crash()

    def start(self) -> None:
        """Start the founders' voters, and nothing else."""
        for name in self.founders:
            self.voters[name].start()
        self._redial()

    def _run(self) -> None:
        self.start()
        self._clients = [Client(f"c{number}", self) for number in range(CLIENTS)]
        self.nemesis.begin()
        self.loop.run_until(int(self.plan.seconds * SECOND))
        self.nemesis.end()
        self._settle()
        self.checkers.finish()

    def _settle(self) -> None:
        """All is mended: a leader must come, and every voter must take in everything."""
        self.disturbed()
        known = [client.known for client in self._clients]
        for _ in range(SETTLE_S):
            self.loop.run_until(self.loop.now_us + SECOND)
            served = all(
                client.known > before for client, before in zip(self._clients, known, strict=True)
            )
            if served and all(voter.is_up for voter in self.members()):
                break
        else:
            down = [voter.name for voter in self.members() if not voter.is_up]
            raise Violation("settles", f"clients are not served; down: {down}")
        for client in self._clients:
            client.stop()
        self.loop.run_until(self.loop.now_us + 3 * SECOND)

    def members(self) -> list[Voter]:
        """Return those that take part, as the newest committed configuration has it."""
        return [self.voters[seat.name] for seat in self.membership.committed.seats]

    def disturbed(self) -> None:
        """Something was done to voters or network that may cost a leader."""
        self.disturbed_at_us = self.loop.now_us

    def _deliver(self, source: NodeName, target: NodeName, data: bytes) -> None:
        self.voters[target].receive(source, data)

    def _redial(self) -> None:
        """Set up streams where they can be, and note where they broke."""
        for a, b in combinations(self.names, 2):
            both = self.voters[a].is_up and self.voters[b].is_up
            cut = not self.network.is_up(a, b)
            if (a, b) in self._streams and self._have_parted(a, b):
                self._break(a, b)
            if (a, b) not in self._streams:
                if both and not cut and self._meet(a, b):
                    self._streams.add((a, b))
                    self.voters[a].connected(b, True)
                    self.voters[b].connected(a, True)
            elif not both or (cut and self._random.random() < 0.03):
                self._break(a, b)
        self.loop.after(REDIAL_US, self._redial)

    def _meet(self, a: NodeName, b: NodeName) -> bool:
        one, other = self.voters[a].links, self.voters[b].links
        return one.reaches(other) or other.reaches(one)

    def _have_parted(self, a: NodeName, b: NodeName) -> bool:
        one, other = self.voters[a].links, self.voters[b].links
        parted = b in one.left or a in other.left
        one.left.discard(b)
        other.left.discard(a)
        return parted

    def _break(self, a: NodeName, b: NodeName) -> None:
        self._streams.discard((a, b))
        self.voters[a].connected(b, False)
        self.voters[b].connected(a, False)

    def ended(self, voter: Voter) -> None:
        """A voter's process is gone: its streams end, at once or (power) when somebody notices."""
        self.disturbed()
        for a, b in sorted(self._streams):
            if voter.name in (a, b) and not voter.loses_power:
                self._break(a, b)
        self.nemesis.ended(voter)

    def started(self, voter: Voter) -> None:
        """A voter's process is new: what is left of its old streams is reset."""
        for a, b in sorted(self._streams):
            if voter.name in (a, b):
                self._break(a, b)

    def majority_reaches(self, voter: Voter) -> bool:
        """Tell whether a majority, this voter included, can talk with it both ways."""
        reached = [
            one.name
            for one in self.voters.values()
            if one is voter
            or (
                one.is_up
                and one.paused_until_us <= self.loop.now_us
                and self.network.is_up(voter.name, one.name)
            )
        ]
        return voter.configuration.has_majority(reached)

    def leaderless_is_right(self) -> bool:
        """Tell whether somebody had to be elected: no leader could serve a majority."""
        return not any(
            voter.leads and self.majority_reaches(voter) for voter in self.voters.values()
        )

    def histories(self) -> dict[str, list[Operation]]:
        """Return what all clients wrote down, by register."""
        found: dict[str, list[Operation]] = {}
        for client in self._clients:
            for register, history in client.histories.items():
                found.setdefault(register, []).extend(history)
        return found

    @property
    def operations(self) -> tuple[int, int]:
        """How many operations had a known outcome, and how many had not."""
        return (
            sum(client.known for client in self._clients),
            sum(client.unknown for client in self._clients),
        )
