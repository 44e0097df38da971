"""The operations core: order of actions, recurrence, timeouts, tokens, history, restart."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lrmd.operations.events import (
    Accepted,
    AdoptAgent,
    AgentFinished,
    Cancel,
    CancelTimer,
    Effect,
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
    TimerKind,
)
from lrmd.operations.state import Phase, State, may_fork
from lrmd.operations.step import step
from lrmd.operations.values import (
    CANCELLED,
    Agent,
    FailureId,
    OperationRequest,
    Outcome,
    Result,
    Standard,
    readable_duration,
)
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import ResourceId, Token

WEB = ResourceId("web")
DB = ResourceId("db")
OLD, NEW = Token(1, 3), Token(1, 4)
OK = Outcome(code=OcfCode.OK)
NOT_RUNNING = Outcome(code=OcfCode.NOT_RUNNING)


def request(operation: str = "start", interval_ms: int = 0, **more: object) -> OperationRequest:
    base = OperationRequest(
        resource=WEB,
        agent=Agent(Standard.OCF, "raftmaker", "Dummy"),
        operation=operation,
        interval_ms=interval_ms,
        token=OLD,
    )
    return replace(base, **more)  # type: ignore[arg-type]  # fields by name, for brevity


def after(state: State, *events: Event) -> tuple[State, list[Effect]]:
    """Take the events; return the state and the effects of the last one."""
    effects: tuple[Effect, ...] = ()
    for event in events:
        state, effects = step(state, event)
    return state, list(effects)


def run(operation: OperationRequest, at_ms: int = 0) -> Execute:
    return Execute(at_ms=at_ms, wall_us=at_ms * 1000, request=operation)


def done(call_id: int, at_ms: int, outcome: Outcome = OK) -> AgentFinished:
    return AgentFinished(at_ms=at_ms, wall_us=at_ms * 1000, call_id=call_id, outcome=outcome)


def due(call_id: int, at_ms: int) -> TimerFired:
    return TimerFired(at_ms=at_ms, wall_us=at_ms * 1000, timer=Timer(TimerKind.DUE, call_id))


def limit(call_id: int, at_ms: int) -> TimerFired:
    return TimerFired(at_ms=at_ms, timer=Timer(TimerKind.TIMEOUT, call_id))


def reports(effects: list[Effect]) -> list[tuple[int, OpStatus, OcfCode]]:
    results = [effect.result for effect in effects if isinstance(effect, Report)]
    return [(one.call_id, one.outcome.status, one.outcome.code) for one in results]


def started(effects: list[Effect]) -> list[int]:
    return [effect.call_id for effect in effects if isinstance(effect, RunAgent)]


def test_an_operation_is_persisted_then_answered_then_run() -> None:
    state, effects = after(State(), run(request(timeout_ms=7000), 100))
    assert effects == [
        Persist(),
        Accepted(1),
        RunAgent(1, request(timeout_ms=7000)),
        SetTimer(Timer(TimerKind.TIMEOUT, 1), 7100),
    ]
    assert [one.phase for one in state.pending] == [Phase.RUNNING]


def test_its_result_is_numbered_remembered_and_kept_until_confirmed() -> None:
    state, effects = after(State(), run(request(), 100), done(1, 350))
    result = Result(
        serial=1, call_id=1, request=request(), outcome=OK, last_change_us=100_000, exec_ms=250
    )
    assert effects == [Persist(), CancelTimer(Timer(TimerKind.TIMEOUT, 1)), Report(result)]
    assert state.history[WEB].last == result
    assert state.history[WEB].failure is None
    assert state.operations == {}
    assert state.unconfirmed == (result,)
    state, effects = after(state, ResultsConfirmed(at_ms=400, serial=1))
    assert (state.unconfirmed, effects) == ((), [Persist()])


def test_no_timeout_means_no_timer() -> None:
    _, effects = after(State(), run(request(timeout_ms=0)))
    assert not [effect for effect in effects if isinstance(effect, SetTimer)]


def test_one_action_of_a_resource_at_a_time_in_order() -> None:
    """Features 5.46; other resources do not wait."""
    state, effects = after(State(), run(request("start")), run(request("monitor"), 1))
    assert started(effects) == []
    state, effects = after(state, run(request("start", resource=DB), 2))
    assert started(effects) == [3]
    state, effects = after(state, done(1, 40))
    assert started(effects) == [2]
    _, effects = after(state, done(2, 50))
    assert [e.result.queue_ms for e in effects if isinstance(e, Report)] == [39]


def test_one_shot_operations_go_before_waiting_recurring_ones() -> None:
    state, _ = after(State(), run(request("start")), run(request("monitor", 10_000), 1))
    state, _ = after(state, run(request("monitor"), 2))
    state, effects = after(state, done(1, 40))
    assert started(effects) == [3]
    _, effects = after(state, done(3, 50))
    assert started(effects) == [2]


def test_a_recurring_operation_runs_at_once_then_an_interval_after_its_end() -> None:
    """Features 5.47."""
    state, effects = after(State(), run(request("monitor", 10_000), 5))
    assert started(effects) == [1]
    state, effects = after(state, done(1, 1005))
    assert effects[-1] == SetTimer(Timer(TimerKind.DUE, 1), 11_005)
    _, effects = after(state, due(1, 11_006))
    assert started(effects) == [1]


def test_of_a_recurring_operation_only_changes_are_reported() -> None:
    """Features 5.47."""
    state, effects = after(State(), run(request("monitor", 100)), done(1, 10))
    assert reports(effects) == [(1, OpStatus.DONE, OcfCode.OK)]
    state, effects = after(state, due(1, 110), done(1, 120))
    assert reports(effects) == []
    state, effects = after(state, due(1, 220), done(1, 230, NOT_RUNNING))
    assert reports(effects) == [(1, OpStatus.DONE, OcfCode.NOT_RUNNING)]
    assert state.unconfirmed[-1].last_change_us == 220_000
    state, effects = after(state, due(1, 330), done(1, 340, NOT_RUNNING))
    assert reports(effects) == []
    state, effects = after(state, due(1, 440), done(1, 450))
    assert reports(effects) == [(1, OpStatus.DONE, OcfCode.OK)]
    failure = state.history[WEB].failure
    assert failure is not None
    assert failure.outcome == NOT_RUNNING
    assert [one.outcome for one in state.history[WEB].recurring] == [OK]
    assert state.pending == ()


def test_a_start_delay_comes_first() -> None:
    """Features 8.10."""
    state, effects = after(State(), run(request("monitor", 10_000, start_delay_ms=500), 100))
    assert effects[-1] == SetTimer(Timer(TimerKind.DUE, 1), 600)
    assert [one.phase for one in state.pending] == [Phase.DELAYED]
    _, effects = after(state, due(1, 600))
    assert started(effects) == [1]


def test_a_timeout_is_reported_at_once_and_the_resource_waits_for_the_end() -> None:
    """Features 5.44."""
    state, _ = after(State(), run(request(timeout_ms=20_000)), run(request("stop"), 1))
    state, effects = after(state, limit(1, 20_000))
    assert effects[:2] == [Persist(), EndAgent(1)]
    assert reports(effects) == [(1, OpStatus.TIMEOUT, OcfCode.ERROR)]
    reason = state.unconfirmed[-1].outcome.exit_reason
    assert reason == "Resource agent did not complete within 20s"
    assert started(effects) == []
    state, effects = after(state, done(1, 20_003))
    assert reports(effects) == []
    assert started(effects) == [2]
    assert state.history[WEB].failure == state.history[WEB].last


def test_a_recurring_operation_that_timed_out_recurs() -> None:
    state, _ = after(State(), run(request("monitor", 100)), limit(1, 50))
    _, effects = after(state, done(1, 60))
    assert effects[-1] == SetTimer(Timer(TimerKind.DUE, 1), 160)


def test_an_order_with_a_lower_token_is_refused() -> None:
    """Protocols, DC: checked on arrival."""
    state, effects = after(State(), RaiseToken(at_ms=0, token=NEW))
    assert effects == [Persist(), Raised(NEW)]
    for event in (
        run(request()),
        Cancel(at_ms=1, token=OLD, resource=WEB, operation="monitor", interval_ms=10),
        Forget(at_ms=1, token=OLD, resource=WEB),
        RaiseToken(at_ms=1, token=OLD),
    ):
        assert after(state, event) == (state, [Refused(NEW)])


def test_a_higher_token_calls_off_what_has_not_begun() -> None:
    """Protocols, DC: what runs goes on, what waits never runs."""
    state, _ = after(
        State(),
        run(request("start")),
        run(request("monitor", 10_000)),
        run(request("monitor", 20_000, start_delay_ms=50)),
    )
    state, effects = after(state, RaiseToken(at_ms=5, token=NEW))
    cancelled = (OpStatus.CANCELLED, OcfCode.UNKNOWN)
    assert reports(effects) == [(2, *cancelled), (3, *cancelled)]
    assert effects[-1] == Raised(NEW)
    assert [one.call_id for one in state.pending] == [1]
    state, effects = after(state, done(1, 9))
    assert reports(effects) == [(1, OpStatus.DONE, OcfCode.OK)]


def test_a_recurring_operation_outlives_its_dc() -> None:
    state, _ = after(State(), run(request("monitor", 100)), done(1, 10))
    state, _ = after(state, RaiseToken(at_ms=20, token=NEW), due(1, 110))
    assert state.operations[1].phase is Phase.RUNNING
    assert may_fork(state, 1)


def test_the_token_is_asked_again_right_before_the_fork() -> None:
    """Protocols, DC: the order may be older than the token by the time of the fork."""
    state, _ = after(State(), run(request("start")))
    assert may_fork(state, 1)
    state, _ = after(state, RaiseToken(at_ms=1, token=NEW))
    assert not may_fork(state, 1)
    _, effects = after(state, done(1, 2, CANCELLED))
    assert reports(effects) == [(1, OpStatus.CANCELLED, OcfCode.UNKNOWN)]


def test_nothing_forks_that_is_unknown_cancelled_or_not_running() -> None:
    state, _ = after(State(), run(request("monitor", 10)), run(request("start", resource=DB)))
    assert not may_fork(state, 77)
    cancel = Cancel(at_ms=1, token=OLD, resource=WEB, operation="monitor", interval_ms=10)
    state, _ = after(state, cancel, limit(2, 2))
    assert not may_fork(state, 1)
    assert not may_fork(state, 2)


def test_cancel_between_runs() -> None:
    state, _ = after(State(), run(request("monitor", 100)), done(1, 10))
    cancel = Cancel(at_ms=20, token=OLD, resource=WEB, operation="monitor", interval_ms=100)
    state, effects = after(state, cancel)
    assert CancelTimer(Timer(TimerKind.DUE, 1)) in effects
    assert reports(effects) == [(1, OpStatus.CANCELLED, OcfCode.UNKNOWN)]
    assert effects[-1] == Ended(True)
    assert state.operations == {}
    assert WEB not in state.history
    assert after(state, cancel) == (state, [Ended(False)])


def test_cancel_of_a_run_in_progress_lets_it_finish() -> None:
    cancel = Cancel(at_ms=20, token=OLD, resource=WEB, operation="monitor", interval_ms=100)
    state, effects = after(State(), run(request("monitor", 100)), cancel)
    assert effects == [Persist(), Ended(True)]
    assert after(state, cancel) == (state, [Ended(False)])
    state, effects = after(state, done(1, 30, NOT_RUNNING))
    assert reports(effects) == [(1, OpStatus.CANCELLED, OcfCode.UNKNOWN)]
    assert (state.operations, state.history) == ({}, {})


def test_a_cancelled_run_that_times_out_is_ended_and_reported_once() -> None:
    cancel = Cancel(at_ms=20, token=OLD, resource=WEB, operation="monitor", interval_ms=100)
    state, effects = after(State(), run(request("monitor", 100)), cancel, limit(1, 90))
    assert effects == [Persist(), EndAgent(1)]
    _, effects = after(state, done(1, 95))
    assert reports(effects) == [(1, OpStatus.CANCELLED, OcfCode.UNKNOWN)]


def test_a_one_shot_operation_cannot_be_cancelled() -> None:
    cancel = Cancel(at_ms=1, token=OLD, resource=WEB, operation="start", interval_ms=0)
    _, effects = after(State(), run(request("start")), cancel)
    assert effects == [Ended(False)]


def test_a_change_of_the_resource_ends_its_recurring_operations() -> None:
    state, _ = after(State(), run(request("monitor", 100)), done(1, 10))
    state, effects = after(state, run(request("stop"), 20))
    assert reports(effects) == [(1, OpStatus.CANCELLED, OcfCode.UNKNOWN)]
    assert started(effects) == [2]


@pytest.mark.parametrize("operation", ["monitor", "notify"])
def test_probes_and_notifications_leave_recurring_operations_alone(operation: str) -> None:
    state, _ = after(State(), run(request("monitor", 100)), done(1, 10))
    state, _ = after(state, run(request(operation), 20), done(2, 30))
    assert 1 in state.operations
    assert [one.call_id for one in state.history[WEB].recurring] == [1]


def test_the_same_recurring_operation_again_replaces_it() -> None:
    state, _ = after(State(), run(request("monitor", 100)), done(1, 10))
    again = request("monitor", 100, parameters={"depth": "2"})
    state, effects = after(state, run(again, 20))
    assert reports(effects) == [(1, OpStatus.CANCELLED, OcfCode.UNKNOWN)]
    assert started(effects) == [2]
    assert list(state.operations) == [2]


def test_notifications_are_reported_and_not_remembered() -> None:
    state, effects = after(State(), run(request("notify")), done(1, 5))
    assert reports(effects) == [(1, OpStatus.DONE, OcfCode.OK)]
    assert state.history == {}


def test_an_unexpected_code_is_a_failure_and_an_expected_one_is_not() -> None:
    """Features 3.18, 5.43, 5.39."""
    probe = request("monitor", expected_code=OcfCode.NOT_RUNNING)
    state, _ = after(State(), run(probe), done(1, 5, NOT_RUNNING))
    assert state.history[WEB].failure is None
    state, _ = after(state, run(probe), done(2, 9))
    assert state.history[WEB].failure == state.history[WEB].last
    state, _ = after(State(), run(request()), done(1, 5, Outcome(code=OcfCode.DEGRADED)))
    assert state.history[WEB].failure is None


def test_forget_a_resource() -> None:
    state, _ = after(
        State(),
        run(request("start")),
        done(1, 5),
        run(request("monitor", 100), 6),
        done(2, 7),
        run(request("monitor"), 8),
        run(request("notify"), 8),
        run(request("start", resource=DB), 9),
    )
    state, effects = after(state, Forget(at_ms=10, token=OLD, resource=WEB))
    assert [call for call, status, _ in reports(effects) if status is OpStatus.CANCELLED] == [2, 4]
    assert effects[-1] == Ended(True)
    assert sorted(state.operations) == [3, 5]
    state, effects = after(state, done(3, 12))
    assert reports(effects) == [(3, OpStatus.DONE, OcfCode.OK)]
    assert WEB not in state.history
    assert after(state, Forget(at_ms=13, token=OLD, resource=WEB)) == (state, [Ended(False)])


def test_forget_one_operation() -> None:
    state, _ = after(State(), run(request("start")), done(1, 5))
    state, _ = after(state, run(request("monitor", 100), 6), done(2, 7, NOT_RUNNING))
    event = Forget(at_ms=10, token=OLD, resource=WEB, operation="monitor", interval_ms=100)
    state, effects = after(state, event)
    assert effects[-1] == Ended(True)
    assert [one.call_id for one in state.history[WEB].results] == [1]
    assert state.operations == {}


def test_a_failure_alone_is_forgotten_and_told_again_if_it_lasts() -> None:
    state, _ = after(State(), run(request("start")), done(1, 5))
    state, _ = after(state, run(request("monitor", 100), 6), done(2, 7, NOT_RUNNING))
    other = Forget(at_ms=8, token=OLD, resource=WEB, failure=FailureId(1, 0))
    assert after(state, other) == (state, [Ended(False)])
    event = Forget(at_ms=8, token=OLD, resource=WEB, failure=FailureId(2, 0))
    state, effects = after(state, event)
    assert effects == [Persist(), Ended(True)]
    assert state.history[WEB].failure is None
    assert [one.call_id for one in state.history[WEB].results] == [1]
    assert [one.call_id for one in state.unconfirmed] == [1]
    assert not state.pending
    state, effects = after(
        state, TimerFired(at_ms=107, timer=Timer(TimerKind.DUE, 2)), done(2, 109, NOT_RUNNING)
    )
    assert reports(effects) == [(2, OpStatus.DONE, OcfCode.NOT_RUNNING)]
    assert state.history[WEB].failure is not None


def test_an_older_failure_does_not_take_the_place_of_a_forgotten_one() -> None:
    state, _ = after(State(), run(request("monitor", 100)), done(1, 5, NOT_RUNNING))
    state, _ = after(state, run(request("start"), 6), done(2, 9, Outcome(code=OcfCode.ERROR)))
    state, effects = after(
        state, Forget(at_ms=10, token=OLD, resource=WEB, failure=FailureId(2, 0))
    )
    assert effects[-1] == Ended(True)
    (left,) = state.history[WEB].results
    assert left.call_id == 2
    assert left.cleared
    assert state.history[WEB].newest_failure is None


def test_forgetting_a_failure_needs_the_token() -> None:
    state, _ = after(State(), run(request("start")), done(1, 5, Outcome(code=OcfCode.ERROR)))
    state, _ = after(state, RaiseToken(at_ms=6, token=NEW))
    event = Forget(at_ms=7, token=OLD, resource=WEB, failure=FailureId(1, 0))
    assert after(state, event) == (state, [Refused(NEW)])


def test_after_a_restart_everything_goes_on() -> None:
    state, _ = after(
        State(),
        run(request("start", timeout_ms=5000), 100),
        run(request("monitor"), 110),
        run(request("start", resource=DB), 120),
        limit(3, 130),
        run(request("monitor", 100, resource=ResourceId("fs")), 140),
        done(4, 150),
        run(request("monitor", resource=ResourceId("ip")), 160),
    )
    state, effects = after(state, Restarted(at_ms=1000))
    assert effects == [
        AdoptAgent(1, request("start", timeout_ms=5000)),
        SetTimer(Timer(TimerKind.TIMEOUT, 1), 5100),
        AdoptAgent(3, request("start", resource=DB)),
        EndAgent(3),
        SetTimer(Timer(TimerKind.DUE, 4), 250),
        AdoptAgent(5, request("monitor", resource=ResourceId("ip"))),
        SetTimer(Timer(TimerKind.TIMEOUT, 5), 20_160),
    ]
    state, effects = after(state, done(1, 1001))
    assert started(effects) == [2]


def test_a_restart_between_a_step_and_its_effects_runs_each_once() -> None:
    state, _ = after(State(), run(request("monitor", 100)), run(request("monitor"), 1))
    queued = replace(state.operations[1], phase=Phase.QUEUED)
    state = replace(state, operations={**state.operations, 1: queued})
    _, effects = after(state, Restarted(at_ms=10))
    assert started(effects) == [2]
    assert not [effect for effect in effects if isinstance(effect, AdoptAgent)]


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize(
    ("event", "meant_for"),
    [
        (done(1, 50), {Phase.RUNNING, Phase.ENDING}),
        (due(1, 50), {Phase.DELAYED}),
        (limit(1, 50), {Phase.RUNNING}),
        (done(9, 50), set()),
        (due(9, 50), set()),
        (limit(9, 50), set()),
        (ResultsConfirmed(at_ms=50, serial=9), set()),
    ],
)
def test_what_comes_too_late_changes_nothing(
    phase: Phase, event: Event, meant_for: set[Phase]
) -> None:
    """The full product of phases and events without a token."""
    state, _ = after(State(), run(request("monitor", 100)))
    state = replace(state, operations={1: replace(state.operations[1], phase=phase)})
    new, effects = step(state, event)
    if phase in meant_for:
        assert new != state
        assert effects[0] == Persist()
    else:
        assert (new, effects) == (state, ())


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [(20_000, "20s"), (90_000, "1m30s"), (500, "0.5s"), (3_600_000, "1h"), (0, "0s")],
)
def test_durations_as_people_write_them(duration_ms: int, text: str) -> None:
    assert readable_duration(duration_ms) == text
