"""A world without chance: what happens to it is written down step by step."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.raft_pb2 import RaftMessage
from tests.sim.loop import MS, SECOND
from tests.sim.raft.machine import Request
from tests.sim.raft.plan import Plan
from tests.sim.raft.voter import Voter
from tests.sim.raft.world import World

PATIENCE_S = 10
Holds = Callable[[NodeName, NodeName, RaftMessage], bool]


class Steps(World):
    """What is done to a world step by step. The checkers judge every step, as they do in a seed."""

    _proposed = 0

    def pass_us(self, time_us: int) -> None:
        """Let time pass."""
        self.loop.run_until(self.loop.now_us + time_us)

    def until(self, reached: Callable[[], bool], step_us: int = 10 * MS) -> None:
        """Let time pass until something holds; it must within ten seconds."""
        end_us = self.loop.now_us + PATIENCE_S * SECOND
        while not reached():
            assert self.loop.now_us < end_us, "it does not come to that"
            self.pass_us(step_us)

    @property
    def leader(self) -> Voter:
        """The one that leads, of the newest term if there are two."""
        leading = [voter for voter in self.voters.values() if voter.leads]
        return max(leading, key=lambda voter: voter.engine.raftCurrentTerm if voter.engine else 0)

    @property
    def followers(self) -> list[Voter]:
        """All others."""
        leader = self.leader
        return [voter for voter in self.voters.values() if voter is not leader]

    def propose(self, voter: Voter, *, value: str = "v") -> list[int]:
        """Propose a change there. The list that is returned has one item once it is done."""
        self._proposed += 1
        done: list[int] = []
        change = Request(client="c", sequence=self._proposed, register="r", value=value)

        def told(result: bytes | None, reason: int) -> None:
            if result is not None:
                done.append(self.loop.now_us)

        voter.propose(change.encode(), told)
        return done

    def change(self, voter: Voter, count: int = 1, *, value: str = "v") -> None:
        """Make so many changes there, one after the other."""
        for _ in range(count):
            done = self.propose(voter, value=value)
            self.until(partial(bool, done), 1 * MS)

    def isolate(self, voter: Voter) -> None:
        """Cut a voter off from all others, in both directions."""
        self.disturbed()
        for pair, way in self.network.directions.items():
            way.up = way.up and voter.name not in pair

    def heal(self) -> None:
        """End all cuts."""
        self.disturbed()
        self.network.heal()


class Quiet(Steps):
    """Voters that have elected a leader, and no faults but those that are asked for.

    The checkers judge every step, as they do in a seed.
    """

    def __init__(self, voters: int = 3, *, compact_bytes: int = 6_000) -> None:
        """Start the voters and wait for a leader."""
        super().__init__(Plan(seed=1, voters=voters, compact_bytes=compact_bytes))
        self._holds: Holds = lambda source, target, message: False
        self._held: list[tuple[NodeName, NodeName, bytes]] = []
        random.seed(1)
        for voter in self.voters.values():
            voter.start()
        self._redial()
        self.until(lambda: any(voter.leads for voter in self.voters.values()))
        self.pass_us(SECOND // 2)

    def in_order(self) -> None:
        """Let messages arrive as they were sent, as on a stream."""
        for way in self.network.directions.values():
            way.delay_us = 1

    def hold(self, holds: Holds) -> None:
        """Keep back the messages for which this is true, until `release`."""
        self._holds = holds

    def release(self) -> None:
        """Let arrive what was kept back."""
        self._holds = lambda source, target, message: False
        held, self._held = self._held, []
        for one in held:
            super()._deliver(*one)

    def _deliver(self, source: NodeName, target: NodeName, data: bytes) -> None:
        if self._holds(source, target, RaftMessage.FromString(data)):
            self._held.append((source, target, data))
        else:
            super()._deliver(source, target, data)

    def settled(self) -> bool:
        """Tell whether all voters are up and hold the same."""
        states = {(one.machine.index, one.machine.chain) for one in self.voters.values()}
        return len(states) == 1 and all(voter.is_up for voter in self.voters.values())
