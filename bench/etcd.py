"""A real three-node etcd on loopback, asked through its HTTP gateway, for comparison."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

_VALUE = base64.b64encode(b"x" * 200).decode()


class _Connection:
    """One kept HTTP connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def put(self, key: str) -> None:
        """Put 200 bytes; raises OSError when it is refused."""
        if self._reader is None or self._writer is None:
            opened = await asyncio.open_connection("127.0.0.1", self._port)
            self._reader, self._writer = opened
        name = base64.b64encode(key.encode()).decode()
        body = json.dumps({"key": name, "value": _VALUE}).encode()
        head = (
            "POST /v3/kv/put HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in answer.split("\r\n") if line.startswith("content-length:"))
        await self._reader.readexactly(int(length.partition(":")[2]))
        if " 200 " not in answer.split("\r\n", 1)[0]:
            raise OSError(answer)

    def close(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.close()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _start(program: str, directory: Path, ports: list[int]) -> list[subprocess.Popen[bytes]]:
    names = ["e1", "e2", "e3"]
    peers = ",".join(
        f"{name}=http://127.0.0.1:{port}" for name, port in zip(names, ports[3:], strict=True)
    )
    processes: list[subprocess.Popen[bytes]] = []
    for name, client, peer in zip(names, ports[:3], ports[3:], strict=True):
        home = directory / name
        home.mkdir(parents=True)
        urls = [f"http://127.0.0.1:{client}"], [f"http://127.0.0.1:{peer}"]
        arguments = [
            *("--name", name, "--data-dir", str(home)),
            *("--listen-client-urls", *urls[0], "--advertise-client-urls", *urls[0]),
            *("--listen-peer-urls", *urls[1], "--initial-advertise-peer-urls", *urls[1]),
            *("--initial-cluster", peers),
        ]
        with (home / "log").open("wb") as log:
            processes.append(subprocess.Popen([program, *arguments], stdout=log, stderr=log))
    return processes


async def _ready(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            connection = _Connection(port)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, StopIteration):
                await connection.put("ready")
                return
            connection.close()
            await asyncio.sleep(0.2)


async def _rate(ports: list[int], writers: int, seconds: float) -> tuple[float, list[float]]:
    took: list[float] = []
    start = time.monotonic()

    async def one(number: int) -> None:
        connection = _Connection(ports[number % len(ports)])
        while time.monotonic() - start < seconds:
            began = time.perf_counter()
            await connection.put(f"k{number}")
            took.append((time.perf_counter() - began) * 1000)
        connection.close()

    await asyncio.gather(*(one(number) for number in range(writers)))
    return len(took) / (time.monotonic() - start), sorted(took)


async def etcd_figures(directory: Path, seconds: float, writers: int) -> dict[str, float]:
    """Return etcd's figures for the same two loads; nothing where it is not installed."""
    program = shutil.which("etcd")
    if program is None:
        return {}
    ports = _free_ports(6)
    processes = _start(program, directory, ports)
    try:
        await asyncio.gather(*(_ready(port) for port in ports[:3]))
        one, took = await _rate(ports[:3], 1, seconds)
        many, slow = await _rate(ports[:3], writers, seconds)
        return {
            "etcd_one_writer_per_s": one,
            "etcd_one_writer_p50_ms": took[len(took) // 2],
            "etcd_writers64_per_s": many,
            "etcd_writers64_p99_ms": slow[int(len(slow) * 0.99)],
        }
    finally:
        for process in processes:
            process.kill()
            process.wait()
