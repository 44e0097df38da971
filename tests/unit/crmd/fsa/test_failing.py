"""Having a resource count as failed on a node (features 27.7)."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from msgspec.structs import replace

from crmd.fsa import effects, events
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crmd.fsa.world import B, World, action


class Started(NamedTuple):
    world: World
    start: effects.SendOrder


@pytest.fixture
def started() -> Started:
    """A resource runs on b."""
    world = World()
    world.become_dc()
    world.schedule(action(1, "start"))
    order = world.last(effects.SendOrder)
    world.accept(order)
    world.member_reports(order)
    return Started(world, order)


def fail(world: World, **fields: object) -> None:
    asked = events.FailRequested(at_ms=world.at_ms, call=7, resource="web", node=B)
    world.take(replace(asked, **fields))  # type: ignore[arg-type]  # fields by name, for brevity


def test_the_failure_is_told_by_the_node_and_planned_for(started: Started) -> None:
    """features 27.7"""
    world = started.world
    fail(world)
    order = world.last(effects.SendOrder)
    assert (order.node, order.operation.operation) == (B, "asyncmon")
    assert str(order.operation.agent) == "ocf:heartbeat:Dummy"
    assert not world.found(effects.FailureOrdered)
    world.accept(order)
    assert world.last(effects.FailureOrdered).call == 7
    asked = len(world.found(effects.Schedule))
    world.member_reports(order, code=1, call_id=2)
    assert len(world.found(effects.Schedule)) == asked + 1
    assert world.attributes(B)["fail-count-web#asyncmon_0"] == "1"
    assert "web_last_failure_0" in world.ops(B)


def test_it_can_fail_again(started: Started) -> None:
    """A member takes an order once, by its key: the second failure was answered and not done."""
    world = started.world
    keys = []
    for _ in range(2):
        fail(world)
        order = world.last(effects.SendOrder)
        world.accept(order)
        keys.append(order.operation.transition_key)
    assert keys[0] != keys[1]
    assert all(key.split(":")[1:3] == ["0", "0"] for key in keys)


def test_what_is_not_known_there_cannot_fail(started: Started) -> None:
    fail(started.world, resource="nothing")
    assert started.world.last(effects.Refused).code is ExitCode.NOSUCH
    fail(started.world, node="zebra")
    assert started.world.last(effects.Refused).code is ExitCode.NOSUCH


def test_a_node_that_does_not_take_it_is_told_of(started: Started) -> None:
    world = started.world
    fail(world)
    order = world.last(effects.SendOrder)
    world.take(
        events.OrderFailed(
            at_ms=world.at_ms, order=order.order, node=B, reached=False, reason="is gone"
        )
    )
    refused = world.last(effects.Refused)
    assert (refused.call, refused.reason) == (7, "is gone")


def test_who_waits_is_answered_when_the_lease_goes(started: Started) -> None:
    fail(started.world)
    started.world.pass_time(700, beats=False)
    assert started.world.last(effects.Refused).call == 7
