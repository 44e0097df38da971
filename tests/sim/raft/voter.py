"""One voter: the real engine, transport, journal and snapshots on a simulated disk and network."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, cast

from pysyncobj import SyncObjConf

from cib_store.raft import snapshot as snapshots
from cib_store.raft.configuration import Configuration, Seat
from cib_store.raft.engine import HEARTBEAT_S, _Applier, packed
from cib_store.raft.guarded import GuardedSyncObj
from cib_store.raft.journal import Journal
from cib_store.raft.links import Links
from cib_store.raft.ticking import REGULAR
from cib_store.raft.transport import StreamTransport
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.raft_pb2 import RaftMessage
from tests.sim.loop import MS, SECOND, Handle
from tests.sim.raft.disk import PowerLost, SimulatedFiles
from tests.sim.raft.machine import Machine
from tests.sim.raft.network import SimulatedLinks
from tests.sim.raft.writer import SYNC_US, SimulatedDisk

if TYPE_CHECKING:
    from tests.sim.raft.world import World

DIRECTORY = Path("/raft")
JOURNAL, SNAPSHOT = DIRECTORY / "journal", DIRECTORY / "snapshot"


class Watched(_Applier):
    """The machine as the engine sees it; the checkers are told of every entry."""

    def __init__(self, voter: Voter) -> None:
        super().__init__(voter.machine)
        self._voter = voter

    def apply(self, index: int, data: bytes) -> list[object]:
        machine = self._voter.machine
        machine.index, machine.carried_out = index, None  # a barrier does not come further
        result = super().apply(index, data)
        self._voter.world.checkers.applied(self._voter, index)
        return result


class Voter:
    """A machine with a disk; its process may be up or down."""

    def __init__(self, name: NodeName, world: World) -> None:
        """Down, with an empty disk."""
        self.name = name
        self.world = world
        self.files = SimulatedFiles(Random(f"{world.plan.seed} disk {name}"))
        self.files.syncs = world.plan.guards.synced
        self.engine: GuardedSyncObj | None = None
        self.machine = Machine()
        self.links = SimulatedLinks(name, world.network)
        self.told: Configuration | None = None
        """Who takes part, as it was told when it was to join; None: a founder."""
        self.starts = 0
        self.paused_until_us = 0
        self.sync_us = SYNC_US
        """How long a batch takes to come to disk."""
        self._was_made = False
        self.is_damaged = False
        """Its files were damaged on purpose."""
        self.loses_power = False
        """How it ends when the disk says so: the whole machine, or the process alone."""
        self._next_tick: Handle | None = None
        self._held: dict[int, int] | None = None

    @property
    def is_up(self) -> bool:
        """Its process runs."""
        return self.engine is not None

    @property
    def leads(self) -> bool:
        """It believes that it leads."""
        return self.engine is not None and self.engine.leads

    def start(self) -> None:
        """Start the process; with a damaged disk it must refuse to."""
        assert self.engine is None
        self.starts += 1
        self.world.started(self)
        self.machine = Machine(once=self.world.plan.guards.requests_run_once)
        self.links = SimulatedLinks(self.name, self.world.network)
        wake = self._wake_soon
        try:
            self.engine = GuardedSyncObj(
                self.name,
                self._seed(),
                founding=not self._was_made and self.name in self.world.founders,
                conf=self._conf(),
                machine=Watched(self),
                transport=partial(StreamTransport, links=cast(Links, self.links), wake=wake),
                wake=wake,
                files=self.files,
                now=self.world.now_s,
                compact_bytes=self.world.plan.compact_bytes,
                threads=False,
            )
        except PowerLost:
            self.crash()
            return
        except OSError as error:
            self.world.trace(self.name, f"cannot start: {error}")
            self.world.checkers.ended(self, error)
            self.files.end_process()
            self.world.nemesis.ended(self)
            return
        except Rejected as error:
            self.files.end_process()
            self.world.trace(self.name, f"refuses to start: {error}")
            self.world.checkers.refused(self, error)
            return
        self._was_made = True
        self.disk = SimulatedDisk(self.engine.journal, self)
        self.world.trace(self.name, "starts")
        self.wake(0)

    @property
    def configuration(self) -> Configuration:
        """What it goes by; only while it is up."""
        assert self.engine is not None
        return self.engine.seats.current

    def _seed(self) -> Configuration:
        if self.told is not None:
            return self.told
        return Configuration(
            seats=tuple(Seat(name=one, address=one) for one in self.world.founders)
        )

    def _conf(self) -> SyncObjConf:
        guards = self.world.plan.guards
        return SyncObjConf(
            journalFile=str(JOURNAL),
            fullDumpFile=str(SNAPSHOT),
            useFork=False,
            autoTick=False,
            appendEntriesUseBatch=True,
            appendEntriesPeriod=HEARTBEAT_S,
            raftMinTimeout=0.3,
            raftMaxTimeout=0.6,
            leaderFallbackTimeout=0.5 if guards.minority_steps_down else 30.0,
            connectionRetryTime=0.3,
            commandsWaitLeader=False,
            dynamicMembershipChange=False,
            logCompactionMinEntries=2**31,
            logCompactionMinTime=2**31,
        )

    def _wake_soon(self) -> None:
        self.wake(self.world.soon_us())

    def wake(self, delay_us: int) -> None:
        """Tick in a moment, unless that is planned already."""
        at_us = max(self.world.loop.now_us + delay_us, self.paused_until_us)
        if self._next_tick is not None and self._next_tick.call is not None:
            if self._next_tick.at_us <= at_us:
                return
            self._next_tick.cancel()
        self._next_tick = self.world.loop.at(at_us, self._tick)

    def _tick(self) -> None:
        engine = self.engine
        if engine is None:
            return
        if self.world.loop.now_us < self.paused_until_us:
            self.wake(0)
            return
        try:
            engine.doTick(0)
        except PowerLost:
            self.crash()
            return
        except OSError as error:
            self.end(error)
            return
        self.world.checkers.ticked(self)
        self.wake(int(engine.due_s() * SECOND) + MS)

    def end(self, error: OSError) -> None:
        """The engine has given up: the daemon ends, as it must when its disk fails."""
        self.world.checkers.ended(self, error)
        self.loses_power = False
        self.crash()

    def propose(self, entry: bytes, callback: Callable[[bytes | None, int], None]) -> None:
        """Give the engine an entry."""
        assert self.engine is not None
        starts = self.starts

        def settle(results: list[bytes] | None, reason: int) -> None:
            if self.starts == starts:  # else: nobody is there any more to be told
                callback(results[0] if results else None, reason)

        self.engine._applyCommand(packed([entry]), settle, REGULAR)
        self._wake_soon()

    def receive(self, peer: NodeName, data: bytes) -> None:
        """A message has arrived."""
        if self.engine is not None:
            self.links.arrived(peer, RaftMessage.FromString(data))

    def connected(self, peer: NodeName, up: bool) -> None:
        """The stream to a peer is up, or down."""
        if self.engine is not None:
            self.links.arrived(peer, self.world.voters[peer].links.card if up else None)

    def crash(self) -> None:
        """End the process, and with `loses_power` the machine under it."""
        self.engine = None
        self._held = None
        if self.loses_power:
            self.files.lose_power()
        else:
            self.files.end_process()
        self.world.trace(self.name, "loses its power" if self.loses_power else "is killed")
        self.world.ended(self)

    def holds_safely(self, index: int, term: int) -> bool:
        """Tell whether the entry would survive a loss of power here."""
        if self.engine is None:
            if self._held is None:
                self._held = self._held_on_disk()
            return self._held.get(0, 0) >= index or self._held.get(index) == term
        journal = self.engine.journal
        if journal.term_at(index) is None:
            first = journal[0]
            return isinstance(first, tuple) and index < first[1] and journal.last_index > index
        return journal.term_at(index) == term and index <= self.safe_index()

    def safe_index(self) -> int:
        """The last entry that would survive a loss of power now."""
        assert self.engine is not None
        journal = self.engine.journal
        safe = self.files.safe_bytes(JOURNAL)
        whole = bisect_right([*journal._offsets[1:], journal.size], safe)
        entry = journal[whole - 1] if whole else None
        return entry[1] if isinstance(entry, tuple) else 0

    def safe_in_snapshot(self) -> int:
        """The last entry inside the snapshot, as it would survive a loss of power now."""
        return self._held_on_disk().get(0, 0)

    def _held_on_disk(self) -> dict[int, int]:
        """Terms by index of what is on the disk; at 0 the last entry inside the snapshot."""
        files = self.files.what_is_safe()
        held: dict[int, int] = {}
        try:
            if files.exists(SNAPSHOT):
                held[0] = snapshots.decode(files.read(SNAPSHOT), SNAPSHOT).index
            journal = Journal(str(JOURNAL), files)
        except Rejected:
            return {}
        entries = journal[:]
        assert isinstance(entries, list)
        return held | {index: term for _, index, term in entries}
