"""Unfencing by the DC: what a node's attributes say, and what happens to the graph."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crmd.fsa import effects, events
from crmd.fsa.state import Name
from crmd.scheduler.graph import GraphAction
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    AttributeChange,
    CibChange,
    FenceIntent,
    OpenSession,
    UpdateAttributes,
)
from raftmaker.vocabulary.ids import BootId, Session
from tests.unit.crmd.fsa.world import A, B, C, World, action, boot, fence

NOW_S = 1_700_000_000
NOTED = {
    "#node-unfenced": str(NOW_S),
    "#digests-all": "disk:fence_scsi:f00,",
    "#digests-secure": "disk:fence_scsi:ba1,",
}


def unfence(target: str, number: int = 1) -> GraphAction:
    return replace(
        fence(target, number),
        operation_key=f"stonith-{target}-on",
        attributes={
            "CRM_meta_stonith_action": "on",
            "CRM_meta_digests_all": "disk:fence_scsi:f00,",
            "CRM_meta_digests_secure": "disk:fence_scsi:ba1,",
        },
    )


@pytest.fixture
def world() -> World:
    made = World()
    made.become_dc()
    return made


def ended(world: World, confirmed: bool, reason: str = "") -> None:
    run = world.last(effects.RunFencing)
    world.take(
        events.FencingEnded(
            at_ms=world.at_ms, request=run.request, confirmed=confirmed, devices=("disk",),
            reason=reason, now_s=NOW_S,
        )
    )  # fmt: skip


def test_a_node_is_unfenced_and_noted_so_before_its_resources_start(world: World) -> None:
    """features 17.40, 15.19"""
    world.schedule(unfence("b"), action(2, "start", 1))
    run = world.last(effects.RunFencing)
    assert (run.action, run.target, run.at) == ("on", B, B), "what its devices can do, it knows"
    assert (run.boot_id, run.session) == (boot(B), 1)
    assert run.known_index == world.core.view.index, "no fencer may go by an older configuration"
    assert not [one for one in world.recorded if isinstance(one, FenceIntent)], "it is not at risk"
    world.silent_store = True
    ended(world, confirmed=True)
    assert not world.found(effects.SendOrder), "not before it is committed"
    world.silent_store = False
    world.settle()
    assert world.attributes(B) == NOTED
    assert world.last(effects.SendOrder).node == B
    assert world.name() is Name.S_TRANSITION_ENGINE, "what it noted itself aborts nothing"


def test_one_that_fails_starts_nothing_and_is_tried_again_after_a_pause(world: World) -> None:
    """features 17.40"""
    world.schedule(unfence("b"), action(2, "start", 1))
    asked = len(world.found(effects.Schedule))
    ended(world, confirmed=False, reason="the disk is gone")
    assert not world.attributes(B)
    assert not world.found(effects.SendOrder)
    world.pass_time(900)
    assert len(world.found(effects.Schedule)) == asked
    world.pass_time(200)
    assert len(world.found(effects.Schedule)) == asked + 1


def test_after_too_many_failures_it_waits_for_something_to_change() -> None:
    """features 2.24: as for a fencing that fails; a success begins the count anew."""
    world = World(("fencing-max-attempts", "2"))
    world.become_dc()
    for _ in range(2):
        world.schedule(unfence("b"))
        asked = len(world.found(effects.Schedule))
        ended(world, confirmed=False)
        world.pass_time(1_100)
    assert len(world.found(effects.Schedule)) == asked, "twice is too often"
    world.pass_time(60_000)
    assert len(world.found(effects.Schedule)) == asked
    world.lose(C)
    assert len(world.found(effects.Schedule)) == asked + 1
    world.schedule(unfence("b"))
    ended(world, confirmed=True)
    world.settle()
    dc = world.dc()
    assert dc is not None
    assert not dc.unfencing_failures


def test_a_node_lost_meanwhile_is_not_waited_for(world: World) -> None:
    """Its fencing must not wait for a fencer that is gone with it."""
    world.schedule(unfence("b"))
    asked = len(world.found(effects.Schedule))
    world.lose(B)
    assert len(world.found(effects.Schedule)) == asked + 1
    world.schedule(fence("b"))
    assert world.last(effects.RunFencing).action == "reboot"


def test_a_late_note_does_not_make_a_new_boot_look_unfenced(world: World) -> None:
    """features 15.19: what is on its way when the node starts anew is refused by the store."""
    world.schedule(unfence("b"))
    world.silent_store = True
    ended(world, confirmed=True)
    (late,) = world.drop_records()
    assert late.about == B
    again = OpenSession(node=B, boot_id=BootId("another"), controller_start=1, replaces=Session(1))
    assert world.commit(again) is ExitCode.OK
    assert world.commit(late.body, late.token, late.about or A) is not ExitCode.OK
    assert "#node-unfenced" not in world.attributes(B)
    # The same change about nobody in particular would have come through.
    assert isinstance(late.body, CibChange)
    unchecked = replace(late.body, boot_id=BootId(""))
    assert world.commit(unchecked, late.token, A) is ExitCode.OK


def test_what_ends_too_late_notes_nothing(world: World) -> None:
    world.schedule(unfence("b"))
    run = world.last(effects.RunFencing)
    world.lose(B)
    changes = len([one for one in world.recorded if isinstance(one, CibChange)])
    world.take(
        events.FencingEnded(at_ms=world.at_ms, request=run.request, confirmed=True, now_s=NOW_S)
    )
    assert len([one for one in world.recorded if isinstance(one, CibChange)]) == changes
    assert world.dc() is not None
    assert "#node-unfenced" not in world.attributes(B)


def test_a_loss_during_unfencing_is_noticed(world: World) -> None:
    """features 16.33: only a graph that fences a node expects its loss."""
    world.schedule(unfence("b"), action(2, "start", 1, node="c"))
    ended(world, confirmed=True)
    asked = len(world.found(effects.Schedule))
    order = world.last(effects.SendOrder)
    world.lose(B)
    world.accept(order)
    world.member_reports(order)
    assert len(world.found(effects.Schedule)) == asked + 1


def test_somebody_elses_change_of_the_attribute_is_planned_for(world: World) -> None:
    world.schedule(unfence("b"), action(2, "start", 1))
    ended(world, confirmed=True)
    dc = world.dc()
    assert dc is not None
    assert not dc.is_stale
    gone = AttributeChange(name="#node-unfenced", node=B, value=None)
    assert world.commit(UpdateAttributes((gone,))) is ExitCode.OK
    world.show()
    dc = world.dc()
    assert dc is not None
    assert dc.is_stale


def test_a_node_that_is_no_member_cannot_be_unfenced(world: World) -> None:
    world.schedule(unfence("zebra"))
    assert not world.found(effects.RunFencing)


def test_a_person_may_have_a_node_unfenced(world: World) -> None:
    """features 27.16, 17.32"""
    world.schedule()
    world.take(
        events.FenceNodeRequested(
            at_ms=world.at_ms, call=7, target=B, action="on", timeout_ms=5000, delay_ms=-1
        )
    )
    run = world.last(effects.RunFencing)
    assert (run.action, run.timeout_ms, run.delay_ms) == ("on", 5000, -1)
    ended(world, confirmed=True)
    answer = world.last(effects.FencingAnswered)
    assert (answer.call, answer.confirmed, answer.devices) == (7, True, ("disk",))
    assert not world.attributes(B), "only what the cluster does itself is noted"


def test_a_person_may_turn_a_node_on_that_is_off(world: World) -> None:
    """features 27.16: by the DC's fencer, as the node's own does not run."""
    world.schedule()
    world.lose(B)
    world.take(events.FenceNodeRequested(at_ms=world.at_ms, call=7, target=B, action="on"))
    run = world.last(effects.RunFencing)
    assert (run.action, run.target, run.at) == ("on", B, A)
    ended(world, confirmed=True)
    assert world.last(effects.FencingAnswered).confirmed


def test_a_dc_that_loses_its_lease_answers_who_waits_for_unfencing(world: World) -> None:
    world.schedule()
    world.take(events.FenceNodeRequested(at_ms=world.at_ms, call=7, target=A, action="on"))
    world.pass_time(700, beats=False)
    assert world.last(effects.Refused).call == 7
