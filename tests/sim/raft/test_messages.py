"""What a change costs in messages, and in which order: what others wait for goes first."""

from __future__ import annotations

from cib_store.raft.ticking import ACKNOWLEDGE_FIRST_S, TELL_COMMIT_S
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.raft_pb2 import RaftMessage
from tests.sim.loop import MS, SECOND
from tests.sim.raft.quiet import Quiet
from tests.sim.raft.voter import Voter

CHANGES = 50


class _Counted(Quiet):
    """Counts what tells a follower of entries or of a commit; snapshots do not come between."""

    def __init__(self) -> None:
        super().__init__(compact_bytes=10**9)
        self.appends = 0
        self.network.seen.append(self._see)

    def _see(self, source: NodeName, target: NodeName, message: RaftMessage) -> None:
        self.appends += message.HasField("append")

    def changed_at(self, voter: Voter) -> int:
        """Propose there; return how long until the outcome is known, in us."""
        began, done = self.loop.now_us, self.propose(voter)
        self.until(lambda: bool(done), 20)
        return done[0] - began


def test_a_commit_goes_with_the_next_entry_where_nobody_waits_for_it() -> None:
    world = _Counted()
    leader, began, before = world.leader, world.loop.now_us, world.appends
    for _ in range(CHANGES):
        world.changed_at(leader)
    heartbeats = (world.loop.now_us - began) * 12 // SECOND
    assert world.appends - before <= 2 * (CHANGES + heartbeats + 2)


def test_the_others_hear_of_a_last_commit_soon() -> None:
    world = _Counted()
    world.changed_at(world.leader)
    index = world.leader.machine.index
    world.pass_us(int(TELL_COMMIT_S * SECOND) + 5 * MS)  # far less than a heartbeat's interval
    assert [voter.machine.index for voter in world.followers] == [index, index]


def test_a_follower_that_waits_for_a_commit_is_told_at_once() -> None:
    world = _Counted()
    follower = world.followers[0]
    took = sorted(world.changed_at(follower) for _ in range(CHANGES))
    # To the leader, to the others' disks and back, and the word of the commit.
    assert took[CHANGES // 2] < 4 * 600 + 2 * 1_400 + 6 * 400
    assert took[-1] < int(TELL_COMMIT_S * SECOND) + 4 * 600 + 2 * 1_400


def test_a_follower_acknowledges_before_it_applies() -> None:
    """A commit comes with the next entry: the leader waits for the one, nobody for the other."""
    world = _Counted()
    applied_at: list[tuple[int, int]] = []

    def see(source: NodeName, target: NodeName, message: RaftMessage) -> None:
        engine = world.voters[source].engine
        if message.HasField("progress") and engine is not None:
            applied_at.append((message.progress.next_index - 1, engine.raftLastApplied))

    leader = world.leader
    world.changed_at(leader)
    world.network.seen.append(see)
    for _ in range(CHANGES):
        world.changed_at(leader)
    early = [entry for entry, applied in applied_at if applied < entry - 1]
    assert len(set(early)) >= CHANGES - 5  # of a few the commit was told before, by a heartbeat


def test_a_follower_with_a_slow_disk_applies_nevertheless() -> None:
    world = _Counted()
    leader, slow = world.leader, world.followers[0]
    world.in_order()
    world.changed_at(leader)
    slow.sync_us = 10 * SECOND
    before, began = slow.machine.index, world.loop.now_us
    while world.loop.now_us < began + 4 * int(ACKNOWLEDGE_FIRST_S * SECOND):
        world.changed_at(leader)  # by the other one's acknowledgement
    assert slow.machine.index > before + 1
