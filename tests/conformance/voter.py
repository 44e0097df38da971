"""A voter in a process of its own, for tests that kill it: reads proposals, prints outcomes.

``python voter.py NODE DIRECTORY NODE=ADDRESS…`` reads one proposal a line from standard input and
prints ``ack TEXT`` once it is committed, and ``dump INDEX:TEXT,…`` when asked by the line ``?``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from cib_store.raft.configuration import Configuration, Seat
from cib_store.raft.engine import PySyncObjLog
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.rpc import serve
from raftmaker.runtime.settings import Timings
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.types_pb2 import Identity


class Recorder:
    """A state machine that remembers every entry in order."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def prepare(self, entry: bytes) -> None:
        """There is nothing to do beforehand."""

    def apply(self, index: int, entry: bytes) -> bytes:
        self.entries.append(entry.decode())
        return entry

    def snapshot(self) -> Callable[[], bytes]:
        return "\n".join(self.entries).encode

    def restore(self, index: int, data: bytes) -> None:
        self.entries = data.decode().split("\n") if data else []


async def main() -> None:
    node, directory, *rest = sys.argv[1:]
    addresses = dict(item.split("=", 1) for item in rest)
    seats = tuple(Seat(name=NodeName(n), address=addresses[n]) for n in sorted(addresses))
    founding = Path(f"{directory}.founding")
    if not Path(directory).exists():
        founding.touch()
    machine = Recorder()
    identity = Identity(protocol=1, protocol_min=1, cluster_id="c", node=node, program="voter")
    log = PySyncObjLog(
        NodeName(node),
        seed=Configuration(seats=seats),
        endpoint_of=lambda name, address: Endpoint(node=name, address=address),
        identity=identity,
        directory=Path(directory),
        machine=machine,
        timings=Timings(),
        founding=founding,
    )
    server = await serve(
        log.services(),
        identity=identity,
        socket=Path(f"{directory}.sock"),
        endpoints=[Endpoint(node=NodeName(node), address=addresses[node])],
    )
    await log.start(lambda _: None)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().strip():
        try:
            if line == "?":
                await log.barrier(timeout_ms=1000)
                print("dump", ",".join(machine.entries), flush=True)
            elif line == "compact":
                assert log._engine is not None
                log._engine.forceLogCompaction()
                print("ok", flush=True)
            else:
                await log.propose(line.encode(), timeout_ms=1000)
                print("ack", line, flush=True)
        except HaError as error:
            print("error", type(error).__name__, flush=True)
    await server.stop(None)


asyncio.run(main())
