"""The scheduler as a pure function, on small clusters."""

from __future__ import annotations

import pickle

from cib_store.document.codec import parse
from cib_store.model.dates import Moment
from crmd.scheduler.graph import ActionKind
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.schedule import Change

NOW = Moment(1_700_000_000)


def cib(resources: str, *, options: str = "", status: str = "") -> str:
    online = 'in_ccm="true" crmd="online" join="member" expected="member"'
    states = "".join(
        f'<node_state id="{number}" uname="node{number}" {online}/>' for number in (1, 2)
    )
    return f"""
    <cib have-quorum="1" validate-with="pacemaker-3.10"><configuration>
      <crm_config><cluster_property_set id="o">
        <nvpair id="f" name="fencing-enabled" value="false"/>{options}
      </cluster_property_set></crm_config>
      <nodes><node id="1" uname="node1"/><node id="2" uname="node2"/></nodes>
      <resources>{resources}</resources><constraints/>
    </configuration><status>{status or states}</status></cib>"""


IP = '<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>'


def test_a_new_resource_is_probed_everywhere_before_it_starts() -> None:
    decision = schedule(parse(cib(IP)), NOW)
    by_key = {(a.operation, a.on_node): a for a in decision.graph.actions}
    start = by_key["start", "node1"]
    probes = {by_key["monitor", "node1"].id, by_key["monitor", "node2"].id}
    assert set(start.inputs) == probes
    assert start.kind is ActionKind.RESOURCE
    assert [c.change for c in decision.resource_changes] == [Change.START]


def test_without_quorum_nothing_starts() -> None:
    decision = schedule(parse(cib(IP).replace('have-quorum="1"', 'have-quorum="0"')), NOW)
    assert {a.operation for a in decision.graph.actions} == {"monitor"}
    (change,) = decision.resource_changes
    assert (change.reason, change.blocked) == ("no quorum", True)


def test_a_decision_can_be_sent_to_another_process() -> None:
    decision = schedule(parse(cib(IP)), NOW)
    assert pickle.loads(pickle.dumps(decision)) == decision


def test_an_old_option_name_still_counts() -> None:
    old = parse(cib(IP).replace("fencing-enabled", "stonith-enabled"))
    assert schedule(old, NOW).graph == schedule(parse(cib(IP)), NOW).graph
