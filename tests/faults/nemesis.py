"""What is done to the stores, one fault a round; afterwards every store runs again."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping

from tests.e2e.cib_store.stores import NAMES, Stores

DOWN_S = 0.3
Fault = Callable[[Stores, str, random.Random], Awaitable[None]]


class Undetected(AssertionError):
    """A store worked on with a damaged file."""


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


async def stop_leader(stores: Stores, leader: str, chance: random.Random) -> None:
    """Stop the leader for longer than an election takes, and let it go on believing it leads."""
    stores.signal(signal.SIGSTOP, leader)
    await asyncio.sleep(1.5)
    stores.signal(signal.SIGCONT, leader)


async def tear(stores: Stores, leader: str, chance: random.Random) -> None:
    """Leave a record that was being written when the power went."""
    name = _follower(leader, chance)
    stores.kill(name)
    with (stores.directory / name / "state" / "raft" / "journal").open("ab") as journal:
        journal.write(chance.randbytes(chance.randrange(1, 60)))
    stores.start(name)


async def flip(stores: Stores, leader: str, chance: random.Random) -> None:
    """Flip a bit in the middle of the journal: the store must refuse to start, and say why."""
    name = _follower(leader, chance)
    stores.kill(name)
    journal = stores.directory / name / "state" / "raft" / "journal"
    good = journal.read_bytes()
    place = chance.randrange(8, max(9, len(good) // 2))
    bad = bytearray(good)
    bad[place] ^= 1 << chance.randrange(8)
    journal.write_bytes(bytes(bad))
    stores.start(name)
    code = await stores.ended(name)
    log = (stores.directory / name / "log").read_text()
    if code == 0 or "journal" not in log:
        raise Undetected(f"{name} ended with {code} after bit {place} was flipped")
    journal.write_bytes(good)
    stores.start(name)


FAULTS: Mapping[str, Fault] = {
    "kill -9 of the leader": kill_leader,
    "kill -9 of all": kill_all,
    "a leader stopped for 1.5 s": stop_leader,
    "a torn journal": tear,
    "a flipped bit": flip,
    "kill -9 of a follower": kill_follower,
}


def _follower(leader: str, chance: random.Random) -> str:
    return chance.choice([name for name in NAMES if name != leader])
