"""The connection that a guest node's machine brings with it, as its meta-attributes say."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse
from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler.pipeline import read_cluster, schedule

NOW = Moment(1_700_000_000)
MEMBER = 'in_ccm="1600000000" crmd="1600000000" join="member" expected="member"'


def with_machine(**meta: str) -> Element:
    """Return a CIB with a machine that has these meta-attributes."""
    pairs = "".join(
        f'<nvpair id="m{number}" name="{name.replace("_", "-")}" value="{value}"/>'
        for number, (name, value) in enumerate(meta.items())
    )
    return parse(f"""<cib have-quorum="1" dc-uuid="1" validate-with="pacemaker-4.0"><configuration>
      <crm_config><cluster_property_set id="o">
        <nvpair id="f" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
      <nodes><node id="1" uname="n1"/></nodes><resources>
      <primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain">
      <meta_attributes id="m">{pairs}</meta_attributes></primitive></resources><constraints/>
      </configuration><status><node_state id="1" uname="n1" {MEMBER}/></status></cib>""")


def connection_start(**meta: str) -> dict[str, str]:
    """Return what the start of the machine's connection is given."""
    actions = schedule(with_machine(**meta), NOW).graph.actions
    (start,) = [
        one
        for one in actions
        if one.operation == "start" and one.resource is not None and one.resource.id == "guest"
    ]
    return dict(start.attributes)


def test_a_guest_nodes_address_and_patience_are_those_of_its_machine() -> None:
    """features 7.14: remote-addr, remote-port, remote-connect-timeout; by default 3121 and 60s"""
    given = connection_start(
        remote_node="guest",
        remote_addr="10.0.0.20",
        remote_port="4000",
        remote_connect_timeout="45s",
    )
    assert (given["addr"], given["port"]) == ("10.0.0.20", "4000")
    assert given["CRM_meta_timeout"] == "45000"
    usual = connection_start(remote_node="guest")
    assert "addr" not in usual, "the node's name is its address"
    assert usual["CRM_meta_timeout"] == "60000"


@pytest.mark.parametrize("said", ["true", "false"])
def test_a_guest_nodes_connection_moves_live_as_its_machine_says(said: str) -> None:
    """features 7.14: remote-allow-migrate"""
    run = read_cluster(with_machine(remote_node="guest", remote_allow_migrate=said), NOW)
    connection = run.find_resource("guest")
    assert connection is not None
    assert connection.migratable is (said == "true")
