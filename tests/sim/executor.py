"""The executor daemon of the simulation: lrmd's core, driven as `lrmd/main.py` drives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from crmd.fsa.executor import Inventory, PendingOperation
from lrmd.operations.events import (
    Accepted,
    AdoptAgent,
    AgentFinished,
    Cancel,
    CancelTimer,
    EndAgent,
    Ended,
    Event,
    Execute,
    Forget,
    Persist,
    Raised,
    RaiseToken,
    Refused,
    Report,
    Restarted,
    ResultsConfirmed,
    RunAgent,
    SetTimer,
    Timer,
    TimerFired,
)
from lrmd.operations.state import Phase, State, confirmed_serial, may_fork
from lrmd.operations.step import step
from lrmd.operations.values import CANCELLED, FailureId, OperationRequest, Outcome, Result
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import BootId, ResourceId, Token
from tests.sim.agents import Run
from tests.sim.crashes import CrashPoints
from tests.sim.loop import MS
from tests.sim.machine import Machine, Process

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster

Reply = Callable[[object], None]


class TokenRefused(Struct, frozen=True):
    """Answer: a higher token was seen here."""

    highest: Token


class Taken(Struct, frozen=True):
    """Answer: queued under this call id, or there was something to end."""

    call_id: int = 0
    found: bool = True


class Executor(Process):
    """One node's lrmd. `disk` outlives the process but not the boot; agents outlive it too."""

    def __init__(self, machine: Machine, crashes: CrashPoints, cluster: Cluster) -> None:
        super().__init__(machine, "lrmd")
        self._crashes = crashes
        self._cluster = cluster
        self._wall_us = cluster.wall_us
        self.state = State()
        self._disk: State | None = None
        self._disk_boot = BootId("")
        self._runs: dict[int, Run] = {}
        self._reply: Reply | None = None
        self.followers: list[Callable[[Result], None]] = []
        self.on_up: list[Callable[[], None]] = []
        self.on_down: list[Callable[[], None]] = []
        self.refuses = False
        """It joins, and takes no operation; no fault of a seed, one of a test."""

    @property
    def name_of_incarnation(self) -> str:
        """Made anew at each start."""
        return f"{self.machine.boot_id}/lrmd-{self.incarnation}"

    def on_start(self) -> None:
        """Take up the history of this boot, if an earlier process left one."""
        if self._disk_boot != self.machine.boot_id:
            self._disk, self._disk_boot = None, self.machine.boot_id
            self._runs = {}
        self.state = self._disk or State()
        if not self._cluster.rules.executor_keeps_token:
            self.state = replace(self.state, token=Token())
        if self._disk is not None:
            self._step(Restarted(at_ms=self.at_ms, wall_us=self._wall_us()))
        for hook in list(self.on_up):
            hook()

    def on_crash(self) -> None:
        """Agents go on; nobody listens to them."""
        for run in self._runs.values():
            run.ended = None
        self.followers = []
        for hook in list(self.on_down):
            hook()

    # -- requests, each answered through `reply` ----------------------

    def execute(self, request: OperationRequest, reply: Reply) -> None:
        """Queue an operation."""
        if self.refuses:
            reply(TokenRefused(self.state.token))
            return

        def answer(value: object) -> None:
            if isinstance(value, Taken):
                self._cluster.checkers.executor_accepted(self, request)
            reply(value)

        taken = request
        if not self._cluster.rules.executor_checks_arrival:
            taken = replace(request, token=max(request.token, self.state.token))
        self._ask(Execute(at_ms=self.at_ms, wall_us=self._wall_us(), request=taken), answer)

    def cancel(
        self, token: Token, resource: ResourceId, operation: str, interval_ms: int, reply: Reply
    ) -> None:
        """End a recurring operation."""
        self._ask(
            Cancel(
                at_ms=self.at_ms,
                wall_us=self._wall_us(),
                token=token,
                resource=resource,
                operation=operation,
                interval_ms=interval_ms,
            ),
            reply,
        )

    def forget(
        self,
        token: Token,
        resource: ResourceId,
        operation: str,
        interval_ms: int,
        failure: FailureId | None,
        reply: Reply,
    ) -> None:
        """Forget a resource, or one operation or failure of it."""
        self._ask(
            Forget(
                at_ms=self.at_ms,
                wall_us=self._wall_us(),
                token=token,
                resource=resource,
                operation=operation,
                interval_ms=interval_ms,
                failure=failure,
            ),
            reply,
        )

    def raise_token(self, token: Token, reply: Reply) -> None:
        """Raise the token and tell everything that runs and waits here."""

        def answer(value: object) -> None:
            if isinstance(value, Taken):
                self._cluster.checkers.executor_raised(self, token)
                value = self.inventory()
            reply(value)

        self._ask(RaiseToken(at_ms=self.at_ms, wall_us=self._wall_us(), token=token), answer)

    def follow(self, follower: Callable[[Result], None]) -> None:
        """Send what nobody confirmed yet, then every new result."""
        for result in self.state.unconfirmed:
            follower(result)
        self.followers.append(follower)

    def confirm(self, serial: int) -> None:
        """Results up to `serial` are stored elsewhere."""
        self._step(ResultsConfirmed(at_ms=self.at_ms, wall_us=self._wall_us(), serial=serial))

    def inventory(self) -> Inventory:
        """Return everything it knows."""
        history = {
            result.serial: result
            for resource in sorted(self.state.history)
            for result in self.state.history[resource].results
        }
        return Inventory(
            boot_id=self.machine.boot_id,
            incarnation=self.name_of_incarnation,
            token=self.state.token,
            history=tuple(history[serial] for serial in sorted(history)),
            pending=tuple(
                PendingOperation(
                    call_id=operation.call_id,
                    request=operation.request,
                    running=operation.phase is Phase.RUNNING,
                )
                for operation in self.state.pending
            ),
            confirmed_serial=confirmed_serial(self.state),
        )

    # -- the shell ------------------------------------------------------------

    def _ask(self, event: Event, reply: Reply) -> None:
        self._reply = reply
        try:
            self._step(event)
        finally:
            self._reply = None

    def _answer(self, value: object) -> None:
        assert self._reply is not None, "an answer that nobody asked for"
        self._reply(value)

    def _step(self, event: Event) -> None:
        self.state, effects = step(self.state, event)
        for effect in effects:
            self._crashes.point(self)
            match effect:
                case Persist():
                    self._disk = self.state
                case Accepted(call_id):
                    self._answer(Taken(call_id))
                case Refused(highest):
                    self._answer(TokenRefused(highest))
                case Ended(found):
                    self._answer(Taken(found=found))
                case Raised():
                    self._answer(Taken())
                case RunAgent(call_id, request):
                    self._fork_soon(call_id, request)
                case AdoptAgent(call_id, request):
                    self._adopt(call_id, request)
                case EndAgent(call_id):
                    self._end(call_id)
                case SetTimer(timer, at_ms):
                    self.set_timer(timer, at_ms, self._timer(timer))
                case CancelTimer(timer):
                    self.cancel_timer(timer)
                case Report(result):
                    for follower in self.followers:
                        follower(result)
                case _:
                    assert_never(effect)

    def _timer(self, timer: Timer) -> Callable[[], None]:
        return lambda: self._step(
            TimerFired(at_ms=self.at_ms, wall_us=self._wall_us(), timer=timer)
        )

    def _fork_soon(self, call_id: int, request: OperationRequest) -> None:
        incarnation = self.incarnation

        def fork() -> None:
            operation = self.state.operations.get(call_id)
            if operation is None or not self._may_fork(call_id):
                self._finished(call_id, CANCELLED)
                return
            self._cluster.checkers.executor_forks(
                self, operation.request, first=operation.owes_result
            )
            self._runs[call_id] = self.machine.agents.fork(
                self.machine.name,
                request.resource,
                request.operation,
                lambda code: self._ended(call_id, code),
            )

        def due() -> None:
            if self.incarnation == incarnation:
                self.take(fork)

        lags = self.machine.random.random() < 5 * self.machine.network.late
        longest_ms = 1_500 if lags else 2
        self.machine.loop.after(self.machine.random.randrange(longest_ms * MS), due)

    def _may_fork(self, call_id: int) -> bool:
        state = self.state
        if not self._cluster.rules.executor_checks_fork:
            state = replace(state, token=Token())
        return may_fork(state, call_id)

    def _ended(self, call_id: int, code: OcfCode) -> None:
        self.take(lambda: self._finished(call_id, Outcome(code=code)))

    def _finished(self, call_id: int, outcome: Outcome) -> None:
        self._runs.pop(call_id, None)
        self._step(
            AgentFinished(
                at_ms=self.at_ms, wall_us=self._wall_us(), call_id=call_id, outcome=outcome
            )
        )

    def _adopt(self, call_id: int, request: OperationRequest) -> None:
        """Find the run of an earlier process; one that never was is forked now."""
        run = self._runs.get(call_id)
        if run is None:
            self._fork_soon(call_id, request)
        elif run.alive:
            run.ended = lambda code: self._ended(call_id, code)
        elif run.code is not None and self.machine.random.random() < 0.5:
            code = run.code
            self._defer(lambda: self._finished(call_id, Outcome(code=code)))
        else:
            lost = Outcome(
                code=OcfCode.ERROR, status=OpStatus.ERROR, exit_reason="its end was not seen"
            )
            self._defer(lambda: self._finished(call_id, lost))

    def _end(self, call_id: int) -> None:
        run = self._runs.get(call_id)
        if run is not None:
            self.machine.agents.kill(run)
        killed = Outcome(code=OcfCode.ERROR, status=OpStatus.TIMEOUT)
        self._defer(lambda: self._finished(call_id, killed))

    def _defer(self, act: Callable[[], None]) -> None:
        incarnation = self.incarnation
        self.machine.loop.after(
            self.machine.random.randrange(1, 3 * MS),
            lambda: self.take(act) if self.incarnation == incarnation else None,
        )
