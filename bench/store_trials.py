"""How fast the store is: three daemons on loopback, fsync on; beside a real etcd, if there is one.

Every change is a change of the configuration: one attribute of one resource, each writer its own.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from bench.etcd import etcd_figures
from cib_store.client import StoreClient
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from tests.e2e.cib_store.stores import NAMES, Stores

WRITERS = 64
RESOURCES = 64
RESOURCES_268K = 530
PATIENCE_MS = 30_000
Figures = dict[str, float]


def _resources(count: int) -> str:
    one = (
        '<primitive id="r{0}" class="ocf" provider="heartbeat" type="Dummy">'
        '<instance_attributes id="r{0}-i"><nvpair id="r{0}-i-state" name="state"'
        ' value="/run/resource-agents/dummy-{0}.state"/>'
        '<nvpair id="r{0}-i-fake" name="fake" value="0"/></instance_attributes>'
        '<operations><op id="r{0}-monitor-10s" name="monitor" interval="10s" timeout="20s"/>'
        '<op id="r{0}-start-0s" name="start" interval="0s" timeout="20s"/></operations>'
        "</primitive>"
    )
    return "<resources>" + "".join(one.format(number) for number in range(count)) + "</resources>"


async def _set(client: StoreClient, number: int, value: int) -> None:
    operation = CibOperation(
        kind=OperationKind.MODIFY,
        scope="resources",
        xml=f'<nvpair id="r{number}-i-fake" value="{value}"/>',
    )
    outcome = await client.change([operation], timeout_ms=PATIENCE_MS)
    assert outcome.succeeded, outcome


async def _set_own(client: StoreClient, worker: int, turn: int) -> None:
    await _set(client, worker, turn)


async def _fill(client: StoreClient, count: int) -> None:
    operation = CibOperation(kind=OperationKind.REPLACE, scope="resources", xml=_resources(count))
    outcome = await client.change([operation], timeout_ms=PATIENCE_MS)
    assert outcome.succeeded, outcome


async def _timed(
    work: Callable[[int, int], Awaitable[object]], *, workers: int, seconds: float
) -> tuple[float, list[float]]:
    """Return how many a second, and every duration in ms; `work` gets worker and turn."""
    took: list[float] = []
    start = time.monotonic()

    async def one(worker: int) -> None:
        turn = 0
        while time.monotonic() - start < seconds:
            began = time.perf_counter()
            turn += 1
            await work(worker, turn)
            took.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(one(worker) for worker in range(workers)))
    return len(took) / (time.monotonic() - start), took


def _percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def _leader(client: StoreClient) -> str:
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            with contextlib.suppress(HaError):
                answer = await client.query(facts=True)
                leader = (await client.status()).leader
                if leader and answer.facts is not None and answer.facts.cluster_id:
                    return leader
            await asyncio.sleep(0.1)


async def _writing(stores: Stores, seconds: float) -> Figures:
    figures: Figures = {}
    at = {name: stores.client(name) for name in NAMES}
    leader = await _leader(at["a"])
    follower = next(name for name in NAMES if name != leader)
    for where, name in (("", leader), ("follower_", follower)):
        client = at[name]
        await _set(client, 0, -1)
        rate, took = await _timed(partial(_set_own, client), workers=1, seconds=seconds)
        figures[f"one_writer_{where}per_s"] = rate
        figures[f"one_writer_{where}p50_ms"] = _percentile(took, 0.5)
    clients = [at[NAMES[number % len(NAMES)]] for number in range(WRITERS)]
    rate, took = await _timed(
        lambda writer, n: _set(clients[writer], writer, n), workers=WRITERS, seconds=seconds
    )
    figures["writers64_per_s"], figures["writers64_p99_ms"] = rate, _percentile(took, 0.99)
    for client in at.values():
        await client.close()
    return figures


async def _big(stores: Stores, seconds: float) -> Figures:
    client = stores.client("a")
    leader = await _leader(client)
    await _fill(client, RESOURCES_268K)
    size = sum(len(xml) for xml in await client.query_raw())
    at_leader = stores.client(leader)
    rate, _ = await _timed(partial(_set_own, at_leader), workers=1, seconds=seconds)
    # The answer as it came: what a program makes of it is its own time.
    query, _ = await _timed(lambda *_: client.query_raw(), workers=4, seconds=seconds)
    for each in (client, at_leader):
        await each.close()
    return {"cib_bytes": size, "one_writer_268k_per_s": rate, "query_268k_per_s": query}


async def _leader_lost(stores: Stores, rounds: int) -> Figures:
    took: list[float] = []
    client = stores.client(*NAMES, exactly_once=True)
    for number in range(rounds):
        leader = await _leader(client)
        others = stores.client(*(name for name in NAMES if name != leader), exactly_once=True)
        await _set(others, 1, number)
        start = time.monotonic()
        stores.kill(leader)
        await _set(others, 1, number + 1000)
        took.append(time.monotonic() - start)
        await others.close()
        stores.start(leader)
        async with asyncio.timeout(PATIENCE_MS / 1000):
            back = stores.client(leader)
            while True:
                with contextlib.suppress(HaError):
                    await back.query(scope="crm_config", timeout_ms=1000)
                    break
                await asyncio.sleep(0.1)
            await back.close()
    await client.close()
    return {"leader_lost_s": statistics.median(took), "leader_lost_max_s": max(took)}


async def _measure(directory: Path, seconds: float, rounds: int) -> Figures:
    stores = Stores(directory)
    stores.start(*NAMES)
    try:
        client = stores.client("a")
        await _leader(client)
        await _fill(client, RESOURCES)
        await client.close()
        figures = await _writing(stores, seconds)
        figures |= await _leader_lost(stores, rounds)
        return figures | await _big(stores, seconds)
    finally:
        stores.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 50 s")
    quick = parser.parse_args().quick
    seconds, rounds = (3.0, 3) if quick else (15.0, 15)
    with tempfile.TemporaryDirectory(prefix="bench-store-") as directory:
        figures = asyncio.run(_measure(Path(directory), seconds, rounds))
        etcd = asyncio.run(etcd_figures(Path(directory) / "etcd", seconds, WRITERS))
    if etcd:
        figures |= etcd
        for name in ("one_writer_per_s", "writers64_per_s"):
            figures[f"{name}_to_etcd"] = figures[name] / etcd[f"etcd_{name}"]
    for name, value in figures.items():
        print(f"{name:32} {value:10.2f}")
    if not etcd:
        print("etcd is not installed: not compared (Debian: etcd-server)")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
