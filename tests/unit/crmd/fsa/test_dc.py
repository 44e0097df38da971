"""The DC: elected, joins everyone, schedules, carries out, plans anew."""

from __future__ import annotations

from msgspec.structs import replace

from crmd.fsa import effects, events
from crmd.fsa.cib import merge_status, state_with
from crmd.fsa.executor import PendingOperation
from crmd.fsa.membership import MARK
from crmd.fsa.state import Name
from crmd.scheduler.graph import ActionKind, Graph
from lrmd.operations.values import Inventory
from raftmaker.vocabulary.commands import AcquireDc, CibChange, LeaveSession, OpenSession, ReleaseDc
from raftmaker.vocabulary.feature_set import FEATURE_SET
from raftmaker.vocabulary.ids import NodeName, Session, Token
from tests.unit.crmd.fsa.world import A, B, C, World, action, boot, request, result_of, with_option


def test_the_first_dc_is_elected_when_every_node_is_present() -> None:
    """features 24.7; protocols, DC"""
    world = World()
    world.start(B)
    assert world.name() is Name.S_PENDING
    world.commit(OpenSession(node=C, boot_id=boot(C), controller_start=1))
    world.show()
    assert world.name() is Name.S_INTEGRATION


def test_a_new_dc_writes_its_feature_set() -> None:
    """features 3.4"""
    world = World(feature_set="3.0.14")
    world.start(B, C)
    world.answer_joins()
    assert world.store.cib.get("crm_feature_set") == FEATURE_SET
    changes = [one for one in world.recorded if isinstance(one, CibChange) and not one.status]
    assert len(changes) == 1
    other = World()
    other.start(B, C)
    assert all(one.status for one in other.recorded if isinstance(one, CibChange))


def test_a_new_dc_writes_what_it_is() -> None:
    """features 2.1, 2.2: where something else stands; and a name only where there is none"""
    older = ("dc-version", "0.0.9")
    world = World(older, ("cluster-name", "mine"), software="1.2.3", cluster_name="blue")
    world.start(B, C)
    assert _options(world) == {
        "dc-version": "1.2.3", "cluster-infrastructure": "raftmaker", "cluster-name": "mine",
    }  # fmt: skip
    changes = [one for one in world.recorded if isinstance(one, CibChange) and not one.status]
    assert len(changes) == 1
    fresh = World(software="1.2.3", cluster_name="blue")
    fresh.start(B, C)
    assert _options(fresh) == {
        "dc-version": "1.2.3", "cluster-infrastructure": "raftmaker", "cluster-name": "blue",
    }  # fmt: skip
    same = World(*_options(fresh).items(), software="1.2.3", cluster_name="red")
    same.start(B, C)
    assert all(one.status for one in same.recorded if isinstance(one, CibChange))


def _options(world: World) -> dict[str, str]:
    section = world.store.cib.children[0].child("crm_config")
    assert section is not None
    return {one.get("name"): one.get("value") for one in section.walk() if one.tag == "nvpair"}


def test_what_a_cluster_that_was_switched_off_left_behind_is_nobodys_presence() -> None:
    """protocols, DC: its silence is noticed later, and a DC would have it fenced as it boots"""
    world = World(("dc-deadtime", "5s"))
    world.commit(OpenSession(node=C, boot_id=boot(NodeName("old")), controller_start=1))
    world.start(B)
    assert world.name() is Name.S_PENDING
    world.lose(C)
    world.commit(OpenSession(node=C, boot_id=boot(C), controller_start=1, replaces=Session(1)))
    world.show()
    assert world.name() is Name.S_INTEGRATION


def test_or_after_dc_deadtime() -> None:
    """features 2.3"""
    world = World(("dc-deadtime", "5s"))
    world.start(B)
    world.pass_time(4_900)
    assert world.name() is Name.S_PENDING
    world.pass_time(200)
    assert world.name() is Name.S_INTEGRATION


def test_the_lease_of_a_cluster_that_was_switched_off_hurries_nobody() -> None:
    """protocols, DC: a cold start waits for all nodes, or for dc-deadtime"""
    world = World(("dc-deadtime", "5s"))
    for node in (B, C):
        world.commit(OpenSession(node=node, boot_id=boot(node), controller_start=1))
    world.commit(AcquireDc(node=B, boot_id=boot(B), session=Session(1)))
    world.lose(C)
    world.start()
    world.commit(
        OpenSession(node=B, boot_id=boot(NodeName("b2")), controller_start=1, replaces=Session(1))
    )
    world.show()
    assert world.name() is Name.S_PENDING
    world.pass_time(5_100)
    assert world.name() is Name.S_INTEGRATION


def test_a_lost_dc_is_replaced_at_once() -> None:
    world = World()
    world.become_member()
    world.lose(B)
    assert world.name() is Name.S_INTEGRATION
    assert world.core.dc is not None
    assert world.core.dc.token > Token(0, 1)


def test_without_contact_nobody_is_elected() -> None:
    world = World()
    world.become_member()
    world.pass_time(700, beats=False)
    world.lose(B)
    assert not [one for one in world.recorded if isinstance(one, AcquireDc)]


def test_everyone_joins_before_anything_is_scheduled() -> None:
    """features 24.8"""
    world = World()
    world.start(B, C)
    assert {join.node for join in world.found(effects.SendJoin)} == {A, B, C}
    assert not world.found(effects.Schedule)
    world.answer_joins()
    assert world.name() is Name.S_POLICY_ENGINE
    for node in (A, B, C):
        assert world.node_state(node).get("join") == "member"
        assert world.node_state(node).get("expected") == "member"


def test_a_join_tells_the_cib_what_runs_and_waits() -> None:
    """features 3.14, 8.11"""
    world = World()
    running = result_of(request("start"), serial=4, call_id=4)
    waiting = PendingOperation(call_id=5, request=request("stop", resource="db"))
    world.become_dc(
        {B: Inventory(boot_id=boot(B), incarnation="i", history=(running,), pending=(waiting,))}
    )
    ops = world.ops(B)
    assert ops["web_last_0"].get("rc-code") == "0"
    assert ops["db_last_0"].get("op-status") == "-1"


def test_an_answer_to_an_older_join_is_ignored() -> None:
    world = World()
    world.start(B, C)
    join = next(one for one in world.found(effects.SendJoin) if one.node == B)
    answer = events.JoinAnswered(
        at_ms=world.at_ms,
        node=B,
        token=replace(join.token, counter=99),
        session=join.session,
        inventory=Inventory(boot_id=boot(B), incarnation="i"),
        number=1,
    )
    world.take(answer)
    assert world.node_state(B).get("join") != "member"


def test_a_late_write_of_an_older_join_is_followed_by_a_new_one() -> None:
    """Else the member would wait for its own mark for ever, and store no result (protocols, DC)."""
    world = World()
    world.become_dc()
    dc = world.dc()
    assert dc is not None
    mark = world.node_state(B).get(MARK)
    older = f"{mark.rpartition('-')[0]}-{int(mark.rpartition('-')[2]) - 1}"
    world.take_all(effects.SendJoin)
    world.commit(
        CibChange(operations=(merge_status(state_with(B, {MARK: older})),), status=True),
        dc.token,
    )
    world.show()
    assert [join.node for join in world.found(effects.SendJoin)] == [B]
    world.answer_joins()
    assert world.node_state(B).get(MARK) not in ("", older)


def test_an_order_names_boot_join_and_token() -> None:
    world = World()
    world.become_dc()
    world.schedule(action(1, node="b"))
    order = world.last(effects.SendOrder)
    assert (order.node, order.boot_id, order.join_number) == (B, boot(B), 1)
    assert order.operation.token == world.store.facts.token
    assert order.operation.transition_key == "1:1:0:uuid-a"
    assert order.operation.timeout_ms == 20_000


def test_a_result_in_the_cib_ends_its_action_and_the_next_begins() -> None:
    """features 3.18, 16.28"""
    world = World()
    world.become_dc()
    world.schedule(action(1, "start"), action(2, "monitor", 1, interval_ms=10_000))
    assert len(world.found(effects.SendOrder)) == 1
    world.member_reports(world.last(effects.SendOrder))
    assert world.last(effects.SendOrder).operation.operation == "monitor"
    world.member_reports(world.last(effects.SendOrder), call_id=2)
    assert world.name() is Name.S_IDLE


def test_a_finished_graph_is_not_scheduled_again() -> None:
    world = World()
    world.become_dc()
    world.schedule(action(1))
    world.member_reports(world.last(effects.SendOrder))
    assert len(world.found(effects.Schedule)) == 1
    assert world.core.progress is not None
    assert world.core.progress.settled_index == world.store.index


def test_a_failure_plans_anew() -> None:
    """features 16.31"""
    world = World()
    world.become_dc()
    world.schedule(action(1), action(2, "monitor", 1))
    world.member_reports(world.last(effects.SendOrder), code=1)
    assert len(world.found(effects.SendOrder)) == 1
    assert len(world.found(effects.Schedule)) == 2


def test_a_result_of_another_dc_plans_anew() -> None:
    """features 16.33"""
    world = World()
    world.become_dc()
    world.schedule()
    order = effects.SendOrder(
        order=1, node=B, boot_id=boot(B), join_number=1,
        operation=request(key="7:3:0:uuid-of-another"), until_ms=0,
    )  # fmt: skip
    world.member_reports(order)
    assert world.name() is Name.S_POLICY_ENGINE


def test_a_configuration_change_stops_what_has_not_begun() -> None:
    """features 16.32, 16.33"""
    world = World()
    world.become_dc()
    world.schedule(action(1), action(2, "monitor", 1))
    world.configure(lambda cib: with_option(cib, "maintenance-mode", "true"))
    assert world.name() is Name.S_TRANSITION_ENGINE, "waits for the start that runs"
    world.member_reports(world.last(effects.SendOrder))
    assert world.name() is Name.S_POLICY_ENGINE
    assert len(world.found(effects.SendOrder)) == 1


def test_a_graph_of_a_cib_that_changed_meanwhile_is_not_begun() -> None:
    world = World()
    world.become_dc()
    asked = world.last(effects.Schedule).request
    world.configure(lambda cib: with_option(cib, "maintenance-mode", "true"))
    world.take(
        events.ScheduleReady(
            at_ms=world.at_ms, request=asked, graph=Graph(actions=(action(1),)), now_s=0
        )
    )
    assert not world.found(effects.SendOrder)
    assert world.last(effects.Schedule).request != asked


def test_transition_delay_gathers_late_events() -> None:
    """features 2.8"""
    world = World(("transition-delay", "2s"))
    world.become_dc()
    world.schedule()
    asked = len(world.found(effects.Schedule))
    world.configure(lambda cib: with_option(cib, "transition-delay", "2s"))
    world.lose(B)
    world.pass_time(1_900)
    world.lose(C)
    assert len(world.found(effects.Schedule)) == asked
    world.pass_time(200)
    assert len(world.found(effects.Schedule)) == asked + 1


def test_it_looks_again_after_the_recheck_interval() -> None:
    """features 2.4, 16.41"""
    world = World(("cluster-recheck-interval", "60s"))
    world.become_dc()
    world.schedule()
    world.pass_time(59_000)
    assert len(world.found(effects.Schedule)) == 1
    world.pass_time(1_500)
    assert len(world.found(effects.Schedule)) == 2


def test_it_looks_again_when_the_schedule_says_so() -> None:
    """features 8.21, 16.41"""
    world = World()
    world.become_dc()
    world.schedule(recheck_by=1_700_000_010)  # type: ignore[arg-type]  # a number
    world.pass_time(11_000)
    assert len(world.found(effects.Schedule)) == 2


def test_a_scheduler_that_fails_is_asked_again_after_a_pause() -> None:
    world = World()
    world.become_dc()
    asked = world.last(effects.Schedule).request
    world.take(events.ScheduleFailed(at_ms=world.at_ms, request=asked, reason="died"))
    assert len(world.found(effects.Schedule)) == 1
    world.pass_time(1_100)
    assert len(world.found(effects.Schedule)) == 2


def test_a_dc_out_of_contact_stops_at_once_and_gives_its_lease_back() -> None:
    """protocols, DC"""
    world = World()
    world.become_dc()
    token = world.store.facts.token
    world.pass_time(700, beats=False)
    assert world.dc() is None
    world.schedule(action(1))
    assert not world.found(effects.SendOrder)
    world.beat()
    assert ReleaseDc(token) in world.recorded
    again = world.dc()
    assert again is not None
    assert again.token > token


def test_what_was_decided_before_a_pause_of_the_process_is_void() -> None:
    """protocols, DC: orders only while fresh"""
    world = World()
    world.become_dc()
    world.at_ms += 5_000
    world.schedule(action(1))
    assert not world.found(effects.SendOrder)


def test_effects_that_act_say_until_when_they_may() -> None:
    world = World()
    world.become_dc()
    world.schedule(action(1))
    assert world.last(effects.SendOrder).until_ms == world.core.answered_ms + 600  # type: ignore[operator]  # known by then


def test_an_uncertain_order_is_followed_by_a_new_join_before_anything_else() -> None:
    world = World()
    world.become_dc()
    world.schedule(action(1))
    world.take_all(effects.SendJoin)
    order = world.last(effects.SendOrder)
    failed = events.OrderFailed(at_ms=world.at_ms, order=order.order, node=B, reached=False)
    world.take(failed)
    assert world.name() is Name.S_INTEGRATION
    assert len(world.found(effects.Schedule)) == 1
    world.pass_time(300)
    assert world.last(effects.SendJoin).node == B
    world.answer_joins()
    assert len(world.found(effects.Schedule)) == 2


def without_b(world: World, rounds: int) -> None:
    """Let everybody join but b, which this DC cannot reach."""
    for _ in range(rounds):
        for join in world.take_all(effects.SendJoin):
            if join.node == B:
                world.take(
                    events.JoinFailed(
                        at_ms=world.at_ms, node=B, token=join.token,
                        session=join.session, reached=False,
                    )
                )  # fmt: skip
            else:
                world.sent.append(join)
        world.answer_joins()
        world.pass_time(200)


def test_a_node_that_the_dc_cannot_reach_moves_the_lease_once() -> None:
    """protocols, "A node that the DC cannot reach" """
    world = World()
    world.start(B, C)
    token = world.store.facts.token
    without_b(world, 10)
    assert ReleaseDc(token) in world.recorded
    assert world.node_state(B).get("unreached") == f"{boot(B)}:1"
    assert not world.attributes(B)
    assert world.store.facts.dc is None, "another one has the time to take it"


def test_the_second_dc_that_cannot_reach_it_has_it_fenced() -> None:
    """protocols, "A node that the DC cannot reach"; features 15.13"""
    world = World()
    world.start(B, C)
    without_b(world, 40)
    assert world.attributes(B) == {"terminate": "true"}
    assert world.found(effects.Schedule), "the others go on"


def test_nothing_is_scheduled_on_a_node_given_up_without_fencing() -> None:
    world = World(("fencing-enabled", "false"))
    world.start(B, C)
    without_b(world, 60)
    assert not world.found(effects.Schedule)


def test_without_fencing_a_lost_nodes_grace_is_waited_for() -> None:
    """protocols, Without quorum"""
    world = World(("fencing-enabled", "false"))
    world.become_dc()
    world.schedule()
    world.lose(B)
    world.pass_time(5_500)
    assert len(world.found(effects.Schedule)) == 1
    world.pass_time(200)
    assert len(world.found(effects.Schedule)) == 2


def test_with_fencing_a_lost_node_is_planned_for_at_once() -> None:
    world = World()
    world.become_dc()
    world.schedule()
    world.lose(B)
    assert len(world.found(effects.Schedule)) == 2


def test_what_runs_on_a_lost_node_is_not_waited_for() -> None:
    world = World()
    world.become_dc()
    world.schedule(action(1, node="b"))
    world.lose(B)
    assert world.name() is Name.S_POLICY_ENGINE


def test_a_node_that_leaves_by_plan_does_not_abort_the_graph() -> None:
    """features 24.12"""
    world = World()
    world.become_dc()
    down = replace(
        action(1, "do_shutdown", CRM_meta_op_no_wait="true"),
        kind=ActionKind.CLUSTER, resource=None,
    )  # fmt: skip
    world.schedule(down, action(2, node="c"))
    assert world.node_state(B).get("expected") == "down"
    world.commit(LeaveSession(node=B, boot_id=boot(B), session=Session(1)))
    world.show()
    assert world.name() is Name.S_TRANSITION_ENGINE
    assert world.core.dc is not None
    assert not world.core.dc.is_stale


def test_a_cancel_is_done_when_the_member_has_answered() -> None:
    world = World()
    world.become_dc()
    world.schedule(
        action(1, "cancel", interval_ms=10_000, CRM_meta_operation="monitor"), action(2, "stop", 1)
    )
    cancel = world.last(effects.SendCancel)
    assert (cancel.operation, cancel.interval_ms) == ("monitor", 10_000)
    world.take(events.OrderAccepted(at_ms=world.at_ms, order=cancel.order, node=B))
    assert world.last(effects.SendOrder).operation.operation == "stop"


def test_a_restarted_controller_gives_up_the_lease_of_the_process_before() -> None:
    world = World()
    world.commit(OpenSession(node=A, boot_id=boot(A), controller_start=0))
    world.commit(AcquireDc(node=A, boot_id=boot(A), session=Session(1)))
    old = world.store.facts.token
    world.start(B, C)
    assert world.core.dc is not None
    assert world.core.dc.token > old


def test_a_new_start_of_the_node_elsewhere_ends_this_process() -> None:
    world = World()
    world.become_member()
    world.commit(
        OpenSession(
            node=A, boot_id=boot(NodeName("other")), controller_start=1, replaces=Session(1)
        )
    )
    world.show()
    assert world.found(effects.Exit)
