"""What the scheduler reads of nodes beside their being there (features section 15)."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse
from cib_store.model.dates import Moment
from crm_shell.status.cluster_text import node_state
from crm_shell.status.cluster_xml import node_element
from crmd.scheduler.pipeline import read_cluster, schedule
from crmd.scheduler.schedule import Schedule
from crmd.scheduler.state.run import Run

NOW = 1_700_000_000
MEMBER = 'in_ccm="1600000000" crmd="1600000000" join="member" expected="member"'
AGENT = 'class="ocf" provider="heartbeat" type="Dummy"'


def _cib(
    *, options: str = "", nodes: str = "", resources: str = "", state: str = MEMBER,
    inside: str = "", remote: str = "",
) -> str:  # fmt: skip
    """Return a CIB of n1, healthy, and n2 with `state`."""
    return f"""<cib have-quorum="1" dc-uuid="1" validate-with="pacemaker-4.0"><configuration>
      <crm_config><cluster_property_set id="o">{options}</cluster_property_set></crm_config>
      <nodes><node id="1" uname="n1"/><node id="2" uname="n2">{nodes}</node></nodes>
      <resources><primitive id="f" class="stonith" type="fence_x"/>{resources}</resources>
      <constraints/></configuration><status>
      <node_state id="1" uname="n1" {MEMBER}/><node_state id="2" uname="n2" {state}>{inside}
      </node_state>{remote}</status></cib>"""


def _run(text: str, now: int = NOW) -> Run:
    return read_cluster(parse(text), Moment(now))


def _decided(text: str, now: int = NOW) -> Schedule:
    return schedule(parse(text), Moment(now))


def _transient(kind: str, **values: str) -> str:
    pairs = "".join(
        f'<nvpair id="t-{name}" name="{name}" value="{value}"/>' for name, value in values.items()
    )
    return f'<transient_attributes id="2"><{kind} id="t">{pairs}</{kind}></transient_attributes>'


def _history(name: str, standard: str, kind: str, more: str = "") -> str:
    """Return what n2 knows of a resource that it started."""
    return f"""<lrm id="2"><lrm_resources><lrm_resource id="{name}" class="{standard}" {more}
    type="{kind}"><lrm_rsc_op id="{name}_last_0" operation="start" interval="0"
    operation_key="{name}_start_0" call-id="1" rc-code="0" op-status="0"
    transition-key="1:1:0:x"/></lrm_resource></lrm_resources></lrm>"""


def test_a_capacity_may_be_transient_and_a_configured_one_comes_first() -> None:
    """features 15.24, 3.13"""
    few = '<utilization id="u"><nvpair id="u-cpu" name="cpu" value="1"/></utilization>'
    needs = '<utilization id="a-u"><nvpair id="a-cpu" name="cpu" value="4"/></utilization>'
    strategy = '<nvpair id="s" name="placement-strategy" value="utilization"/>'
    resource = f'<primitive id="a" {AGENT}>{needs}</primitive>'
    ample = _transient("utilization", cpu="8")
    assert _starts(_cib(options=strategy, resources=resource)) == ["f n1"]
    assert _starts(_cib(options=strategy, resources=resource, inside=ample)) == ["a n2", "f n1"]
    assert _starts(_cib(options=strategy, resources=resource, inside=ample, nodes=few)) == ["f n1"]


def _starts(text: str) -> list[str]:
    actions = _decided(text).graph.actions
    return sorted(
        f"{one.resource.id} {one.on_node}"
        for one in actions
        if one.operation == "start" and one.resource is not None
    )


def _probes(on: str, **values: str) -> list[str]:
    far = f"""<primitive id="far" class="ocf" provider="pacemaker" type="remote"/>
    <primitive id="app" {AGENT}/>"""
    started = _history("far", "ocf", "remote", 'provider="pacemaker"')
    mine = _transient("instance_attributes", **values)
    there = f'<node_state id="far" uname="far" remote_node="true" {MEMBER}>'
    remote = there + (mine if on == "far" else "") + "</node_state>"
    inside = (mine if on == "n2" else "") + started
    graph = _decided(_cib(resources=far, inside=inside, remote=remote)).graph
    return sorted(
        f"{one.operation_key} {one.on_node}"
        for one in graph.actions
        if one.operation_key == "app_monitor_0"
    )


def test_a_remote_node_without_discovery_is_not_probed() -> None:
    """features 15.16: probe_complete, which old versions set, changes nothing."""
    everywhere = ["app_monitor_0 far", "app_monitor_0 n1", "app_monitor_0 n2"]
    assert _probes("far") == everywhere
    assert _probes("far", **{"resource-discovery-enabled": "false"}) == everywhere[1:]
    assert _probes("n2", probe_complete="true") == everywhere


PENDING = f'in_ccm="{NOW - 100}" crmd="0" join="down" expected="down"'


def test_a_node_whose_controller_does_not_come_is_fenced_in_the_end() -> None:
    """features 24.17, 2.28: never by default."""
    assert not any(
        one.operation == "stonith" for one in _decided(_cib(state=PENDING)).graph.actions
    )
    limit = '<nvpair id="p" name="node-pending-timeout" value="2min"/>'
    patient = _decided(_cib(state=PENDING, options=limit))
    assert not any(one.operation == "stonith" for one in patient.graph.actions)
    assert patient.graph.recheck_by == NOW + 20
    late = _decided(_cib(state=PENDING, options=limit), NOW + 20)
    assert [one.on_node for one in late.graph.actions if one.operation == "stonith"] == ["n2"]


@pytest.mark.parametrize(
    ("state", "attributes", "expected"),
    [
        (MEMBER, {}, "online"),
        ('in_ccm="0" crmd="0" join="down" expected="down"', {}, "OFFLINE"),
        ('in_ccm="0" crmd="0" join="member" expected="member"', {}, "UNCLEAN (offline)"),
        (PENDING, {}, "pending"),
        (MEMBER, {"standby": "on"}, "standby"),
        (MEMBER, {"maintenance": "true"}, "maintenance"),
        (MEMBER, {"shutdown": "1700000000"}, "online, shutdown"),
    ],
)
def test_what_a_nodes_state_is_called(
    state: str, attributes: dict[str, str], expected: str
) -> None:
    """features 15.33"""
    inside = _transient("instance_attributes", **attributes)
    run = _run(_cib(state=state, inside=inside))
    (node,) = (one for one in run.nodes if one.name == "n2")
    said = node_state(node) + (", shutdown" if node.shutdown else "")
    assert said == expected
    shown = node_element(run, node)
    for word in ("pending", "maintenance", "shutdown"):
        assert (shown.get(word) == "true") is (word in expected), word


def test_standby_says_whether_anything_still_runs() -> None:
    """features 15.33"""
    inside = _transient("instance_attributes", standby="on") + _history("f", "stonith", "fence_x")
    run = _run(_cib(inside=inside))
    (node,) = (one for one in run.nodes if one.name == "n2")
    assert node_state(node) == "standby (with active resources)"
