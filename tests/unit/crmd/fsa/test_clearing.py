"""A failure that was cleared stays so, whatever its node tells later (features 8.21-8.23)."""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.document.element import Element
from crmd.fsa import effects, events
from crmd.fsa.cib import attributes_with, merge_status, state_with
from crmd.fsa.executor import Inventory
from crmd.fsa.reconciling import reconciled
from crmd.fsa.state import Name
from crmd.scheduler.graph import ActionKind
from lrmd.operations.values import FailureId, Result
from raftmaker.vocabulary.commands import CibChange
from tests.unit.crmd.fsa.world import A, B, World, action, boot, request, result_of, with_option

STARTED = result_of(request("start"), serial=1, call_id=1)
FAILED = result_of(request("monitor", interval_ms=10_000), code=7, serial=2, call_id=2)
COUNTED = {
    "fail-count-web#monitor_10000": "1",
    "last-failure-web#monitor_10000": str(FAILED.failure_id.changed_s),
}
CLEAR = action(1, "clear_failcount", kind=ActionKind.CLUSTER)


def told(*results: Result, confirmed: int = 2) -> Inventory:
    return Inventory(boot_id=boot(B), incarnation="i", history=results, confirmed_serial=confirmed)


def counted(values: dict[str, str]) -> CibChange:
    counts = merge_status(state_with(B, {}, attributes_with(B, values)))
    return CibChange(operations=(counts,), status=True)


def cluster(*, is_counted: bool = True) -> World:
    """b has a failure of web, in its executor and in the CIB."""
    world = World()
    world.become_dc({B: told(STARTED, FAILED, confirmed=0)})
    if is_counted:
        world.commit(counted(COUNTED))
    world.show()
    world.take_all(effects.SendForget)
    return world


def accept(world: World, forget: effects.SendForget) -> None:
    world.take(events.OrderAccepted(at_ms=world.at_ms, order=forget.order, node=forget.node))


def rejoin(world: World) -> None:
    """The node shows that it has to be joined."""
    pending = merge_status(state_with(B, {"join": "pending"}))
    world.commit(CibChange(operations=(pending,), status=True))
    world.show()


def test_the_executor_forgets_before_the_failcount_is_cleared() -> None:
    world = cluster()
    world.schedule()  # made before the failcount was seen
    world.schedule(CLEAR)
    forget = world.last(effects.SendForget)
    assert (forget.resource, forget.node, forget.failure) == ("web", B, FailureId(2, 1_700_000_000))
    assert world.attributes(B) == COUNTED
    accept(world, forget)
    assert world.attributes(B) == {}
    assert world.name() is not Name.S_TRANSITION_ENGINE


def test_a_failcount_stays_when_the_executor_could_not_forget() -> None:
    world = cluster()
    world.schedule()  # made before the failcount was seen
    world.schedule(CLEAR)
    forget = world.last(effects.SendForget)
    world.take(
        events.OrderFailed(
            at_ms=world.at_ms, order=forget.order, node=B, reached=True, reason="not now"
        )
    )
    assert world.attributes(B) == COUNTED


def clear_without_waiting(world: World) -> effects.SendForget:
    """Begin a graph that only clears the failcount, as the scheduler writes it: it is over then."""
    world.schedule()  # made before the failcount was seen
    world.schedule(replace(CLEAR, attributes={**CLEAR.attributes, "CRM_meta_op_no_wait": "true"}))
    assert world.name() is Name.S_IDLE
    return world.last(effects.SendForget)


def test_clearing_that_nobody_waited_for_is_planned_anew_when_it_fails() -> None:
    """Seed 125: the graph was over before its order failed, and the DC stayed idle."""
    world = cluster()
    forget = clear_without_waiting(world)
    world.take(
        events.OrderFailed(
            at_ms=world.at_ms, order=forget.order, node=B, reached=True, reason="not now"
        )
    )
    dc = world.dc()
    assert dc is not None
    assert dc.is_stale


def test_an_answer_for_a_graph_of_before_ends_no_action_of_the_same_number() -> None:
    """A stop that still runs must not count as done because a failcount of before is cleared."""
    world = cluster()
    forget = clear_without_waiting(world)
    world.configure(lambda cib: with_option(cib, "maintenance-mode", "false"))
    world.schedule(action(1, "stop"), action(2, "start", 1, node="a"))
    stop = world.last(effects.SendOrder)
    accept(world, forget)
    world.accept(stop)
    assert world.attributes(B) == {}
    assert [order.operation.operation for order in world.found(effects.SendOrder)] == ["stop"]
    assert world.name() is Name.S_TRANSITION_ENGINE


def test_a_failcount_without_a_failure_is_just_cleared() -> None:
    world = World()
    world.become_dc({B: told(STARTED)})
    world.commit(counted(COUNTED))
    world.show()
    world.schedule()  # made before the failcount was seen
    world.schedule(CLEAR)
    assert world.attributes(B) == {}
    assert not world.found(effects.SendForget)


def test_a_failure_that_was_cleared_while_its_node_was_away_does_not_come_back() -> None:
    world = cluster(is_counted=False)
    rejoin(world)
    world.answer_joins({B: told(STARTED, FAILED)})
    (forget,) = world.found(effects.SendForget)
    assert forget.failure == FAILED.failure_id
    assert world.name() is Name.S_INTEGRATION
    assert world.node_state(B).get("join") == "pending"
    accept(world, forget)
    world.answer_joins({B: told(STARTED)})
    assert world.node_state(B).get("join") == "member"
    assert sorted(world.ops(B)) == ["web_last_0"]
    assert world.name() is Name.S_POLICY_ENGINE


def test_it_is_tried_again_where_the_member_could_not_forget() -> None:
    world = cluster(is_counted=False)
    rejoin(world)
    world.answer_joins({B: told(STARTED, FAILED)})
    forget = world.last(effects.SendForget)
    failed = events.OrderFailed(
        at_ms=world.at_ms, order=forget.order, node=B, reached=True, reason="not now"
    )
    world.take(failed)
    world.pass_time(1_000)
    world.answer_joins({B: told(STARTED, FAILED)})
    assert len(world.found(effects.SendForget)) == 2


def test_a_failure_that_counts_is_kept() -> None:
    world = cluster()
    rejoin(world)
    world.answer_joins({B: told(STARTED, FAILED)})
    assert not world.found(effects.SendForget)
    assert sorted(world.ops(B)) == ["web_last_0", "web_last_failure_0"]
    assert world.attributes(B) == COUNTED


def test_a_failure_of_isolation_is_counted_by_the_join() -> None:
    """Nobody else does: the member's controller told its executor to keep it no longer."""
    world = World()
    world.become_dc({B: told(STARTED, FAILED)})
    assert sorted(world.ops(B)) == ["web_last_0", "web_last_failure_0"]
    assert world.attributes(B) == COUNTED


def test_what_the_controller_is_about_to_count_is_left_to_it() -> None:
    state = cluster(is_counted=False).node_state(B)
    judged = reconciled(state, told(STARTED, FAILED, confirmed=1))
    assert (judged.cleared, judged.uncounted) == ((), ())


def test_a_later_failure_than_the_one_cleared_is_news() -> None:
    state = cluster(is_counted=False).node_state(B)
    again = replace(FAILED, serial=3, last_change_us=FAILED.last_change_us + 5_000_000)
    judged = reconciled(state, told(STARTED, again, confirmed=3))
    assert judged.cleared == ()
    assert judged.uncounted == (again,)


def test_probes_and_what_was_forgotten_do_not_count() -> None:
    probe = result_of(request("monitor"), code=1, serial=4, call_id=4)
    started = replace(result_of(request("start"), code=1, serial=5, call_id=5), cleared=True)
    judged = reconciled(Element("node_state", {"id": A}), told(probe, started, confirmed=9))
    assert (judged.cleared, judged.uncounted) == ((), ())


def test_a_member_removes_the_failure_and_nothing_else() -> None:
    world = World()
    token = world.become_member()
    world.take(events.ExecutorResult(at_ms=world.at_ms, result=STARTED))
    world.take(events.ExecutorResult(at_ms=world.at_ms, result=FAILED))
    world.pass_time(100)
    assert "web_last_failure_0" in world.ops(A)
    world.take(
        events.ForgetReceived(
            at_ms=world.at_ms,
            call=5,
            token=token,
            resource=FAILED.request.resource,
            failure=FAILED.failure_id,
        )
    )
    forget = world.last(effects.Forget)
    assert forget.failure == FAILED.failure_id
    world.take(events.Executed(at_ms=world.at_ms, request=forget.request))
    assert world.found(effects.Ended)
    world.pass_time(100)
    assert sorted(world.ops(A)) == ["web_last_0"]


def test_a_start_whose_failure_was_cleared_is_history_and_no_failure() -> None:
    world = World()
    start = replace(result_of(request("start"), code=1), cleared=True)
    world.become_dc({B: told(start)})
    assert sorted(world.ops(B)) == ["web_last_0"]
    assert world.ops(B)["web_last_0"].get("rc-code") == "1"
