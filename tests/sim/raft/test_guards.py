"""Guards that no seed finds out, each in the situation in which something breaks without it.

The checkers judge every step here too: most of these end with a violation when the guard is off.
"""

from __future__ import annotations

import errno

import pytest

from cib_store.raft import snapshot as snapshots
from cib_store.raft import ticking
from cib_store.raft.snapshot import Snapshot
from cib_store.raft.snapshot_store import SnapshotStore
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.raft_pb2 import RaftMessage, RaftProgress, RaftSnapshotPart
from tests.sim.loop import MS, SECOND
from tests.sim.raft.machine import Machine
from tests.sim.raft.quiet import Quiet
from tests.sim.raft.voter import SNAPSHOT, Voter


def _engine_index(voter: Voter) -> tuple[int, int]:
    """Return the last entry that a voter holds, and the last one that it has committed."""
    assert voter.engine is not None
    return voter.engine.journal.last_index, voter.engine.raftCommitIndex


def _left_behind(world: Quiet, *, tail: int, others: int) -> tuple[Voter, Voter]:
    """Cut a leader off with so many entries of its own; return it, and who leads after it."""
    old = world.leader
    world.change(old, 3)
    world.isolate(old)
    for _ in range(tail):
        world.propose(old)
    world.until(lambda: any(one.leads for one in world.voters.values() if one is not old))
    new = next(one for one in world.voters.values() if one.leads and one is not old)
    world.change(new, others, value="x" * 100)
    return old, new


def test_a_leader_with_a_full_disk_leaves_it_to_another() -> None:
    """It would go on being heard, and no change could be made."""
    world = Quiet()
    stuck = world.leader
    stuck.files.fails = lambda call: errno.ENOSPC if call in ("write", "create") else None
    world.propose(stuck)
    world.pass_us(1 * SECOND)
    assert not stuck.leads
    world.change(world.leader)


def test_a_snapshot_that_arrives_commits_nothing_that_is_held() -> None:
    """The tail of a leader that was cut off is not what the others have committed since (6)."""
    world = Quiet()
    old, new = _left_behind(world, tail=20, others=100)
    last, committed = _engine_index(old)
    assert committed < last < _engine_index(new)[1]
    sent: list[RaftMessage] = []
    world.network.seen.append(
        lambda source, target, message: (
            sent.append(message) if message.HasField("snapshot_part") else None
        )
    )
    world.hold(lambda source, target, message: message.snapshot_part.last)
    world.heal()
    world.until(lambda: len(sent) > 1)
    world.pass_us(5 * MS)
    assert _engine_index(old)[1] == committed
    world.release()
    world.until(world.settled)


def test_after_a_snapshot_only_what_is_inside_is_acknowledged() -> None:
    """What the journal holds beyond may be in conflict with what the leader has (6)."""
    world = Quiet(compact_bytes=10**9)
    leader, (follower, other) = world.leader, world.followers
    world.change(leader, 3)
    world.network.directions[leader.name, other.name].up = False
    world.network.directions[follower.name, leader.name].up = False
    for _ in range(5):
        world.propose(leader)
        world.pass_us(20 * MS)
    last, committed = _engine_index(follower)
    assert last >= committed + 5
    world.isolate(follower)
    engine = follower.engine
    assert engine is not None
    before, inside = engine.journal.batch_from(committed, 10**6)[1:3]
    state = follower.machine.snapshot()()
    content = snapshots.encode(Snapshot(before=before, last=inside, state=state))
    term = engine.raftCurrentTerm + 1
    claims: list[int] = []

    def see(source: NodeName, target: NodeName, message: RaftMessage) -> None:
        if source == follower.name and message.progress.success:
            claims.append(message.progress.next_index - 1)

    world.network.seen.append(see)
    for part in (
        RaftSnapshotPart(term=term, commit_index=inside[1], data=content, first=True, last=False),
        RaftSnapshotPart(term=term, commit_index=inside[1], data=b"", first=False, last=True),
    ):
        message = RaftMessage(sent_term=term, snapshot_part=part)
        follower.receive(other.name, message.SerializeToString())
    world.pass_us(50 * MS)
    assert snapshots.decode(follower.files.read(SNAPSHOT), SNAPSHOT).index == inside[1]
    assert engine.journal.last_index == last  # it was kept
    assert claims
    assert max(claims) <= inside[1]


def test_an_acknowledgement_of_an_older_term_does_not_count() -> None:
    """What was held then may have given way to another leader's entries (7)."""
    world = Quiet()
    leader, (follower, _) = world.leader, world.followers
    world.change(leader, 3)
    assert leader.engine is not None
    earlier = leader.engine.raftCurrentTerm - 1
    world.isolate(leader)
    done = world.propose(leader)
    world.pass_us(20 * MS)
    claim = RaftProgress(next_index=_engine_index(leader)[0] + 1, success=True)
    message = RaftMessage(sent_term=earlier, progress=claim)
    leader.receive(follower.name, message.SerializeToString())
    world.pass_us(20 * MS)
    assert not done, "committed by its leader alone"


def test_a_vote_that_arrives_twice_counts_once() -> None:
    """Else two of five voters make a leader, beside that of the other three (7)."""
    world = Quiet(voters=5)
    old = world.leader
    small: list[NodeName] = []

    def cut(source: NodeName, target: NodeName, message: RaftMessage) -> None:
        """Leave the first candidate alone with one voter."""
        if message.HasField("request_vote") and not small:
            second = next(name for name in world.names if name not in (source, old.name))
            small.extend((source, second))
            for pair, way in world.network.directions.items():
                way.up = (pair[0] in small) == (pair[1] in small)
                way.doubles = 1.0

    world.network.seen.append(cut)
    assert old.engine is not None
    old.engine.abstain()
    world.until(lambda: bool(small))
    world.until(lambda: any(one.leads for one in world.voters.values()))
    assert world.leader.name not in small
    world.heal()
    world.until(world.settled)


@pytest.mark.parametrize("bytes_of_a_batch", [20, 200])
def test_catching_up_does_not_stand_still_with_a_tail_in_conflict(
    bytes_of_a_batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several batches under way the later ones are refused for what the first lacked (8)."""
    monkeypatch.setattr(ticking, "BATCH_BYTES", bytes_of_a_batch)
    world = Quiet(compact_bytes=10**9)
    _left_behind(world, tail=20, others=100)
    world.heal()
    world.in_order()
    healed_us = world.loop.now_us
    world.until(world.settled)
    # Not one entry back with each sign of life.
    assert world.loop.now_us - healed_us < 500 * MS


def test_a_snapshot_that_is_still_being_written_is_asked_for_once_a_period(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was asked for all of the time until it was there, and nothing else was done (42290)."""
    world = Quiet()
    _left_behind(world, tail=0, others=100)
    asked: list[int] = []

    def not_yet(self: SnapshotStore, peer: object) -> None:
        asked.append(world.loop.now_us)
        assert len(asked) < 50

    with monkeypatch.context() as patch:
        patch.setattr(SnapshotStore, "getTransmissionData", not_yet)
        world.heal()
        world.pass_us(500 * MS)
    assert 1 < len(asked) <= 15
    world.until(world.settled)


def test_an_entry_larger_than_a_batch_goes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """PySyncObj would pickle it and send parts, which nothing here can carry."""
    monkeypatch.setattr(ticking, "BATCH_BYTES", 100)
    world = Quiet()
    world.change(world.leader, 3, value="x" * 1_000)
    world.until(world.settled)


def test_a_leader_that_applies_for_long_has_not_missed_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It listened to nobody meanwhile; what they sent is read before it judges them."""
    world = Quiet()
    leader = world.leader
    assert leader.engine is not None
    term = leader.engine.raftCurrentTerm
    apply, long = Machine.apply, [900 * MS]

    def slowly(self: Machine, index: int, entry: bytes) -> bytes:
        if self is leader.machine and long:
            world.loop.stand_still(long.pop())
        return apply(self, index, entry)

    monkeypatch.setattr(Machine, "apply", slowly)
    world.hold(lambda source, target, message: target == leader.name and not long)
    world.propose(leader)
    world.until(lambda: not long)
    world.pass_us(50 * MS)  # a tick comes before what waits at its sockets has been read
    world.release()
    world.pass_us(1 * SECOND)
    assert leader.leads
    assert leader.engine.raftCurrentTerm == term
