"""What is refused is planned again after a pause that grows, and at once when anything is new."""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.document.element import Element
from cib_store.document.path import element_at, put, trail_of
from crmd.fsa import effects, events
from crmd.fsa.refusals import pause_ms
from crmd.scheduler.graph import GraphAction
from lrmd.operations.values import Inventory
from raftmaker.vocabulary.ids import NodeName
from tests.unit.crmd.fsa.test_remote import world_with_far
from tests.unit.crmd.fsa.world import B, World, action, boot, with_option

STEP_MS = 10
FAR = replace(action(1, node="far"), router_node="b")


def refuse(world: World) -> None:
    """The member refuses the newest order."""
    order = world.last(effects.SendOrder)
    world.take(
        events.OrderFailed(
            at_ms=world.at_ms, order=order.order, node=order.node, reached=True, reason="no"
        )
    )


def is_planning(world: World) -> bool:
    dc = world.dc()
    assert dc is not None
    return dc.schedule_request is not None


def wait_for_plan(world: World, *, incarnation: str = "i") -> int:
    """Let time pass until the scheduler is asked; members join when asked. Return how long, ms."""
    began_ms = world.at_ms
    while not is_planning(world):
        world.pass_time(STEP_MS)
        for join in world.found(effects.SendJoin):
            known = Inventory(boot_id=boot(B), incarnation=incarnation, token=join.token)
            world.answer_joins({B: known})
        assert world.at_ms - began_ms < 60_000
    return world.at_ms - began_ms


def pauses(world: World, ordered: GraphAction, times: int) -> list[int]:
    """Have the same order refused so often; return how long each time until it is planned again."""
    found = []
    for _ in range(times):
        world.schedule(ordered)
        refuse(world)
        found.append(wait_for_plan(world))
    return found


def test_the_pause_doubles_up_to_five_seconds() -> None:
    assert [pause_ms(times) for times in (1, 2, 3, 5, 6, 100_000)] == [
        200, 400, 800, 3_200, 5_000, 5_000,
    ]  # fmt: skip


def test_an_order_that_a_remote_nodes_connection_refuses_is_tried_less_and_less_often() -> None:
    """Nothing is new in the CIB: it was planned again at once, as often as the scheduler could."""
    assert pauses(world_with_far(), FAR, 7) == [200, 400, 800, 1_600, 3_200, 5_000, 5_000]


def test_an_order_that_a_members_executor_refuses_is_tried_less_and_less_often() -> None:
    """The member is joined anew each time, and tells what it told before: that is nothing new."""
    world = World()
    world.become_dc()
    assert pauses(world, action(1), 6) == [200, 400, 800, 1_600, 3_200, 5_000]


def test_a_member_that_asks_to_be_joined_anew_after_a_refusal_is_nothing_new() -> None:
    """Its executor refused, so it has the CIB show that it is pending; the pause stands."""
    world = World()
    world.become_dc()
    pauses(world, action(1), 3)
    world.schedule(action(1))
    refuse(world)
    world.configure(lambda cib: with_pending(cib, B))
    assert wait_for_plan(world) == 1_600


def with_pending(cib: Element, node: NodeName) -> Element:
    """Return the CIB in which a node asks for a join."""
    trail = trail_of(cib, f"/cib/status/node_state[@id='{node}']")
    assert trail is not None
    return put(cib, trail, element_at(cib, trail).with_attributes({"join": "pending"}))


def test_another_configuration_ends_the_pause_and_is_the_end_of_the_count() -> None:
    world = world_with_far()
    pauses(world, FAR, 5)
    world.schedule(FAR)
    refuse(world)
    world.configure(lambda cib: with_option(cib, "stop-all-resources", "true"))
    assert is_planning(world)
    assert pauses(world, FAR, 2) == [200, 400]


def test_the_loss_of_a_node_ends_the_pause() -> None:
    world = world_with_far()
    pauses(world, FAR, 5)
    world.schedule(FAR)
    refuse(world)
    world.lose(NodeName("c"))
    assert is_planning(world)


def test_a_result_ends_the_pause() -> None:
    """Another action of the same graph has ended: the cluster has come on."""
    world = world_with_far()
    pauses(world, FAR, 5)
    world.schedule(FAR, action(2, node="b", resource="db"))
    refused, other = world.found(effects.SendOrder)[-2:]
    world.take(
        events.OrderFailed(
            at_ms=world.at_ms, order=refused.order, node=B, reached=True, reason="no"
        )
    )
    world.member_reports(other)
    assert is_planning(world)


def test_a_member_with_another_executor_ends_the_pause() -> None:
    """It was started again: once it has joined, it may take what the one before refused."""
    world = World()
    world.become_dc()
    pauses(world, action(1), 5)
    world.schedule(action(1))
    refuse(world)
    assert wait_for_plan(world, incarnation="another") <= 200 + STEP_MS


def test_a_member_that_could_not_join_meanwhile_ends_the_pause() -> None:
    """It was out of contact, or its executor was away: it is not what it was when it refused."""
    world = World()
    world.become_dc()
    pauses(world, action(1), 5)
    world.schedule(action(1))
    refuse(world)
    world.pass_time(200)
    join = world.take_all(effects.SendJoin)[-1]
    world.take(
        events.JoinFailed(
            at_ms=world.at_ms, node=B, token=join.token, session=join.session, reached=True
        )
    )
    assert wait_for_plan(world) <= 200 + STEP_MS


def test_another_order_is_not_held_up_by_the_count_of_one() -> None:
    """What is counted is the same order, not the member: another one begins with a short pause."""
    world = world_with_far()
    pauses(world, FAR, 3)
    assert pauses(world, replace(action(2, resource="db", node="far"), router_node="b"), 1) == [200]


def test_an_action_that_no_member_can_be_asked_for_is_planned_less_and_less_often() -> None:
    """No executor knows its class: it failed, and was planned again, in one and the same step."""
    world = World()
    world.become_dc()
    unknown = action(1)
    assert unknown.resource is not None
    unknown = replace(unknown, resource=replace(unknown.resource, standard="upstart"))
    found = []
    for _ in range(3):
        world.schedule(unknown)
        found.append(wait_for_plan(world))
    assert found == [200, 400, 800]
