"""Carries out the fencing core's effects: keeps files, runs agents, asks peers, sets timers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import assert_never

from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError, Refused, Unreachable
from raftmaker.runtime.logs import Log
from raftmaker.runtime.tasks import cancel_all
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import NodeName
from stonithd.agents import Agents
from stonithd.fencing.effects import (
    CancelTimer,
    Delegate,
    FencingEffect,
    GatherOffers,
    PersistHistory,
    PersistToken,
    Reply,
    RunAgent,
    SetTimer,
    ShareRecord,
    StopAgent,
)
from stonithd.fencing.events import (
    AgentEnded,
    DelegateEnded,
    FenceRequested,
    FencingEvent,
    HistoryHeard,
    OffersGathered,
    Timer,
    TimerFired,
)
from stonithd.fencing.history import FencingRecord
from stonithd.fencing.setup import FenceAction
from stonithd.fencing.state import State
from stonithd.fencing.step import step
from stonithd.history_wire import FencingInfo, info_of_record, records_of
from stonithd.memory import Memory
from stonithd.offers import Offers
from stonithd.peers import Peers


class Runner:
    """The one holder of the fencer's state; everything happens in the event loop's thread."""

    def __init__(
        self,
        *,
        state: State,
        memory: Memory,
        agents: Agents,
        peers: Peers,
        offers: Offers,
        log: Log,
    ) -> None:
        """Begin with `state`; call within a running event loop."""
        self.state = state
        self._memory = memory
        self._agents = agents
        self._peers = peers
        self._offers = offers
        self._log = log
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self._runs: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: dict[int, asyncio.Future[Reply]] = {}
        self._next_request = 1
        self._followers: set[asyncio.Queue[FencingInfo]] = set()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Set when a part failed that the daemon cannot do without."""

    def take(self, event: FencingEvent) -> None:
        """Take one event and carry out its effects, in order. Raises OSError of the disk."""
        before = self.state.operations
        self.state, effects = step(self.state, event)
        if effects or self.state.operations != before:
            names = ",".join(type(effect).__name__ for effect in effects)
            self._log.info("fencing", event=type(event).__name__, effects=names)
        try:
            for effect in effects:
                self._do(effect)
        except OSError as error:
            # What must be on disk is not: whoever asked gets no answer, and the daemon ends.
            self._fail(error)
            raise

    def next_request(self) -> int:
        """Return a number for a request."""
        self._next_request += 1
        return self._next_request

    async def ask(self, event: FenceRequested) -> Reply:
        """Take a request and wait for its answer. The fencing goes on when the caller leaves."""
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._answers[event.request] = answer
        try:
            self.take(event)
            return await answer
        finally:
            self._answers.pop(event.request, None)

    async def close(self) -> None:
        """Stop everything: agents are killed, timers dropped."""
        for handle in self._timers.values():
            handle.cancel()
        await cancel_all(self._tasks)

    def remember_lists(self) -> None:
        """Let the devices that must be asked for their targets be asked in the background."""
        self._start(self._offers.remember(self.state.setup))

    def learn_history(self, nodes: Iterable[NodeName]) -> None:
        """Ask members that are new here which fencings they remember (features 17.41)."""
        for node in nodes:
            self._start(self._hear(node))

    def note(self, told: FencingInfo) -> None:
        """Take in what a peer's fencer saw to and has ended."""
        self.take(HistoryHeard(boot_ms(), records_of((told,))))
        self._publish(told)

    async def ended(self) -> AsyncIterator[FencingInfo]:
        """Follow the fencings that end from now on, here and at the other members."""
        news: asyncio.Queue[FencingInfo] = asyncio.Queue()
        self._followers.add(news)
        try:
            while True:
                yield await news.get()
        finally:
            self._followers.discard(news)

    def _publish(self, told: FencingInfo) -> None:
        for news in self._followers:
            news.put_nowait(told)

    def _do(self, effect: FencingEffect) -> None:
        match effect:
            case PersistToken(token):
                self._memory.keep_token(token)
            case PersistHistory(records):
                self._memory.keep_history(records)
            case ShareRecord(record):
                self._share(record)
            case GatherOffers():
                self._start(self._gather(effect))
            case RunAgent():
                self._log_run(effect)
                self._runs[effect.run] = self._start(self._run_agent(effect))
            case StopAgent(run):
                task = self._runs.get(run)
                if task is not None:
                    task.cancel()
            case Delegate():
                self._log.info(
                    "fencing delegated",
                    device=effect.device,
                    target=effect.target,
                    to=effect.executor,
                    incident=effect.incident,
                )
                self._runs[effect.run] = self._start(self._delegate(effect))
            case Reply():
                self._answer(effect)
            case SetTimer(timer, at_ms):
                self._set_timer(timer, at_ms)
            case CancelTimer(timer):
                handle = self._timers.pop(timer, None)
                if handle is not None:
                    handle.cancel()
            case _:
                assert_never(effect)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_exception(error)

    def _log_run(self, effect: RunAgent) -> None:
        self._log.info(
            "fence agent starts",
            agent=effect.agent,
            device=effect.device,
            action=effect.action.value,
            target=effect.target,
            incident=effect.incident,
        )

    def _answer(self, effect: Reply) -> None:
        self._log.info(
            "fencing answered",
            confirmed=effect.confirmed,
            devices=",".join(effect.devices),
            took_ms=effect.took_ms,
            reason=effect.reason,
        )
        answer = self._answers.get(effect.request)
        if answer is not None and not answer.done():
            answer.set_result(effect)

    def _share(self, record: FencingRecord) -> None:
        told = info_of_record(record)
        self._publish(told)
        for node in self.state.setup.members:
            if node != self.state.node:
                self._start(self._tell(node, told))

    async def _tell(self, node: NodeName, told: FencingInfo) -> None:
        try:
            await self._peers.client(node).note(told)
        except HaError as error:
            # It asks for the whole when it is a member again.
            self._log.debug("peer's fencer not told of a fencing", node=node, reason=error)

    async def _hear(self, node: NodeName) -> None:
        try:
            told = await self._peers.client(node).history(local=True)
        except HaError as error:
            self._log.info("peer's fencer does not tell its history", node=node, reason=error)
            return
        self.take(HistoryHeard(boot_ms(), records_of(reversed(told))))

    def _set_timer(self, timer: Timer, at_ms: int) -> None:
        old = self._timers.pop(timer, None)
        if old is not None:
            old.cancel()
        delay_s = max(0, at_ms - boot_ms()) / 1000
        loop = asyncio.get_running_loop()
        self._timers[timer] = loop.call_later(delay_s, self._fire, timer, at_ms)

    def _fire(self, timer: Timer, at_ms: int) -> None:
        self._timers.pop(timer, None)
        now_ms = boot_ms()
        if now_ms < at_ms:  # the loop's clock and the boot clock round differently
            self._set_timer(timer, at_ms)
            return
        self.take(TimerFired(now_ms, timer))

    async def _run_agent(self, effect: RunAgent) -> None:
        # Between the core's word and this moment a newer token may have come (protocols, DC).
        if effect.token < self.state.token:
            self._end_run(effect, OpStatus.CANCELLED, 1, "a newer DC has taken over")
            return
        result = await self._agents.execute(
            effect.agent, effect.options, effect.timeout_ms, device=effect.device
        )
        self._end_run(effect, result.status, result.code, result.output)

    def _end_run(self, effect: RunAgent, status: OpStatus, code: int, output: str) -> None:
        self._log.info(
            "fence agent ended",
            device=effect.device,
            status=status.name,
            code=code,
            output=output[:200],
            incident=effect.incident,
        )
        self._runs.pop(effect.run, None)
        self.take(
            AgentEnded(at_ms=boot_ms(), run=effect.run, code=code, status=status, output=output)
        )

    async def _delegate(self, effect: Delegate) -> None:
        confirmed, reached, reason = False, True, ""
        try:
            answer = await self._peers.client(effect.executor).fence(
                token=effect.token,
                target=effect.target,
                boot_id=effect.boot_id,
                session=effect.session,
                action=effect.action.value,
                timeout_ms=effect.timeout_ms,
                delay_ms=effect.delay_ms,
                client=effect.client,
                origin=effect.origin,
                known_index=effect.known_index,
                incident=effect.incident,
                device=effect.device,
            )
            confirmed, reason = answer.confirmed, answer.reason
        except HaError as error:
            # Refused, or nobody there: another node may run it, even should it run twice.
            reached, reason = not isinstance(error, Refused | Unreachable), str(error)
        self._runs.pop(effect.run, None)
        self.take(
            DelegateEnded(
                at_ms=boot_ms(),
                run=effect.run,
                confirmed=confirmed,
                reached=reached,
                reason=reason,
            )
        )

    async def _gather(self, effect: GatherOffers) -> None:
        alive = effect.action is FenceAction.ON
        offers = await self._offers.gather(
            self.state.setup, effect.devices, effect.target, alive=alive
        )
        self.take(OffersGathered(boot_ms(), effect.operation, offers))
