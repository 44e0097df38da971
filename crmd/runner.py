"""Carries out the core's effects; the one holder of the controller's state.

Everything happens in the event loop's thread. Effects that wait for an answer become tasks, each of
which gives the core exactly one event, whatever becomes of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Protocol, assert_never

from crmd.fsa import effects, events
from crmd.fsa.executor import AgentTraits
from crmd.fsa.machine import step
from crmd.fsa.state import ControllerState
from lrmd.operations.values import Agent, Inventory
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.logs import Log
from raftmaker.runtime.tasks import cancel_all
from raftmaker.vocabulary.codes import ExitCode


class Outside(Protocol):
    """What the controller can reach; every method may raise `HaError`."""

    async def record(self, effect: effects.Record) -> tuple[ExitCode | None, int]:
        """Commit; return the code (None: not known) and the log position."""

    async def schedule(self, effect: effects.Schedule) -> events.ScheduleReady:
        """Compute a graph."""

    async def join(self, effect: effects.SendJoin) -> effects.JoinAccepted:
        """Ask a member to join."""

    async def order(
        self, effect: effects.SendOrder | effects.SendCancel | effects.SendForget
    ) -> int:
        """Give an order to a member."""

    async def execute(self, effect: effects.Execute | effects.Cancel | effects.Forget) -> object:
        """Ask the local executor; return its call id, or whether something was found."""

    async def raise_token(self, effect: effects.RaiseToken) -> Inventory:
        """Raise the token of the local executor and fencer."""

    async def inventory(self) -> Inventory:
        """Ask the local executor what it knows."""

    async def confirm(self, serial: int) -> None:
        """Tell the local executor which results are stored."""

    async def traits(self, agent: Agent) -> AgentTraits:
        """Read an agent's metadata; never raises."""

    async def fence(self, effect: effects.RunFencing) -> events.FencingEnded:
        """Have a fencer run its devices."""

    async def may_go_alone(self, effect: effects.AskToGoAlone) -> events.MayGoAlone:
        """Ask this node's store."""

    async def go_alone(self, effect: effects.GoAlone) -> None:
        """Have this node's store go on alone."""

    def is_refusal(self, error: HaError) -> bool:
        """Tell whether the other side answered and did nothing."""


class Runner:
    """Steps the core and carries out what it orders."""

    def __init__(self, state: ControllerState, outside: Outside, log: Log) -> None:
        """Begin with `state`; call within a running event loop."""
        self.state = state
        self._outside = outside
        self._log = log
        self._timers: dict[events.Timer, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls: dict[int, asyncio.Future[effects.Answer]] = {}
        self._last_call = 0
        self._changed = asyncio.Event()
        self.exited: asyncio.Future[effects.Exit] = asyncio.get_running_loop().create_future()
        """Set when the core orders the end of the process."""
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Set when a part failed that the daemon cannot do without."""

    # --- events in -----------------------------------------------------------------------------

    def take(self, event: events.Event) -> None:
        """Take one event and carry out its effects, in order."""
        before = self.state.name
        self.state, ordered = step(self.state, event)
        self._note(event, before.value, ordered)
        for effect in ordered:
            self._do(effect)

    async def ask(self, made: Callable[[int], events.Event]) -> effects.Answer:
        """Take an event that has an answer, and wait for it."""
        self._last_call += 1
        call = self._last_call
        answer: asyncio.Future[effects.Answer] = asyncio.get_running_loop().create_future()
        self._calls[call] = answer
        try:
            self.take(made(call))
            return await answer
        finally:
            self._calls.pop(call, None)

    async def progress(self) -> AsyncIterator[effects.ReportProgress]:
        """Yield the progress now, and again whenever it has changed."""
        seen: effects.ReportProgress | None = None
        while True:
            changed = self._changed
            now = self.state.progress
            if now is not None and now != seen:
                seen = now
                yield now
            else:
                await changed.wait()

    async def close(self) -> None:
        """Stop everything."""
        for handle in self._timers.values():
            handle.cancel()
        await cancel_all(self._tasks)

    def _note(self, event: events.Event, before: str, ordered: tuple[effects.Effect, ...]) -> None:
        after = self.state.name.value
        kinds = (effects.SetTimer, effects.CancelTimer, effects.ReportProgress)
        names = [type(one).__name__ for one in ordered if not isinstance(one, kinds)]
        if after != before:
            why = type(event).__name__
            self._log.info("state", was=before, now=after, event=why, effects=",".join(names))
        elif names:
            self._log.debug("step", event=type(event).__name__, effects=",".join(names))

    # --- effects out ---------------------------------------------------------------------------

    def _do(self, effect: effects.Effect) -> None:
        match effect:
            case effects.Record():
                self._start(self._record(effect))
            case effects.Schedule():
                self._start(self._schedule(effect))
            case effects.SendJoin():
                self._start(self._join(effect))
            case effects.SendOrder() | effects.SendCancel() | effects.SendForget():
                self._start(self._order(effect))
            case effects.Execute() | effects.Cancel() | effects.Forget():
                self._start(self._execute(effect))
            case effects.RaiseToken():
                self._start(self._inventory(effect.request, self._outside.raise_token(effect)))
            case effects.AskExecutor(request=request):
                self._start(self._inventory(request, self._outside.inventory()))
            case effects.ConfirmResults(serial=serial):
                self._start(self._confirm(serial))
            case effects.ReadMetadata(agent=agent):
                self._start(self._metadata(agent))
            case effects.RunFencing():
                self._start(self._fence(effect))
            case effects.AskToGoAlone():
                self._start(self._ask_to_go_alone(effect))
            case effects.GoAlone():
                self._start(self._go_alone(effect))
            case effects.SurvivalWaits(reason=reason):
                self._log.warning("without the other node, this one waits", reason=reason)
            case effects.SurvivalOver():
                self._log.info("there is a majority again: this node goes on")
            case effects.SetTimer(timer=timer, at_ms=at_ms):
                self._set_timer(timer, at_ms)
            case effects.CancelTimer(timer=timer):
                self._cancel_timer(timer)
            case effects.ReportProgress():
                self._changed.set()
                self._changed = asyncio.Event()
            case effects.LeavingWaits(reason=reason):
                self._log.warning("leaving waits", reason=reason)
            case effects.Exit():
                if not self.exited.done():
                    self.exited.set_result(effect)
            case _:
                self._answer(effect)

    def _answer(self, effect: effects.Answer) -> None:
        waiting = self._calls.get(effect.call)
        if waiting is not None and not waiting.done():
            waiting.set_result(effect)
        match effect:
            case effects.Refused():
                self._log.info("refused", reason=effect.reason)
            case (
                effects.Cleaned()
                | effects.FencingAnswered()
                | effects.FailureOrdered()
                | effects.Forward()
            ):
                self._log.info("answered", answer=effect)
            case (
                effects.JoinAccepted()
                | effects.OrderTaken()
                | effects.Ended()
                | effects.LeaveBegun()
            ):
                pass
            case _:
                assert_never(effect)

    def _set_timer(self, timer: events.Timer, at_ms: int) -> None:
        self._cancel_timer(timer)
        delay_s = max(0, at_ms - boot_ms()) / 1000
        loop = asyncio.get_running_loop()
        self._timers[timer] = loop.call_later(delay_s, self._fired, timer, at_ms)

    def _fired(self, timer: events.Timer, at_ms: int) -> None:
        if boot_ms() < at_ms:  # the loop's clock is another one than the core's
            self._set_timer(timer, at_ms)
            return
        self._timers.pop(timer, None)
        self.take(events.TimerFired(at_ms=boot_ms(), timer=timer))

    def _cancel_timer(self, timer: events.Timer) -> None:
        handle = self._timers.pop(timer, None)
        if handle is not None:
            handle.cancel()

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and not self.failure.done():
            error = task.exception()
            assert error is not None
            self.failure.set_exception(error)

    async def _record(self, effect: effects.Record) -> None:
        code, index = await self._outside.record(effect)
        if code is not ExitCode.OK:
            what = type(effect.body).__name__
            self._log.info("not committed", what=what, code=code.name if code else "unknown")
        self.take(events.Recorded(at_ms=boot_ms(), request=effect.request, code=code, index=index))

    async def _schedule(self, effect: effects.Schedule) -> None:
        try:
            ready = await self._outside.schedule(effect)
        except HaError as error:
            self._log.error("scheduler failed", reason=error)
            failed = events.ScheduleFailed(
                at_ms=boot_ms(), request=effect.request, reason=str(error)
            )
            self.take(failed)
            return
        kinds: dict[str, int] = {}
        for action in ready.graph.actions:
            kinds[action.operation] = kinds.get(action.operation, 0) + 1
        count = len(ready.graph.actions)
        self._log.info("scheduled", actions=count, kinds=kinds, input=ready.input)
        self.take(ready)

    async def _join(self, effect: effects.SendJoin) -> None:
        try:
            _check_time(effect.until_ms)
            answer = await self._outside.join(effect)
        except HaError as error:
            self._log.info("join failed", node=effect.node, reason=error)
            failed = events.JoinFailed(
                at_ms=boot_ms(),
                node=effect.node,
                token=effect.token,
                session=effect.session,
                reached=self._outside.is_refusal(error),
                reason=str(error),
            )
            self.take(failed)
            return
        self.take(
            events.JoinAnswered(
                at_ms=boot_ms(),
                node=effect.node,
                token=effect.token,
                session=effect.session,
                inventory=answer.inventory,
                number=answer.number,
                load=answer.load,
            )
        )

    async def _order(
        self, effect: effects.SendOrder | effects.SendCancel | effects.SendForget
    ) -> None:
        try:
            _check_time(effect.until_ms)
            call_id = await self._outside.order(effect)
        except HaError as error:
            self._log.warning("order failed", node=effect.node, reason=error)
            failed = events.OrderFailed(
                at_ms=boot_ms(),
                order=effect.order,
                node=effect.node,
                reached=self._outside.is_refusal(error),
                reason=str(error),
            )
            self.take(failed)
            return
        accepted = events.OrderAccepted(
            at_ms=boot_ms(), order=effect.order, node=effect.node, call_id=call_id
        )
        self.take(accepted)

    async def _execute(self, effect: effects.Execute | effects.Cancel | effects.Forget) -> None:
        try:
            answer = await self._outside.execute(effect)
        except HaError as error:
            self._refused(effect.request, error)
            return
        call_id = answer if isinstance(effect, effects.Execute) else 0
        assert isinstance(call_id, int)
        self.take(
            events.Executed(
                at_ms=boot_ms(), request=effect.request, call_id=call_id, found=bool(answer)
            )
        )

    async def _inventory(self, request: int, asked: Awaitable[Inventory]) -> None:
        try:
            inventory = await asked
        except HaError as error:
            self._refused(request, error)
            return
        self.take(events.ExecutorState(at_ms=boot_ms(), request=request, inventory=inventory))

    def _refused(self, request: int, error: HaError) -> None:
        self.take(events.ExecutionRefused(at_ms=boot_ms(), request=request, reason=str(error)))

    async def _confirm(self, serial: int) -> None:
        try:
            await self._outside.confirm(serial)
        except HaError as error:
            # Results that are sent again are recognised.
            self._log.debug("results not confirmed", reason=error)

    async def _metadata(self, agent: Agent) -> None:
        traits = await self._outside.traits(agent)
        self.take(events.MetadataRead(at_ms=boot_ms(), agent=agent, traits=traits))

    async def _fence(self, effect: effects.RunFencing) -> None:
        try:
            _check_time(effect.until_ms)
            ended = await self._outside.fence(effect)
        except HaError as error:
            ended = events.FencingEnded(
                at_ms=boot_ms(),
                request=effect.request,
                confirmed=False,
                now_s=wall_us() // 1_000_000,
                reason=str(error),
            )
        self._log.warning(
            "fencing",
            target=effect.target,
            action=effect.action,
            confirmed=ended.confirmed,
            reason=ended.reason,
        )
        self.take(ended)

    async def _ask_to_go_alone(self, effect: effects.AskToGoAlone) -> None:
        try:
            answer: events.Event = await self._outside.may_go_alone(effect)
        except HaError as error:
            answer = _must_not(effect.request, error)
        self.take(answer)

    async def _go_alone(self, effect: effects.GoAlone) -> None:
        try:
            await self._outside.go_alone(effect)
        except HaError as error:
            self.take(_must_not(effect.request, error))
            return
        self._log.warning("goes on alone", without=effect.proof.target)
        self.take(events.WentAlone(at_ms=boot_ms(), request=effect.request))


def _must_not(request: int, error: HaError) -> events.MustNotGoAlone:
    return events.MustNotGoAlone(at_ms=boot_ms(), request=request, reason=str(error))


class TooLate(HaError):
    """The contact to a majority ended between deciding and acting: nothing was sent."""


def _check_time(until_ms: int) -> None:
    if boot_ms() >= until_ms:
        raise TooLate("the contact to a majority ended before this could be sent")
