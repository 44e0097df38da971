"""The fencing daemon of the simulation: stonithd's core, driven as `stonithd/main.py` drives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import Token
from stonithd.fencing.effects import (
    CancelTimer,
    Delegate,
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
    Configured,
    DelegateEnded,
    FenceRequested,
    FencingEvent,
    HistoryHeard,
    Offer,
    OffersGathered,
    Timer,
    TimerFired,
    TokenSeen,
)
from stonithd.fencing.history import FencingRecord
from stonithd.fencing.setup import Setup
from stonithd.fencing.state import State
from stonithd.fencing.step import initial_state, step
from tests.sim.crashes import CrashPoints
from tests.sim.loop import MS
from tests.sim.machine import Machine, Process
from tests.sim.power import Power, PowerRun

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster

Answer = Callable[[object], None]


class Fenced(Struct, frozen=True):
    """Answer to a request: how it ended. `refused`: nothing was run."""

    confirmed: bool
    refused: bool
    devices: tuple[str, ...]
    reason: str


class Fencer(Process):
    """One node's stonithd. Token and history are on disk and outlive boots."""

    def __init__(
        self, machine: Machine, crashes: CrashPoints, power: Power, cluster: Cluster
    ) -> None:
        super().__init__(machine, "stonithd")
        self._crashes = crashes
        self._power = power
        self._cluster = cluster
        self.state = initial_state(machine.name)
        self._disk_token = Token()
        self._disk_history: tuple[FencingRecord, ...] = ()
        self._waiting: dict[int, Answer] = {}
        self._runs: dict[int, PowerRun] = {}
        self._next_request = 1

    def on_start(self) -> None:
        """Start with what is on disk; the store tells the devices."""
        self.state = initial_state(self.machine.name, self._disk_token, self._disk_history)
        self._waiting, self._runs = {}, {}
        self._step(Configured(self.at_ms, self._cluster.fencing_setup(self.machine.name)))

    def on_crash(self) -> None:
        """Agents are killed with it; the device does what it was told."""
        for run in self._runs.values():
            run.kill()
        self._runs = {}

    def configured(self, setup: Setup) -> None:
        """The store shows other devices or members."""
        if setup != self.state.setup:
            self._step(Configured(self.at_ms, setup))

    def raise_token(self, token: Token, reply: Answer) -> None:
        """Raise the token; the answer is the highest seen."""
        self._step(TokenSeen(self.at_ms, token))
        if token >= self.state.token:
            self._cluster.checkers.fencer_raised(self, token)
        reply(self.state.token)

    def fence(self, request: FenceRequested, reply: Answer) -> None:
        """Fence through the devices; `request` gets its number and clock here."""
        number = self._next_request
        self._next_request += 1
        self._waiting[number] = reply
        self._step(replace(request, request=number, at_ms=self.at_ms))

    def _step(self, event: FencingEvent) -> None:
        highest = self.state.token
        self.state, effects = step(self._let_pass(event), event)
        self.state = replace(self.state, token=max(highest, self.state.token))
        for effect in effects:
            self._crashes.point(self)
            match effect:
                case PersistToken(token):
                    if self._cluster.rules.fencer_keeps_token:
                        self._disk_token = max(token, self._disk_token)
                case PersistHistory(records):
                    self._disk_history = records
                case ShareRecord(record):
                    self._share(record)
                case GatherOffers(operation, _, devices):
                    self._gather(operation, devices)
                case RunAgent():
                    self._run(effect)
                case StopAgent(run):
                    running = self._runs.pop(run, None)
                    if running is not None:
                        running.kill()
                case Delegate():
                    self._delegate(effect)
                case Reply():
                    waiting = self._waiting.pop(effect.request)
                    waiting(Fenced(effect.confirmed, effect.refused, effect.devices, effect.reason))
                case SetTimer(timer, at_ms):
                    self.set_timer(timer, at_ms, self._timer(timer))
                case CancelTimer(timer):
                    self.cancel_timer(timer)
                case _:
                    assert_never(effect)

    def _share(self, record: FencingRecord) -> None:
        """Tell the others, whom a lost message leaves without it until they join anew."""
        for node, fencer in self._cluster.fencers.items():
            if node != self.machine.name:
                self._tell(fencer, record)

    def _tell(self, fencer: Fencer, record: FencingRecord) -> None:
        self.call(
            fencer,
            lambda reply: fencer.hear(record, reply),
            answered=lambda _: None,
            failed=lambda _: None,
            timeout_ms=2_000,
        )

    def hear(self, record: FencingRecord, reply: Answer) -> None:
        """Remember what a peer saw to."""
        self._step(HistoryHeard(self.at_ms, (record,)))
        reply(True)

    def _let_pass(self, event: FencingEvent) -> State:
        rules = self._cluster.rules
        arrival = isinstance(event, FenceRequested)
        keeps = rules.fencer_checks_arrival if arrival else rules.fencer_checks_fork
        return self.state if keeps else replace(self.state, token=Token())

    def _timer(self, timer: Timer) -> Callable[[], None]:
        return lambda: self._step(TimerFired(self.at_ms, timer))

    def _gather(self, operation: int, devices: tuple[str, ...]) -> None:
        offers = tuple(
            Offer(device, self.machine.name)  # type: ignore[arg-type]  # ids from the effect
            for device in devices
        )
        self.later(20, lambda: self._step(OffersGathered(self.at_ms, operation, offers)))

    def _run(self, effect: RunAgent) -> None:
        number, incarnation = effect.run, self.incarnation
        run = self.state.run(number)
        operation = self.state.operation(run.operation) if run is not None else None
        if operation is not None:
            self._cluster.checkers.fencer_forks(self, effect, operation)

        def ended(code: int, status: OpStatus = OpStatus.DONE) -> None:
            if self.incarnation == incarnation and self._runs.pop(number, None) is not None:
                self.take(
                    lambda: self._step(
                        AgentEnded(at_ms=self.at_ms, run=number, code=code, status=status)
                    )
                )

        def expire() -> None:
            run = self._runs.get(number)
            if run is not None and self.incarnation == incarnation:
                run.kill()
                ended(1, OpStatus.TIMEOUT)

        self._runs[number] = self._power.request(effect.action.value, effect.target, ended)
        self.machine.loop.after(effect.timeout_ms * MS, expire)

    def _delegate(self, effect: Delegate) -> None:
        target = self._cluster.fencers[effect.executor]
        request = FenceRequested(
            at_ms=0,
            request=0,
            token=effect.token,
            target=effect.target,
            boot_id=effect.boot_id,
            session=effect.session,
            action=effect.action,
            timeout_ms=effect.timeout_ms,
            delay_ms=effect.delay_ms,
            device=effect.device,
            client=effect.client,
            origin=effect.origin,
            known_index=effect.known_index,
            incident=effect.incident,
        )

        def answered(value: object) -> None:
            assert isinstance(value, Fenced)
            self._delegated(effect.run, value.confirmed, not value.refused, value.reason)

        def failed(reason: str) -> None:
            self._delegated(effect.run, False, reason != "refused", reason)

        self.call(
            target,
            lambda reply: target.fence(request, reply),
            answered=answered,
            failed=failed,
            timeout_ms=effect.timeout_ms + 2_000,
        )

    def _delegated(self, run: int, confirmed: bool, reached: bool, reason: str) -> None:
        self._step(
            DelegateEnded(
                at_ms=self.at_ms, run=run, confirmed=confirmed, reached=reached, reason=reason
            )
        )
