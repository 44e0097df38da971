"""The engine keeps its promises under faults, and each guard that is switched off is found out."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from cib_store.raft.engine import packed
from tests.sim.loop import MS, SECOND
from tests.sim.raft import network
from tests.sim.raft.campaign import simulate, spares_of, voters_of
from tests.sim.raft.plan import Guards, Plan
from tests.sim.raft.planted_table import TABLE, TESTS, Planted
from tests.sim.raft.quiet import Quiet
from tests.sim.raft.world import World


@pytest.mark.quick
@pytest.mark.parametrize("seed", range(1, 7))
def test_a_few_seeds_are_clean(seed: int) -> None:
    result = simulate(Plan(seed=seed, voters=voters_of(seed)))
    assert result.clean, result.what
    assert result.acknowledged > 50


@pytest.mark.parametrize("seed", range(101, 123))
def test_more_seeds_are_clean(seed: int) -> None:
    result = simulate(Plan(seed=seed, voters=voters_of(seed)))
    assert result.clean, result.what


@pytest.mark.quick
@pytest.mark.parametrize("seed", range(3))
def test_a_leader_is_elected_where_messages_take_long(seed: int) -> None:
    """Rounds of pre-votes once followed each other sooner than answers could come."""
    random.seed(seed)
    world = World(Plan(seed=seed, voters=3))
    for way in world.network.directions.values():
        way.delay_us = 60 * MS  # and up to as much again
    world.start()
    world.loop.run_until(5 * SECOND)
    assert [voter.leads for voter in world.voters.values()].count(True) == 1


def test_a_tail_in_conflict_is_not_taken_for_what_is_committed() -> None:
    """Its length on disk once let a follower commit entries that were not on its disk yet."""
    result = simulate(Plan(seed=36, voters=3, focus=("crash-at-call", "kill")))
    assert result.clean, result.what


def test_a_voter_in_a_later_term_than_the_leader_is_not_left_behind() -> None:
    """Its own election was cut short; it takes nothing from a leader of an earlier term."""
    world = Quiet()
    leader, (ahead, _) = world.leader, world.followers
    assert leader.engine is not None
    assert ahead.engine is not None
    ahead.engine._SyncObj__setCurrentTerm(leader.engine.raftCurrentTerm + 1, ahead.name)
    world.disturbed()
    world.pass_us(1 * SECOND)
    world.change(world.leader)
    world.until(world.settled)
    seen = simulate(Plan(seed=10169, voters=3, spares=2))  # how it was found
    assert seen.clean, seen.what


def test_a_new_leader_finds_what_the_old_one_left_in_its_log() -> None:
    """It commits that with its first entry, and can judge it before."""
    world = Quiet()
    old, (heir, other) = world.leader, world.followers
    world.change(old)
    world.pass_us(1 * SECOND)
    assert heir.engine is not None
    assert list(heir.engine.unapplied()) == []
    world.disturbed()
    for way in ((old.name, other.name), (heir.name, old.name)):
        world.network.directions[way].up = False
    world.propose(old, value="left behind")
    world.pass_us(50 * MS)
    world.isolate(old)
    world.until(lambda: heir.leads, 100)
    seen = list(heir.engine.unapplied())
    assert len(seen) == 1
    assert b"left behind" in seen[0]
    world.until(lambda: not list(heir.engine.unapplied()) if heir.engine else False)


def test_a_leader_hears_whom_it_would_have_removed() -> None:
    """The removal was never committed, and the one that should have gone leads instead."""
    world = Quiet()
    old, (gone, other) = world.leader, world.followers
    assert old.engine is not None
    assert other.engine is not None
    world.isolate(old)
    current = old.configuration
    rest = tuple(seat for seat in current.seats if seat.name != gone.name)
    fewer = replace(current, number=current.number + 1, seats=rest)
    old.engine.seats.change(fewer, packed([]), lambda results, reason: None)
    other.engine.abstain()
    world.until(lambda: gone.leads)
    world.pass_us(1 * SECOND)
    world.change(gone)
    world.heal()
    world.until(world.settled)
    assert gone.leads
    assert old.configuration == current


def test_who_would_have_been_removed_is_elected_by_who_removed_it() -> None:
    """Its log is the longest of those that are there, and the removal was never committed."""
    world = Quiet()
    old, (gone, other) = world.leader, world.followers
    assert old.engine is not None
    assert other.engine is not None
    world.isolate(old)
    rest = tuple(seat for seat in old.configuration.seats if seat.name != gone.name)
    fewer = replace(old.configuration, number=1, seats=rest)
    old.engine.seats.change(fewer, packed([]), lambda results, reason: None)
    other.engine.abstain()
    world.until(lambda: gone.leads)
    world.change(gone)
    world.isolate(other)
    world.until(lambda: not gone.leads)
    for way in ((old.name, gone.name), (gone.name, old.name)):
        world.network.directions[way].up = True
    world.until(lambda: gone.leads)
    world.change(gone)
    seen = simulate(Plan(seed=61067, voters=voters_of(61067), spares=spares_of(61067)))
    assert seen.clean, seen.what


def test_who_was_removed_is_heard_until_that_is_committed() -> None:
    world = Quiet()
    leader, (gone, other) = world.leader, world.followers
    assert leader.engine is not None
    world.hold(lambda source, target, message: source == other.name)
    rest = tuple(seat for seat in leader.configuration.seats if seat.name != gone.name)
    fewer = replace(leader.configuration, number=1, seats=rest)
    leader.engine.seats.change(fewer, packed([]), lambda results, reason: None)
    world.pass_us(100 * MS)
    assert leader.links.leaving == {gone.name}
    world.release()
    world.until(lambda: not leader.links.leaving)
    assert gone.name not in leader.engine.seats.cards


@pytest.mark.parametrize("seed", range(201, 209))
def test_seeds_in_which_members_come_and_go_are_clean(seed: int) -> None:
    result = simulate(Plan(seed=seed, voters=voters_of(seed), spares=2))
    assert result.clean, result.what


def test_a_voter_that_does_not_hear_a_leader_it_does_not_know_stays_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was away while the leader was added: nobody else can tell it of it."""
    plan = Plan(seed=317, voters=3, spares=2)
    assert simulate(plan).clean
    monkeypatch.setattr(
        network, "may_send", lambda here, card, peer, *_: here.seat(peer) or card.is_blank
    )
    assert simulate(plan).rule == "settles"


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = (simulate(Plan(seed=4, voters=5)) for _ in range(2))
    assert first.digest == second.digest


def test_the_same_seed_gives_the_same_run_where_strings_are_hashed_otherwise() -> None:
    """So no order of a set gets into a run: this seed's was another one in each process once."""
    runs = []
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("run")), "--replay", "40001"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        runs.append(json.loads(done.stdout.splitlines()[-1])["digest"])
    assert runs[0] == runs[1]


def test_every_guard_has_a_planted_fault() -> None:
    named = [one.guard for one in TABLE] + [*TESTS]
    assert sorted(named) == sorted(Guards.__struct_fields__)


@pytest.mark.parametrize("planted", TABLE, ids=[one.guard for one in TABLE])
def test_a_guard_that_is_off_is_found(planted: Planted) -> None:
    """And by the check that is meant to: the same seed with all guards on is clean."""
    result = simulate(planted.plan())
    assert result.rule == planted.found_by, result.what
    unbroken = simulate(planted.plan(broken=False))
    assert unbroken.clean, unbroken.what


@pytest.mark.parametrize("guard", TESTS)
def test_a_guard_that_is_off_is_found_by_its_test(guard: str) -> None:
    """Which passes with all guards on: it is run as it is, too."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim.raft.without", guard, TESTS[guard]],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert " failed" in done.stdout
