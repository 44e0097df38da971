"""Without contact to a majority: own resources only, stops only, by policy; and the way back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cib_store.document.element import Element
from cib_store.document.sections import empty_cib
from cib_store.model.dates import Moment
from crmd.fsa import effects, events
from crmd.fsa.executor import Inventory
from crmd.fsa.isolation import isolated_cib, isolated_graph
from crmd.fsa.machine import initial
from crmd.fsa.state import Name
from crmd.scheduler.graph import ActionKind, Graph
from crmd.scheduler.pipeline import schedule
from raftmaker.vocabulary.ids import Token
from raftmaker.vocabulary.membership import FencePhase, Presence
from tests.unit.crmd.fsa.world import (
    NEVER_ANSWERED_MS,
    A,
    B,
    World,
    action,
    boot,
    fence,
    request,
    result_of,
)

RUNNING = Inventory(
    boot_id=boot(A), incarnation="i1", token=Token(0, 1), history=(result_of(request()),)
)


def isolate(world: World) -> effects.Schedule:
    """Lose contact for long enough, and tell what runs here."""
    world.pass_time(700, beats=False)
    world.answer_executor(RUNNING)
    return world.last(effects.Schedule)


def test_it_begins_one_dead_time_after_the_last_answered_beat_was_sent() -> None:
    """protocols, Without quorum"""
    world = World()
    world.become_member()
    world.pass_time(599, beats=False)
    assert world.name() is Name.S_NOT_DC
    world.pass_time(1, beats=False)
    assert world.name() is Name.S_ISOLATED


def test_a_process_that_was_never_answered_waits_for_a_part_of_the_grace_as_well() -> None:
    """protocols, Without quorum: an upgrade of a busy node stopped what ran there after 0.6 s."""
    world = World()
    world.become_member()
    world.core = initial(replace(world.core.config, controller_start=2, uuid="uuid-2"))
    world.take(events.Started(at_ms=world.at_ms))
    world.take(events.ExecutorReturned(at_ms=world.at_ms, incarnation="i1"))
    world.show()
    world.pass_time(NEVER_ANSWERED_MS - 1, beats=False)
    assert world.name() is Name.S_STARTING
    world.pass_time(1, beats=False)
    assert world.name() is Name.S_ISOLATED
    world.answer_executor(RUNNING)
    assert world.found(effects.Schedule)


def test_it_schedules_for_itself_alone_without_quorum() -> None:
    world = World()
    world.become_member()
    cib = isolate(world).cib
    assert cib.get("have-quorum") == "0"
    status = cib.child("status")
    assert status is not None
    with_history = [state.id for state in status.each("node_state") if state.child("lrm")]
    assert with_history == ["a"]
    assert {state.id: state.get("expected") for state in status.each("node_state")} == {
        "a": "member",
        "b": "down",
    }


@pytest.mark.parametrize(
    ("task", "node", "kind", "allowed"),
    [
        ("stop", "a", ActionKind.RESOURCE, True),
        ("demote", "a", ActionKind.RESOURCE, True),
        ("notify", "a", ActionKind.RESOURCE, True),
        ("start", "a", ActionKind.RESOURCE, False),
        ("promote", "a", ActionKind.RESOURCE, False),
        ("migrate_to", "a", ActionKind.RESOURCE, False),
        ("migrate_from", "a", ActionKind.RESOURCE, False),
        ("stop", "b", ActionKind.RESOURCE, False),
        ("stonith", "b", ActionKind.CLUSTER, False),
        ("do_shutdown", "a", ActionKind.CLUSTER, False),
        ("all_stopped", "", ActionKind.PSEUDO, True),
    ],
)
def test_what_an_isolated_node_may_do(
    task: str, node: str, kind: ActionKind, allowed: bool
) -> None:
    """protocols, Without quorum: it acts on its own resources, and starts nothing"""
    graph = isolated_graph(Graph(actions=(action(1, task, node=node, kind=kind),)), A)
    assert bool(graph.actions) is allowed


def test_nobody_else_is_waited_for() -> None:
    graph = isolated_graph(
        Graph(actions=(fence("b"), action(2, "stop", 1, node="a"), action(3, "stop", 2, node="a"))),
        A,
    )
    assert {one.id: one.inputs for one in graph.actions} == {2: (), 3: (2,)}


def test_it_stops_what_runs_here_with_its_last_token() -> None:
    world = World()
    world.become_member()
    isolate(world)
    world.schedule(action(1, "stop", node="a"), action(2, "start", 1, node="a"))
    (execute,) = world.found(effects.Execute)
    assert execute.operation.operation == "stop"
    assert execute.operation.token == Token(0, 1)
    world.take(events.Executed(at_ms=world.at_ms, request=execute.request, call_id=2))
    world.take(
        events.ExecutorResult(at_ms=world.at_ms, result=result_of(execute.operation, serial=2))
    )
    assert world.core.isolation is not None
    assert world.core.isolation.transition is None
    assert len(world.found(effects.Execute)) == 1


def test_what_it_did_alone_is_told_by_the_next_join_only() -> None:
    """protocols: merge means only that lrmd's full state replaces that node's lrm"""
    world = World()
    world.become_member()
    isolate(world)
    world.schedule(action(1, "stop", node="a"))
    execute = world.last(effects.Execute)
    failed = result_of(execute.operation, serial=2, code=1)
    world.take(events.ExecutorResult(at_ms=world.at_ms, result=failed))
    world.beat()
    world.pass_time(500)
    assert not world.ops(A)
    assert not world.attributes(A)
    assert world.node_state(A).get("join") == "pending", "it asks to be joined"


def test_orders_and_joins_are_refused_meanwhile() -> None:
    world = World()
    token = world.become_member()
    isolate(world)
    world.request_join(token, dc=B, call=4)
    assert world.last(effects.Refused).call == 4


def test_no_policy_makes_it_start_anything() -> None:
    """Even no-quorum-policy=ignore, which Pacemaker would let take over everything."""
    world = World(("no-quorum-policy", "ignore"), ("fencing-enabled", "false"))
    world.become_member()
    isolate(world)
    world.schedule(action(1, "start", node="a"), action(2, "promote", 1, node="a"))
    assert not world.found(effects.Execute)


def configured(policy: str) -> Element:
    cib = empty_cib({"have-quorum": "1"}, {"no-quorum-policy": policy, "fencing-enabled": "false"})
    primitive = Element(
        "primitive", {"id": "web", "class": "ocf", "provider": "heartbeat", "type": "Dummy"}
    )
    nodes = tuple(Element("node", {"id": name, "uname": name}) for name in "ab")
    configuration = cib.children[0].with_children(
        tuple(
            section.with_children({"resources": (primitive,), "nodes": nodes}[section.tag])
            if section.tag in ("resources", "nodes")
            else section
            for section in cib.children[0].children
        )
    )
    return cib.with_children((configuration, *cib.children[1:]))


@pytest.mark.parametrize(
    ("policy", "tasks"),
    [
        ("stop", ["stop"]),
        ("freeze", []),
        ("ignore", []),
        ("suicide", ["stop"]),
        ("fence", ["stop"]),
    ],
)
def test_the_real_scheduler_and_the_policy_together(policy: str, tasks: list[str]) -> None:
    """features 2.9"""
    cib = isolated_cib(configured(policy), A, RUNNING)
    graph = isolated_graph(schedule(cib, Moment(1_700_000_000)).graph, A)
    found = [one.operation for one in graph.actions if one.kind is ActionKind.RESOURCE]
    assert found == tasks


def test_a_boot_that_was_reported_as_fenced_stops_everything_whatever_the_policy() -> None:
    """features 2.20, 17.35"""
    world = World(("no-quorum-policy", "freeze"))
    world.become_member()
    facts = world.store.facts.of(A)
    assert facts is not None
    fenced = replace(facts, presence=Presence.LOST, fencing=FencePhase.CONFIRMED)
    others = tuple(one for one in world.store.facts.nodes if one.node != A)
    world.store = replace(
        world.store,
        facts=replace(world.store.facts, nodes=(fenced, *others)),
        index=world.store.index + 1,
    )
    world.show()
    assert world.name() is Name.S_ISOLATED
    world.answer_executor(RUNNING)
    options = {
        one.get("name"): one.get("value")
        for one in world.last(effects.Schedule).cib.walk()
        if one.tag == "nvpair"
    }
    assert options["no-quorum-policy"] == "stop"


def test_a_scheduler_that_fails_is_asked_again() -> None:
    world = World()
    world.become_member()
    asked = isolate(world).request
    world.take(events.ScheduleFailed(at_ms=world.at_ms, request=asked, reason="died"))
    world.pass_time(1_100, beats=False)
    assert world.found(effects.AskExecutor)
