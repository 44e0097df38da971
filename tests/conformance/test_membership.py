"""Changes of who takes part: one voter at a time, learners first, and lost disks do not vote.

Hazard 11 of the design note on Raft; features 25.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from cib_store.mending import go_on_alone
from cib_store.raft.configuration import Configuration, Seat
from cib_store.raft.engine import PySyncObjLog
from cib_store.raft.log import ReplicatedLog
from raftmaker.runtime.errors import HaError, NotLeader, Rejected, TimedOut
from raftmaker.vocabulary.commands import Origin
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.vocabulary.members import Member, Members
from tests.conformance.test_replicated_log import (
    Voters,
    embedded,
    eventually,
    free_addresses,
    insist,
    marker,
)

A, B, C, D = (NodeName(f"n{number}") for number in range(4))


def changed(configuration: Configuration, *seats: Seat, without: str = "") -> Configuration:
    """Return what would follow: these seats in the place of those of their names, or beside."""
    kept = {seat.name: seat for seat in configuration.seats if seat.name != without}
    every = kept | {seat.name: seat for seat in seats}
    return replace(
        configuration,
        number=configuration.number + 1,
        seats=tuple(every[name] for name in sorted(every)),
    )


async def reconfigured(voters: Voters, *seats: Seat, without: str = "") -> Configuration:
    """Have the leader change who takes part, again until it is done."""
    for _ in range(100):
        leader = await voters.leader()
        wanted = changed(leader.configuration(), *seats, without=without)
        try:
            await leader.reconfigure(wanted, b"members", timeout_ms=2000)
        except (NotLeader, Rejected, TimedOut):
            if leader.configuration() == wanted:
                return wanted
            await asyncio.sleep(0.1)
        else:
            return wanted
    raise AssertionError("the change was never committed")


async def admitted(voters: Voters, name: NodeName) -> None:
    """Let a learner vote once it has caught up."""

    async def done() -> bool:
        leader = await voters.leader()
        seat = leader.configuration().seat(name)
        assert seat is not None
        seen = next(each for each in leader.peers() if each.name == name)
        if seen.card is None or seen.behind is None:
            return False
        voting = replace(seat, votes=True, store_id=seen.card.store_id)
        try:
            await leader.reconfigure(changed(leader.configuration(), voting), b"", timeout_ms=2000)
        except HaError:
            return False
        return True

    assert await eventually(done), f"{name} was not admitted"


async def with_newcomer(voters: Voters, name: NodeName) -> None:
    """Add a learner and start it; it is no founder."""
    (voters.addresses[name],) = free_addresses(1)
    voters.seen[name] = []
    await reconfigured(voters, Seat(name=name, address=voters.addresses[name], votes=False))
    await voters.start(name)


async def applied(voters: Voters, name: NodeName, entry: bytes) -> None:
    async def there() -> bool:
        return any(data == entry for _, data in voters.machines[name].entries)

    assert await eventually(there), voters.machines[name].entries


def test_a_cluster_grows_from_one_voter_to_three_and_loses_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        voters = Voters(embedded, tmp_path, 1)
        try:
            await voters.start()
            await insist(await voters.leader(), b"alone")
            for name in (B, C):
                await with_newcomer(voters, name)
                await applied(voters, name, b"alone")
                await admitted(voters, name)
            leader = await voters.leader()
            assert leader.configuration().voters == (A, B, C)
            await insist(leader, b"three")
            gone = next(name for name, log in voters.logs.items() if log is not leader)
            await reconfigured(voters, without=gone)
            await voters.stop(gone)
            await insist(await voters.leader(), b"two")
            for name in voters.logs:
                await applied(voters, name, b"two")
            await voters.stop()
            await voters.start(*({A, B, C} - {gone}))
            await insist(await voters.leader(), b"again")
            assert len((await voters.leader()).configuration().voters) == 2
        finally:
            await voters.stop()

    asyncio.run(scenario())


def test_only_one_voter_changes_at_a_time_and_only_after_it_was_a_learner(tmp_path: Path) -> None:
    async def scenario() -> None:
        voters = Voters(embedded, tmp_path, 3)
        try:
            await voters.start()
            await insist(await voters.leader(), b"first")
            leader = await voters.leader()
            now = leader.configuration()
            others = [seat for seat in now.seats if leader.configuration().seat(seat.name)]
            leads = leader.status().leadership.leader
            both = tuple(replace(s, votes=s.name == leads) for s in others)
            with pytest.raises(Rejected, match="only one voter may change at a time"):
                await leader.reconfigure(changed(now, *both), b"", timeout_ms=2000)
            stranger = Seat(name=D, address="127.0.0.1:1")
            with pytest.raises(Rejected, match="must be a learner"):
                await leader.reconfigure(changed(now, stranger), b"", timeout_ms=2000)
            late = replace(changed(now), number=now.number)
            with pytest.raises(Rejected, match="does not follow"):
                await leader.reconfigure(late, b"", timeout_ms=2000)
            follower = voters.follower()
            with pytest.raises(NotLeader):
                await follower.reconfigure(changed(now), b"", timeout_ms=2000)
            assert leader.configuration() == now
        finally:
            await voters.stop()

    asyncio.run(scenario())


def test_the_next_change_waits_until_the_last_is_committed(tmp_path: Path) -> None:
    """Else two majorities that share no voter could decide (the planted fault of the rule)."""

    async def scenario() -> None:
        voters = Voters(embedded, tmp_path, 3)
        try:
            await voters.start()
            await insist(await voters.leader(), b"first")
            leader = await voters.leader()
            await voters.stop(*(n for n, log in tuple(voters.logs.items()) if log is not leader))
            pending = asyncio.ensure_future(_learner(leader, D))
            await asyncio.sleep(0.05)
            with pytest.raises((Rejected, NotLeader), match=r"not committed yet|not lead"):
                await _learner(leader, NodeName("n9"))
            with pytest.raises(HaError):
                await pending
        finally:
            await voters.stop()

    asyncio.run(scenario())


async def _learner(leader: ReplicatedLog, name: NodeName) -> None:
    learner = Seat(name=name, address="127.0.0.1:1", votes=False)
    await leader.reconfigure(changed(leader.configuration(), learner), b"", timeout_ms=1500)


def test_a_voter_that_lost_its_disk_does_not_vote_until_it_was_refilled(tmp_path: Path) -> None:
    """Two of three lose theirs: nothing is committed, least of all by an empty store."""

    async def scenario() -> None:
        voters = Voters(embedded, tmp_path, 3)
        try:
            await voters.start()
            await insist(await voters.leader(), b"kept")
            await voters.agree(b"kept")
            await voters.stop()
            for name in (B, C):
                shutil.rmtree(tmp_path / name)
                assert not marker(tmp_path / name).exists(), "founders found once"
            await voters.start()
            await asyncio.sleep(2)
            assert not any(log.status().leadership.leads for log in voters.logs.values())
        finally:
            await voters.stop()

    asyncio.run(scenario())


def test_one_lost_disk_is_refilled_and_votes_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        voters = Voters(embedded, tmp_path, 3)
        try:
            await voters.start()
            await insist(await voters.leader(), b"kept")
            leader = await voters.leader()
            lost = next(name for name, log in voters.logs.items() if log is not leader)
            await voters.stop(lost)
            shutil.rmtree(tmp_path / lost)
            await voters.start(lost)
            await insist(await voters.leader(), b"without it")
            seat = (await voters.leader()).configuration().seat(lost)
            assert seat is not None
            await reconfigured(voters, replace(seat, votes=False, store_id=""))
            await applied(voters, lost, b"without it")
            await admitted(voters, lost)
            other = next(n for n in voters.logs if n != lost and not _leads(voters, n))
            await voters.stop(other)
            await insist(await voters.leader(), b"with it")
            await applied(voters, lost, b"with it")
        finally:
            await voters.stop()

    asyncio.run(scenario())


def _leads(voters: Voters, name: NodeName) -> bool:
    return voters.logs[name].status().leadership.leads


def test_what_was_left_behind_ends_when_it_hears_of_the_newer_generation(tmp_path: Path) -> None:
    """Two old voters return together, a majority of their own, and commit nothing."""

    async def scenario() -> None:
        voters = Voters(embedded, tmp_path, 3)
        try:
            await voters.start()
            await insist(await voters.leader(), b"kept")
            await voters.agree(b"kept")
            await voters.stop()
            seed = Members(
                members=tuple(Member(name=n, store=a) for n, a in voters.addresses.items())
            )
            me = seed.of(A)
            assert me is not None
            alone = go_on_alone(
                tmp_path / A, me, seed=seed, cluster=ClusterId("c"), origin=Origin()
            )
            assert (alone.generation, alone.voters) == (2, (A,))
            await voters.start(A)
            await insist(await voters.leader(), b"new generation")
            await voters.start(B, C)
            for name in (B, C):
                log = voters.logs[name]
                assert isinstance(log, PySyncObjLog)
                assert log.failure is not None
                async with asyncio.timeout(20):
                    with pytest.raises(Rejected, match="generation 2"):
                        await asyncio.shield(log.failure)
                entries = [entry for _, entry in voters.machines[name].entries]
                assert b"new generation" not in entries
            await voters.stop(B, C)
            with pytest.raises(Rejected, match="generation 2"):
                await voters.start(B)  # it is written down: nobody needs to tell it again
            await insist(await voters.leader(), b"still there")
            assert (await voters.leader()).configuration() == alone
        finally:
            await voters.stop()

    asyncio.run(scenario())
