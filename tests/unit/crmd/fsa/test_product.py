"""Every state meets every event: each pair has a meaning, and the invariants hold after it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cib_store.document.sections import empty_cib
from crmd.fsa import effects, events
from crmd.fsa.events import Event
from crmd.fsa.executor import AgentTraits, Inventory
from crmd.fsa.machine import step
from crmd.fsa.state import ControllerState, Name, SurvivalPhase
from crmd.scheduler.graph import Graph
from crmd.transition.throttle import NodeLoad, Throttle
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ResourceId, Session, Token
from raftmaker.vocabulary.membership import Facts, LogPlace
from tests.unit.crmd.fsa.world import DUMMY, A, B, C, World, action, boot, fence, request, result_of


def _starting(world: World) -> None:
    world.take(events.Started(at_ms=world.at_ms))


def _pending(world: World) -> None:
    world.start(B)


def _not_dc(world: World) -> None:
    world.become_member()


def _election(world: World) -> None:
    world.become_member()
    world.silent_store = True
    world.lose(B)


def _integration(world: World) -> None:
    world.start(B, C)


def _finalize(world: World) -> None:
    world.start(B, C)
    world.silent_store = True
    world.answer_joins()


def _policy(world: World) -> None:
    world.become_dc()


def _transition(world: World) -> None:
    world.become_dc()
    world.schedule(action(1), fence("c", 2), action(3, "stop", 1))


def _idle(world: World) -> None:
    world.become_dc()
    world.schedule()


def _isolated(world: World) -> None:
    world.become_member()
    world.pass_time(700, beats=False)


def _stopping(world: World) -> None:
    world.become_dc()
    world.take(events.LeaveRequested(at_ms=world.at_ms, call=1, now_s=17))
    world.pass_time(1_100)  # the escalation is the quickest way to its end


WAYS: dict[Name, Callable[[World], None]] = {
    Name.S_STARTING: _starting,
    Name.S_PENDING: _pending,
    Name.S_NOT_DC: _not_dc,
    Name.S_ELECTION: _election,
    Name.S_INTEGRATION: _integration,
    Name.S_FINALIZE_JOIN: _finalize,
    Name.S_POLICY_ENGINE: _policy,
    Name.S_TRANSITION_ENGINE: _transition,
    Name.S_IDLE: _idle,
    Name.S_ISOLATED: _isolated,
    Name.S_STOPPING: _stopping,
}


def world_in(name: Name) -> World:
    world = World(("shutdown-escalation", "1s"))
    WAYS[name](world)
    assert world.name() is name
    return world


def all_events(core: ControllerState, at_ms: int) -> list[Event]:
    """Each kind of event, with numbers that mean something in this state and that do not."""
    inventory = Inventory(boot_id=boot(A), incarnation="i9", token=core.view.facts.token)
    numbers = sorted({1, core.last_request, *core.records, *core.member.orders, 999})
    found = plain_events(core, at_ms)
    for token in (core.view.facts.token, Token(), Token(9, 9)):
        found += events_of_token(core, at_ms, token, inventory)
    for number in numbers:
        found += events_of_request(core, at_ms, number, inventory)
    return found


def plain_events(core: ControllerState, at_ms: int) -> list[Event]:
    found: list[Event] = [
        events.Started(at_ms=at_ms),
        events.StoreLost(at_ms=at_ms),
        events.BeatsAnswered(at_ms=at_ms, sent_at_ms=at_ms),
        events.BeatsAnswered(at_ms=at_ms, sent_at_ms=at_ms - 5_000),
        events.ExecutorLost(at_ms=at_ms),
        events.ExecutorReturned(at_ms=at_ms, incarnation="i9"),
        events.ExecutorResult(at_ms=at_ms, result=result_of(request(), serial=77, code=1)),
        events.MetadataRead(at_ms=at_ms, agent=DUMMY, traits=AgentTraits()),
        events.CleanupRequested(at_ms=at_ms, call=90),
        events.FenceNodeRequested(at_ms=at_ms, call=90, target=B, action="off"),
        events.FailRequested(at_ms=at_ms, call=95, resource="web", node=B),
        events.ConfirmDownRequested(at_ms=at_ms, call=90, target=B),
        events.LeaveRequested(at_ms=at_ms, call=90, now_s=17),
        events.StoreChanged(
            at_ms=at_ms, index=core.view.index + 1, cib=empty_cib({}, {}), facts=Facts()
        ),
        events.StoreChanged(at_ms=at_ms, index=0, cib=empty_cib({}, {}), facts=Facts()),
    ]
    return found + [events.TimerFired(at_ms=at_ms, timer=timer) for timer in events.Timer]


def events_of_token(
    core: ControllerState, at_ms: int, one: Token, inventory: Inventory
) -> list[Event]:
    return [
        events.JoinRequested(
            at_ms=at_ms, call=91, dc=B, token=one, boot_id=boot(A), session=Session(1)
        ),
        events.JoinAnswered(
            at_ms=at_ms, node=B, token=one, session=Session(1), inventory=inventory, number=3
        ),
        events.JoinFailed(at_ms=at_ms, node=B, token=one, session=Session(1), reached=False),
        events.LoadReported(at_ms=at_ms, node=B, load=NodeLoad(mode=Throttle.HIGH)),
        events.OrderReceived(
            at_ms=at_ms,
            call=92,
            boot_id=boot(A),
            join_number=core.member.join_number,
            operation=request(token=one, key=f"5:5:0:{one}"),
        ),
        events.CancelReceived(
            at_ms=at_ms,
            call=93,
            token=one,
            resource=ResourceId("web"),
            operation="monitor",
            interval_ms=10_000,
        ),
        events.ForgetReceived(at_ms=at_ms, call=94, token=one, resource=ResourceId("web")),
    ]


def events_of_request(
    core: ControllerState, at_ms: int, number: int, inventory: Inventory
) -> list[Event]:
    recorded: list[Event] = [
        events.Recorded(at_ms=at_ms, request=number, code=code, index=core.view.index)
        for code in (ExitCode.OK, ExitCode.OLD, None)
    ]
    return [
        *recorded,
        events.ScheduleReady(
            at_ms=at_ms, request=number, graph=Graph(actions=(action(1),)), now_s=17
        ),
        events.ScheduleFailed(at_ms=at_ms, request=number, reason="died"),
        events.OrderAccepted(at_ms=at_ms, order=number, node=B),
        events.OrderFailed(at_ms=at_ms, order=number, node=B, reached=False),
        events.Executed(at_ms=at_ms, request=number, call_id=5),
        events.ExecutionRefused(at_ms=at_ms, request=number, reason="no"),
        events.ExecutorState(at_ms=at_ms, request=number, inventory=inventory),
        events.FencingEnded(at_ms=at_ms, request=number, confirmed=True, devices=("d",), now_s=1),
        events.MayGoAlone(
            at_ms=at_ms,
            request=number,
            place=LogPlace(term=1, last_index=1, generation=1, number=1),
            peer=B,
            boot_id=boot(B),
        ),
        events.MustNotGoAlone(at_ms=at_ms, request=number, reason="no"),
        events.WentAlone(at_ms=at_ms, request=number),
    ]


def check(before: ControllerState, event: Event) -> None:
    after, ordered = step(before, event)
    calls = [one.call for one in ordered if isinstance(one, effects.Answer)]
    assert len(calls) == len(set(calls)), "a call answered twice"
    for effect in ordered:
        if isinstance(effect, effects.RunFencing) and after.dc is None:
            assert after.isolation is not None, "fencing without a quorum, as one of two"
            assert after.survival is not None
            assert after.survival.phase is SurvivalPhase.FENCING
            assert event.at_ms < effect.until_ms
            continue
        if isinstance(
            effect,
            effects.SendOrder
            | effects.SendCancel
            | effects.SendForget
            | effects.RunFencing
            | effects.SendJoin,
        ):
            assert after.dc is not None, "orders from one who is no DC"
            assert event.at_ms < effect.until_ms, "orders without contact"
        if isinstance(effect, effects.Execute) and after.isolation is not None:
            assert effect.operation.operation in ("stop", "demote", "notify")
        if isinstance(effect, effects.Record) and effect.token is not None:
            assert after.answered_ms is not None
            assert event.at_ms - after.answered_ms < before.config.dead_ms
    assert set(after.timers) <= set(events.Timer)


@pytest.mark.parametrize("name", list(Name), ids=lambda name: name.value)
@pytest.mark.parametrize("later_ms", [0, 50, 5_000])
def test_every_event_in_every_state(name: Name, later_ms: int) -> None:
    """features 24.10"""
    world = world_in(name)
    happened = all_events(world.core, world.at_ms + later_ms)
    assert {type(one) for one in happened} == set(events.Event.__args__)
    for event in happened:
        check(world.core, event)


def test_every_kind_of_state_is_reached() -> None:
    assert set(WAYS) == set(Name)
