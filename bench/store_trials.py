"""How fast the store is: three daemons on loopback, fsync on; beside a real etcd, if there is one.

Every change is a change of the configuration: one attribute of one resource, each writer its own.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import store_loads as loads
from bench.etcd import etcd_figures
from bench.grpc_floor import floor_figures
from bench.store_cluster import Cluster, fill
from bench.store_loads import Figures
from tests.e2e.cib_store.stores import NAMES

RESOURCES = 64
RESOURCES_268K = 625
RESOURCES_5M = 11_700


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How long and how often each load is run."""

    seconds: float
    rounds: int
    burst: int
    watched: int
    idle_s: float
    hogs_s: float
    is_whole: bool


QUICK = Extent(seconds=2.0, rounds=3, burst=640, watched=5, idle_s=3.0, hogs_s=3.0, is_whole=False)
WHOLE = Extent(
    seconds=15.0, rounds=15, burst=10_016, watched=50, idle_s=30.0, hogs_s=600.0, is_whole=True
)


async def _small(cluster: Cluster, extent: Extent) -> Figures:
    leader = await cluster.ready()
    follower = next(name for name in NAMES if name != leader)
    client = cluster.client(leader)
    await fill(client, RESOURCES)
    await client.close()
    figures = await loads.idle(cluster, leader, extent.idle_s)
    figures |= await loads.one_writer(cluster, "one_writer", leader, extent.seconds)
    figures |= await loads.one_writer(cluster, "one_writer_follower", follower, extent.seconds)
    figures |= await loads.many_writers(cluster, "writers64", extent.seconds)
    figures |= await loads.many_writers(
        cluster, "writers64_own_connections", extent.seconds, connections=loads.WRITERS
    )
    figures |= await loads.burst(cluster, extent.burst)
    return figures | await loads.watchers(cluster, extent.watched)


async def _large(cluster: Cluster, extent: Extent) -> Figures:
    leader = await cluster.ready()
    client = cluster.client(leader)
    figures: Figures = {"cib_268k_bytes": float(await fill(client, RESOURCES_268K))}
    figures |= await loads.one_writer(cluster, "one_writer_268k", leader, extent.seconds)
    figures |= await loads.many_writers(cluster, "writers64_268k", extent.seconds)
    figures |= await loads.queries(cluster, "query_268k", leader, extent.seconds)
    if extent.is_whole:
        figures["cib_5m_bytes"] = float(await fill(client, RESOURCES_5M))
        figures |= await loads.one_writer(cluster, "one_writer_5m", leader, extent.seconds)
        figures |= await loads.many_writers(cluster, "writers64_5m", extent.seconds)
        await fill(client, RESOURCES)
    await client.close()
    return figures


async def _measure(directory: Path, extent: Extent) -> Figures:
    cluster = Cluster(directory / "stores")
    cluster.start(*NAMES)
    try:
        figures = await _small(cluster, extent)
        figures |= await loads.leader_lost(cluster, extent.rounds)
        figures |= await _large(cluster, extent)
        figures |= await loads.hogs(cluster, extent.hogs_s)
    finally:
        cluster.close()
    slow = Cluster(directory / "slow", "bench.slow_disk_store")
    slow.start(*NAMES)
    try:
        leader = await slow.ready()
        client = slow.client(leader)
        await fill(client, RESOURCES)
        await client.close()
        return figures | await loads.slow_disk(slow, extent.seconds)
    finally:
        slow.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 50 s")
    extent = QUICK if parser.parse_args().quick else WHOLE
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-store-") as directory:
        figures = asyncio.run(_measure(Path(directory), extent))
        figures |= asyncio.run(floor_figures(Path(directory) / "floor", extent.seconds / 2))
        etcd = asyncio.run(etcd_figures(Path(directory) / "etcd", extent.seconds, loads.WRITERS))
    if etcd:
        figures |= etcd
        for name in ("one_writer_per_s", "writers64_per_s"):
            figures[f"{name}_to_etcd"] = figures[name] / etcd[f"etcd_{name}"]
    figures |= {"load_before": before, "load_after": os.getloadavg()[0]}
    for name, value in figures.items():
        print(f"{name:40} {value:12.2f}")
    if not etcd:
        print("etcd is not installed: not compared (Debian: etcd-server)")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
