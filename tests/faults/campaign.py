"""Rounds of faults under load; the last line is JSON. Exit code 1: not clean."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cib_store.client import StoreClient
from raftmaker.runtime.errors import HaError
from tests.faults.cluster import NAMES, SPARE, Stores, missing
from tests.faults.linearizability import is_linearizable
from tests.faults.nemesis import FAULTS, LASTING
from tests.faults.workload import Tally, Worker, counted

WORKERS = 8
PATIENCE_S = 60


@dataclass(slots=True)
class Verdict:
    """What the rounds so far have shown."""

    rounds: int = 0
    registers: int = 0
    uncertain: int = 0
    lost: int = 0
    doubled: int = 0
    disorderly: list[str] = field(default_factory=list)
    differing: int = 0
    faults: Counter[str] = field(default_factory=Counter)


async def leader_of(client: StoreClient) -> str:
    """Wait for a leader that serves; return its name."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(HaError):
                answer = await client.query(facts=True, timeout_ms=3_000)
                leader = (await client.status()).leader
                if leader and answer.facts is not None and answer.facts.cluster_id:
                    return leader
            await asyncio.sleep(0.1)


async def agree(stores: Stores) -> bool:
    """Tell whether all replicas hold the same, the spare's too while it is a member."""
    held = []
    for name in (*NAMES, *((SPARE,) if stores.runs(SPARE) else ())):
        client = stores.client(name)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(HaError):  # a busy machine is no verdict
                    held.append((await client.query(timeout_ms=30_000)).elements)
                    break
                await asyncio.sleep(0.1)
        await client.close()
    return all(each == held[0] for each in held)


class Campaign:
    """One cluster, its clients, and what they were told."""

    def __init__(self, stores: Stores, seed: int) -> None:
        """Nothing runs yet."""
        self._stores = stores
        self._chance = random.Random(seed)
        self.tally = Tally()
        self.verdict = Verdict()
        clients = [stores.client(*NAMES, exactly_once=True) for _ in range(WORKERS)]
        self._workers = [
            Worker(number, one, self.tally, seed) for number, one in enumerate(clients)
        ]
        self._watcher = stores.client(*NAMES)
        self._clients = [*clients, self._watcher]

    async def run(self, faults: list[str], rounds: int, seconds: float) -> None:
        """Run the rounds; the faults come in turn."""
        self._stores.start(*NAMES)
        try:
            await leader_of(self._watcher)
            for number in range(rounds):
                await self._round(number, faults[number % len(faults)], seconds)
        finally:
            for client in self._clients:
                await client.close()

    async def _round(self, number: int, name: str, seconds: float) -> None:
        leader = await leader_of(self._watcher)
        until = time.monotonic() + seconds
        lasts = name in LASTING

        def is_over() -> bool:
            return not lasts and time.monotonic() >= until

        work = [asyncio.create_task(each.run(number, is_over)) for each in self._workers]
        await asyncio.sleep(seconds / 3)
        try:
            await FAULTS[name](self._stores, leader, self._chance)
        finally:
            lasts = False
        await asyncio.gather(*work)
        self._stores.revive()
        await leader_of(self._watcher)
        await self._judge(number)
        self.verdict.faults[name] += 1
        print(f"round {number + 1}: {name}; {self.tally.operations} operations", flush=True)

    async def _judge(self, number: int) -> None:
        verdict, tally = self.verdict, self.tally
        count = await counted(self._watcher)
        verdict.rounds += 1
        verdict.lost = max(verdict.lost, tally.acknowledged - count)
        verdict.doubled = max(verdict.doubled, count - tally.acknowledged - tally.uncertain)
        for name, history in tally.registers.items():
            verdict.registers += 1
            verdict.uncertain += sum(one.ended is None for one in history)
            if not is_linearizable(history):
                verdict.disorderly.append(name)
                print(f"round {number + 1}: {name} is not linearizable: {history}", flush=True)
        tally.registers.clear()
        if not await agree(self._stores):
            verdict.differing += 1

    def result(self, seed: int) -> dict[str, object]:
        """Return what the last line says."""
        verdict = self.verdict
        return {
            "rounds": verdict.rounds,
            "operations": self.tally.operations,
            "acknowledged": self.tally.acknowledged,
            "registers": verdict.registers,
            "uncertain": verdict.uncertain + self.tally.uncertain,
            "acknowledged_lost": verdict.lost,
            "applied_twice": verdict.doubled,
            "linearizable": not verdict.disorderly,
            "replicas_agree": not verdict.differing,
            "ended_unasked": self._stores.ended_unasked,
            "faults": dict(verdict.faults),
            "seed": seed,
        }


async def campaign(
    directory: Path, *, rounds: int, seconds: float, seed: int, only: list[str] | None = None
) -> dict[str, object]:
    """Run the rounds; return what the last line says."""
    stores = Stores(directory)
    try:
        running = Campaign(stores, seed)
        await running.run(only or list(FAULTS), rounds, seconds)
    finally:
        stores.close()
    return running.result(seed)


def is_clean(result: dict[str, object]) -> bool:
    """Tell whether nothing was lost, doubled or out of order, and no store gave up."""
    nothing = result["acknowledged_lost"] == 0 and result["applied_twice"] == 0
    good = bool(result["linearizable"]) and bool(result["replicas_agree"])
    return nothing and good and not result["ended_unasked"]


def main() -> int:
    """Run the campaign from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=len(FAULTS))
    parser.add_argument("--seconds", type=float, default=3.0, help="of load in each round")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="FAULT", help=f"one of: {'; '.join(FAULTS)}")
    given = parser.parse_args()
    only = [name for name in FAULTS if given.only and given.only in name]
    if given.only and not only:
        parser.error(f"no fault {given.only!r}; there are: {'; '.join(FAULTS)}")
    if lacking := missing():
        parser.error(lacking)
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        result = asyncio.run(
            campaign(
                Path(directory),
                rounds=given.rounds,
                seconds=given.seconds,
                seed=given.seed,
                only=only,
            )
        )
    print(json.dumps(result))
    return 0 if is_clean(result) else 1


if __name__ == "__main__":
    sys.exit(main())
