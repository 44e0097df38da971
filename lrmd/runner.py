"""Carries out the effects of the operations core: stores, runs agents, keeps timers, tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import assert_never

from lrmd.agents.execution import AgentClass, Execution
from lrmd.history import Memory
from lrmd.operations.events import (
    Accepted,
    AdoptAgent,
    AgentFinished,
    Answer,
    CancelTimer,
    Effect,
    EndAgent,
    Ended,
    Event,
    Persist,
    Raised,
    Refused,
    Report,
    Restarted,
    ResultsConfirmed,
    RunAgent,
    SetTimer,
    Timer,
    TimerFired,
)
from lrmd.operations.state import State, may_fork
from lrmd.operations.step import step
from lrmd.operations.values import CANCELLED, OperationRequest, Result
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.logs import Log
from raftmaker.runtime.tasks import cancel_all


class Runner:
    """The one holder of the executor's state; everything happens in the event loop's thread."""

    def __init__(
        self,
        *,
        state: State,
        memory: Memory,
        agents: AgentClass,
        clear: Callable[[int], None],
        log: Log,
    ) -> None:
        """`clear` removes what a run left behind once its result is stored."""
        self.state = state
        self._memory = memory
        self._agents = agents
        self._clear = clear
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()
        self._executions: dict[int, Execution] = {}
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self._ending: set[int] = set()
        self._news = asyncio.Event()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def restart(self) -> None:
        """Take up what an earlier process of this boot left."""
        self.take(Restarted(at_ms=boot_ms(), wall_us=wall_us()))

    async def close(self) -> None:
        """Take nothing any more and close the memory.

        What runs goes on: the next process of this boot finds it, and how it ended, again.
        """
        for handle in self._timers.values():
            handle.cancel()
        await cancel_all(self._tasks)
        self._memory.close()

    def take(self, event: Event) -> Answer | None:
        """Take one event and carry out its effects; return its answer, if it has one."""
        try:
            self.state, effects = step(self.state, event)
            answer: Answer | None = None
            for effect in effects:
                answer = self._do(effect) or answer
        except BaseException as error:
            # What is stored and what is held may differ now: the daemon must begin again.
            self._fail(error)
            raise
        return answer

    async def results(self, after: int) -> AsyncIterator[Result]:
        """Follow results from the first one after `after` that nobody confirmed."""
        while True:
            news = self._news
            for result in self.state.unconfirmed:
                if result.serial > after:
                    after = result.serial
                    yield result
            await news.wait()

    def confirm(self, serial: int) -> None:
        """Results up to `serial` are stored safely elsewhere."""
        self.take(ResultsConfirmed(at_ms=boot_ms(), wall_us=wall_us(), serial=serial))

    def _do(self, effect: Effect) -> Answer | None:
        match effect:
            case Persist():
                self._memory.save(self.state)
            case Accepted() | Refused() | Ended() | Raised():
                return effect
            case RunAgent(call_id, request):
                self._spawn(self._run(call_id, request, adopt=False))
            case AdoptAgent(call_id, request):
                self._spawn(self._run(call_id, request, adopt=True))
            case EndAgent(call_id):
                self._end(call_id)
            case SetTimer(timer, at_ms):
                self._set_timer(timer, at_ms)
            case CancelTimer(timer):
                self._drop_timer(timer)
            case Report(result):
                self._tell(result)
            case _:
                assert_never(effect)
        return None

    async def _run(self, call_id: int, request: OperationRequest, *, adopt: bool) -> None:
        execution = self._agents.adopt(call_id, request) if adopt else None
        if execution is None and may_fork(self.state, call_id):
            execution = self._agents.begin(call_id, request)
            self._log.debug("agent runs", call=call_id, **_names(request))
        outcome = CANCELLED
        if execution is not None:
            self._executions[call_id] = execution
            if call_id in self._ending:
                execution.end()
            outcome = await execution.outcome()
            del self._executions[call_id]
        self._ending.discard(call_id)
        self.take(
            AgentFinished(at_ms=boot_ms(), wall_us=wall_us(), call_id=call_id, outcome=outcome)
        )
        # Its result is stored: a restart would not look for the run any more.
        self._clear(call_id)

    def _end(self, call_id: int) -> None:
        self._ending.add(call_id)
        if call_id in self._executions:
            self._executions[call_id].end()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._fail(task.exception())

    def _fail(self, error: BaseException | None) -> None:
        if error is not None and not self.failure.done():
            self.failure.set_exception(error)

    def _set_timer(self, timer: Timer, at_ms: int) -> None:
        self._drop_timer(timer)
        delay_s = max(0, at_ms - boot_ms()) / 1000
        self._timers[timer] = asyncio.get_running_loop().call_later(
            delay_s, self._fire, timer, at_ms
        )

    def _drop_timer(self, timer: Timer) -> None:
        handle = self._timers.pop(timer, None)
        if handle is not None:
            handle.cancel()

    def _fire(self, timer: Timer, at_ms: int) -> None:
        now_ms = boot_ms()
        if now_ms < at_ms:
            # The loop's clock is another one, and rounds.
            self._set_timer(timer, at_ms)
            return
        del self._timers[timer]
        self.take(TimerFired(at_ms=now_ms, wall_us=wall_us(), timer=timer))

    def _tell(self, result: Result) -> None:
        outcome = result.outcome
        log = self._log.warning if result.is_failure else self._log.info
        log(
            "operation ended",
            call=result.call_id,
            **_names(result.request),
            code=outcome.code.name,
            status=outcome.status.name,
            exec_ms=result.exec_ms,
            queue_ms=result.queue_ms,
            reason=outcome.exit_reason,
        )
        if outcome.output and result.is_failure:
            self._log.info("agent wrote", call=result.call_id, text=outcome.output)
        self._news.set()
        self._news = asyncio.Event()


def _names(request: OperationRequest) -> dict[str, object]:
    return {
        "resource": request.resource,
        "operation": request.operation,
        "interval_ms": request.interval_ms,
        "incident": request.incident,
    }
