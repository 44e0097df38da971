"""The full product: situations reached by the usual paths, times every kind of event."""

from __future__ import annotations

from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, NodeName, ResourceId, Session, Token
from stonithd.fencing.events import (
    AgentEnded,
    Configured,
    DelegateEnded,
    FenceRequested,
    FencingEvent,
    Offer,
    OffersGathered,
    Timer,
    TimerFired,
    TimerKind,
    TokenSeen,
)
from stonithd.fencing.setup import FenceAction, HostCheck, Setup
from stonithd.fencing.state import OperationPhase, RunPhase, State
from stonithd.fencing.step import step
from tests.fakes.fencer import Fencer, device, level


def test_every_event_in_every_situation_is_taken() -> None:
    situations = _situations()
    assert {one.phase for state in situations for one in state.operations} == set(OperationPhase)
    assert {one.phase for state in situations for one in state.runs} == set(RunPhase)
    for state in situations:
        numbers = [one.number for one in state.operations] + [one.number for one in state.runs]
        for number in (*numbers, 99):
            for event in _events(number):
                after, effects = step(state, event)
                assert after.token >= state.token
                assert all(
                    run.operation in {op.number for op in after.operations} for run in after.runs
                )
                assert isinstance(effects, tuple)


def _situations() -> list[State]:
    dynamic = device("d0", host_list=(), host_check=HostCheck.DYNAMIC_LIST)
    gathering = Fencer(dynamic)
    gathering.fence()
    delayed = Fencer(device("d1", delay_base_ms=500))
    delayed.fence()
    queued = Fencer(device("d1"))
    queued.fence()
    queued.fence(request=2, target=NodeName("c"))
    queued.fence(request=3, session=Session(2))
    paused = Fencer(device("d1"))
    paused.fence()
    paused.ends(code=1)
    delegated = Fencer(device("d1", banned=(NodeName("a"),)))
    delegated.fence()
    turning = Fencer(device("d1"), device("d2"), topology=(level(1, "d1", "d2"),))
    turning.fence(FenceAction.REBOOT)
    turning.ends()
    turning.ends()
    fencers = (Fencer(), gathering, delayed, queued, paused, delegated, turning)
    return [fencer.state for fencer in fencers]


def _events(number: int) -> list[FencingEvent]:
    offer = Offer(ResourceId("d0"), NodeName("a"))
    return [
        Configured(9000, Setup()),
        TokenSeen(9000, Token(3, 1)),
        FenceRequested(
            at_ms=9000,
            request=50,
            token=Token(2, 1),
            target=NodeName("b"),
            boot_id=BootId("boot"),
            session=Session(1),
            action=FenceAction.OFF,
        ),
        OffersGathered(9000, number, (offer,)),
        OffersGathered(9000, number, ()),
        AgentEnded(at_ms=9000, run=number, code=0),
        AgentEnded(at_ms=9000, run=number, code=1, status=OpStatus.ERROR),
        DelegateEnded(at_ms=9000, run=number, confirmed=True),
        DelegateEnded(at_ms=9000, run=number, confirmed=False, reached=False),
        *(TimerFired(at_ms, Timer(kind, number)) for kind in TimerKind for at_ms in (9000, 10**9)),
    ]
