"""What must never happen, whatever the cluster looks like (features 16, 17)."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crm_shell.simulate.execution import execute, execution_order
from crmd.scheduler.graph import ActionKind, Graph, GraphAction
from crmd.scheduler.pipeline import decide, read_cluster, schedule
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role, parse_role
from tests.property.scheduler.clusters import clusters

_NOW = Moment(1_700_000_000)


def _primitives(resources: list[Resource]) -> Iterator[Resource]:
    for rsc in resources:
        if rsc.children:
            yield from _primitives(rsc.children)
        else:
            yield rsc


def _run(cib: Element) -> tuple[Run, Graph]:
    run = read_cluster(cib, _NOW)
    return run, decide(run).graph


def _is_fencing(action: GraphAction) -> bool:
    return action.kind is ActionKind.CLUSTER and action.operation == "stonith"


@given(clusters())
@settings(max_examples=60)
def test_never_active_twice(cib: Element) -> None:
    """Carried out in its order, no transition has a primitive on two nodes at any moment."""
    run = read_cluster(cib, _NOW)
    active = {rsc.id: {node.name for node in rsc.active_on} for rsc in _primitives(run.resources)}
    graph = decide(run).graph
    for action in execution_order(graph):
        if _is_fencing(action):
            for places in active.values():
                places.discard(action.on_node or "")
        elif action.kind is ActionKind.RESOURCE and action.resource is not None:
            places = active.setdefault(action.resource.id, set())
            if action.operation == "start":
                places.add(action.on_node or "")
                assert len(places) == 1, (action.resource.id, places)
            elif action.operation == "stop":
                places.discard(action.on_node or "")


@given(clusters())
@settings(max_examples=60)
def test_nothing_on_an_unclean_node_before_its_fencing(cib: Element) -> None:
    """No resource action is ordered to a node that is not to be trusted; what ran there waits."""
    run = read_cluster(cib, _NOW)
    unclean = {node.name for node in run.nodes if node.unclean}
    was_there = {
        rsc.id
        for rsc in _primitives(run.resources)
        if any(node.name in unclean for node in rsc.active_on)
    }
    fenced: set[str] = set()
    for action in execution_order(decide(run).graph):
        if _is_fencing(action):
            fenced.add(action.on_node or "")
        if action.kind is not ActionKind.RESOURCE or action.resource is None:
            continue
        assert action.on_node not in unclean - fenced
        if action.operation == "start" and action.resource.id in was_there:
            assert fenced >= unclean


@given(clusters())
@settings(max_examples=60)
def test_a_finished_cluster_yields_an_empty_graph(cib: Element) -> None:
    """Once everything is carried out there is nothing left to do.

    A failure first needs its recovery, and fencing or a first probe may change what is known: two
    further transitions are allowed before the cluster has to be at rest.
    """
    when = _NOW.epoch
    for _ in range(3):
        run, graph = _run(cib)
        if not graph.actions:
            return
        cib = execute(run, cib, graph, when=when).cib
    _, graph = _run(cib)
    assert [action.operation_key for action in graph.actions] == []


def _shuffled(element: Element, chance: random.Random, *, children: bool) -> Element:
    attributes = list(element.attributes.items())
    chance.shuffle(attributes)
    below = [
        _shuffled(child, chance, children=children or child.tag == "status")
        for child in element.children
    ]
    if children and element.tag in ("status", "lrm_resources"):
        chance.shuffle(below)
    return Element(element.tag, dict(attributes), tuple(below), element.text)


def _summary(graph: Graph) -> list[tuple[str, str, tuple[str, ...]]]:
    """The graph without numbers: actions with what each waits for."""
    names = {
        action.id: f"{action.operation_key}@{action.on_node}"
        for action in graph.actions + graph.absent
    }
    return sorted(
        (
            names[action.id],
            repr(sorted(action.attributes.items())),
            tuple(sorted(names[first] for first in action.inputs)),
        )
        for action in graph.actions
    )


@given(clusters(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_status_and_attributes_does_not_matter(
    cib: Element, chance: random.Random
) -> None:
    """The same facts in another order give the same decision."""
    other = _shuffled(cib, chance, children=False)
    assert _summary(schedule(cib, _NOW).graph) == _summary(schedule(other, _NOW).graph)


@given(clusters())
@settings(max_examples=60)
def test_a_disabled_resource_is_never_started(cib: Element) -> None:
    """features 7: target-role=Stopped."""
    run = read_cluster(cib, _NOW)
    disabled = {
        rsc.id
        for rsc in _primitives(run.resources)
        if parse_role(rsc.meta.get("target-role")) is Role.STOPPED
    }
    for action in decide(run).graph.actions:
        if action.operation == "start" and action.resource is not None:
            assert action.resource.id not in disabled


@given(clusters())
@settings(max_examples=30)
def test_the_same_input_gives_the_same_graph(cib: Element) -> None:
    """Pure: nothing but CIB and time decides."""
    assert schedule(cib, _NOW) == schedule(cib, _NOW)
