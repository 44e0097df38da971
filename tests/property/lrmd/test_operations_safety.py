"""The executor's safety for any course of events, restarts and late deliveries included."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from lrmd.operations.events import (
    AdoptAgent,
    AgentFinished,
    Cancel,
    CancelTimer,
    Effect,
    EndAgent,
    Event,
    Execute,
    Forget,
    RaiseToken,
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
from lrmd.operations.values import CANCELLED, Agent, OperationRequest, Outcome, Standard
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import ResourceId, Token

RESOURCES = [ResourceId("a"), ResourceId("b")]
TOKENS = [Token(1, number) for number in range(1, 4)]
CODES = [OcfCode.OK, OcfCode.ERROR, OcfCode.NOT_RUNNING]

requests = st.builds(
    OperationRequest,
    token=st.sampled_from(TOKENS),
    resource=st.sampled_from(RESOURCES),
    agent=st.just(Agent(Standard.OCF, "raftmaker", "Dummy")),
    operation=st.sampled_from(["start", "stop", "monitor", "notify"]),
    interval_ms=st.sampled_from([0, 0, 10, 20]),
    timeout_ms=st.sampled_from([0, 5, 50]),
    start_delay_ms=st.sampled_from([0, 0, 7]),
)
keys = {
    "token": st.sampled_from(TOKENS),
    "resource": st.sampled_from(RESOURCES),
    "operation": st.sampled_from(["monitor", "start"]),
    "interval_ms": st.sampled_from([0, 10, 20]),
}


class Fork(Struct, frozen=True):
    """The world gets to an ordered run, the number-th of those that wait."""

    number: int


class End(Struct, frozen=True):
    """A process ends by itself."""

    number: int
    code: OcfCode


class Pass(Struct, frozen=True):
    """Time passes, and timers fire."""

    by_ms: int


moves = st.one_of(
    st.builds(Execute, at_ms=st.just(0), request=requests),
    st.builds(Cancel, at_ms=st.just(0), **keys),
    st.builds(Forget, at_ms=st.just(0), **keys),
    st.builds(RaiseToken, at_ms=st.just(0), token=st.sampled_from(TOKENS)),
    st.builds(ResultsConfirmed, at_ms=st.just(0), serial=st.integers(0, 20)),
    st.just(Restarted(at_ms=0)),
    st.builds(Fork, st.integers(0, 3)),
    st.builds(End, st.integers(0, 3), st.sampled_from(CODES)),
    st.builds(Pass, st.integers(1, 30)),
)


class World(Struct):
    """What a shell does with the effects, and what it must never see."""

    state: State = field(default_factory=State)
    now_ms: int = 0
    ordered: dict[int, OperationRequest] = field(default_factory=dict)
    processes: dict[int, OperationRequest] = field(default_factory=dict)
    timers: dict[Timer, int] = field(default_factory=dict)
    serials: list[int] = field(default_factory=list)
    reported: dict[int, list[tuple[OcfCode, OpStatus]]] = field(default_factory=dict)
    forked: set[int] = field(default_factory=set)

    def take(self, event: Event) -> None:
        self.state, effects = step(self.state, event)
        for effect in effects:
            self.do(effect)

    def do(self, effect: Effect) -> None:
        match effect:
            case RunAgent(call_id, request):
                assert call_id not in self.ordered
                assert call_id not in self.processes
                self.ordered[call_id] = request
            case AdoptAgent(call_id, request):
                if call_id not in self.processes:
                    self.ordered[call_id] = request
            case EndAgent(call_id):
                if self.processes.pop(call_id, None) is not None:
                    self.ends(call_id, Outcome(code=OcfCode.ERROR))
            case SetTimer(timer, at_ms):
                self.timers[timer] = at_ms
            case CancelTimer(timer):
                self.timers.pop(timer, None)
            case Report(result):
                self.serials.append(result.serial)
                answer = (result.outcome.code, result.outcome.status)
                self.reported.setdefault(result.call_id, []).append(answer)
            case _:
                pass

    def ends(self, call_id: int, outcome: Outcome) -> None:
        self.take(AgentFinished(at_ms=self.now_ms, call_id=call_id, outcome=outcome))

    def fork(self, call_id: int) -> None:
        request = self.ordered.pop(call_id)
        if not may_fork(self.state, call_id):
            self.ends(call_id, CANCELLED)
            return
        # A token lower than the highest never begins; a recurring one goes on.
        assert request.token >= self.state.token or call_id in self.forked
        self.forked.add(call_id)
        # Never two actions of one resource at once.
        assert all(other.resource != request.resource for other in self.processes.values())
        self.processes[call_id] = request

    def passes(self, by_ms: int) -> None:
        until_ms = self.now_ms + by_ms
        while self.timers and min(self.timers.values()) <= until_ms:
            timer, at_ms = min(self.timers.items(), key=lambda item: (item[1], item[0].call_id))
            del self.timers[timer]
            self.now_ms = max(self.now_ms, at_ms)
            self.take(TimerFired(at_ms=self.now_ms, timer=timer))
        self.now_ms = until_ms

    def move(self, move: Event | Fork | End | Pass) -> None:
        match move:
            case Fork(number):
                for call_id in _pick(self.ordered, number):
                    self.fork(call_id)
            case End(number, code):
                for call_id in _pick(self.processes, number):
                    del self.processes[call_id]
                    self.ends(call_id, Outcome(code=code))
            case Pass(by_ms):
                self.passes(by_ms)
            case Restarted():
                # The orders and timers of the dead daemon are gone, its processes run on.
                self.ordered.clear()
                self.timers.clear()
                self.take(Restarted(at_ms=self.now_ms))
            case Execute():
                self.take(Execute(at_ms=self.now_ms, request=move.request))
            case _:
                self.take(move)


def _pick(choices: dict[int, OperationRequest], number: int) -> Iterator[int]:
    if choices:
        yield sorted(choices)[number % len(choices)]


@given(st.lists(moves, max_size=60))
def test_any_course_of_events_is_safe_and_settles(course: list[Event | Fork | End | Pass]) -> None:
    world = World()
    highest = Token()
    for move in course:
        world.move(move)
        assert world.state.token >= highest
        highest = world.state.token
        busy = [one.request.resource for one in world.state.operations.values() if one.is_busy]
        assert len(busy) == len(set(busy))
    assert world.serials == sorted(set(world.serials))
    # When everything that runs is let end, every accepted operation has its result.
    for _ in range(400):
        if not (world.state.pending or world.ordered or world.processes):
            break
        world.move(Fork(0))
        world.move(End(0, OcfCode.OK))
        world.passes(1)
    assert world.state.pending == ()
    assert sorted(world.reported) == list(range(1, world.state.last_call_id + 1))
    for answers in world.reported.values():
        assert all(one != other for one, other in itertools.pairwise(answers))
