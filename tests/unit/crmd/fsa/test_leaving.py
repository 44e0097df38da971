"""Leaving in good order: announced, moved away by the DC, gone; or alone."""

from __future__ import annotations

from crmd.fsa import effects, events
from crmd.fsa.cib import attributes_with, merge_status, state_with
from crmd.fsa.executor import Inventory
from crmd.fsa.state import Name
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange, LeaveSession
from raftmaker.vocabulary.membership import Presence
from tests.unit.crmd.fsa.world import NEVER_ANSWERED_MS, A, B, World, boot, request, result_of


def leave(world: World) -> None:
    world.take(events.LeaveRequested(at_ms=world.at_ms, call=2, now_s=1_700_000_000))


def test_it_is_announced_then_waits_for_the_dc_then_leaves() -> None:
    """features 24.12, 15.14"""
    world = World()
    world.become_member()
    leave(world)
    assert world.attributes(A) == {"shutdown": "1700000000"}
    assert world.found(effects.LeaveBegun)
    world.pass_time(5_000)
    assert not world.found(effects.Exit), "its resources are still being moved"
    down = merge_status(state_with(A, {"expected": "down"}))
    world.commit(CibChange(operations=(down,), status=True), world.store.facts.token, B)
    world.show()
    assert any(isinstance(one, LeaveSession) for one in world.recorded)
    assert world.last(effects.Exit).code is ExitCode.OK
    facts = world.store.facts.of(A)
    assert facts is not None
    assert facts.presence is Presence.LEFT


def test_a_node_that_leaves_last_is_elected_to_move_its_own() -> None:
    world = World()
    world.become_member()
    leave(world)
    world.commit(LeaveSession(node=B, boot_id=world.store.facts.nodes[1].boot_id, session=1))  # type: ignore[arg-type]  # a plain number will do
    world.show()
    assert world.core.dc is not None, "alone it has to be, to move its own resources"


def test_without_a_majority_it_stops_its_own_and_goes() -> None:
    world = World(("no-quorum-policy", "freeze"))
    world.become_member()
    world.pass_time(700, beats=False)
    leave(world)
    world.answer_executor()
    assert not world.found(effects.Exit)
    options = [one.get("value") for one in world.last(effects.Schedule).cib.walk()]
    assert "stop" in options, "a node that goes must not leave anything running"
    world.schedule()
    world.answer_executor()  # asked again, as the wish came while the first answer was awaited
    world.schedule()
    assert world.last(effects.Exit).code is ExitCode.OK


def unseen() -> World:
    """Return a node that has never reached a store, and is told to leave."""
    world = World()
    world.take(events.Started(at_ms=world.at_ms))
    world.take(events.ExecutorReturned(at_ms=world.at_ms, incarnation="i1"))
    world.pass_time(NEVER_ANSWERED_MS, beats=False)
    assert not world.found(effects.AskExecutor)
    leave(world)
    return world


def test_a_node_that_never_saw_a_store_and_runs_nothing_goes_at_once() -> None:
    world = unseen()
    stopped = (
        result_of(request("monitor"), code=7, serial=1),
        result_of(request("stop", resource="db"), serial=2, call_id=2),
    )
    world.answer_executor(Inventory(boot_id=boot(A), incarnation="i1", history=stopped))
    assert world.last(effects.Exit).code is ExitCode.OK


def test_what_may_run_there_keeps_a_node_that_never_saw_a_store() -> None:
    world = unseen()
    started = result_of(request("start"))
    known = Inventory(boot_id=boot(A), incarnation="i1", history=(started,))
    world.answer_executor(known)
    world.pass_time(1_000, beats=False)
    world.answer_executor(known)
    assert not world.found(effects.Exit)
    (told,) = world.found(effects.LeavingWaits)
    assert "web" in told.reason
    world.show()  # a store is reached after all: now it can be stopped by what the CIB says
    world.pass_time(1_000, beats=False)
    world.answer_executor(known)
    assert world.found(effects.Schedule)


def test_an_executor_that_is_away_is_waited_for() -> None:
    world = unseen()
    world.take(events.ExecutorLost(at_ms=world.at_ms))
    assert "executor" in world.last(effects.LeavingWaits).reason
    world.take(events.ExecutorReturned(at_ms=world.at_ms, incarnation="i1"))
    world.pass_time(1_100, beats=False)
    world.answer_executor()
    assert world.last(effects.Exit).code is ExitCode.OK


def test_it_does_not_wait_for_ever() -> None:
    """features 2.6"""
    world = World(("shutdown-escalation", "3s"))
    world.become_member()
    leave(world)
    world.pass_time(3_100)
    assert world.last(effects.Exit).code is ExitCode.ERROR


def test_the_shutdown_attribute_alone_makes_it_leave() -> None:
    """features 15.14"""
    world = World()
    world.become_member()
    wish = merge_status(state_with(A, {}, attributes_with(A, {"shutdown": "1700000000"})))
    down = merge_status(state_with(A, {"expected": "down"}))
    world.commit(CibChange(operations=(wish, down), status=True))
    world.show()
    assert world.found(effects.Exit)


def test_a_process_that_ends_takes_nothing_in() -> None:
    world = World(("shutdown-escalation", "3s"))
    world.become_member()
    leave(world)
    world.pass_time(3_100)
    before = world.core
    world.beat()
    assert world.core is before
    assert world.name() is Name.S_STOPPING
