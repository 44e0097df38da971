"""The embedded engine: `ReplicatedLog` on PySyncObj, with our transport, journal and guards.

All of it runs on the event loop: the engine ticks when a message, a proposal, the disk or a
deadline asks for it, and never waits. Writing and syncing have a thread, and so have snapshots.

What is proposed while entries of this voter are under way goes into the next one together, with an
outcome each.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import zip_longest
from pathlib import Path

from pysyncobj import FAIL_REASON, SyncObjConf

from cib_store.raft.birth import forget_marker, superseded
from cib_store.raft.configuration import Card, Configuration, SeatStatus
from cib_store.raft.files import Files
from cib_store.raft.guarded import COMPACT_BYTES, GuardedSyncObj, check_engine
from cib_store.raft.links import Links
from cib_store.raft.log import AloneStatus, Leadership, LogStatus, ReplicatedLog, StateMachine
from cib_store.raft.ticking import REGULAR
from cib_store.raft.transport import StreamTransport
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.errors import HaError, NotLeader, Rejected, Report, TimedOut
from raftmaker.runtime.rpc import Service
from raftmaker.runtime.settings import Timings
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName, Term
from raftmaker.vocabulary.membership import LogPlace
from raftmaker.wire.types_pb2 import Identity

HEARTBEAT_S = 0.09
"""At most; more than three fit into the shortest election timeout. What is new is sent at once."""
TOGETHER_MAX = 256
TOGETHER_BYTES_MAX = 1024 * 1024
"""Limits of what is proposed in one entry; a single larger one goes alone."""
ENTRY_BYTES_MAX = 32 * 1024 * 1024
"""A larger one takes so long on its way that leaders are lost over it; gRPC's limit is not far."""
AT_ONCE_MAX = 1
"""Entries of this voter's that are under way before further proposals wait for each other."""
UNDER_WAY_S = 0.5
"""An entry that was not heard of for so long is lost, and nobody waits for it."""
_BARRIER = b""
_NOT_PROPOSED = frozenset(
    {FAIL_REASON.MISSING_LEADER, FAIL_REASON.NOT_LEADER, FAIL_REASON.QUEUE_FULL}
)
_LENGTH = struct.Struct("<I")
_Waiting = tuple[bytes, "asyncio.Future[object]"]


def packed(entries: Iterable[bytes]) -> bytes:
    """Return several entries as one."""
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def unpacked(data: bytes) -> Iterator[bytes]:
    """Yield the entries of one; total, as whatever applies an entry must be."""
    start = 0
    while start + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, start)
        start += _LENGTH.size + length
        if start > len(data):
            return
        yield data[start - length : start]


class _Applier:
    """The state machine with barriers taken out: an empty entry only marks a place in the log."""

    def __init__(self, machine: StateMachine) -> None:
        self._machine = machine
        self.snapshot = machine.snapshot
        self.restore = machine.restore

    def prepare(self, data: bytes) -> None:
        for entry in unpacked(data):
            if entry != _BARRIER:
                self._machine.prepare(entry)

    def apply(self, index: int, data: bytes) -> list[object]:
        return [
            index if entry == _BARRIER else self._machine.apply(index, entry)
            for entry in unpacked(data)
        ]


class PySyncObjLog(ReplicatedLog):
    """One voter of an embedded Raft group. `endpoints` are the stores of all voters."""

    def __init__(
        self,
        node: NodeName,
        *,
        seed: Configuration,
        endpoint_of: Callable[[NodeName, str], Endpoint],
        identity: Identity,
        directory: Path,
        machine: StateMachine,
        timings: Timings,
        founding: Path,
        on_refused: Callable[[NodeName, str], None] = lambda peer, reason: None,
        compact_bytes: int = COMPACT_BYTES,
    ) -> None:
        """Nothing is opened yet. Raises `Refused` for another version of PySyncObj.

        `seed`: who takes part until the log says it. `endpoint_of`: a peer's endpoint by name and
        address. `founding`: the marker that lets a new store vote, see `birth`. `on_refused`:
        told, on the event loop, why a peer does not speak with this store.
        """
        check_engine()
        self._node = node
        self._seed = seed
        self._founding = founding
        self._links = Links(
            node,
            endpoint_of=endpoint_of,
            identity=identity,
            on_superseded=self._superseded,
            on_refused=on_refused,
        )
        self._directory = directory
        self._machine = machine
        self._timings = timings
        self._compact_bytes = compact_bytes
        self._engine: GuardedSyncObj | None = None
        self._failed: GuardedSyncObj | None = None
        self._proposals: deque[_Waiting] = deque()
        self._under_way: set[asyncio.Future[object]] = set()
        self._sent_at: dict[int, float] = {}
        self._entries = 0
        self._tick_asked = False
        self._timer: asyncio.TimerHandle | None = None
        self._leadership = Leadership(term=Term(0), leader=NodeName(""), leads=False)
        self._barriers: asyncio.Future[int] | None = None
        self._barrier_running: asyncio.Task[None] | None = None
        self.failure: asyncio.Future[None] | None = None
        """Fails when the engine has ended; the daemon must end with it."""

    def services(self) -> tuple[Service, ...]:
        """See `ReplicatedLog.services`."""
        return (self._links.service(),)

    async def start(self, on_leadership: Callable[[Leadership], None]) -> None:
        """See `ReplicatedLog.start`."""
        self._loop = asyncio.get_running_loop()
        self.failure = self._loop.create_future()
        self._on_leadership = on_leadership
        self._directory.mkdir(parents=True, exist_ok=True)
        conf = SyncObjConf(
            journalFile=str(self._directory / "journal"),
            fullDumpFile=str(self._directory / "snapshot"),
            useFork=False,
            autoTick=False,
            # Entries are sent by our tick, all that are new at once.
            appendEntriesUseBatch=True,
            appendEntriesPeriod=min(HEARTBEAT_S, self._timings.election_min_ms * 0.0003),
            raftMinTimeout=self._timings.election_min_ms / 1000,
            raftMaxTimeout=self._timings.election_max_ms / 1000,
            leaderFallbackTimeout=0.5,
            connectionRetryTime=0.3,
            commandsWaitLeader=False,
            dynamicMembershipChange=False,
            # Compaction goes by bytes, see GuardedSyncObj.
            logCompactionMinEntries=2**31,
            logCompactionMinTime=2**31,
        )
        self._engine = GuardedSyncObj(
            self._node,
            self._seed,
            founding=self._founding.exists(),
            conf=conf,
            machine=_Applier(self._machine),
            transport=partial(StreamTransport, links=self._links, wake=self._ask_tick),
            wake=self._wake,
            compact_bytes=self._compact_bytes,
        )
        forget_marker(Files(), self._founding)
        self._ask_tick()

    def _superseded(self, peer: NodeName, card: Card) -> None:
        """A peer says that the cluster goes on in a higher generation: this store must end."""
        reason = superseded(
            Files(),
            self._directory,
            by=peer,
            generation=card.generation,
            begins_anew=card.knows_you,
        )
        self._fail(reason)

    def _fail(self, error: BaseException) -> None:
        """End the engine; `failure` says why."""
        self._failed, self._engine = self._engine or self._failed, None
        assert self.failure is not None
        if not self.failure.done():
            self.failure.set_exception(error)

    def _wake(self) -> None:
        """Ask for a tick, on any thread; nothing once the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(self._ask_tick)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _ask_tick(self) -> None:
        if not self._tick_asked:
            self._tick_asked = True
            self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        self._tick_asked = False
        engine = self._engine
        if engine is None:  # closing
            return
        try:
            self._hand_over(engine)
            engine.doTick(0)
        except Exception as error:  # noqa: BLE001  # whatever it is, the daemon must end
            self._fail(error)
            return
        self._look_who_leads(engine)
        if self._proposals and self._has_place():
            self._ask_tick()
        self._arm(engine.due_s())

    def _arm(self, due_s: float) -> None:
        when = self._loop.time() + due_s
        if self._timer is not None and not self._timer.cancelled():
            if self._loop.time() < self._timer.when() <= when + 0.001:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._ask_tick)

    def _hand_over(self, engine: GuardedSyncObj) -> None:
        """Propose what waits, together."""
        if not self._proposals or not self._has_place():
            return
        together: list[_Waiting] = []
        size = 0
        while self._proposals and len(together) < TOGETHER_MAX:
            entry, done = self._proposals[0]
            if together and size + len(entry) > TOGETHER_BYTES_MAX:
                break
            self._proposals.popleft()
            if not done.done():
                together.append((entry, done))
                size += len(entry)
        if together:
            data = packed(entry for entry, _ in together)
            self._entries += 1
            self._sent_at[self._entries] = self._loop.time()
            engine._applyCommand(data, partial(self._settled, self._entries, together), REGULAR)

    def _has_place(self) -> bool:
        """Tell whether a further entry may be under way."""
        if not self._sent_at:
            return True
        lost = self._loop.time() - UNDER_WAY_S
        return sum(sent > lost for sent in self._sent_at.values()) < AT_ONCE_MAX

    def _settled(
        self, number: int, together: list[_Waiting], results: list[object] | None, reason: int
    ) -> None:
        self._sent_at.pop(number, None)
        if self._proposals:
            self._ask_tick()
        _settle(together, results, reason)

    def _doubt_all(self) -> None:
        """The leader changed: what was proposed may be lost, and asking again does no harm."""
        self._sent_at.clear()
        waiting = {done for _, done in self._proposals}
        for done in self._under_way - waiting:
            if not done.done():
                done.set_exception(TimedOut("the leader changed: the outcome is unknown"))

    def _look_who_leads(self, engine: GuardedSyncObj) -> None:
        """Tell of another leader or term."""
        known = self._leadership
        leader, term, leads = engine.leader_name, engine.raftCurrentTerm, engine.leads
        if (leader, term, leads) == (known.leader, known.term, known.leads):
            return
        self._leadership = Leadership(term=Term(term), leader=leader, leads=leads)
        if known.leader:
            self._doubt_all()
        self._on_leadership(self._leadership)

    async def propose(self, entry: bytes, *, timeout_ms: int) -> object:
        """See `ReplicatedLog.propose`. `entry` must not be empty."""
        assert entry != _BARRIER
        return await self._commit(entry, timeout_ms)

    async def _commit(self, entry: bytes, timeout_ms: int) -> object:
        if self._engine is None:
            raise NotLeader("the engine has ended: nothing was proposed")
        if len(entry) > ENTRY_BYTES_MAX:
            raise _too_large(len(entry))
        done: asyncio.Future[object] = self._loop.create_future()
        self._proposals.append((entry, done))
        return await self._outcome(done, timeout_ms)

    async def _outcome(
        self, done: asyncio.Future[object], timeout_ms: int, *, is_sure: bool = False
    ) -> object:
        """Wait for it; unless it `is_sure` not to be lost, a change of the leader ends that."""
        if not is_sure:
            self._under_way.add(done)
        self._ask_tick()
        timer = self._loop.call_later(timeout_ms / 1000, _give_up, done, timeout_ms)
        try:
            return await done
        finally:
            timer.cancel()
            self._under_way.discard(done)

    async def barrier(self, *, timeout_ms: int) -> int:
        """See `ReplicatedLog.barrier`. One entry serves all who wait when it is proposed."""
        if self._barriers is None:
            self._barriers = self._loop.create_future()
        mine = self._barriers
        if self._barrier_running is None:
            self._begin_barrier()
        try:
            return await asyncio.wait_for(asyncio.shield(mine), timeout_ms / 1000)
        except TimeoutError:
            raise TimedOut(f"no majority confirmed the read within {timeout_ms} ms") from None

    def _begin_barrier(self) -> None:
        waiting, self._barriers = self._barriers, None
        assert waiting is not None
        self._barrier_running = self._loop.create_task(self._run_barrier(waiting))

    async def _run_barrier(self, waiting: asyncio.Future[int]) -> None:
        try:
            index = await self._commit(_BARRIER, 2000)
            assert isinstance(index, int)
            waiting.set_result(index)
        except HaError as error:
            waiting.set_exception(error)
            # Those who wait may all have given up by now.
            waiting.exception()
        finally:
            self._barrier_running = None
            if self._barriers is not None:
                self._begin_barrier()

    def step_down(self, *, abstain: bool = False) -> None:
        """See `ReplicatedLog.step_down`."""
        if self._engine is not None:
            (self._engine.abstain if abstain else self._engine.step_down)()
            self._ask_tick()

    def unapplied(self) -> Iterator[bytes]:
        """See `ReplicatedLog.unapplied`."""
        for entries in () if self._engine is None else self._engine.unapplied():
            yield from (entry for entry in unpacked(entries) if entry != _BARRIER)

    def status(self) -> LogStatus:
        """See `ReplicatedLog.status`."""
        engine = self._engine
        return LogStatus(
            leadership=self._leadership,
            applied=0 if engine is None else engine.raftLastApplied,
            committed=0 if engine is None else engine.raftCommitIndex,
            quorate=bool(self._leadership.leader)
            and engine is not None
            and not engine.leaderless_s(),
        )

    def configuration(self) -> Configuration:
        """See `ReplicatedLog.configuration`."""
        return self._seed if self._engine is None else self._engine.seats.current

    def peers(self) -> tuple[SeatStatus, ...]:
        """See `ReplicatedLog.peers`."""
        return () if self._engine is None else self._engine.seats.status()

    async def reconfigure(self, wanted: Configuration, entry: bytes, *, timeout_ms: int) -> object:
        """See `ReplicatedLog.reconfigure`."""
        if self._engine is None:
            raise NotLeader("the engine has ended: nothing was proposed")
        done: asyncio.Future[object] = self._loop.create_future()
        self._engine.seats.change(wanted, packed([entry]), partial(_settle, [(entry, done)]))
        return await self._outcome(done, timeout_ms)

    def alone(self) -> AloneStatus:
        """See `ReplicatedLog.alone`. Raises `NotLeader` when the engine has ended."""
        engine = self._engine
        if engine is None:
            raise NotLeader("the engine has ended")
        return AloneStatus(
            place=engine.seats.place,
            card=engine.seats.card,
            configurations=engine.seats.since(engine.raftLastApplied),
            leaderless_ms=int(engine.leaderless_s() * 1000),
        )

    async def go_alone(
        self, wanted: Configuration, entry: bytes, read: LogPlace, *, timeout_ms: int
    ) -> object:
        """See `ReplicatedLog.go_alone`."""
        if self._engine is None:
            raise NotLeader("the engine has ended: nothing was written")
        done: asyncio.Future[object] = self._loop.create_future()
        try:
            self._engine.seats.go_alone(
                wanted, packed([entry]), read, partial(_settle, [(entry, done)])
            )
        except OSError as error:
            # What is in memory may not be on disk: a daemon that starts again reads what is.
            self._fail(error)
            raise NotLeader(f"the disk failed: {error}") from None
        return await self._outcome(done, timeout_ms, is_sure=True)

    async def close(self) -> None:
        """See `ReplicatedLog.close`."""
        engine, self._engine = self._engine or self._failed, None
        if self._timer is not None:
            self._timer.cancel()
        if engine is not None:
            engine.destroy()
            self._failed = None
            await self._links.close()


def _settle(together: list[_Waiting], results: list[object] | None, reason: int) -> None:
    """Give each of the entries proposed together its own outcome."""
    outcomes: Iterable[object] = results or ()
    for (_, done), result in zip_longest(together, outcomes):
        if done.done():
            continue
        if reason == FAIL_REASON.SUCCESS and result is not None:
            done.set_result(result)
        elif reason in _NOT_PROPOSED:
            done.set_exception(NotLeader("no leader is known: nothing was proposed"))
        else:
            done.set_exception(TimedOut(f"the outcome is unknown (reason {reason})"))


def _too_large(size: int) -> Rejected:
    what = f"the change takes {size} bytes, and one may take {ENTRY_BYTES_MAX}"
    return Rejected(
        ExitCode.DATAERR,
        (Report(code="change-too-large", what=what, mend="make it in several smaller changes"),),
    )


def _give_up(done: asyncio.Future[object], timeout_ms: int) -> None:
    if not done.done():
        done.set_exception(TimedOut(f"no outcome within {timeout_ms} ms: it is unknown"))
