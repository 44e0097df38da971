"""What gRPC alone takes for a message there and back, between two Python processes.

A change by one writer takes two such round trips one after the other (program and leader, leader
and follower), and so does no store behind this gRPC go below their sum. ``python -m
bench.grpc_floor SOCKET`` is the end that answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from bench.store_cluster import PATIENCE_MS, process_cpu_s
from bench.store_loads import Figures, percentile

SMALL = b"x" * 200
LARGE_BYTES = 268_000
_ECHO, _LARGE = "/floor.Floor/Echo", "/floor.Floor/Large"
_LIMITS = [("grpc.max_receive_message_length", 2**26), ("grpc.max_send_message_length", 2**26)]


async def _answer(socket: str) -> None:
    large = b"y" * LARGE_BYTES

    async def echo(asked: AsyncIterator[bytes], context: Any) -> None:
        async for message in asked:
            await context.write(message)

    async def send_large(asked: AsyncIterator[bytes], context: Any) -> None:
        async for _ in asked:
            await context.write(large)

    streams = {"Echo": echo, "Large": send_large}
    handlers: dict[str, Any] = {
        name: grpc.stream_stream_rpc_method_handler(each) for name, each in streams.items()
    }
    server = grpc.aio.server(options=_LIMITS)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("floor.Floor", handlers),)
    )
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    await server.wait_for_termination()


async def _asked(socket: Path, method: str, seconds: float) -> list[float]:
    """Return how long each round trip took, in ms, one after the other on one stream."""
    took: list[float] = []
    async with grpc.aio.insecure_channel(f"unix:{socket}", options=_LIMITS) as channel:
        call: Any = channel.stream_stream(method)()
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            began = time.perf_counter()
            await call.write(SMALL)
            await call.read()
            took.append((time.perf_counter() - began) * 1000)
        call.cancel()
    return took


async def floor_figures(directory: Path, seconds: float) -> Figures:
    """Measure round trips of 200 bytes, and of 268 KB one way; CPU is that of both ends."""
    directory.mkdir(parents=True, exist_ok=True)
    socket = directory / "floor.sock"
    process = subprocess.Popen([sys.executable, "-m", "bench.grpc_floor", str(socket)])
    try:
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not socket.exists():
                await asyncio.sleep(0.05)
        before = process_cpu_s(process.pid) + time.process_time()
        small = await _asked(socket, _ECHO, seconds)
        used = process_cpu_s(process.pid) + time.process_time() - before
        large = await _asked(socket, _LARGE, seconds)
    finally:
        process.kill()
        process.wait()
    return {
        "grpc_echo_p50_ms": percentile(small, 0.5),
        "grpc_echo_cpu_us": used / len(small) * 1e6,
        "grpc_268k_per_s": len(large) / sum(large) * 1000,
    }


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_answer(sys.argv[1]))
