"""What is done to the stores, one fault a round; afterwards everything is mended and runs again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from itertools import permutations

from cib_store.raft.records import SECTOR, decode, encode
from raftmaker.runtime.errors import HaError
from tests.faults.cluster import NAMES, SMALL_DISK, Stores
from tests.faults.members import member_comes, member_goes

DOWN_S = 0.3
CUT_S = 2.0
Fault = Callable[[Stores, str, random.Random], Awaitable[None]]


class Undetected(AssertionError):
    """A store worked on with a damaged file."""


# Processes.


async def kill_follower(stores: Stores, leader: str, chance: random.Random) -> None:
    """Kill one store that does not lead."""
    name = _follower(leader, chance)
    stores.kill(name)
    await asyncio.sleep(DOWN_S)
    stores.start(name)


async def kill_leader(stores: Stores, leader: str, chance: random.Random) -> None:
    """Kill the leader."""
    stores.kill(leader)
    await asyncio.sleep(DOWN_S)
    stores.start(leader)


async def kill_all(stores: Stores, leader: str, chance: random.Random) -> None:
    """Kill all stores at once."""
    stores.kill(*NAMES)
    stores.start(*NAMES)


async def kill_all_twice(stores: Stores, leader: str, chance: random.Random) -> None:
    """Kill all, and again while they take in what they find: snapshots are made all the time."""
    await kill_all(stores, leader, chance)
    await asyncio.sleep(chance.uniform(0.5, 2.0))
    await kill_all(stores, leader, chance)


async def stop_leader(stores: Stores, leader: str, chance: random.Random) -> None:
    """Stop the leader for longer than an election takes, and let it go on believing it leads."""
    await _stop(stores, leader)


async def stop_follower(stores: Stores, leader: str, chance: random.Random) -> None:
    """Stop a follower for a while."""
    await _stop(stores, _follower(leader, chance))


async def _stop(stores: Stores, name: str) -> None:
    stores.signal(signal.SIGSTOP, name)
    await asyncio.sleep(1.5)
    stores.signal(signal.SIGCONT, name)


# The network.


async def isolate_leader(stores: Stores, leader: str, chance: random.Random) -> None:
    """Cut the leader off, both ways."""
    await _cut(stores, [pair for pair in permutations(NAMES, 2) if leader in pair])


async def isolate_follower(stores: Stores, leader: str, chance: random.Random) -> None:
    """Cut a follower off, both ways."""
    name = _follower(leader, chance)
    await _cut(stores, [pair for pair in permutations(NAMES, 2) if name in pair])


async def deafen_leader(stores: Stores, leader: str, chance: random.Random) -> None:
    """Let the leader send and not hear."""
    await _cut(stores, [pair for pair in permutations(NAMES, 2) if pair[1] == leader])


async def mute_leader(stores: Stores, leader: str, chance: random.Random) -> None:
    """Let the leader hear and not send."""
    await _cut(stores, [pair for pair in permutations(NAMES, 2) if pair[0] == leader])


async def part_pair(stores: Stores, leader: str, chance: random.Random) -> None:
    """Cut the leader from one follower; both still see the third store."""
    name = _follower(leader, chance)
    await _cut(stores, [(leader, name), (name, leader)])


async def one_way(stores: Stores, leader: str, chance: random.Random) -> None:
    """Lose everything from one store to another, in that direction alone."""
    await _cut(stores, [chance.choice(list(permutations(NAMES, 2)))])


async def part_all(stores: Stores, leader: str, chance: random.Random) -> None:
    """Cut everybody from everybody."""
    await _cut(stores, list(permutations(NAMES, 2)))


async def _cut(stores: Stores, ways: list[tuple[str, str]]) -> None:
    stores.cut(ways)
    await asyncio.sleep(CUT_S)
    stores.heal()


async def lose_packets(stores: Stores, leader: str, chance: random.Random) -> None:
    """Lose one packet in five to and from the leader."""
    stores.lose(leader, 20)
    await asyncio.sleep(CUT_S)
    stores.heal()


async def delay_leader(stores: Stores, leader: str, chance: random.Random) -> None:
    """Let what goes to the leader and comes from it take 50 to 150 ms longer."""
    await _delay(stores, [leader], 50, 100)


async def delay_all(stores: Stores, leader: str, chance: random.Random) -> None:
    """Let everything take 20 to 60 ms longer, as between places that are far apart."""
    await _delay(stores, list(NAMES), 10, 20)


async def _delay(stores: Stores, names: list[str], delay_ms: int, jitter_ms: int) -> None:
    for name in names:
        await asyncio.to_thread(stores.delay, name, delay_ms, jitter_ms)
    await asyncio.sleep(CUT_S)
    stores.heal()


# Disks and clocks.


async def slow_disk(stores: Stores, leader: str, chance: random.Random) -> None:
    """Let every sync of one store take 200 ms."""
    await _slow(stores, [chance.choice(NAMES)], 200)


async def slow_disks(stores: Stores, leader: str, chance: random.Random) -> None:
    """Let every sync of all stores take 200 ms."""
    await _slow(stores, list(NAMES), 200)


async def stuck_disk(stores: Stores, leader: str, chance: random.Random) -> None:
    """Let the leader's syncs take 1.5 s, and kill it meanwhile."""
    stores.shims[leader].set(sync_ms=1500)
    await asyncio.sleep(1.0)
    stores.kill(leader)
    stores.start(leader)  # with a quick disk


async def _slow(stores: Stores, names: list[str], sync_ms: int) -> None:
    for name in names:
        stores.shims[name].set(sync_ms=sync_ms)
    await asyncio.sleep(CUT_S)
    for name in names:
        stores.shims[name].set()


async def full_disk(stores: Stores, leader: str, chance: random.Random) -> None:
    """Leave no room on one disk, kill the store while it is so, and make room again."""
    stores.fill_disk()
    await asyncio.sleep(CUT_S)
    if chance.random() < 0.5:
        stores.kill(SMALL_DISK)
        stores.start(SMALL_DISK)
        await asyncio.sleep(CUT_S)
    stores.empty_disk()
    await _serves_or_has_ended(stores, SMALL_DISK)
    stores.revive(expected=True)


async def _serves_or_has_ended(stores: Stores, name: str) -> None:
    """Wait for the one or the other: one that found no room may take a while to end."""
    client = stores.client(name)
    try:
        async with asyncio.timeout(60):
            while stores.has_ended(name) is None:
                with contextlib.suppress(HaError):
                    await client.query(local=True, timeout_ms=1000)
                    return
                await asyncio.sleep(0.05)
    finally:
        await client.close()


async def set_clocks(stores: Stores, leader: str, chance: random.Random) -> None:
    """Set the wall clocks of one or all stores an hour forward or back, and right again."""
    names = chance.choice([(leader,), NAMES])
    for name in names:
        stores.shims[name].set(clock_s=chance.choice((-3600, 3600)))
    await asyncio.sleep(CUT_S)
    for name in names:
        stores.shims[name].set()


async def tear(stores: Stores, leader: str, chance: random.Random) -> None:
    """Leave a record and a snapshot that were being written when the power went."""
    name = _follower(leader, chance)
    stores.kill(name)
    _cut_tail(stores, name, chance)
    (stores.raft(name) / "snapshot.new").write_bytes(chance.randbytes(500))
    stores.start(name)


def _cut_tail(stores: Stores, name: str, chance: random.Random) -> None:
    """Put a record behind the last whole one that is cut short, or lacks a sector."""
    journal = stores.raft(name) / "journal"
    content = journal.read_bytes()
    torn = bytearray(encode((chance.randbytes(chance.randrange(40, 3000)), 1, 1), 0))
    first = -len(content) % SECTOR or SECTOR
    ends = [*range(first, len(torn), SECTOR), len(torn)]
    if chance.random() < 0.5:
        del torn[chance.randrange(1, len(torn)) :]
    else:
        end = chance.choice(ends)
        start = max(0, end - SECTOR)
        torn[start:end] = bytes(end - start)
    if decode(bytes(torn), 0) is not None:  # it had nothing but zeros there
        del torn[-1]
    journal.write_bytes(content + torn)


async def flip_journal(stores: Stores, leader: str, chance: random.Random) -> None:
    """Flip a bit of a journal: the store must refuse to start, and say why."""
    await _flip(stores, _follower(leader, chance), "journal", chance)


async def flip_snapshot(stores: Stores, leader: str, chance: random.Random) -> None:
    """Flip a bit of a snapshot: the store must refuse to start, and say why."""
    await _flip(stores, _follower(leader, chance), "snapshot", chance)


async def _flip(stores: Stores, name: str, file: str, chance: random.Random) -> None:
    path = stores.raft(name) / file
    stores.kill(name)
    if not path.exists():
        stores.start(name)
        return
    good = path.read_bytes()
    place = chance.randrange(max(9, len(good.rstrip(b"\0")) // 2))
    bad = bytearray(good)
    bad[place] ^= 1 << chance.randrange(8)
    path.write_bytes(bytes(bad))
    before = len(stores.log(name))
    stores.start(name)
    async with asyncio.timeout(60):
        while (code := stores.has_ended(name)) is None:
            await asyncio.sleep(0.05)
    if code == 0 or file not in stores.log(name)[before:]:
        raise Undetected(f"{name} ended with {code} after a bit of byte {place} was flipped")
    path.write_bytes(good)
    stores.start(name)


FAULTS: Mapping[str, Fault] = {
    "kill -9 of the leader": kill_leader,
    "kill -9 of all": kill_all,
    "the leader cut off": isolate_leader,
    "a slow disk": slow_disk,
    "a torn journal": tear,
    "a deaf leader": deafen_leader,
    "a leader stopped for 1.5 s": stop_leader,
    "a flipped bit in a journal": flip_journal,
    "one packet in five lost": lose_packets,
    "a full disk": full_disk,
    "the leader far away": delay_leader,
    "kill -9 of all, twice": kill_all_twice,
    "a mute leader": mute_leader,
    "a flipped bit in a snapshot": flip_snapshot,
    "clocks an hour off": set_clocks,
    "one direction lost": one_way,
    "kill -9 of a follower": kill_follower,
    "leader and follower parted": part_pair,
    "all disks slow": slow_disks,
    "everybody far away": delay_all,
    "everybody cut off": part_all,
    "a follower stopped for 1.5 s": stop_follower,
    "a stuck disk, then kill -9": stuck_disk,
    "a follower cut off": isolate_follower,
    "a member added, the leader lost": member_comes,
    "a member removed, the leader lost": member_goes,
}
LASTING = frozenset({"a member added, the leader lost", "a member removed, the leader lost"})
"""Faults during all of which there is load."""


def _follower(leader: str, chance: random.Random) -> str:
    return chance.choice([name for name in NAMES if name != leader])
