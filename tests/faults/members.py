"""Changes of the members, in the middle of which the leader is killed or cut off.

A fourth store is made a member: it is filled as a learner and gets its vote. Later it is removed
again, vote and all. What was asked for is asked for again until it is so, as people would.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from itertools import permutations

from cib_store.client import Membership, StoreClient
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.ids import NodeName
from tests.faults.cluster import NAMES, NUMBERS, SPARE, Stores, member

PATIENCE_S = 60
CUT_S = 1.0
"""Longer than a leader without a majority leads."""
DOWN_S = 0.3
LATEST_S = 1.0
"""Until then the leader is lost: before the learner is committed, while it is filled, or before
its vote is."""
_Asks = Callable[[StoreClient], Awaitable[object]]


async def member_comes(stores: Stores, leader: str, chance: random.Random) -> None:
    """Add the spare, empty or as it was when it was removed, and lose the leader meanwhile."""
    if chance.random() < 0.5:
        stores.empty(SPARE)
    stores.start(SPARE)
    await asyncio.gather(_joined(stores), _lose_leader(stores, leader, chance))


async def member_goes(stores: Stores, leader: str, chance: random.Random) -> None:
    """Remove the spare, which may lead, and lose the leader meanwhile."""
    if not stores.runs(SPARE):
        stores.start(SPARE)
    await _joined(stores)
    await asyncio.gather(_left(stores), _lose_leader(stores, leader, chance))
    stores.kill(SPARE)


async def _joined(stores: Stores) -> None:
    def votes(found: Membership) -> bool:
        there = found.members.of(NodeName(SPARE))
        return there is not None and there.votes

    await _until(stores, votes, lambda client: client.add_member(member(SPARE), timeout_ms=3_000))


async def _left(stores: Stores) -> None:
    def gone(found: Membership) -> bool:
        return found.members.of(NodeName(SPARE)) is None

    def remove(client: StoreClient) -> Awaitable[object]:
        return client.remove_member(NodeName(SPARE), timeout_ms=3_000)

    await _until(stores, gone, remove)


async def _until(stores: Stores, reached: Callable[[Membership], bool], ask: _Asks) -> None:
    client = stores.client(*NAMES)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(HaError):
                    await ask(client)
                    if reached(await client.members(timeout_ms=3_000)):
                        return
                await asyncio.sleep(0.05)
    finally:
        await client.close()


async def _lose_leader(stores: Stores, leader: str, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, LATEST_S))
    if chance.random() < 0.5:
        stores.kill(leader)
        await asyncio.sleep(DOWN_S)
        stores.start(leader)
    else:
        stores.cut([pair for pair in permutations(NUMBERS, 2) if leader in pair])
        await asyncio.sleep(CUT_S)
        stores.heal()
