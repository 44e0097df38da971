"""The loads of the store's benchmark, each on a cluster that is there."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from bench.store_cluster import PATIENCE_MS, Cluster, set_value
from cib_store.client import StoreClient
from cib_store.document.codec import parse
from raftmaker.runtime.errors import HaError
from raftmaker.wire import store_pb2 as pb
from tests.e2e.cib_store.stores import NAMES

WRITERS = 64
WATCHERS = 100
BURST_WRITERS = 32
HOGS = 4
_WATCHED = (
    "/cib/configuration/resources/primitive[@id='r0']/instance_attributes[@id='r0-i']"
    "/nvpair[@id='r0-i-fake']"
)
Figures = dict[str, float]


def percentile(values: list[float], part: float) -> float:
    """Return the value below which that part of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def timed(
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


def _named(name: str, rate: float, took: list[float]) -> Figures:
    return {
        f"{name}_per_s": rate,
        f"{name}_p50_ms": percentile(took, 0.5),
        f"{name}_p99_ms": percentile(took, 0.99),
    }


async def one_writer(cluster: Cluster, name: str, at: str, seconds: float) -> Figures:
    """One connection, one change after the other."""
    client = cluster.client(at)
    await set_value(client, 0, -1)
    rate, took = await timed(lambda _, turn: set_value(client, 0, turn), workers=1, seconds=seconds)
    await client.close()
    return _named(name, rate, took)


async def many_writers(
    cluster: Cluster, name: str, seconds: float, *, connections: int = len(NAMES)
) -> Figures:
    """64 writers, each on a resource of its own, over so many connections to the three stores.

    Also says how much of a core the daemons and this client took for a change.
    """
    clients = [cluster.client(NAMES[number % len(NAMES)]) for number in range(connections)]
    await asyncio.gather(*(client.status() for client in clients))
    daemons, own = sum(map(cluster.cpu_s, NAMES)), time.process_time()
    rate, took = await timed(
        lambda writer, turn: set_value(clients[writer % connections], writer, turn),
        workers=WRITERS,
        seconds=seconds,
    )
    figures = _named(name, rate, took)
    figures[f"{name}_daemons_cpu_us"] = (sum(map(cluster.cpu_s, NAMES)) - daemons) / len(took) * 1e6
    figures[f"{name}_client_cpu_us"] = (time.process_time() - own) / len(took) * 1e6
    for client in clients:
        await client.close()
    return figures


async def queries(cluster: Cluster, name: str, at: str, seconds: float) -> Figures:
    """The whole CIB, linearizable, as it comes: what a program makes of it is its own time."""
    client = cluster.client(at)
    rate, took = await timed(lambda *_: client.query_raw(), workers=4, seconds=seconds)
    await client.close()
    return _named(name, rate, took)


async def burst(cluster: Cluster, changes: int) -> Figures:
    """As many changes as that from 32 writers at once, each in a session of its own."""
    clients = [cluster.client(NAMES[n % 3], exactly_once=True) for n in range(BURST_WRITERS)]
    before, term = await _epoch(clients[0]), await cluster.term()
    start = time.monotonic()

    async def write(writer: int) -> None:
        for turn in range(changes // BURST_WRITERS):
            await set_value(clients[writer], writer, turn + 1)

    ended = await asyncio.gather(*map(write, range(BURST_WRITERS)), return_exceptions=True)
    took = time.monotonic() - start
    figures = {
        "burst_changes": float(changes // BURST_WRITERS * BURST_WRITERS),
        "burst_per_s": changes / took,
        "burst_failed_writers": float(sum(isinstance(one, BaseException) for one in ended)),
        "burst_executed": float(await _epoch(clients[0]) - before),
        "burst_elections": float(await cluster.term() - term),
    }
    for client in clients:
        await client.close()
    return figures


async def _epoch(client: StoreClient) -> int:
    return (await client.query(scope="crm_config")).version.epoch


async def watchers(cluster: Cluster, changes: int) -> Figures:
    """100 clients follow; how long after a change was begun each of them has it.

    What they make of it is their own time: here all of them share one process.
    """
    begun: dict[int, float] = {}
    arrived: list[tuple[float, str]] = []
    clients = [cluster.speaker(NAMES[number % len(NAMES)]) for number in range(WATCHERS)]
    ready: list[asyncio.Event] = [asyncio.Event() for _ in clients]

    async def follow(number: int) -> None:
        async for event in clients[number].Watch(pb.WatchRequest()):
            arrived.append((time.perf_counter(), event.patch))
            ready[number].set()

    tasks = [asyncio.create_task(follow(number)) for number in range(WATCHERS)]
    await asyncio.gather(*(event.wait() for event in ready))
    writer = cluster.client(NAMES[0])
    for turn in range(1_000_000, 1_000_000 + changes):
        begun[turn] = time.perf_counter()
        await set_value(writer, 0, turn)
        await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(writer.close(), *(client.close() for client in clients))
    late = [
        (at - begun[value]) * 1000
        for at, patch in arrived
        if (value := _changed_to(patch)) is not None
    ]
    return {
        "watch100_p50_ms": percentile(late, 0.5),
        "watch100_p99_ms": percentile(late, 0.99),
        "watch100_seen_of_all": len(late) / (WATCHERS * changes),
    }


def _changed_to(patch: str) -> int | None:
    """Return the value that the watched attribute has after this patch; None: it is as it was."""
    for change in parse(patch).each("change") if patch else ():
        if change.get("path") == _WATCHED:
            (new,) = (each for each in change.walk() if each.tag == "nvpair")
            return int(new.get("value"))
    return None


async def leader_lost(cluster: Cluster, rounds: int) -> Figures:
    """From the kill of the leader to the next committed change."""
    took: list[float] = []
    for number in range(rounds):
        leader = await cluster.ready()
        others = cluster.client(*(name for name in NAMES if name != leader), exactly_once=True)
        await set_value(others, 1, number)
        start = time.monotonic()
        cluster.kill(leader)
        await set_value(others, 1, number + 1000)
        took.append(time.monotonic() - start)
        await others.close()
        cluster.start(leader)
        await _back(cluster.client(leader))
    return {"leader_lost_s": statistics.median(took), "leader_lost_max_s": max(took)}


async def _back(client: StoreClient) -> None:
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            with contextlib.suppress(HaError):
                await client.query(scope="crm_config", timeout_ms=1000)
                break
            await asyncio.sleep(0.1)
    await client.close()


async def idle(cluster: Cluster, leader: str, seconds: float) -> Figures:
    """What three stores take of a core while nothing happens, and how much memory."""
    before = {name: cluster.cpu_s(name) for name in NAMES}
    await asyncio.sleep(seconds)
    percent = {name: (cluster.cpu_s(name) - before[name]) / seconds * 100 for name in NAMES}
    return {
        "idle_leader_percent": percent[leader],
        "idle_follower_percent": max(percent[name] for name in NAMES if name != leader),
        "idle_pss_mb": max(cluster.pss_mb(name) for name in NAMES),
    }


async def hogs(cluster: Cluster, seconds: float) -> Figures:
    """Four processes that want all of the processor: nobody may lose the leader over it."""
    term = await cluster.term()
    spin = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(spin) for _ in range(HOGS)]
    try:
        await asyncio.sleep(seconds)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return {"hogs_s": seconds, "hogs_elections": float(await cluster.term() - term)}


async def slow_disk(cluster: Cluster, seconds: float) -> Figures:
    """Every sync takes 200 ms longer, on all three: slower, and no election."""
    leader = await cluster.ready()
    term = await cluster.term()
    figures = await one_writer(cluster, "slow_disk_one_writer", leader, seconds)
    figures |= await many_writers(cluster, "slow_disk_writers64", seconds)
    kept = ("slow_disk_one_writer_per_s", "slow_disk_writers64_per_s")
    return {name: figures[name] for name in kept} | {
        "slow_disk_elections": float(await cluster.term() - term)
    }
