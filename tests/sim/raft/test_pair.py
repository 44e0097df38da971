"""Two voters in survivor mode, and what is found when one of its conditions is off (25.11)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cib_store.membership.alone import alone
from cib_store.raft.engine import packed
from raftmaker.runtime.errors import Rejected
from tests.sim.loop import MS
from tests.sim.raft.pair import Conditions, Pair
from tests.sim.raft.planted import planted
from tests.sim.raft.quiet import Quiet
from tests.sim.raft.voter import Voter


def run(seed: int, conditions: Conditions | None = None) -> Pair:
    """Run a seed. Raises `Violation`."""
    world = Pair(seed, conditions=conditions or Conditions())
    with planted(world.plan.guards):
        world.run()
    return world


@pytest.mark.quick
@pytest.mark.parametrize("seed", range(1, 5))
def test_a_few_seeds_are_clean(seed: int) -> None:
    """Nothing acknowledged is lost, and both have the same, whoever went on alone."""
    assert run(seed).operations[0] > 100


@pytest.mark.parametrize("seed", range(101, 117))
def test_more_seeds_are_clean(seed: int) -> None:
    run(seed)


def test_seeds_do_go_on_alone_and_come_back() -> None:
    """Else they would prove nothing."""
    counts = [run(seed).counts for seed in PRODUCTIVE]
    assert sum(one["alone"] for one in counts) >= len(PRODUCTIVE)
    assert sum(one["begun anew"] for one in counts) >= len(PRODUCTIVE)
    assert sum(one["left"] for one in counts) > 0
    assert sum(one["not-together-since-start"] for one in counts) > 0


PRODUCTIVE = (3, 5)


def _left_alone(world: Quiet) -> Voter:
    """Cut the leader of two off, and wait until the other misses it."""
    world.change(world.leader, 3)
    (other,) = world.followers
    world.isolate(world.leader)
    world.until(lambda: other.engine is not None and other.engine.leaderless_s() > 0.6)
    return other


def test_it_goes_on_with_everything_that_was_acknowledged() -> None:
    world = Quiet(voters=2)
    other = _left_alone(world)
    assert other.engine is not None
    seats, chain = other.engine.seats, other.machine.index
    wanted = alone(seats.current, other.name, seats.card.store_id)
    seats.go_alone(wanted, packed([]), seats.place, lambda results, reason: None)
    on_disk = other.safe_index()
    assert on_disk == other.engine.journal.last_index, "before anybody is told of it"
    assert seats.card.generation == 2
    world.until(lambda: other.leads)
    world.change(other)
    assert other.machine.index > chain


def test_it_does_not_where_a_leader_is_heard_or_the_log_has_moved() -> None:
    world = Quiet(voters=2)
    (heard,) = world.followers
    assert heard.engine is not None
    seats = heard.engine.seats
    wanted = alone(seats.current, heard.name, seats.card.store_id)
    with pytest.raises(Rejected, match="a leader is heard"):
        seats.go_alone(wanted, packed([]), seats.place, lambda results, reason: None)
    _left_alone(world)
    moved = replace(seats.place, last_index=seats.place.last_index - 1)
    with pytest.raises(Rejected, match="the log was at"):
        seats.go_alone(wanted, packed([]), moved, lambda results, reason: None)
    assert seats.current.generation == 1


def test_of_two_the_one_that_loses_its_vote_must_know_of_it() -> None:
    """Until then it may go on alone, and what the other one commits by itself would be lost."""
    world = Quiet(voters=2)
    leader, (other,) = world.leader, world.followers
    assert leader.engine is not None
    world.hold(lambda source, target, message: source == other.name)
    current = leader.configuration
    seats = tuple(
        replace(seat, votes=False) if seat.name == other.name else seat for seat in current.seats
    )
    done: list[int] = []
    leader.engine.seats.change(
        replace(current, number=1, seats=seats), packed([]), lambda _, reason: done.append(reason)
    )
    change = world.propose(leader)
    world.pass_us(300 * MS)
    assert not done
    assert not change
    world.release()
    world.until(lambda: bool(done and change))
