"""The conformance suite of `ReplicatedLog`: what every engine has to pass, with real voters.

A further engine adds itself to `ENGINES`. Hazards are numbered as in the design note on Raft.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import grpc.aio
import pytest

from cib_store.raft.configuration import Configuration, Seat
from cib_store.raft.engine import PySyncObjLog
from cib_store.raft.files import Files
from cib_store.raft.log import Leadership, ReplicatedLog, StateMachine
from crm_shell.local_cluster.layout import free_ports
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.errors import HaError, Rejected
from raftmaker.runtime.rpc import serve
from raftmaker.runtime.settings import Timings
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.types_pb2 import Identity

Make = Callable[[NodeName, Configuration, Path, StateMachine], ReplicatedLog]
PATIENCE_S = 60.0
ASKED_AGAIN: set[bytes] = set()
"""What was proposed more than once: on a busy machine a leader may be lost over it."""


def embedded(
    node: NodeName, seed: Configuration, directory: Path, machine: StateMachine
) -> ReplicatedLog:
    return PySyncObjLog(
        node,
        seed=seed,
        endpoint_of=endpoint,
        identity=identity(node),
        directory=directory,
        machine=machine,
        timings=Timings(),
        founding=marker(directory),
    )


def endpoint(node: NodeName, address: str) -> Endpoint:
    return Endpoint(node=node, address=address)


def marker(directory: Path) -> Path:
    """Beside the store, so that a store that is lost does not take it along."""
    return directory.with_suffix(".founding")


def identity(node: str) -> Identity:
    return Identity(protocol=1, protocol_min=1, cluster_id="c", node=node, program="voter")


ENGINES = [pytest.param(embedded, id="pysyncobj")]


T = TypeVar("T")


class Recorder:
    """A state machine that remembers every entry with its index."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, bytes]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.prepared: list[bytes] = []

    def prepare(self, entry: bytes) -> None:
        self.may_go_on.wait(10)
        self.prepared.append(entry)

    def apply(self, index: int, entry: bytes) -> bytes:
        self.entries.append((index, entry))
        return b"did " + entry

    def snapshot(self) -> Callable[[], bytes]:
        return repr(list(self.entries)).encode

    def restore(self, index: int, data: bytes) -> None:
        self.entries = eval(data)


def free_addresses(count: int) -> list[str]:
    return [f"127.0.0.1:{port}" for port in free_ports(count)]


class Voters:
    """A group of voters in this process, each with a directory of its own."""

    def __init__(self, make: Make, directory: Path, count: int) -> None:
        self.make = make
        self.directory = directory
        names = [NodeName(f"n{number}") for number in range(count)]
        self.addresses = dict(zip(names, free_addresses(count), strict=True))
        self.seed = Configuration(
            seats=tuple(Seat(name=name, address=self.addresses[name]) for name in names)
        )
        directory.mkdir(exist_ok=True)
        for name in names:
            marker(directory / name).touch()
        self.logs: dict[NodeName, ReplicatedLog] = {}
        self.servers: dict[NodeName, grpc.aio.Server] = {}
        self.machines: dict[NodeName, Recorder] = {}
        self.seen: dict[NodeName, list[Leadership]] = {name: [] for name in names}

    async def start(self, *names: NodeName) -> None:
        for name in names or self.addresses:
            self.machines[name] = Recorder()
            self.logs[name] = self.make(name, self.seed, self.directory / name, self.machines[name])
            self.servers[name] = await serve(
                self.logs[name].services(),
                identity=identity(name),
                socket=self.directory / f"{name}.sock",
                endpoints=[endpoint(name, self.addresses[name])],
            )
            await self.logs[name].start(self.seen[name].append)

    async def stop(self, *names: NodeName) -> None:
        for name in names or tuple(self.logs):
            await self.logs.pop(name).close()
            await self.servers.pop(name).stop(None)

    async def leader(self) -> ReplicatedLog:
        async def found() -> ReplicatedLog | None:
            for log in self.logs.values():
                if log.status().leadership.leads:
                    return log
            return None

        leader = await eventually(found)
        assert leader is not None
        return leader

    def follower(self) -> ReplicatedLog:
        return next(log for log in self.logs.values() if not log.status().leadership.leads)

    async def agree(self, *wanted: bytes) -> None:
        """Wait until every voter that runs has applied exactly these, at the same indexes."""

        async def agreed() -> bool:
            logs = [self.machines[name].entries for name in self.logs]
            return _asked_once(logs[0]) == list(wanted) and all(
                entries == logs[0] for entries in logs
            )

        assert await eventually(agreed), [self.machines[name].entries for name in self.logs]


async def eventually(condition: Callable[[], Awaitable[T]]) -> T | None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if value := await condition():
            return value
        await asyncio.sleep(0.01)
    return None


async def insist(log: ReplicatedLog, entry: bytes, *, timeout_ms: int = 1000) -> object:
    """Propose until it is certainly done; what was not certain may be done twice."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with suppress(HaError):
            return await log.propose(entry, timeout_ms=timeout_ms)
        ASKED_AGAIN.add(entry)
        await asyncio.sleep(0.1)
    raise AssertionError(f"{entry[:80]!r} was never committed")


def _asked_once(entries: list[tuple[int, bytes]]) -> list[bytes]:
    """Return the entries without what was proposed again because its outcome was not known."""
    found: list[bytes] = []
    for _, entry in entries:
        if entry not in found or entry not in ASKED_AGAIN:
            found.append(entry)
    return found


async def barrier(log: ReplicatedLog) -> int:
    """Have a barrier, again after a change of the leader."""

    async def reached() -> int | None:
        with suppress(HaError):
            return await log.barrier(timeout_ms=2000)
        return None

    index = await eventually(reached)
    assert index is not None, "no barrier"
    return index


Scenario = Callable[[Voters], Coroutine[Any, Any, None]]


@pytest.fixture(params=ENGINES)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[int, Scenario], None]:
    def runner(count: int, scenario: Scenario) -> None:
        async def whole() -> None:
            voters = Voters(request.param, tmp_path, count)
            try:
                await voters.start()
                await voters.leader()
                await scenario(voters)
            finally:
                await voters.stop()

        asyncio.run(whole())

    return runner


Run = Callable[[int, Scenario], None]


@pytest.mark.parametrize("count", [1, 3])
def test_every_voter_applies_the_same_entries_in_one_order(run: Run, count: int) -> None:
    async def scenario(voters: Voters) -> None:
        logs = list(voters.logs.values())
        wanted = [f"e{number}".encode() for number in range(20)]
        for number, entry in enumerate(wanted):
            outcome = await insist(logs[number % count], entry)
            assert outcome == b"did " + entry
        await voters.agree(*wanted)
        assert logs[0].configuration().voters == tuple(sorted(voters.addresses))

    run(count, scenario)


def test_a_voter_that_prepares_a_large_entry_does_not_stand_still(run: Run) -> None:
    """It took a second to apply thousands of resources, and with that the leader was lost."""

    async def scenario(voters: Voters) -> None:
        for machine in voters.machines.values():
            machine.may_go_on.clear()
        leader = await voters.leader()
        term = leader.status().leadership.term
        large = asyncio.create_task(insist(leader, b"l" * 100_000, timeout_ms=8_000))
        await asyncio.sleep(1.5)  # more than an election takes
        assert not large.done()
        assert (await voters.leader()).status().leadership.term == term
        for machine in voters.machines.values():
            assert (machine.prepared, machine.entries) == ([], [])
            machine.may_go_on.set()
        await insist(leader, b"after")
        assert await large == b"did " + b"l" * 100_000
        await voters.agree(b"l" * 100_000, b"after")
        assert all(machine.prepared == [b"l" * 100_000] for machine in voters.machines.values())

    run(3, scenario)


def test_a_large_entry_is_prepared_while_it_is_on_its_way_to_the_disk(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So its commit is applied at once, and what follows it waits no longer for that."""
    disk_goes_on = threading.Event()
    sync = Files.sync

    def late(files: Files, handle: int) -> None:
        disk_goes_on.wait(10)
        sync(files, handle)

    async def scenario(voters: Voters) -> None:
        leader = await voters.leader()
        (machine,) = voters.machines.values()
        monkeypatch.setattr(Files, "sync", late)
        try:
            large = asyncio.create_task(insist(leader, b"l" * 100_000, timeout_ms=8_000))

            async def prepared() -> bool:
                return bool(machine.prepared)

            assert await eventually(prepared)
            assert not machine.entries
        finally:
            disk_goes_on.set()
        assert await large == b"did " + b"l" * 100_000

    run(1, scenario)


def test_a_large_entry_reaches_all_and_one_that_is_too_large_is_refused(run: Run) -> None:
    """PySyncObj would pickle one of 32 MiB and send parts, which ended every leader in turn."""

    async def scenario(voters: Voters) -> None:
        large = b"l" * (3 * 1024 * 1024)
        done = await insist(voters.follower(), large, timeout_ms=10_000)
        assert done == b"did " + large
        with pytest.raises(Rejected, match="the change takes 33554433 bytes"):
            await voters.follower().propose(b"l" * (32 * 1024 * 1024 + 1), timeout_ms=1000)
        await insist(await voters.leader(), b"after")
        await voters.agree(large, b"after")

    run(3, scenario)


def test_a_barrier_covers_what_was_acknowledged_elsewhere(run: Run) -> None:
    async def scenario(voters: Voters) -> None:
        for number in range(20):
            entry = f"e{number}".encode()
            await insist(await voters.leader(), entry)
            reader = voters.follower()
            reached = await barrier(reader)
            name = next(name for name, log in voters.logs.items() if log is reader)
            assert voters.machines[name].entries[-1][1] == entry
            assert reached > voters.machines[name].entries[-1][0]

    run(3, scenario)


def test_leadership_is_announced_and_terms_grow(run: Run) -> None:
    async def scenario(voters: Voters) -> None:
        first = await voters.leader()
        term = first.status().leadership.term
        first.step_down()

        async def newer() -> bool:
            return any(
                log.status().leadership.leads and log.status().leadership.term > term
                for log in voters.logs.values()
            )

        assert await eventually(newer)
        await insist(voters.follower(), b"after")
        await voters.agree(b"after")
        for seen in voters.seen.values():
            assert [item.term for item in seen] == sorted(item.term for item in seen)
        leaders = {(item.term, item.leader) for seen in voters.seen.values() for item in seen}
        named = [(term, leader) for term, leader in leaders if leader]
        assert len({term for term, _ in named}) == len(named), "two leaders in one term"

    run(3, scenario)


def test_without_a_majority_nothing_is_acknowledged(run: Run) -> None:
    """And a leader that reaches no majority steps down (hazard 10)."""

    async def scenario(voters: Voters) -> None:
        leader = await voters.leader()
        others = [name for name, log in voters.logs.items() if log is not leader]
        await voters.stop(*others)
        with pytest.raises(HaError):
            await leader.propose(b"lonely", timeout_ms=800)
        with pytest.raises(HaError):
            await leader.barrier(timeout_ms=800)

        async def stepped_down() -> bool:
            return not leader.status().leadership.leads and not leader.status().quorate

        assert await eventually(stepped_down)

    run(3, scenario)


def test_a_restart_of_all_keeps_what_was_acknowledged(run: Run) -> None:
    async def scenario(voters: Voters) -> None:
        wanted = [f"e{number}".encode() for number in range(10)]
        for entry in wanted:
            await insist(await voters.leader(), entry)
        await voters.stop()
        await voters.start()
        await insist(await voters.leader(), b"more")
        await voters.agree(*wanted, b"more")

    run(3, scenario)


def test_a_voter_that_was_away_catches_up(run: Run) -> None:
    async def scenario(voters: Voters) -> None:
        away = NodeName("n2")
        await voters.stop(away)
        wanted = [f"e{number}".encode() for number in range(50)]
        for entry in wanted:
            await insist(await voters.leader(), entry)
        await voters.start(away)
        await voters.agree(*wanted)

    run(3, scenario)


def test_a_voter_that_was_away_too_long_is_sent_a_snapshot(tmp_path: Path) -> None:
    async def scenario() -> None:
        voters = Voters(embedded, tmp_path, 3)
        await voters.start()
        away = NodeName("n2")
        wanted = [f"e{number}".encode() for number in range(30)]
        for entry in wanted[:5]:
            await insist(await voters.leader(), entry)
        await voters.stop(away)
        for entry in wanted[5:]:
            await insist(await voters.leader(), entry)
        for log in voters.logs.values():
            assert isinstance(log, PySyncObjLog)
            assert log._engine is not None
            log._engine.forceLogCompaction()

        async def compacted() -> bool:
            return all((tmp_path / name / "snapshot").exists() for name in voters.logs)

        assert await eventually(compacted)
        await insist(await voters.leader(), b"after")
        await voters.start(away)
        await voters.agree(*wanted, b"after")
        await voters.stop()
        await voters.start()
        await insist(await voters.leader(), b"last")
        await voters.agree(*wanted, b"after", b"last")
        await voters.stop()

    asyncio.run(scenario())


def test_a_damaged_snapshot_refuses_to_start(tmp_path: Path) -> None:
    """Instead of coming up empty and voting (hazards 3, 4)."""

    async def scenario() -> None:
        directory = tmp_path / "n0"
        directory.mkdir(parents=True)
        (directory / "snapshot").write_bytes(b"RMSNAP01garbage that is long enough")
        voters = Voters(embedded, tmp_path, 1)
        with pytest.raises(Rejected, match="fails its checksum"):
            await voters.start()

    asyncio.run(scenario())
