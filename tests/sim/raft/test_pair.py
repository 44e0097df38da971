"""Two voters in survivor mode, and what is found when one of its conditions is off (25.11)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cib_store.membership.alone import alone
from cib_store.raft.engine import packed
from raftmaker.runtime.errors import Rejected
from tests.sim.checkers import Violation
from tests.sim.loop import MS, SECOND
from tests.sim.raft.pair import Conditions, Pair, ScriptedPair
from tests.sim.raft.planted import planted
from tests.sim.raft.quiet import Quiet
from tests.sim.raft.voter import Voter
from tests.sim.raft.writer import SYNC_US


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


PRODUCTIVE = (2, 3)


def a_cold_start(**off: bool) -> tuple[ScriptedPair, Voter]:
    """One goes on alone and is switched off; then the other, which was off, is started."""
    world = ScriptedPair(**off)
    leader, (cold,) = world.leader, world.followers
    world.pass_us(6 * SECOND)  # until it is stored what is committed: the session too
    cold.loses_power = True
    cold.crash()
    world.until(lambda: world.misses(leader))
    asked = world.ask(leader)
    assert isinstance(asked, tuple), asked
    world.go_alone(leader, *asked)
    world.until(lambda: leader.leads)
    world.change(leader, 3)
    leader.loses_power = True
    leader.crash()
    cold.start()
    world.until(lambda: world.misses(cold))
    return world, cold


def test_condition_a_a_cold_start_waits() -> None:
    world, cold = a_cold_start()
    assert world.ask(cold) == "not-together-since-start"


def test_without_condition_a_what_the_other_did_alone_is_lost() -> None:
    world, cold = a_cold_start(together=False)
    asked = world.ask(cold)
    assert isinstance(asked, tuple)
    world.go_alone(cold, *asked)
    with pytest.raises(Violation):
        world.change(cold, 3, value="other")


def a_cut(**off: bool) -> ScriptedPair:
    """The two do not hear each other, and no device works."""
    world = ScriptedPair(**off)
    world.isolate(world.leader)
    world.until(lambda: all(world.misses(voter) for voter in world.voters.values()))
    return world


def test_without_condition_b_both_go_on() -> None:
    """What no device confirmed is taken for a proof."""
    world = a_cut()
    for voter in world.voters.values():
        asked = world.ask(voter)
        assert isinstance(asked, tuple)
        world.go_alone(voter, *asked)
    with pytest.raises(Violation):
        world.pass_us(3 * SECOND)


def a_loss_of_power(**off: bool) -> tuple[ScriptedPair, Voter]:
    """The survivor loses its power in the moment after; the peer has met it already."""
    world = ScriptedPair(**off)
    leader, (lost,) = world.leader, world.followers
    world.cut_power(lost)
    world.until(lambda: world.misses(leader))
    asked = world.ask(leader)
    assert isinstance(asked, tuple), asked
    leader.sync_us = 5 * SECOND  # nothing comes to disk by itself
    world.go_alone(leader, *asked)
    lost.start()
    world.until(lambda: world.counts["begun anew"] > 0)
    leader.loses_power = True
    leader.crash()
    leader.sync_us = SYNC_US
    leader.start()
    lost.start()
    return world, leader


def test_condition_c_the_generation_is_on_disk_before_it_counts() -> None:
    world, survivor = a_loss_of_power()
    world.until(lambda: survivor.leads)
    assert survivor.configuration.generation == 2
    world.until(world.are_together)


def test_without_condition_c_the_peer_has_left_everything_for_nothing() -> None:
    world, survivor = a_loss_of_power(on_disk=False)
    with pytest.raises(AssertionError, match="does not come to that"):
        world.until(lambda: survivor.leads)


def a_late_confirmation(**off: bool) -> tuple[ScriptedPair, Voter, Voter]:
    """A device tells late of the end of a boot, when the next one was there already."""
    world = ScriptedPair(**off)
    one, (other,) = world.leader, world.followers
    world.isolate(other)
    world.until(lambda: world.misses(one))
    asked = world.ask(one)
    assert isinstance(asked, tuple)
    world.cut_power(other)
    world.heal()
    other.start()
    world.until(world.are_together)
    world.change(world.leader, 3)
    world.isolate(other)
    world.until(lambda: all(world.misses(voter) for voter in world.voters.values()))
    theirs = world.ask(other)
    assert isinstance(theirs, tuple)
    world.go_alone(one, *asked)
    world.pass_us(SECOND)
    if one.leads:
        world.change(one, 3)
    world.cut_power(one)
    world.go_alone(other, *theirs)
    world.until(lambda: other.leads)
    return world, one, other


def test_a_late_confirmation_proves_nothing() -> None:
    world, one, other = a_late_confirmation()
    world.change(other, 3)
    world.heal()
    one.start()
    world.until(lambda: world.counts["begun anew"] > 0)


def test_without_the_place_a_late_confirmation_loses_what_was_acknowledged() -> None:
    with pytest.raises(Violation):
        a_late_confirmation(unmoved=False)


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
