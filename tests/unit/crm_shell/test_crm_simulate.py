"""``crm_simulate``: made-up events, formats, and what bad input gets (features 27.19 to 27.22)."""

from __future__ import annotations

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
