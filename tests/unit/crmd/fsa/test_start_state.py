"""The state in which a node joins: PCMK_node_start_state (features 26.7)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cib_store.document.element import Element
from crmd.fsa import effects, events
from crmd.fsa.config import StartState
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    AcquireDc,
    CibChange,
    CibOperation,
    OpenSession,
    OperationKind,
)
from raftmaker.vocabulary.ids import Session
from tests.unit.crmd.fsa.world import A, B, World, boot

_OWN_PAIR = (
    '<nodes><node id="a" uname="a"><instance_attributes id="mine">'
    '<nvpair id="theirs" name="standby" value="true"/></instance_attributes></node></nodes>'
)


def _world(start_state: StartState, *, controller_start: int = 1) -> World:
    """Return a world with b as DC, in which this node has not started yet."""
    world = World()
    config = replace(world.core.config, start_state=start_state, controller_start=controller_start)
    world.core = replace(world.core, config=config)
    world.commit(OpenSession(node=B, boot_id=boot(B), controller_start=1))
    world.commit(AcquireDc(node=B, boot_id=boot(B), session=Session(1)))
    return world


def _put(world: World, xml: str) -> None:
    path = "/cib/configuration/nodes"
    put = CibOperation(kind=OperationKind.MODIFY, path=path, xml=xml, all=True)
    assert world.commit(CibChange(operations=(put,))) is ExitCode.OK


def _pairs(world: World) -> list[tuple[str, str]]:
    configuration = world.store.cib.child("configuration")
    nodes: Element | None = configuration.child("nodes") if configuration is not None else None
    assert nodes is not None
    pairs = (one for one in nodes.walk() if one.tag == "nvpair")
    return [(one.id, one.get("value")) for one in pairs if one.get("name") == "standby"]


def test_a_node_that_joins_in_standby_is_in_standby_before_it_answers_the_dc() -> None:
    """features 26.7"""
    world = _world(StartState.STANDBY)
    world.start()
    assert _pairs(world) == [("nodes-a-standby", "on")]
    world.request_join(world.store.facts.token, dc=B)
    assert not world.found(effects.Refused)


def test_it_answers_no_join_before() -> None:
    """features 26.7: or the DC would start something there"""
    world = _world(StartState.STANDBY)
    world.take(events.Started(at_ms=world.at_ms))
    world.take(events.ExecutorReturned(at_ms=world.at_ms, incarnation="i1"))
    world.commit(OpenSession(node=A, boot_id=boot(A), controller_start=1))
    world.silent_store = True
    world.beat()
    world.show()
    world.request_join(world.store.facts.token, dc=B)
    assert "PCMK_node_start_state" in world.last(effects.Refused).reason
    assert not world.found(effects.RaiseToken)
    world.settle()
    world.request_join(world.store.facts.token, dc=B)
    assert world.found(effects.RaiseToken)


def test_one_that_joins_online_ends_its_standby_where_that_is_written() -> None:
    """features 26.7"""
    world = _world(StartState.ONLINE)
    _put(world, _OWN_PAIR)
    world.start()
    assert _pairs(world) == [("theirs", "off")]


@pytest.mark.parametrize("wish", StartState)
def test_a_controller_that_is_started_again_leaves_it_as_it_is(wish: StartState) -> None:
    """features 26.7: the wish is for the node's start"""
    world = _world(wish, controller_start=2)
    world.commit(OpenSession(node=A, boot_id=boot(A), controller_start=1))
    _put(world, _OWN_PAIR)
    world.start()
    assert _pairs(world) == [("theirs", "true")]


def test_by_default_a_node_joins_as_it_was() -> None:
    """features 26.7"""
    world = _world(StartState.DEFAULT)
    _put(world, _OWN_PAIR)
    world.start()
    assert _pairs(world) == [("theirs", "true")]


def test_a_node_whose_wish_is_refused_joins_as_it_is() -> None:
    """features 26.7: a node that never joins would be fenced"""
    world = _world(StartState.STANDBY)
    world.silent_store = True
    world.start()
    world.commit(world.drop_records()[0].body, node=A)
    world.show()
    (asked,) = world.drop_records()
    assert isinstance(asked.body, CibChange)
    world.take(
        events.Recorded(at_ms=world.at_ms, request=asked.request, code=ExitCode.CONFIG, index=0)
    )
    world.request_join(world.store.facts.token, dc=B)
    assert world.found(effects.RaiseToken)
