"""Rounds of faults under load; the last line is JSON. Exit code 1: something was lost or doubled.

``--rounds 6 --seconds 3`` is the short form, one round for every fault.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from cib_store.client import StoreClient
from raftmaker.runtime.errors import HaError
from tests.e2e.cib_store.stores import NAMES, Stores
from tests.faults.linearizability import is_linearizable
from tests.faults.nemesis import FAULTS
from tests.faults.workload import Tally, Worker, counted

WORKERS = 6
PATIENCE_S = 60


async def leader_of(client: StoreClient) -> str:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(HaError):
                answer = await client.query(facts=True, timeout_ms=3_000)
                leader = (await client.status()).leader
                if leader and answer.facts is not None and answer.facts.cluster_id:
                    return leader
            await asyncio.sleep(0.1)


async def _agree(stores: Stores) -> bool:
    """Tell whether all three replicas hold the same."""
    held = []
    for name in NAMES:
        client = stores.client(name)
        await leader_of(client)
        held.append((await client.query(timeout_ms=30_000)).elements)
        await client.close()
    return all(each == held[0] for each in held)


async def campaign(directory: Path, *, rounds: int, seconds: float, seed: int) -> dict[str, object]:
    """Run the rounds; return what the last line says."""
    chance, tally, stores = random.Random(seed), Tally(), Stores(directory)
    stores.start(*NAMES)
    clients = [stores.client(*NAMES, exactly_once=True) for _ in range(WORKERS)]
    watcher = stores.client(*NAMES)
    workers = [Worker(number, one, tally, seed) for number, one in enumerate(clients)]
    lost = doubled = 0
    try:
        await leader_of(watcher)
        for number in range(rounds):
            name, fault = list(FAULTS.items())[number % len(FAULTS)]
            leader = await leader_of(watcher)
            until = time.monotonic() + seconds
            work = [asyncio.create_task(each.run(number, until)) for each in workers]
            await asyncio.sleep(seconds / 3)
            await fault(stores, leader, chance)
            await asyncio.gather(*work)
            await leader_of(watcher)
            count = await counted(watcher)
            lost = max(lost, tally.acknowledged - count)
            doubled = max(doubled, count - tally.acknowledged - tally.uncertain)
            print(f"round {number + 1}: {name}; {tally.operations} operations", flush=True)
        agree = await _agree(stores)
    finally:
        for client in (*clients, watcher):
            await client.close()
        stores.close()
    registers = tally.registers.values()
    return {
        "rounds": rounds,
        "operations": tally.operations,
        "registers": len(tally.registers),
        "uncertain": tally.uncertain + sum(one.ended is None for h in registers for one in h),
        "acknowledged_lost": lost,
        "applied_twice": doubled,
        "linearizable": all(is_linearizable(history) for history in registers),
        "replicas_agree": agree,
        "seed": seed,
    }


def is_clean(result: dict[str, object]) -> bool:
    """Tell whether nothing was lost, doubled or out of order."""
    nothing = result["acknowledged_lost"] == 0 and result["applied_twice"] == 0
    return nothing and bool(result["linearizable"]) and bool(result["replicas_agree"])


def main() -> int:
    """Run the campaign from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=len(FAULTS))
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        result = asyncio.run(
            campaign(Path(directory), rounds=given.rounds, seconds=given.seconds, seed=given.seed)
        )
    print(json.dumps(result))
    return 0 if is_clean(result) else 1


if __name__ == "__main__":
    sys.exit(main())
