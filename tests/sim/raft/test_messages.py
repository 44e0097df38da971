"""What a change costs in messages: the others hear of a commit with what comes next, or soon."""

from __future__ import annotations

import random

from cib_store.raft.ticking import TELL_COMMIT_S
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.raft_pb2 import RaftMessage
from tests.sim.loop import MS, SECOND
from tests.sim.raft.machine import Request
from tests.sim.raft.plan import Plan
from tests.sim.raft.voter import Voter
from tests.sim.raft.world import World

CHANGES = 50


class _Quiet(World):
    """Three voters and no faults; counts what tells a follower of entries or of a commit."""

    def __init__(self) -> None:
        super().__init__(Plan(seed=1, compact_bytes=10**9))
        self.appends = 0
        self.network.seen.append(self._see)
        random.seed(1)
        for voter in self.voters.values():
            voter.start()
        self._redial()
        while not any(voter.leads for voter in self.voters.values()):
            self.pass_us(10 * MS)
        self.pass_us(SECOND // 2)

    def _see(self, source: NodeName, target: NodeName, message: RaftMessage) -> None:
        self.appends += message.HasField("append")

    def pass_us(self, time_us: int) -> None:
        self.loop.run_until(self.loop.now_us + time_us)

    @property
    def leader(self) -> Voter:
        return next(voter for voter in self.voters.values() if voter.leads)

    @property
    def followers(self) -> list[Voter]:
        return [voter for voter in self.voters.values() if not voter.leads]

    def changed_at(self, voter: Voter, number: int) -> int:
        """Propose there; return how long until the outcome is known, in us."""
        done: list[int] = []
        change = Request(client=f"at {voter.name}", sequence=number, register="r", value="v")
        voter.propose(change.encode(), lambda *_: done.append(self.loop.now_us))
        began = self.loop.now_us
        while not done:
            self.pass_us(20)
        return done[0] - began


def test_a_commit_goes_with_the_next_entry_where_nobody_waits_for_it() -> None:
    world = _Quiet()
    leader, began, before = world.leader, world.loop.now_us, world.appends
    for number in range(1, CHANGES + 1):
        world.changed_at(leader, number)
    heartbeats = (world.loop.now_us - began) * 12 // SECOND
    assert world.appends - before <= 2 * (CHANGES + heartbeats + 2)


def test_the_others_hear_of_a_last_commit_soon() -> None:
    world = _Quiet()
    world.changed_at(world.leader, 1)
    index = world.leader.machine.index
    world.pass_us(int(TELL_COMMIT_S * SECOND) + 5 * MS)  # far less than a heartbeat's interval
    assert [voter.machine.index for voter in world.followers] == [index, index]


def test_a_follower_that_waits_for_a_commit_is_told_at_once() -> None:
    world = _Quiet()
    follower = world.followers[0]
    took = sorted(world.changed_at(follower, number) for number in range(1, CHANGES + 1))
    # To the leader, to the others' disks and back, and the word of the commit.
    assert took[CHANGES // 2] < 4 * 600 + 2 * 1_400 + 6 * 400
    assert took[-1] < int(TELL_COMMIT_S * SECOND) + 4 * 600 + 2 * 1_400
