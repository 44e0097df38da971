"""``crm_simulate``: made-up events, formats, and what bad input gets (features 27.19 to 27.22)."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from crm_shell.tools.crm_simulate import main
from raftmaker.vocabulary.codes import ExitCode

_CIB = """<cib validate-with="pacemaker-4.0" have-quorum="1" dc-uuid="n1"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="f" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="n1" uname="n1"/><node id="n2" uname="n2"/></nodes><resources>
<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/></resources><constraints/>
</configuration><status>
<node_state id="n1" uname="n1" in_ccm="1" crmd="1" join="member" expected="member"/>
<node_state id="n2" uname="n2" in_ccm="1" crmd="1" join="member" expected="member"/>
</status></cib>"""


@pytest.fixture
def cib(tmp_path: Path) -> str:
    """A file with a cluster of two nodes and one resource that runs nowhere yet."""
    path = tmp_path / "cib.xml"
    path.write_text(_CIB)
    return str(path)


def _said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == ExitCode.OK
    return capsys.readouterr().out


def test_a_node_can_be_taken_down(cib: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27.20: --node-down."""
    said = _said(capsys, "-x", cib, "-R", "-d", "n1")
    assert "Performing Requested Modifications:\n  * Taking node n1 offline\n" in said
    assert said.split()[-5:] == ["Start", "a", "(", "n2", ")"]


def test_a_saved_input_has_its_own_time_quorum_and_dc(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 3.7: execution-date is the clock of rules, dc-uuid and have-quorum as they were."""
    rule = """<rsc_location id="l" rsc="a"><rule id="r" score="-INFINITY">
    <date_expression id="d" operation="gt" start="2024-01-01"/></rule></rsc_location>"""
    early, late = 1_600_000_000, 1_800_000_000
    said = {}
    for when in (early, late):
        path = tmp_path / f"{when}.xml"
        dated = _CIB.replace('dc-uuid="n1"', f'dc-uuid="n2" execution-date="{when}"')
        path.write_text(dated.replace("<constraints/>", f"<constraints>{rule}</constraints>"))
        said[when] = _said(capsys, "-x", str(path), "-R")
    assert "Using the original execution date of: 2020-09-13 12:26:40Z" in said[early]
    assert "Start" in said[early]
    assert "Start" not in said[late]


def test_quorum_can_be_lost(cib: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27.20: -q and --quorum."""
    said = _said(capsys, "-x", cib, "-R", "-q", "0", "-d", "n1")
    assert "  * Setting quorum: 0" in said
    assert "* Start a ( n2 ) due to no quorum (blocked)" in " ".join(said.split())


def test_an_injected_failure_is_recovered(cib: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27.20: --op-inject, and 27.19: --in-place."""
    _said(capsys, "-x", cib, "-X", "-Q")
    said = _said(capsys, "-x", cib, "-R", "-i", "a_monitor_10000@n1=7")
    assert "  * Injecting a_monitor_10000@n1=7 into the configuration" in said
    assert "Recover    a" in said


def test_an_operation_that_fails_ends_the_transition(
    cib: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 27.20: --op-fail."""
    said = _said(capsys, "-x", cib, "-S", "-F", "a_start_0@n1=1")
    assert "failed with rc=1" in said
    assert "fail-count-a#start_0=INFINITY" in said
    assert "FAILED n1" in said


def test_a_bad_specification_is_told(cib: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["-x", cib, "-R", "-i", "nonsense"])
    assert "Invalid operation spec: nonsense" in capsys.readouterr().err


def test_the_input_and_the_result_are_saved(cib: str, tmp_path: Path) -> None:
    """features 27.21: -I and -O."""
    before, after = tmp_path / "before", tmp_path / "after"
    main(["-x", cib, "-S", "-Q", "-I", str(before), "-O", str(after)])
    assert parse(before.read_text()) == parse(_CIB)
    assert 'operation="start"' in after.read_text()


def test_xml_and_json_have_the_same_tree(cib: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27: --output-as."""
    tree = parse(_said(capsys, "-x", cib, "-S", "--output-as=xml"))
    tags = [child.tag for child in tree.each()]
    assert tags[:4] == ["cluster_status", "actions", "transition", "revised_cluster_status"]
    told = json.loads(_said(capsys, "-x", cib, "-S", "--output-as=json"))
    assert told["actions"]["rsc_action"] == [{"action": "start", "resource": "a", "node": "n1"}]
    actions = tree.child("actions")
    assert actions is not None
    assert dict(actions.children[0].attributes) == told["actions"]["rsc_action"][0]


def test_a_folder_is_timed(cib: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27.22: -P and -N."""
    said = _said(capsys, "-P", str(Path(cib).parent), "-N", "2")
    assert said.startswith(f"Timings:\n  * Testing {cib} ... ")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("<cib", ExitCode.DATAERR, "not well-formed XML"),
        ("<other/>", ExitCode.DATAERR, "the document is no CIB"),
        (None, ExitCode.NOINPUT, "cannot read"),
    ],
)
def test_bad_input_is_told(
    text: str | None, code: ExitCode, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.xml"
    if text is not None:
        path.write_text(text)
    assert main(["-x", str(path), "-R"]) == code
    assert said in capsys.readouterr().err


_DETAILED = """<cib validate-with="pacemaker-4.0" have-quorum="1" dc-uuid="n1"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="f" name="fencing-enabled" value="false"/>
<nvpair id="p" name="placement-strategy" value="utilization"/></cluster_property_set></crm_config>
<nodes><node id="n1" uname="n1"><utilization id="u"><nvpair id="u1" name="memory" value="9"/>
<nvpair id="u2" name="cpu" value="4"/></utilization></node></nodes><resources>
<primitive id="p" class="ocf" provider="pacemaker" type="ping"><instance_attributes id="pi">
<nvpair id="pi1" name="host_list" value="a b"/><nvpair id="pi2" name="multiplier" value="10"/>
</instance_attributes><operations><op id="po" name="monitor" interval="10s"/></operations>
</primitive></resources><constraints/></configuration><status>
<node_state id="n1" uname="n1" in_ccm="1" crmd="1" join="member" expected="member">
<transient_attributes id="n1"><instance_attributes id="t">
<nvpair id="t1" name="pingd" value="10"/><nvpair id="t2" name="shutdown" value="0"/>
<nvpair id="t3" name="fail-count-p#monitor_10000" value="2"/></instance_attributes>
</transient_attributes><lrm id="n1"><lrm_resources>
<lrm_resource id="p" class="ocf" provider="pacemaker" type="ping">
<lrm_rsc_op id="p_last_0" operation="start" operation_key="p_start_0" interval="0" call-id="5"
 rc-code="0" op-status="0" transition-key="5:1:0:x"/>
<lrm_rsc_op id="p_last_failure_0" operation="monitor" operation_key="p_monitor_10000"
 interval="10000" call-id="6" rc-code="1" op-status="0" transition-key="6:1:0:x"
 exit-reason="no answer"/>
</lrm_resource></lrm_resources></lrm></node_state></status></cib>"""


@pytest.fixture
def detailed(tmp_path: Path) -> str:
    """A file with a node that has attributes, capacity and failures."""
    path = tmp_path / "detailed.xml"
    path.write_text(_DETAILED)
    return str(path)


def test_attributes_and_what_ping_should_reach(
    detailed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 27.21: -A leaves out what is the cluster's own, and says what is not reached."""
    said = _said(capsys, "-x", detailed, "-A")
    assert "* Node Attributes:\n    * Node: n1:\n      * pingd " in said
    assert "Connectivity is degraded (Expected=20)" in said
    assert "shutdown" not in said


def test_no_attributes_no_title(cib: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27.21"""
    assert "Node Attributes" not in _said(capsys, "-x", cib, "-A")


def test_failures_are_counted(detailed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27.21: -c."""
    said = _said(capsys, "-x", detailed, "-c")
    assert "* Node: n1:\n      * p: migration-threshold=1000000 fail-count=2\n" in said
    assert "* p_monitor_10000 on n1 'Error occurred' (1):" in said


def test_capacity_is_shown(detailed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27.21: -U, in Pacemaker's order."""
    assert "  * Original: n1 capacity: cpu=4 memory=9\n" in _said(
        capsys, "-x", detailed, "-R", "-U"
    )


def test_the_details_as_xml(detailed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27.21: -A -c -U and -a, as Pacemaker 3 names them."""
    text = _said(capsys, "-x", detailed, "-R", "-AcUa", "--output-as", "xml")
    said = parse(text.split("\n", 1)[1])
    found = {each.tag: each for each in said.walk()}
    assert dict(found["attribute"].attributes) == {
        "name": "pingd",
        "value": "10",
        "expected": "20",
    }
    assert found["resource_history"].get("fail-count") == "2"
    assert (found["failure"].get("op_key"), found["failure"].get("exitreason")) == (
        "p_monitor_10000",
        "no answer",
    )
    assert [each.text for each in found["capacity"].children] == ["4", "9"]
    states = [each for each in found["nodes"].children if each.get("feature_set")]
    assert [each.get("feature_set") for each in states] == ["<3.15.1"]


def test_the_cib_may_come_from_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 27.19: --xml-pipe."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(_CIB.encode())))
    assert "* Start a ( n1 )" in " ".join(_said(capsys, "-p", "-R").split())


def test_a_node_comes_and_fails(cib: str, capsys: pytest.CaptureFixture[str]) -> None:
    """features 27.20: --node-up of one that was not known, and --node-fail."""
    said = _said(capsys, "-x", cib, "-R", "-u", "n3", "-f", "n1", "-w", "1")
    assert "  * Bringing node n3 online" in said
    assert "  * Failing node n1" in said
    assert "  * Setting watchdog: 1" in said
    assert "UNCLEAN" not in said.split("Performing")[0]
    assert "* Start a ( n2 )" in " ".join(said.split())


def test_tickets_are_granted_revoked_and_put_to_standby(
    cib: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """features 27.20: --ticket-grant, --ticket-revoke, --ticket-standby, --ticket-activate."""
    path = tmp_path / "ticket.xml"
    ticket = '<constraints><rsc_ticket id="t" rsc="a" ticket="T"/></constraints>'
    path.write_text(Path(cib).read_text().replace("<constraints/>", ticket))
    starts = "* Start a ( n1 )"
    for words, does in (
        ((), False),
        (("-g", "T"), True),
        (("-g", "T", "-b", "T"), False),
        (("-g", "T", "-b", "T", "-e", "T"), True),
        (("-r", "T"), False),
    ):
        said = " ".join(_said(capsys, "-x", str(path), "-R", *words).split())
        assert (starts in said and f"{starts} due" not in said) is does, words
