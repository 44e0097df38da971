"""Each event is told by whom it is to be told by, once, whatever becomes of nodes and DC."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crmd.alerts.values import AttributeEvent, NodeEvent
from crmd.fsa.cib import node_state, transient
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import Presence
from tests.unit.crmd.alerts.cluster import NODES, Cluster

A, B, C = NODES
nodes = st.sampled_from(NODES)
steps = st.one_of(
    st.tuples(st.just("set"), nodes, st.sampled_from(["x", "y"]), st.sampled_from(["1", "2", ""])),
    st.tuples(st.just("lose"), nodes),
    st.tuples(st.just("renew"), nodes),
    st.tuples(st.just("leave"), nodes),
    st.tuples(st.just("reboot"), st.just(C)),
    st.tuples(st.just("acquire"), st.sampled_from([A, B])),
    st.tuples(st.just("fence"), nodes, st.booleans()),
    st.tuples(st.just("forget"), nodes),
)


def carried_out(cluster: Cluster, step: tuple[object, ...], expected: list[AttributeEvent]) -> None:
    """Do a step; what it is to have told of attributes is added to `expected`."""
    what, where, *more = step
    node = NodeName(str(where))
    match (what, *more):
        case ("set", str(name), str(value)):
            state = node_state(cluster.state.cib, node)
            before = transient(state, name) if state is not None else ""
            if cluster.set(node, name, value or None) and before != value:
                expected.append(AttributeEvent(node=node, name=name, value=value))
        case ("lose",):
            cluster.lose(node)
        case ("renew",):
            cluster.renew(node)
        case ("leave",):
            cluster.leave(node)
        case ("reboot",):
            if cluster.open(node):
                cluster.observe(node)
        case ("acquire",):
            cluster.acquire(node)
        case ("fence", bool(confirmed)):
            cluster.fence(node, confirmed=confirmed)
        case ("forget",):
            cluster.forget(node)
        case _:
            raise AssertionError(step)


@given(st.lists(steps, max_size=25))
def test_each_change_of_an_attribute_is_told_once_by_one_node(
    course: list[tuple[object, ...]],
) -> None:
    """Features 19.1: also what changes while nobody is DC, as long as the next DC was there."""
    cluster = Cluster()
    expected: list[AttributeEvent] = []
    for step in course:
        carried_out(cluster, step, expected)
    for node in (A, B):
        if cluster.of(node).presence is not Presence.MEMBER:
            cluster.renew(node)
        cluster.acquire(node)
    told = [event for _, event in cluster.told if isinstance(event, AttributeEvent)]
    holder = cluster.state.facts.dc
    assert told == (expected if holder is not None else expected[: len(told)])


@given(st.lists(steps, max_size=25))
def test_all_who_watch_tell_the_same_of_nodes_and_fencings(
    course: list[tuple[object, ...]],
) -> None:
    """Features 19.1: and a node that was lost is told of as lost before it is a member again."""
    cluster = Cluster()
    for step in course:
        carried_out(cluster, step, [])
    told = {
        node: [
            event
            for by, event in cluster.told
            if by == node and not isinstance(event, AttributeEvent)
        ]
        for node in (A, B)
    }
    assert told[A] == told[B]
    for node in NODES:
        of_node = [one for one in told[A] if isinstance(one, NodeEvent) and one.node == node]
        assert [one.is_member for one in of_node] == [bool(n % 2) for n in range(len(of_node))]
