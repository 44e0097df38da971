"""Fencing by the DC: intent, device, result; holds, retries, wishes of people."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crmd.fsa import effects, events
from crmd.fsa.state import Name
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    ControllerLost,
    FenceIntent,
    FenceResult,
    OpenSession,
    RenewSession,
)
from raftmaker.vocabulary.ids import BootId, NodeName, Session, Term
from raftmaker.vocabulary.membership import FencePhase
from tests.unit.crmd.fsa.world import A, B, C, World, action, boot, fence


def lost(world: World) -> None:
    world.become_dc()
    world.schedule()
    world.lose(B)


def ended(world: World, confirmed: bool, reason: str = "") -> None:
    run = world.last(effects.RunFencing)
    world.take(
        events.FencingEnded(
            at_ms=world.at_ms, request=run.request, confirmed=confirmed, devices=("power",),
            reason=reason, now_s=1_700_000_000,
        )
    )  # fmt: skip


def test_intent_then_device_then_result_then_recovery() -> None:
    """protocols, Fencing"""
    world = World()
    lost(world)
    recovery = action(2, "start", 1, node="c")
    world.silent_store = True
    world.schedule(fence("b"), recovery)
    assert isinstance(world.last_body(), FenceIntent)
    assert not world.found(effects.RunFencing), "not before the intent is committed"
    world.settle()
    run = world.last(effects.RunFencing)
    assert (run.target, run.boot_id, run.session, run.action) == (B, boot(B), 1, "reboot")
    ended(world, confirmed=True)
    assert isinstance(world.last_body(), FenceResult)
    assert not world.found(effects.SendOrder), "not before the confirmation is committed"
    world.settle()
    assert world.last(effects.SendOrder).node == C
    assert world.name() is Name.S_TRANSITION_ENGINE, "its own fencing aborts nothing"


@pytest.mark.parametrize(("said", "delay_ms"), [("15", 15_000), ("0", 0), (None, 0)])
def test_the_delay_that_the_scheduler_asks_for_reaches_the_fencer(
    said: str | None, delay_ms: int
) -> None:
    """features 2.27, 17.33"""
    world = World()
    lost(world)
    ordered = fence("b")
    if said is not None:
        named = {"CRM_meta_priority_fencing_delay": said}
        ordered = replace(ordered, attributes={**ordered.attributes, **named})
    world.schedule(ordered)
    assert world.last(effects.RunFencing).delay_ms == delay_ms


def test_a_fenced_node_that_returns_before_the_graph_ends_is_planned_for() -> None:
    """features 16.33: what the graph was not made for. A slow start goes on meanwhile."""
    world = World()
    lost(world)
    world.schedule(fence("b"), action(2, "start", 1, node="c"))
    ended(world, confirmed=True)
    assert world.last(effects.SendOrder).node == C
    assert world.name() is Name.S_TRANSITION_ENGINE
    another = OpenSession(
        node=B, boot_id=BootId("another boot"), controller_start=1, replaces=Session(1)
    )
    assert world.commit(another) is ExitCode.OK
    world.show()
    assert world.name() is Name.S_TRANSITION_ENGINE, "what runs is waited for"
    world.answer_joins()
    dc = world.dc()
    assert dc is not None
    assert dc.is_stale, "nothing has asked yet what runs there"


def test_a_refused_intent_runs_no_device() -> None:
    world = World()
    lost(world)
    world.silent_store = True
    world.schedule(fence("b"))
    facts = world.store.facts.of(B)
    assert facts is not None
    world.commit(RenewSession(node=B, boot_id=facts.boot_id, session=facts.session))
    world.settle()
    assert not world.found(effects.RunFencing)


def test_an_intent_of_unknown_fate_is_asked_for_again() -> None:
    world = World()
    lost(world)
    world.silent_store = True
    world.schedule(fence("b"))
    (record,) = world.drop_records()
    world.take(events.Recorded(at_ms=world.at_ms, request=record.request, code=None))
    assert not world.found(effects.RunFencing)
    world.silent_store = False
    world.pass_time(300)
    assert world.found(effects.RunFencing)


@pytest.mark.parametrize(
    ("kept", "default", "done"),
    [("off", "reboot", "off"), ("reboot", "off", "reboot"), ("", "off", "off")],
    ids=["off was asked for", "reboot was asked for", "an older version's store"],
)
def test_a_dc_carries_on_an_intent_with_the_action_that_was_intended(
    kept: str, default: str, done: str
) -> None:
    """features 17.36: a person may have asked for off. Older versions did not keep the action."""
    world = World(("fencing-action", default))
    lost(world)
    intent = FenceIntent(target=B, boot_id=boot(B), session=Session(1), action=kept or "reboot")
    assert world.commit(intent) is ExitCode.OK
    if not kept:
        nodes = tuple(replace(one, fence_action="") for one in world.store.facts.nodes)
        world.store = replace(world.store, facts=replace(world.store.facts, nodes=nodes))
    world.show()
    world.settle()
    assert world.last(effects.RunFencing).action == done


def test_a_failed_fencing_is_tried_again_elsewhere_after_a_pause() -> None:
    """features 2.24"""
    world = World()
    lost(world)
    world.schedule(fence("b"))
    assert world.last(effects.RunFencing).at == A
    ended(world, confirmed=False, reason="no power")
    facts = world.store.facts.of(B)
    assert facts is not None
    assert (facts.fencing, facts.fence_failures) == (FencePhase.FAILED, 1)
    asked = len(world.found(effects.Schedule))
    world.pass_time(900)
    assert len(world.found(effects.Schedule)) == asked
    world.pass_time(200)
    world.schedule(fence("b"))
    assert world.last(effects.RunFencing).at == C


def test_after_too_many_failures_it_waits_for_something_to_change() -> None:
    """features 2.24"""
    world = World(("fencing-max-attempts", "1"))
    lost(world)
    world.schedule(fence("b"))
    ended(world, confirmed=False)
    asked = len(world.found(effects.Schedule))
    world.pass_time(60_000)
    assert len(world.found(effects.Schedule)) == asked
    world.lose(C)
    assert len(world.found(effects.Schedule)) == asked + 1


def test_a_dc_that_is_to_be_fenced_has_a_peer_do_it() -> None:
    world = World()
    world.become_dc()
    world.schedule(fence("a"))
    assert world.last(effects.RunFencing).at == B


def silence_controller(world: World, node: NodeName) -> None:
    facts = world.store.facts.of(node)
    assert facts is not None
    world.commit(
        ControllerLost(node=node, boot_id=facts.boot_id, session=facts.session, term=Term(1))
    )
    world.show()


def test_a_node_whose_controller_alone_is_silent_is_not_fenced_for_a_while() -> None:
    """protocols, Liveness"""
    world = World()
    world.become_dc()
    world.schedule()
    silence_controller(world, B)
    world.schedule(fence("b"), action(2, node="c"))
    assert world.last(effects.SendOrder).node == C, "the rest goes on"
    world.pass_time(9_900)
    assert not [one for one in world.recorded if isinstance(one, FenceIntent)]
    world.pass_time(200)
    assert [one for one in world.recorded if isinstance(one, FenceIntent)]


def test_when_it_returns_nothing_is_fenced() -> None:
    world = World()
    world.become_dc()
    world.schedule()
    silence_controller(world, B)
    world.schedule(fence("b"))
    world.commit(RenewSession(node=B, boot_id=boot(B), session=Session(1)))
    world.show()
    world.answer_joins()
    world.pass_time(20_000)
    assert not [one for one in world.recorded if isinstance(one, FenceIntent)]


def test_when_the_node_is_lost_too_the_wait_is_over() -> None:
    world = World()
    world.become_dc()
    world.schedule()
    silence_controller(world, B)
    world.schedule(fence("b"))
    world.lose(B)
    world.schedule(fence("b"))
    assert [one for one in world.recorded if isinstance(one, FenceIntent)]


@pytest.mark.parametrize("maintenance", ["false", "true"])
def test_a_person_may_have_a_node_fenced(maintenance: str) -> None:
    """features 15.30: in maintenance mode too, where the cluster itself fences nobody."""
    world = World(("maintenance-mode", maintenance))
    world.become_dc()
    world.schedule()
    world.take(
        events.FenceNodeRequested(at_ms=world.at_ms, call=7, target=B, action="off", reason="why")
    )
    assert world.last(effects.RunFencing).action == "off"
    ended(world, confirmed=True)
    answer = world.last(effects.FencingAnswered)
    assert (answer.call, answer.confirmed, answer.devices) == (7, True, ("power",))


def test_a_way_or_a_node_that_is_not_known_is_refused_with_what_is() -> None:
    world = World()
    world.become_dc()
    request = events.FenceNodeRequested(at_ms=world.at_ms, call=1, target=B, action="burn")
    world.take(request)
    assert world.last(effects.Refused).code is ExitCode.INVALID_PARAM
    world.take(
        events.FenceNodeRequested(at_ms=world.at_ms, call=2, target=NodeName("zebra"), action="off")
    )
    assert "known: a, b, c" in world.last(effects.Refused).reason


def test_a_person_may_vouch_for_a_node_that_is_lost_only() -> None:
    world = World()
    world.become_dc()
    world.schedule()
    world.take(events.ConfirmDownRequested(at_ms=world.at_ms, call=1, target=B))
    assert world.last(effects.Refused).code is ExitCode.UNSAFE
    world.lose(B)
    world.take(events.ConfirmDownRequested(at_ms=world.at_ms, call=2, target=B))
    assert world.last(effects.FencingAnswered).confirmed
    assert not world.found(effects.RunFencing)
    facts = world.store.facts.of(B)
    assert facts is not None
    assert facts.fencing is FencePhase.CONFIRMED


def test_a_dc_that_loses_its_lease_answers_those_who_wait() -> None:
    world = World()
    world.become_dc()
    world.schedule()
    world.take(events.FenceNodeRequested(at_ms=world.at_ms, call=7, target=B, action="off"))
    world.pass_time(700, beats=False)
    assert world.last(effects.Refused).call == 7


def test_another_node_passes_the_wish_on() -> None:
    world = World()
    world.become_member()
    world.take(events.FenceNodeRequested(at_ms=world.at_ms, call=3, target=C, action="off"))
    assert world.last(effects.Forward) == effects.Forward(call=3, node=B)
