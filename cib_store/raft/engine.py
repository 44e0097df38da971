"""The embedded engine: `ReplicatedLog` on PySyncObj, with our transport, journal and guards.

PySyncObj runs on a thread of its own; everything crosses to the event loop here and in `transport`,
and nowhere else. Its messages travel as protobuf over the store's gRPC server. Syncing and
snapshots happen on the engine's thread: a slow disk delays its heartbeats.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from pysyncobj import FAIL_REASON, SyncObjConf

from cib_store.raft.guarded import REGULAR, GuardedSyncObj, check_engine
from cib_store.raft.links import Links
from cib_store.raft.log import Leadership, LogStatus, ReplicatedLog, StateMachine
from cib_store.raft.transport import StreamTransport
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.errors import HaError, NotLeader, TimedOut
from raftmaker.runtime.rpc import Service
from raftmaker.runtime.settings import Timings
from raftmaker.vocabulary.ids import NodeName, Term
from raftmaker.wire.types_pb2 import Identity

_BARRIER = b""
_NOT_PROPOSED = frozenset(
    {FAIL_REASON.MISSING_LEADER, FAIL_REASON.NOT_LEADER, FAIL_REASON.QUEUE_FULL}
)


class _Applier:
    """The state machine with barriers taken out: an empty entry only marks a place in the log."""

    def __init__(self, machine: StateMachine) -> None:
        self._machine = machine
        self.snapshot = machine.snapshot
        self.restore = machine.restore

    def apply(self, index: int, entry: bytes) -> bytes:
        if entry == _BARRIER:
            return str(index).encode()
        return self._machine.apply(index, entry)


class PySyncObjLog(ReplicatedLog):
    """One voter of an embedded Raft group. `endpoints` are the stores of all voters."""

    def __init__(
        self,
        node: NodeName,
        *,
        endpoints: Mapping[NodeName, Endpoint],
        identity: Identity,
        directory: Path,
        machine: StateMachine,
        timings: Timings,
    ) -> None:
        """Nothing is opened yet. Raises `Refused` for another version of PySyncObj."""
        check_engine()
        self._node = node
        self._voters = tuple(sorted(endpoints))
        self._links = Links(node, endpoints=endpoints, identity=identity)
        self._directory = directory
        self._machine = machine
        self._timings = timings
        self._engine: GuardedSyncObj | None = None
        self._jobs: deque[Callable[[], None]] = deque()
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
            appendEntriesUseBatch=False,
            appendEntriesBatchSizeBytes=2**26,
            autoTickPeriod=0.02,
            appendEntriesPeriod=0.05,
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
        # On this thread: PySyncObj ends with the thread that made it.
        self._engine = GuardedSyncObj(
            self._node,
            [name for name in self._voters if name != self._node],
            conf=conf,
            machine=_Applier(self._machine),
            transport=partial(StreamTransport, links=self._links, loop=self._loop),
            on_fatal=self._fatal,
        )
        self._engine.addOnTickCallback(self._tick)

    def _fatal(self, error: BaseException) -> None:
        def fail() -> None:
            if self.failure is not None and not self.failure.done():
                self.failure.set_exception(error)

        self._call(fail)

    def _call(self, function: Callable[[], None]) -> None:
        """Run on the event loop, from the engine's thread; nothing once the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _tick(self) -> None:
        while self._jobs:
            self._jobs.popleft()()
        engine = self._engine
        if engine is None:  # closing
            return
        seen = self._seen_leadership(engine)
        if seen != self._leadership:
            self._leadership = seen
            self._call(lambda: self._on_leadership(seen))

    def _seen_leadership(self, engine: GuardedSyncObj) -> Leadership:
        leader = engine._getLeader()
        name = NodeName(leader.id if leader is not None else "")
        leads = bool(engine._isLeader())
        return Leadership(term=Term(engine.raftCurrentTerm), leader=name, leads=leads)

    async def propose(self, entry: bytes, *, timeout_ms: int) -> bytes:
        """See `ReplicatedLog.propose`. `entry` must not be empty."""
        assert entry != _BARRIER
        return await self._commit(entry, timeout_ms)

    async def _commit(self, entry: bytes, timeout_ms: int) -> bytes:
        assert self._engine is not None
        done: asyncio.Future[bytes] = self._loop.create_future()

        def settle(result: bytes | None, reason: int) -> None:
            if done.done():
                return
            if reason == FAIL_REASON.SUCCESS and result is not None:
                done.set_result(result)
            elif reason in _NOT_PROPOSED:
                done.set_exception(NotLeader("no leader is known: nothing was proposed"))
            else:
                done.set_exception(TimedOut(f"the outcome is unknown (reason {reason})"))

        def callback(result: bytes | None, reason: int) -> None:
            self._call(lambda: settle(result, reason))

        self._engine._applyCommand(entry, callback, REGULAR)
        try:
            return await asyncio.wait_for(done, timeout_ms / 1000)
        except TimeoutError:
            raise TimedOut(f"no outcome within {timeout_ms} ms: it is unknown") from None

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
            waiting.set_result(int(await self._commit(_BARRIER, 2000)))
        except HaError as error:
            waiting.set_exception(error)
            # Those who wait may all have given up by now.
            waiting.exception()
        finally:
            self._barrier_running = None
            if self._barriers is not None:
                self._begin_barrier()

    def step_down(self) -> None:
        """See `ReplicatedLog.step_down`."""
        if self._engine is not None:
            self._jobs.append(self._engine.step_down)

    def status(self) -> LogStatus:
        """See `ReplicatedLog.status`."""
        assert self._engine is not None
        return LogStatus(
            leadership=self._leadership,
            applied=self._engine.raftLastApplied,
            committed=self._engine.raftCommitIndex,
            quorate=bool(self._leadership.leader),
        )

    def members(self) -> tuple[NodeName, ...]:
        """See `ReplicatedLog.members`."""
        return self._voters

    async def close(self) -> None:
        """See `ReplicatedLog.close`."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.destroy()
            while engine.tick_thread_alive():
                await asyncio.sleep(0.01)
            await self._links.close()
