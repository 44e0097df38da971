"""What the CIB says of remote nodes, and what is written of them (features 16.30, 24.20)."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse
from cib_store.document.element import Element
from crmd.fsa.executor import Inventory
from crmd.remote.nodes import (
    fenced_operations,
    is_remote,
    left_operations,
    maintenance_operations,
    router_of,
)
from crmd.remote.takeover import takeover_change
from raftmaker.vocabulary.commands import OperationKind
from raftmaker.vocabulary.ids import BootId, NodeName, Token

FAR, WEB = NodeName("far"), NodeName("web")
OP = (
    '<lrm_rsc_op id="far_{name}" operation="{name}" interval="0" rc-code="{code}" op-status="0"'
    ' call-id="{call}" last-rc-change="{at}"/>'
)
STATE = """\
<node_state id="{node}" uname="{node}"><lrm id="{node}"><lrm_resources>
<lrm_resource id="far" class="ocf" provider="pacemaker" type="remote">{ops}</lrm_resource>
</lrm_resources></lrm></node_state>"""
CIB = """\
<cib><configuration><resources>
<primitive id="far" class="ocf" provider="pacemaker" type="remote"/>
<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/>
</resources></configuration><status>{states}</status></cib>"""
LEFT = """\
<node_state id="far" uname="far" remote_node="true" remote_boot="one" in_ccm="1"><lrm id="far"/>
<transient_attributes id="far"><instance_attributes id="status-far">
<nvpair id="status-far-master-web" name="master-web" value="5"/>
<nvpair id="status-far-shutdown" name="shutdown" value="99"/>
</instance_attributes></transient_attributes></node_state>"""


def cib(*states: str) -> Element:
    return parse(CIB.format(states="".join(states)))


def ran(node: str, *ops: tuple[str, int, int]) -> str:
    """Return a member's state: operations of the connection, with exit code and time."""
    entries = (
        OP.format(name=name, code=code, call=call, at=at)
        for call, (name, code, at) in enumerate(ops, 1)
    )
    return STATE.format(node=node, ops="".join(entries))


def test_who_has_left_wishes_so_no_more_and_keeps_its_attributes() -> None:
    """Features 22.13: with the wish its connection would never be started again."""
    (removal,) = left_operations(cib(LEFT), FAR)
    assert removal.kind is OperationKind.DELETE
    assert "nvpair[@id='status-far-shutdown']" in removal.path, removal
    assert left_operations(cib(LEFT.replace("shutdown", "other")), FAR) == ()
    assert left_operations(cib(), FAR) == ()
    assert left_operations(None, FAR) == ()


def test_a_remote_node_is_one_that_a_connection_is_named_after() -> None:
    assert is_remote(cib(), FAR)
    assert not is_remote(cib(), WEB)
    assert is_remote(parse(f"<cib><status>{LEFT}</status></cib>"), FAR), "until it is forgotten"


@pytest.mark.parametrize(
    ("states", "router"),
    [
        ((), None),
        ((ran("n1", ("monitor", 7, 1)),), None),
        ((ran("n1", ("monitor", 7, 1), ("start", 0, 2)),), "n1"),
        ((ran("n1", ("start", 0, 2), ("stop", 0, 3)),), None),
        ((ran("n1", ("start", 0, 2)), ran("n2", ("migrate_from", 0, 5))), "n2"),
    ],
)
def test_the_way_leads_over_the_member_with_the_connection(
    states: tuple[str, ...], router: str | None
) -> None:
    assert router_of(cib(*states), FAR) == router


def test_a_fencing_leaves_nothing_of_a_remote_node_but_its_mark() -> None:
    *gone, mark = fenced_operations(cib(LEFT), FAR, 1_700_000_000)
    assert [(one.kind, one.path.rpartition("/")[2]) for one in gone] == [
        (OperationKind.DELETE, "lrm[@id='far']"),
        (OperationKind.DELETE, "transient_attributes[@id='far']"),
    ]
    assert 'node_fenced="1700000000"' in str(mark.xml)
    assert 'in_ccm="0"' in str(mark.xml)


@pytest.mark.parametrize(
    ("boot", "removed"),
    [("one", "nvpair[@id='status-far-shutdown']"), ("two", "transient_attributes[@id='far']")],
)
def test_attributes_of_a_remote_node_live_as_long_as_its_boot(boot: str, removed: str) -> None:
    inventory = Inventory(boot_id=BootId(boot), incarnation="i", token=Token(1, 1))
    change = takeover_change(cib(LEFT), FAR, inventory, BootId("boot-n1"))
    removals = [one.path for one in change.operations if one.kind is OperationKind.DELETE]
    assert [path.rpartition("/")[2] for path in removals] == ["lrm[@id='far']", removed]
    assert change.boot_id == "boot-n1"
    assert f'remote_boot="{boot}"' in str(change.operations[-1].xml)


def test_maintenance_is_noted_for_all_at_once() -> None:
    """Features 22.10."""
    (noted,) = maintenance_operations((("far", True), ("off", False)))
    assert 'node_in_maintenance="1"' in str(noted.xml)
    assert 'node_in_maintenance="0"' in str(noted.xml)
    assert maintenance_operations(()) == ()
