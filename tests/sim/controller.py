"""The controller daemon of the simulation: crmd's core, driven as `crmd/main.py` drives it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from crmd.fsa import effects as fx
from crmd.fsa import events as ev
from crmd.fsa.config import Config
from crmd.fsa.executor import AgentTraits
from crmd.fsa.machine import initial, step
from crmd.fsa.state import ControllerState
from crmd.transition.throttle import NodeLoad
from lrmd.operations.values import Result
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange, FenceIntent
from raftmaker.vocabulary.ids import Session, Token
from tests.sim.checkers import Violation
from tests.sim.controller_calls import (
    RPC_TIMEOUT_MS,
    Reply,
    ask_executor,
    ask_store,
    fencing_ended,
    order_event,
    run_fencing,
)
from tests.sim.crashes import CrashPoints
from tests.sim.loop import MS
from tests.sim.machine import Machine, Process
from tests.sim.planted import inventory_overlooked, without_inventory
from tests.sim.rules import ALL_RULES
from tests.sim.store_client import StoreClient, Watched

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster


class Controller(Process):
    """One node's crmd."""

    def __init__(self, machine: Machine, crashes: CrashPoints, cluster: Cluster) -> None:
        super().__init__(machine, "crmd")
        self._crashes = crashes
        self._cluster = cluster
        self.state: ControllerState | None = None
        self._starts: tuple[str, int] = ("", 0)
        self._calls: dict[int, Reply] = {}
        self._last_call = 0
        self._connected_to = ""
        self.store: StoreClient | None = None
        self._session = Session(0)
        self._stepped_ms = 0
        self.fencer_token = Token()
        self.has_met_dc = False
        """Whether a DC asked this process to join, or its watch showed one."""

    # -- life ------------------------------------------------------------

    def on_start(self) -> None:
        """Begin anew: only the number of starts of this boot is kept, in the run directory."""
        rules, timings = self._cluster.rules, self._cluster.timings
        boot, starts = self._starts
        self._starts = (self.machine.boot_id, starts + 1 if boot == self.machine.boot_id else 1)
        self._calls, self._connected_to, self._session = {}, "", Session(0)
        self.fencer_token = Token()
        self.has_met_dc = False
        self.state = initial(
            Config(
                node=self.machine.name,
                boot_id=self.machine.boot_id,
                controller_start=self._starts[1],
                uuid=f"{self.machine.boot_id}/{self.incarnation}",
                nodes=self._cluster.nodes,
                dead_ms=timings.dead_ms,
                controller_fence_delay_ms=(
                    timings.controller_fence_delay_ms if rules.controller_fence_delay else 0
                ),
                no_quorum_stop_grace_ms=(
                    timings.no_quorum_stop_grace_ms if rules.takeover_waits else -timings.dead_ms
                ),
            )
        )
        if not rules.first_dc_waits:
            standing = replace(self.state.standing, has_seen_dc=True)
            self.state = replace(self.state, standing=standing)
        self.take_event(ev.Started(at_ms=self.at_ms))
        self.store = StoreClient(self, self._cluster, f"{self.machine.boot_id}/{self.label}")
        self.store.watch(self._watched, self._store_lost)
        self._cluster.beats.started(self)
        self._cluster.executors[self.machine.name].on_up.append(self._executor_up)
        self._executor_up()

    def on_crash(self) -> None:
        """All calls break."""
        executor = self._cluster.executors[self.machine.name]
        if self._executor_up in executor.on_up:
            executor.on_up.remove(self._executor_up)
        if self._executor_down in executor.on_down:
            executor.on_down.remove(self._executor_down)
        executor.followers = []
        if self.store is not None:
            self.store.close()
            self.store = None
        self.state = None
        self._calls = {}

    # -- the store and the beats ------------------------------------------------------------

    def session(self) -> Session:
        """The session that its beats name: what its watch showed of this boot."""
        return self._session

    def refresh(self) -> None:
        """Take in what folded beats have proven."""
        if self.state is not None:
            self._cluster.beats.refresh(self)

    def _watched(self, watched: Watched) -> None:
        self.has_met_dc = self.has_met_dc or watched.facts.dc is not None
        mine = watched.facts.of(self.machine.name)
        current = mine is not None and mine.boot_id == self.machine.boot_id
        session = mine.session if mine is not None and current else Session(0)
        voters = self._cluster.voters_in(watched.facts)
        self._cluster.beats.voters_changed(self.machine.name, voters)
        if session != self._session:
            self._session = session
            self._cluster.beats.session_changed(self.machine.name)
        if not self.up:  # it crashed at what the beats have proven until now
            return
        self.take_event(
            ev.StoreChanged(
                at_ms=self.at_ms, index=watched.index, cib=watched.cib, facts=watched.facts
            )
        )

    def _store_lost(self) -> None:
        self.take_event(ev.StoreLost(at_ms=self.at_ms))

    def beats_answered(self, sent_at_ms: int, arrived_ms: int) -> None:
        """A majority answered the beat sent then; the answer came at `arrived_ms`."""
        at_ms = max(arrived_ms, self._stepped_ms)
        self.take_event(ev.BeatsAnswered(at_ms=at_ms, sent_at_ms=sent_at_ms))

    # -- the executor ------------------------------------------------------------

    def _executor_up(self) -> None:
        executor = self._cluster.executors[self.machine.name]
        if not executor.up or not self.up or self._connected_to == executor.name_of_incarnation:
            return
        incarnation = self.incarnation

        def connect() -> None:
            if not executor.up or self.incarnation != incarnation:
                return
            if self._connected_to == executor.name_of_incarnation:
                return
            self._connected_to = executor.name_of_incarnation
            if self._executor_down not in executor.on_down:
                executor.on_down.append(self._executor_down)
            self.take_event(
                ev.ExecutorReturned(at_ms=self.at_ms, incarnation=executor.name_of_incarnation)
            )
            executor.follow(self._result)

        self.machine.loop.after(
            self.machine.random.randrange(1 * MS, 60 * MS), lambda: self.take(connect)
        )

    def _executor_down(self) -> None:
        executor = self._cluster.executors[self.machine.name]
        if self._executor_down in executor.on_down:
            executor.on_down.remove(self._executor_down)
        self._connected_to = ""
        incarnation = self.incarnation
        self.machine.network.send(
            self.machine.name,
            self.machine.name,
            lambda: (
                self.take(lambda: self.take_event(ev.ExecutorLost(at_ms=self.at_ms)))
                if self.incarnation == incarnation
                else None
            ),
        )

    def _result(self, result: Result) -> None:
        incarnation = self.incarnation

        def arrive() -> None:
            if self.incarnation == incarnation:
                self.take(
                    lambda: self.take_event(ev.ExecutorResult(at_ms=self.at_ms, result=result))
                )

        # One stream: results keep their order.
        self._cluster.streams.send(
            (self.machine.name, "results", incarnation),
            self.machine.name,
            self.machine.name,
            arrive,
        )

    # -- calls from others ------------------------------------------------------------

    def called(self, make: Callable[[int], ev.Event], reply: Reply) -> None:
        """Take an event that is answered by an effect; `make` gets the call's number."""
        self._last_call += 1
        self._calls[self._last_call] = reply
        self.take_event(make(self._last_call))

    def ordered(
        self,
        order: fx.SendOrder | fx.SendCancel | fx.SendForget,
        reply: Reply,
        *,
        names_boot: bool,
    ) -> None:
        """Take an order of a DC."""
        meant = order.boot_id if isinstance(order, fx.SendOrder) else self.machine.boot_id
        if isinstance(order, fx.SendOrder) and not names_boot:
            order = replace(order, boot_id=self.machine.boot_id)

        def answer(value: object) -> None:
            if isinstance(value, fx.OrderTaken):
                self._cluster.checkers.order_taken(self, meant)
            reply(value)

        self.called(lambda call: order_event(self, call, order), answer)

    # -- the shell ------------------------------------------------------------

    def take_event(self, event: ev.Event) -> None:
        """One turn: step the core, carry out its effects in order."""
        assert self.state is not None
        self._stepped_ms = event.at_ms
        before = self.state.name
        if not self._cluster.rules.dc_fresh and self.state.dc is not None:
            self.state = replace(self.state, answered_ms=event.at_ms)
        self.state, effects = step(self.state, event)
        if self.state.name is not before:
            self.machine.trace(
                self.label, f"{before.name} --{type(event).__name__}--> {self.state.name.name}"
            )
        self._cluster.checkers.controller_stepped(self, event, effects)
        self._carry(effects)

    def _carry(self, effects: tuple[fx.Effect, ...]) -> None:
        for number, effect in enumerate(effects):
            self._crashes.point(self)
            if self.paused:
                self.first_on_resume(partial(self._carry, effects[number:]))
                return
            self._do(effect)

    def _do(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Record():
                self._record(effect)
            case fx.SendJoin():
                self._send_join(effect)
            case fx.SendOrder() | fx.SendCancel() | fx.SendForget():
                self._send_order(effect)
            case fx.Schedule():
                self._schedule(effect)
            case fx.Execute() | fx.Cancel() | fx.Forget() | fx.RaiseToken() | fx.AskExecutor():
                self.has_met_dc = self.has_met_dc or isinstance(effect, fx.RaiseToken)
                if self._cluster.rules.isolated_stops or not self._acts_alone(effect):
                    ask_executor(self, self._cluster, effect)
            case fx.ConfirmResults(serial):
                executor = self._cluster.executors[self.machine.name]
                self._tell(executor, lambda: executor.confirm(serial))
            case fx.ReadMetadata(agent):
                self._later(
                    20,
                    lambda: ev.MetadataRead(at_ms=self.at_ms, agent=agent, traits=AgentTraits()),
                )
            case fx.RunFencing():
                self._run_fencing(effect)
            case fx.SetTimer(timer, at_ms):
                self.set_timer(timer, at_ms, lambda: self._timer_fired(timer))
            case fx.CancelTimer(timer):
                self.cancel_timer(timer)
            case (
                fx.JoinAccepted()
                | fx.OrderTaken()
                | fx.Ended()
                | fx.FencingAnswered()
                | fx.Cleaned()
                | fx.FailureOrdered()
                | fx.LeaveBegun()
                | fx.Refused()
                | fx.Forward()
            ):
                self._answer(effect)
            case fx.ReportProgress() | fx.LeavingWaits():
                pass
            case fx.AskToGoAlone() | fx.GoAlone():
                assert self._cluster.is_pair, "this cluster has three voters: none goes on alone"
                ask_store(self, self._cluster, effect)
            case fx.SurvivalWaits(reason):
                self.machine.trace(self.label, f"does not go on alone: {reason}")
            case fx.SurvivalOver():
                self.machine.trace(self.label, "has a majority again")
            case fx.Exit():
                self.machine.trace(self.label, f"exits: {effect.reason}")
                if effect.code is ExitCode.FATAL and self._cluster.rules == ALL_RULES:
                    # Nobody starts it again, and no node here has two controllers. Where a rule is
                    # broken on purpose, the checker that is meant for it has to find that.
                    raise Violation("fatal", effect.reason)
                self.exit()
            case _:
                assert_never(effect)

    def _answer(self, effect: fx.Answer) -> None:
        reply = self._calls.pop(effect.call, None)
        if isinstance(effect, fx.JoinAccepted):
            self._cluster.checkers.join_accepted(self, effect)
            if not self._cluster.rules.joins_first:
                effect = replace(effect, inventory=inventory_overlooked(effect.inventory))
        if reply is not None:
            reply(effect)

    def _acts_alone(self, effect: fx.Effect) -> bool:
        isolated = self.state is not None and self.state.isolation is not None
        return isolated and isinstance(effect, fx.Execute)

    def _timer_fired(self, timer: ev.Timer) -> None:
        self.take_event(ev.TimerFired(at_ms=self.at_ms, timer=timer))

    def _tell(self, target: Process, act: Callable[[], None]) -> None:
        name = self.machine.name
        self.machine.network.send(name, name, lambda: target.take(act))

    def _later(self, delay_ms: int, make: Callable[[], ev.Event]) -> None:
        self.later(delay_ms, lambda: self.take_event(make()))

    def _record(self, effect: fx.Record) -> None:
        def done(code: ExitCode | None, index: int) -> None:
            self.take_event(
                ev.Recorded(at_ms=self.at_ms, request=effect.request, code=code, index=index)
            )

        assert self.store is not None
        body = effect.body
        if isinstance(body, FenceIntent) and not self._cluster.rules.intent_first:
            self._later(1, lambda: self._intent_believed(effect.request))
            return
        if isinstance(body, CibChange) and not self._cluster.rules.return_resyncs:
            body = without_inventory(body)
        self.store.record(body, effect.token, done, about=effect.about)

    def _intent_believed(self, request: int) -> ev.Event:
        return ev.Recorded(at_ms=self.at_ms, request=request, code=ExitCode.OK, index=0)

    def _send_join(self, effect: fx.SendJoin) -> None:
        def failed(reached: bool, reason: str) -> None:
            self.take_event(
                ev.JoinFailed(
                    at_ms=self.at_ms,
                    node=effect.node,
                    token=effect.token,
                    session=effect.session,
                    reached=reached,
                    reason=reason,
                )
            )

        def answered(value: object) -> None:
            if isinstance(value, fx.JoinAccepted):
                self.take_event(
                    ev.JoinAnswered(
                        at_ms=self.at_ms,
                        node=effect.node,
                        token=effect.token,
                        session=effect.session,
                        inventory=value.inventory,
                        number=value.number,
                        load=NodeLoad(),
                    )
                )
            else:
                assert isinstance(value, fx.Refused)
                failed(True, value.reason)

        if self._too_late(effect.until_ms):
            self._later(0, lambda: self._join_dropped(effect))
            return
        target = self._cluster.controllers[effect.node]
        self._cluster.checkers.order_sent(self, effect.token)
        self.call(
            target,
            lambda reply: target.called(
                lambda call: ev.JoinRequested(
                    at_ms=target.at_ms,
                    call=call,
                    dc=self.machine.name,
                    token=effect.token,
                    boot_id=effect.boot_id,
                    session=effect.session,
                ),
                reply,
            ),
            answered=answered,
            failed=lambda reason: failed(False, reason),
            timeout_ms=RPC_TIMEOUT_MS,
        )

    def _join_dropped(self, effect: fx.SendJoin) -> ev.Event:
        return ev.JoinFailed(
            at_ms=self.at_ms,
            node=effect.node,
            token=effect.token,
            session=effect.session,
            reached=False,
            reason="too late",
        )

    def _too_late(self, until_ms: int) -> bool:
        return self._cluster.rules.dc_fresh and self.at_ms > until_ms

    def _send_order(self, effect: fx.SendOrder | fx.SendCancel | fx.SendForget) -> None:
        def failed(reached: bool, reason: str) -> ev.Event:
            return ev.OrderFailed(
                at_ms=self.at_ms,
                order=effect.order,
                node=effect.node,
                reached=reached,
                reason=reason,
            )

        def answered(value: object) -> None:
            match value:
                case fx.OrderTaken():
                    call_id = value.call_id
                case fx.Ended():
                    call_id = 0
                case fx.Refused():
                    self.take_event(failed(True, value.reason))
                    return
                case _:
                    raise AssertionError(f"no answer to an order: {value}")
            self.take_event(
                ev.OrderAccepted(
                    at_ms=self.at_ms, order=effect.order, node=effect.node, call_id=call_id
                )
            )

        if self._too_late(effect.until_ms):
            self._later(0, lambda: failed(False, "too late"))
            return
        target = self._cluster.controllers[effect.node]
        rules = self._cluster.rules
        token = effect.operation.token if isinstance(effect, fx.SendOrder) else effect.token
        self._cluster.checkers.order_sent(self, token)
        self.call(
            target,
            lambda reply: target.ordered(effect, reply, names_boot=rules.order_names_boot),
            answered=answered,
            failed=lambda reason: self.take_event(failed(False, reason)),
            timeout_ms=RPC_TIMEOUT_MS,
        )

    def _schedule(self, effect: fx.Schedule) -> None:
        now_s = self._cluster.wall_us() // 1_000_000

        def ready() -> ev.Event:
            graph = self._cluster.schedules.graph(effect.cib, now_s)
            return ev.ScheduleReady(
                at_ms=self.at_ms, request=effect.request, graph=graph, now_s=now_s
            )

        self._later(self.machine.random.randrange(5, 60), ready)

    def _run_fencing(self, effect: fx.RunFencing) -> None:
        if self._too_late(effect.until_ms):
            self._later(0, lambda: fencing_ended(self, self._cluster, effect))
        else:
            run_fencing(self, self._cluster, effect)
