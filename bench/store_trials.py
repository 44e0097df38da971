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
import time
from collections.abc import Awaitable, Callable, Iterable
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
        term, began = await cluster.term(), time.monotonic()
        figures["cib_5m_bytes"] = float(await fill(client, RESOURCES_5M))
        figures["cib_5m_load_s"] = time.monotonic() - began
        figures |= await loads.one_writer(cluster, "one_writer_5m", leader, extent.seconds)
        figures |= await loads.many_writers(cluster, "writers64_5m", extent.seconds)
        await fill(client, RESOURCES)
        figures["cib_5m_elections"] = float(await cluster.term() - term)
    await client.close()
    return figures


async def _lost(cluster: Cluster, extent: Extent) -> Figures:
    return await loads.leader_lost(cluster, extent.rounds)


async def _hogs(cluster: Cluster, extent: Extent) -> Figures:
    return await loads.hogs(cluster, extent.hogs_s)


async def _slow(cluster: Cluster, extent: Extent) -> Figures:
    return await loads.slow_disk(cluster, extent.seconds)


Part = Callable[[Cluster, Extent], Awaitable[Figures]]
PARTS: dict[str, Part] = {"small": _small, "lost": _lost, "large": _large, "hogs": _hogs}
"""What is measured on one cluster, in this order."""
SLOW: dict[str, Part] = {"slow": _slow}
"""And on one with a slow disk."""
ALL = (*PARTS, *SLOW, "floor", "etcd")


async def _measured(cluster: Cluster, extent: Extent, parts: Iterable[Part]) -> Figures:
    figures: Figures = {}
    cluster.start(*NAMES)
    try:
        client = cluster.client(await cluster.ready())
        await fill(client, RESOURCES)
        await client.close()
        for part in parts:
            found = await part(cluster, extent)
            _show(found)
            figures |= found
    finally:
        cluster.close()
    return figures


def _show(figures: Figures) -> None:
    """Print as soon as it is known: a whole run takes a quarter of an hour."""
    for name, value in figures.items():
        print(f"{name:40} {value:12.2f}", flush=True)


def _measure(directory: Path, extent: Extent, only: list[str]) -> Figures:
    figures: Figures = {}
    for its, place, daemon in (
        (PARTS, "stores", "cib_store.main"),
        (SLOW, "slow", "bench.slow_disk_store"),
    ):
        parts = [part for name, part in its.items() if name in only]
        if parts:
            figures |= asyncio.run(_measured(Cluster(directory / place, daemon), extent, parts))
    if "floor" in only:
        found = asyncio.run(floor_figures(directory / "floor", extent.seconds / 2))
        _show(found)
        figures |= found
    if "etcd" in only:
        found = asyncio.run(etcd_figures(directory / "etcd", extent.seconds, loads.WRITERS))
        _show(found)
        figures |= found
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 50 s")
    parser.add_argument(
        "--only",
        action="append",
        choices=ALL,
        help="measure only this (may be given several times)",
    )
    asked = parser.parse_args()
    extent, only = QUICK if asked.quick else WHOLE, asked.only or list(ALL)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-store-") as directory:
        figures = _measure(Path(directory), extent, only)
    if "etcd" in only and "etcd_one_writer_per_s" not in figures:
        print("etcd is not installed: not compared (Debian: etcd-server)")
    more: Figures = {}
    for name in ("one_writer_per_s", "writers64_per_s"):
        if name in figures and f"etcd_{name}" in figures:
            more[f"{name}_to_etcd"] = figures[name] / figures[f"etcd_{name}"]
    more |= {"load_before": before, "load_after": os.getloadavg()[0]}
    _show(more)
    print(json.dumps({name: round(value, 3) for name, value in (figures | more).items()}))


if __name__ == "__main__":
    main()
