"""The DC and remote nodes: orders by way of a member, fencing without a session."""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.document.codec import parse
from cib_store.document.element import Element
from cib_store.document.path import insert, trail_of
from crmd.fsa import effects, events
from crmd.fsa.cib import node_state
from crmd.fsa.state import Name
from raftmaker.vocabulary.commands import CibChange, FenceIntent, FenceResult
from raftmaker.vocabulary.ids import NodeName
from tests.unit.crmd.fsa.world import B, World, action, fence

FAR = NodeName("far")
LEFT = """\
<node_state id="far" uname="far" remote_node="true" in_ccm="1"><lrm id="far"><lrm_resources>
<lrm_resource id="web" class="ocf" provider="heartbeat" type="Dummy"/></lrm_resources></lrm>
</node_state>"""


def with_far(cib: Element) -> Element:
    return cib.with_children(
        tuple(
            one.with_children((*one.children, parse(LEFT))) if one.tag == "status" else one
            for one in cib.children
        )
    )


def with_history(cib: Element, node: NodeName, resource: str) -> Element:
    """Return the CIB with a resource added to the history of a node that has one."""
    trail = trail_of(cib, f"/cib/status/node_state[@id='{node}']/lrm[@id='{node}']/lrm_resources")
    assert trail is not None
    return insert(cib, trail, parse(resource))


def world_with_far() -> World:
    world = World()
    world.become_dc()
    world.schedule()
    world.configure(with_far)
    return world


def test_an_action_on_a_remote_node_goes_to_its_router_and_names_the_node() -> None:
    """Features 16.30."""
    world = world_with_far()
    world.schedule(replace(action(1, node="far"), router_node="b"), action(2, node="b"))
    orders = [(one.node, one.remote) for one in world.found(effects.SendOrder)]
    assert orders == [(B, FAR), (B, "")]


def test_a_remote_node_that_does_not_do_it_says_nothing_about_its_router() -> None:
    """The router is not joined anew; the action has failed."""
    world = world_with_far()
    world.schedule(replace(action(1, node="far"), router_node="b"))
    order = world.last(effects.SendOrder)
    joins = len(world.found(effects.SendJoin))
    world.take(
        events.OrderFailed(
            at_ms=world.at_ms, order=order.order, node=B, reached=True, reason="not connected"
        )
    )
    world.pass_time(2_000)
    assert len(world.found(effects.SendJoin)) == joins


def test_fencing_a_remote_node_erases_what_ran_there_once_it_is_confirmed() -> None:
    """Features 22.6, 24.20: there is no session to revoke, so no intent; the result is status."""
    world = world_with_far()
    world.schedule(fence("far"), action(2, "start", 1, node="b"))
    run = world.last(effects.RunFencing)
    assert run.target == FAR
    assert not [one for one in world.recorded if isinstance(one, FenceIntent | FenceResult)]
    assert not world.found(effects.SendOrder), "not before the device has confirmed"
    world.silent_store = True
    world.take(
        events.FencingEnded(
            at_ms=world.at_ms, request=run.request, confirmed=True, now_s=1_700_000_000
        )
    )
    assert isinstance(world.last_body(), CibChange)
    assert not world.found(effects.SendOrder), "not before that is committed"
    world.settle()
    state = node_state(world.store.cib, FAR)
    assert state is not None
    assert (state.get("node_fenced"), state.child("lrm")) == ("1700000000", None)
    assert world.last(effects.SendOrder).node == B
    assert world.name() is Name.S_TRANSITION_ENGINE, "its own fencing aborts nothing"


def test_a_failed_fencing_of_a_remote_node_is_counted_and_keeps_its_history() -> None:
    world = world_with_far()
    world.schedule(fence("far"), action(2, "start", 1, node="b"))
    run = world.last(effects.RunFencing)
    world.take(
        events.FencingEnded(
            at_ms=world.at_ms, request=run.request, confirmed=False, now_s=1, reason="no power"
        )
    )
    world.settle()
    state = node_state(world.store.cib, FAR)
    assert state is not None
    assert state.get("fence_failures") == "1"
    assert state.child("lrm") is not None
    assert not world.found(effects.SendOrder)


def test_what_was_asked_of_a_remote_node_is_over_when_its_connection_fails() -> None:
    """Features 22.7: else the DC waits for it, a minute or more, before it has the node fenced."""
    world = world_with_far()
    world.schedule(replace(action(1, node="far"), router_node="b"))
    plans = len(world.found(effects.Schedule))
    world.pass_time(2_000)
    assert len(world.found(effects.Schedule)) == plans
    failed = (
        '<lrm_resource id="far" class="ocf" provider="pacemaker" type="remote"><lrm_rsc_op'
        ' id="far_last_failure_0" operation_key="far_asyncmon_0" operation="asyncmon"'
        ' transition-key="0:0:0:connection-lost" transition-magic="0:1;0:0:0:connection-lost"'
        ' call-id="10" rc-code="1" op-status="0" interval="0" last-rc-change="1"/></lrm_resource>'
    )
    world.configure(lambda cib: with_history(cib, B, failed))
    world.pass_time(2_000)
    assert len(world.found(effects.Schedule)) > plans
