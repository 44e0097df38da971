"""Forgetting failures and histories on request (features 8.23)."""

from __future__ import annotations

from crmd.fsa import effects, events
from crmd.fsa.cib import attributes_with, merge_status, state_with
from crmd.fsa.executor import Inventory
from lrmd.operations.values import Result
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange
from tests.unit.crmd.fsa.world import B, C, World, boot, request, result_of

FAILED = result_of(request("monitor", interval_ms=10_000), code=7, serial=2, call_id=2)
WORKED = result_of(request("start", resource="db"), serial=3, call_id=3)


def cluster(*results: Result) -> World:
    """b has these results, and a failcount of web."""
    world = World()
    world.become_dc({B: Inventory(boot_id=boot(B), incarnation="i", history=results)})
    counts = {"fail-count-web#monitor_10000": "1", "last-failure-web#monitor_10000": "17"}
    counted = merge_status(state_with(B, {}, attributes_with(B, {**counts, "mine": "1"})))
    world.commit(CibChange(operations=(counted,), status=True))
    world.show()
    world.sent.clear()
    return world


def ask(world: World, **what: object) -> None:
    asked = events.CleanupRequested(at_ms=world.at_ms, call=9, **what)  # type: ignore[arg-type]  # the tests name real fields
    world.take(asked)


def forgets(world: World) -> list[tuple[str, str]]:
    return [(str(one.resource), one.node) for one in world.found(effects.SendForget)]


def test_cleanup_forgets_failures_only() -> None:
    world = cluster(FAILED, WORKED)
    ask(world)
    assert forgets(world) == [("web", "b")]
    assert "fail-count-web#monitor_10000" in world.attributes(B)  # it forgets first
    forget = world.last(effects.SendForget)
    assert not world.found(effects.Cleaned)
    world.take(events.OrderAccepted(at_ms=world.at_ms, order=forget.order, node=B))
    assert world.attributes(B) == {"mine": "1"}
    assert world.last(effects.Cleaned).lines == ("web on b: cleaned up",)


def test_refresh_forgets_everything() -> None:
    world = cluster(FAILED, WORKED)
    ask(world, refresh=True)
    assert sorted(forgets(world)) == [("db", "b"), ("web", "b")]


def test_one_operation_may_be_named() -> None:
    world = cluster(FAILED, WORKED)
    ask(world, resource="web", operation="start")
    assert not forgets(world)
    assert "fail-count-web#monitor_10000" in world.attributes(B)
    ask(world, resource="web", operation="monitor", interval_ms=10_000)
    forget = world.last(effects.SendForget)
    assert (forget.operation, forget.interval_ms) == ("monitor", 10_000)


def test_other_nodes_are_left_alone() -> None:
    world = cluster(FAILED)
    ask(world, node=C)
    assert not forgets(world)
    assert world.last(effects.Cleaned).lines == ()


def test_what_is_not_known_is_refused() -> None:
    world = cluster(FAILED)
    ask(world, resource="zebra")
    assert world.last(effects.Refused).code is ExitCode.NOSUCH
    ask(world, node="zebra")
    assert "known: a, b, c" in world.last(effects.Refused).reason


def test_a_member_that_cannot_forget_is_told_of() -> None:
    world = cluster(FAILED)
    ask(world)
    forget = world.last(effects.SendForget)
    failed = events.OrderFailed(
        at_ms=world.at_ms, order=forget.order, node=B, reached=True, reason="not now"
    )
    world.take(failed)
    assert world.last(effects.Cleaned).lines == ("web on b: not now",)
    assert "fail-count-web#monitor_10000" in world.attributes(B)
