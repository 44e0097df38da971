"""One of two nodes without the other: what the controller does, step by step (features 25.11)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crmd.fsa import effects, events
from crmd.fsa.state import Name, SurvivalPhase
from crmd.fsa.survival import FENCE_AGAIN_MS, LOOK_AGAIN_MS, cib_without, fencing_in
from crmd.scheduler.graph import Graph
from raftmaker.vocabulary.commands import AcquireDc, FenceIntent, SetMembers
from raftmaker.vocabulary.ids import BootId, Session
from raftmaker.vocabulary.members import Member, Members
from raftmaker.vocabulary.membership import LogPlace
from tests.unit.crmd.fsa.world import NEVER_ANSWERED_MS, A, B, C, World, boot, fence

PLACE = LogPlace(term=2, last_index=9, generation=1, number=1)


def two_nodes(*, two_node: bool = True, voters: str = "ab", number: int = 1) -> Members:
    every = tuple(Member(name=n, store=n, learner=n not in voters) for n in (A, B))
    return Members(number=number, members=every, two_node=two_node)


def isolated(*options: tuple[str, str], members: Members | None = None) -> World:
    """Return a node that was together with its peer and has lost it."""
    world = World(*options)
    world.commit(SetMembers(members or two_nodes()))
    world.become_member()
    world.pass_time(700, beats=False)
    assert world.name() is Name.S_ISOLATED
    return world


def may(world: World, boot_id: BootId) -> None:
    """Let the store say that it could go on, once that boot of the other node is over."""
    request = world.last(effects.AskToGoAlone).request
    world.take_all(effects.Schedule)
    world.take(
        events.MayGoAlone(at_ms=world.at_ms, request=request, place=PLACE, peer=B, boot_id=boot_id)
    )


def allow(world: World) -> effects.Schedule:
    """Let the store say that it could go on; return what is to be scheduled."""
    may(world, boot(B))
    return world.last(effects.Schedule)


def test_no_device_runs_for_another_boot_than_the_store_would_go_on_without() -> None:
    """A store that was started again may know an older one than its controller has seen."""
    world = isolated()
    may(world, BootId("b-boot-before"))
    assert not world.found(effects.Schedule)
    assert "an older start of b" in world.found(effects.SurvivalWaits)[-1].reason


def plan(world: World, graph: Graph | None = None) -> None:
    scheduled = allow(world)
    world.take(
        events.ScheduleReady(
            at_ms=world.at_ms,
            request=scheduled.request,
            graph=graph or Graph(actions=(fence("b"),)),
            now_s=0,
        )
    )


def end_fencing(world: World, *devices: str, confirmed: bool = True, reason: str = "") -> None:
    run = world.last(effects.RunFencing)
    world.take(
        events.FencingEnded(
            at_ms=world.at_ms,
            request=run.request,
            confirmed=confirmed,
            devices=devices,
            reason=reason,
            now_s=0,
        )
    )


def phase(world: World) -> SurvivalPhase | None:
    survival = world.core.survival
    return None if survival is None else survival.phase


def test_the_peer_is_fenced_and_the_store_gets_the_proof() -> None:
    world = isolated()
    assert not world.found(effects.RunFencing), "not before the store was asked"
    plan(world)
    run = world.last(effects.RunFencing)
    assert (run.at, run.target, run.boot_id, run.action) == (A, B, boot(B), "reboot")
    assert run.token == world.store.facts.token
    assert run.afresh
    assert not world.found(effects.GoAlone), "not before a device confirmed it"
    end_fencing(world, "d1")
    going = world.last(effects.GoAlone)
    assert going.place == PLACE
    proof = going.proof
    assert (proof.target, proof.boot_id, proof.action) == (B, boot(B), "reboot")
    assert proof.devices == ("d1",)
    world.take(events.WentAlone(at_ms=world.at_ms, request=going.request))
    assert phase(world) is SurvivalPhase.RESTING


def test_without_a_confirmation_of_a_device_nothing_goes_on() -> None:
    """Condition (b)."""
    for devices, confirmed in (((), True), (("manual",), True), (("d1",), False)):
        world = isolated()
        plan(world)
        end_fencing(world, *devices, confirmed=confirmed, reason="no power")
        assert not world.found(effects.GoAlone)
        assert "could not be fenced" in world.last(effects.SurvivalWaits).reason
        world.take_all(effects.AskToGoAlone)
        world.pass_time(FENCE_AGAIN_MS, beats=False)
        assert world.found(effects.AskToGoAlone), "it is tried again"


def test_the_reason_of_the_store_is_told_once_and_it_is_asked_again() -> None:
    world = isolated()
    for _ in range(3):
        asked = world.take_all(effects.AskToGoAlone)[-1]
        world.take(
            events.MustNotGoAlone(at_ms=world.at_ms, request=asked.request, reason="it is cold")
        )
        world.pass_time(LOOK_AGAIN_MS, beats=False)
    assert [one.reason for one in world.found(effects.SurvivalWaits)] == ["it is cold"]
    assert not world.found(effects.RunFencing)


FOUNDERS = Members(members=two_nodes().members)
"""As the settings of two have them before the first start."""
OLDER = Members(number=1, members=two_nodes(voters="a").members)


@pytest.mark.parametrize("written", [two_nodes(number=2), FOUNDERS])
@pytest.mark.parametrize("committed", [None, OLDER])
def test_one_that_is_started_alone_says_what_it_waits_for_and_that_it_goes_on(
    written: Members, committed: Members | None
) -> None:
    """What its store had not noted as committed it does not know before the other one is there."""
    world = World(members=written)
    if committed is not None and written.number:
        world.commit(SetMembers(committed))
        world.show()
    world.take(events.Started(at_ms=world.at_ms))
    world.pass_time(NEVER_ANSWERED_MS, beats=False)
    for _ in range(3):
        asked = world.take_all(effects.AskToGoAlone)[-1]
        world.take(
            events.MustNotGoAlone(at_ms=world.at_ms, request=asked.request, reason="start b")
        )
        world.pass_time(LOOK_AGAIN_MS, beats=False)
    assert [one.reason for one in world.found(effects.SurvivalWaits)] == ["start b"]
    assert not world.found(effects.SurvivalOver)
    for _ in range(3):
        world.beat()
    assert len(world.found(effects.SurvivalOver)) == 1
    assert not world.found(effects.RunFencing)


def test_a_store_that_catches_up_with_older_members_is_no_majority() -> None:
    """On the way to where both vote it comes by the time when its own node was a learner."""
    world = isolated(("stonith-enabled", "false"))
    assert "fencing is off" in world.last(effects.SurvivalWaits).reason
    for voters, number in (("b", 2), ("ab", 3)):
        world.commit(SetMembers(two_nodes(voters=voters, number=number)))
        world.show()
    assert not world.found(effects.SurvivalOver)
    world.beat()
    assert len(world.found(effects.SurvivalOver)) == 1


def test_an_answer_that_the_next_one_outdates_is_not_told() -> None:
    """Where both start, or a peer comes back in a moment."""
    world = isolated()
    for reason in ("it is cold", "a leader is heard", "a leader is heard"):
        assert not world.found(effects.SurvivalWaits)
        asked = world.take_all(effects.AskToGoAlone)[-1]
        world.take(events.MustNotGoAlone(at_ms=world.at_ms, request=asked.request, reason=reason))
        world.pass_time(LOOK_AGAIN_MS, beats=False)
    assert [one.reason for one in world.found(effects.SurvivalWaits)] == ["a leader is heard"]


def test_what_the_store_knows_counts_once_it_is_no_older_than_what_was_written_down() -> None:
    world = World(members=two_nodes())
    three = tuple(Member(name=name, store=name) for name in (A, B, C))
    world.commit(SetMembers(Members(number=2, members=three)))
    world.show()
    world.take(events.Started(at_ms=world.at_ms))
    world.pass_time(700, beats=False)
    assert not world.found(effects.AskToGoAlone)


def test_what_has_more_than_two_voters_never_begins() -> None:
    """Nor two of which nobody said so, nor a learner's node."""
    for members in (two_nodes(two_node=False), two_nodes(voters="b")):
        assert not isolated(members=members).found(effects.AskToGoAlone)
    world = World()
    world.become_member()
    world.pass_time(700, beats=False)
    assert not world.found(effects.AskToGoAlone)


def test_without_fencing_it_says_so_and_stops_what_it_runs() -> None:
    world = isolated(("stonith-enabled", "false"))
    assert not world.found(effects.AskToGoAlone)
    assert "fencing is off" in world.last(effects.SurvivalWaits).reason


def test_without_a_device_it_says_so() -> None:
    world = isolated()
    plan(world, Graph())
    assert not world.found(effects.RunFencing)
    assert "is not fenced" in world.last(effects.SurvivalWaits).reason


def test_contact_that_is_back_ends_it() -> None:
    world = isolated()
    scheduled = allow(world)
    world.beat()
    assert phase(world) is None
    world.take(
        events.ScheduleReady(
            at_ms=world.at_ms,
            request=scheduled.request,
            graph=Graph(actions=(fence("b"),)),
            now_s=0,
        )
    )
    assert not world.found(effects.RunFencing)


def test_a_device_that_was_asked_before_contact_was_back_proves_nothing_afterwards() -> None:
    """Meanwhile a later boot of the peer may have agreed on something with this node."""
    world = isolated()
    plan(world)
    world.beat()
    world.take_all(effects.AskToGoAlone)
    world.pass_time(700, beats=False)
    assert world.name() is Name.S_ISOLATED
    assert not world.found(effects.AskToGoAlone), "first the device has to end"
    end_fencing(world, "d1")
    assert not world.found(effects.GoAlone)
    assert world.found(effects.AskToGoAlone), "it begins again"


def test_a_fencing_that_is_intended_already_may_be_joined() -> None:
    """Its intent keeps a later boot of the peer out."""
    world = World()
    world.commit(SetMembers(two_nodes()))
    world.become_member()
    intent = FenceIntent(target=B, boot_id=boot(B), session=Session(1), action="reboot")
    world.commit(intent)
    world.show()
    world.pass_time(700, beats=False)
    plan(world)
    assert not world.last(effects.RunFencing).afresh


def test_the_scheduler_is_asked_as_if_the_peer_were_lost_to_a_quorum() -> None:
    world = isolated()
    cib = cib_without(world.store.cib, A, B)
    assert cib.get("have-quorum") == "1"
    status = cib.child("status")
    assert status is not None
    told = {state.id: state.get("in_ccm") for state in status.each("node_state")}
    assert told == {"a": "1", "b": "0"}


def test_the_delay_that_the_priorities_ask_for_is_waited() -> None:
    quick = fence("b")
    delayed = {**quick.attributes, "CRM_meta_priority_fencing_delay": "15"}
    slow = replace(quick, attributes=delayed)
    assert fencing_in(Graph(actions=(slow,)), B) == ("reboot", 15_000)
    assert fencing_in(Graph(actions=(fence("c"),)), B) is None


def test_it_keeps_what_runs_whatever_the_policy_says() -> None:
    """The peer starts nothing of it before a device has ended this node."""
    for policy in ("stop", "suicide"):
        world = isolated(("no-quorum-policy", policy))
        world.answer_executor()
        options = [
            pair.get("value")
            for scheduled in world.found(effects.Schedule)
            for pair in scheduled.cib.walk()
            if pair.tag == "nvpair" and pair.get("name") == "no-quorum-policy"
        ]
        assert set(options) == {"freeze"}


def test_a_lone_dc_lease_is_not_needed_to_begin() -> None:
    """The one that was DC goes on as well as the other."""
    world = World()
    world.commit(SetMembers(two_nodes()))
    world.start(B)
    if world.dc() is None:
        mine = world.store.facts.of(A)
        assert mine is not None
        world.commit(AcquireDc(node=A, boot_id=boot(A), session=mine.session))
        world.show()
    world.pass_time(700, beats=False)
    assert world.found(effects.AskToGoAlone)
    assert C not in world.store.facts.members.names
