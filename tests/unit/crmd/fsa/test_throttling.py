"""What nodes tell of their load bounds what the DC begins (features 16.35-16.39)."""

from __future__ import annotations

from msgspec.structs import replace

from crmd.fsa import effects, events
from crmd.transition.throttle import NodeLoad, Throttle
from raftmaker.vocabulary.ids import NodeName
from tests.unit.crmd.fsa.world import A, B, World, action

STARTS = tuple(action(number, resource=f"r{number}") for number in range(1, 7))
"""Six starts on node b."""


def tell(world: World, node: NodeName, mode: Throttle, **more: int) -> None:
    load = NodeLoad(mode=mode, **more)
    world.take(events.LoadReported(at_ms=world.at_ms, node=node, load=load))


def begun(world: World) -> int:
    return len(world.take_all(effects.SendOrder))


def test_a_node_has_as_many_jobs_as_its_load_allows() -> None:
    """Features 16.38; of four processors, so eight jobs."""
    found = []
    for mode in Throttle:
        world = World(("batch-limit", "-1"))
        world.become_dc()
        tell(world, B, mode, cores=2)
        world.schedule(*STARTS, batch_limit="-1")
        found.append(begun(world))
    assert found == [4, 2, 1, 1, 1]


def test_a_node_that_tells_nothing_counts_as_a_little_loaded() -> None:
    """Features 16.36: half of twice the one processor of the test's configuration."""
    world = World()
    world.become_dc()
    assert world.core.dc is not None
    world.core = replace(world.core, dc=replace(world.core.dc, loads={}))
    world.schedule(*STARTS)
    assert begun(world) == 1


def test_the_nodes_own_limit_goes_before_the_option() -> None:
    """Features 2.31, 26.8."""
    world = World(("node-action-limit", "3"))
    world.become_dc()
    tell(world, B, Throttle.NONE, cores=8)
    world.schedule(*STARTS)
    assert begun(world) == 3
    other = World(("node-action-limit", "3"))
    other.become_dc()
    tell(other, B, Throttle.NONE, cores=8, action_limit=5)
    other.schedule(*STARTS)
    assert begun(other) == 5


def test_a_highly_loaded_node_bounds_the_whole_cluster() -> None:
    """Features 16.39, 2.32: of three members one half, rounded down; unless told never to."""
    starts = (*STARTS[:1], action(7, resource="r7", node="a"))
    world = World()
    world.become_dc()
    tell(world, A, Throttle.HIGH, cores=4)
    world.schedule(*starts, batch_limit="0")
    assert begun(world) == 1
    other = World()
    other.become_dc()
    tell(other, A, Throttle.HIGH, cores=4)
    other.schedule(*starts, batch_limit="-1")
    assert begun(other) == 2


def test_less_load_lets_the_running_graph_go_on_at_once() -> None:
    """Features 16.36."""
    world = World()
    world.become_dc()
    tell(world, B, Throttle.HIGH, cores=4)
    world.schedule(*STARTS)
    assert begun(world) == 1
    tell(world, B, Throttle.NONE, cores=4)
    assert begun(world) == 5


def test_a_member_that_is_not_dc_ignores_loads() -> None:
    world = World()
    world.become_member()
    tell(world, B, Throttle.HIGH)
    assert world.core.dc is None
