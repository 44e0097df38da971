"""crm_resource, and the tags that commands take for what they name, on a CIB in a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from cib_store.document.codec import parse
from crm_shell import main as shell
from crm_shell.tools import crm_mon, crm_resource
from crm_shell.tools.frame import ToolFailed
from crm_shell.tools.resource_by_hand import request_for, told
from lrmd.operations.values import Outcome
from raftmaker.vocabulary.codes import ExitCode, OcfCode, OpStatus
from tests.unit.crm_shell.desk import Desk

_WEB = (("start", 0, 1), ("monitor", 10_000, 2))
_HISTORY = "".join(
    f'<lrm_rsc_op id="web_{task}_{every}" operation_key="web_{task}_{every}" operation="{task}"'
    f' interval="{every}" call-id="{call}" rc-code="0" op-status="0" exec-time="12"'
    f' transition-key="{call}:1:0:x" transition-magic="0:0;{call}:1:0:x"/>'
    for task, every, call in _WEB
)
CIB = f"""<cib epoch="3" num_updates="0" admin_epoch="0" validate-with="pacemaker-4.0"
have-quorum="1" dc-uuid="n1"><configuration><crm_config>
<cluster_property_set id="cib-bootstrap-options">
<nvpair id="o" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="n1" uname="n1"/><node id="n2" uname="n2"/></nodes>
<resources>
<template id="t" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="tm">
<nvpair id="tm1" name="priority" value="7"/></meta_attributes></template>
<primitive id="db" template="t"/>
<group id="g"><primitive id="web" class="ocf" provider="heartbeat" type="Dummy"><operations>
<op id="wm" name="monitor" interval="10s"/></operations></primitive><meta_attributes id="gm">
<nvpair id="gm1" name="is-managed" value="true"/></meta_attributes></group>
</resources><constraints><rsc_colocation id="col" rsc="web" with-rsc="db" score="INFINITY"/>
</constraints><tags><tag id="both"><obj_ref id="db"/><obj_ref id="g"/></tag>
<tag id="first"><obj_ref id="n1"/></tag></tags></configuration><status>
<node_state id="n1" uname="n1" in_ccm="1" crmd="1" join="member" expected="member"><lrm id="n1">
<lrm_resources><lrm_resource id="web" class="ocf" provider="heartbeat" type="Dummy">{_HISTORY}
</lrm_resource></lrm_resources></lrm></node_state>
<node_state id="n2" uname="n2" in_ccm="1" crmd="1" join="member" expected="member"/>
</status></cib>"""


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return Desk(CIB, tmp_path, monkeypatch, capsys)


def test_resources_and_where_they_run(desk: Desk) -> None:
    """features 27.6"""
    tool = crm_resource.main
    assert "* web\t(ocf:heartbeat:Dummy):\t Started n1" in desk.did(tool, "-L")
    assert desk.did(tool, "--list-raw") == "db\nweb\n"
    assert desk.did(tool, "-r", "web", "-W") == "resource web is running on: n1\n"
    assert desk.did(tool, "-r", "web", "--locate", "-Q") == "n1\n"
    assert desk.did(tool, "-r", "db", "-W") == "resource db is NOT running\n"
    assert '<rsc_colocation id="col"' in desk.did(tool, "-r", "db", "-a")
    listed = desk.did(tool, "-L", "--output-as=xml")
    assert '<resource id="web"' in listed
    assert '<status code="0" message="OK"/>' in listed


def test_operations_in_the_histories(desk: Desk) -> None:
    """features 27.6: active ones recur, or are under way."""
    start, monitor = desk.did(crm_resource.main, "-o").splitlines()
    assert "web_start_0 (node=n1, call=1, rc=0, exec=12ms): complete" in start
    assert "web_monitor_10000 (node=n1, call=2" in monitor
    assert desk.did(crm_resource.main, "-O").splitlines() == [monitor]
    assert desk.did(crm_resource.main, "-o", "-N", "n2") == ""
    assert desk.did(crm_resource.main, "-o", "-r", "db") == ""


def test_the_xml_of_a_resource_and_of_its_template(desk: Desk) -> None:
    """features 27.6, 6.10: -q fills the template in, -w does not."""
    assert '<primitive id="db" template="t"/>' in desk.did(crm_resource.main, "-r", "db", "-w")
    filled = desk.did(crm_resource.main, "-r", "db", "-q")
    assert '<primitive id="db" class="ocf" provider="heartbeat" type="Dummy">' in filled
    assert 'name="priority" value="7"' in filled


def test_meta_attributes_come_from_the_template_and_the_group(desk: Desk) -> None:
    """features 6.8, 27.6"""
    tool = crm_resource.main
    assert desk.did(tool, "-r", "db", "-m", "-g", "priority") == "7\n"
    assert desk.did(tool, "-r", "web", "-m", "-g", "is-managed") == "true\n"
    desk.did(tool, "-r", "db", "-m", "-p", "priority", "-v", "3")
    assert desk.did(tool, "-r", "db", "-m", "-g", "priority") == "3\n"
    desk.did(tool, "-r", "db", "-m", "-d", "priority")
    assert desk.did(tool, "-r", "db", "-m", "-g", "priority") == "7\n"
    assert desk.run(tool, "-r", "db", "-m", "-g", "requires")[0] == ExitCode.NOSUCH


def test_sets_and_pairs_may_be_named_and_elements_changed(desk: Desk) -> None:
    """features 27.9"""
    words = ("-r", "web", "-p", "state", "-v", "/tmp/x", "-s", "mine", "-i", "my-pair")
    assert "id=my-pair set=mine name=state value=/tmp/x" in desk.did(crm_resource.main, *words)
    assert desk.pairs()["state"].id == "my-pair"
    desk.did(crm_resource.main, "-r", "web", "--element", "-p", "description", "-v", "the web")
    said = desk.did(crm_resource.main, "-r", "web", "--element", "-g", "description")
    assert said == "the web\n"


def _constraints(desk: Desk) -> dict[str, str]:
    return {each.id: each.get("node") for each in desk.cib.walk() if each.tag == "rsc_location"}


def test_move_ban_and_clear(desk: Desk) -> None:
    """features 12.9, 27.7"""
    tool = crm_resource.main
    desk.did(tool, "-r", "web", "-M", "-N", "n2")
    assert _constraints(desk) == {"cli-prefer-web": "n2"}
    assert desk.run(tool, "-r", "web", "-M", "-N", "n1")[0] == ExitCode.EXISTS
    assert "away from n1" in desk.did(tool, "-r", "web", "-B")
    assert _constraints(desk) == {"cli-prefer-web": "n2", "cli-ban-web-on-n1": "n1"}
    assert desk.did(tool, "-r", "web", "-U", "-N", "n2") == (
        "Removing constraint: cli-prefer-web\n"
    )
    desk.did(tool, "-r", "web", "-U")
    assert _constraints(desk) == {}
    assert desk.run(tool, "-U")[0] == ExitCode.USAGE
    assert desk.run(tool, "-r", "db", "-B")[0] == ExitCode.USAGE, "it runs nowhere: which node?"


def test_clear_what_is_over_alone(desk: Desk) -> None:
    """features 12.9, 27.7, 27.9: --expired, of one resource or of all."""
    tool = crm_resource.main
    past = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    desk.did(tool, "-r", "web", "-B", "-N", "n1", "-u", past)
    desk.did(tool, "-r", "web", "-B", "-N", "n2", "-u", "PT1H")
    desk.did(tool, "-r", "db", "-B", "-N", "n1", "-u", past)
    desk.did(tool, "-r", "db", "-M", "-N", "n2")
    assert desk.did(tool, "-U", "-e", "-r", "web") == "Removing constraint: cli-ban-web-on-n1\n"
    assert desk.did(tool, "-U", "-e", "-r", "web") == ""
    assert desk.did(tool, "--clear", "--expired") == "Removing constraint: cli-ban-db-on-n1\n"
    assert list(_constraints(desk)) == ["cli-ban-web-on-n2", "cli-prefer-db"]
    assert desk.run(tool, "-W", "-r", "web", "-e")[0] == ExitCode.USAGE


def test_a_resource_is_deleted_if_it_does_not_run(desk: Desk) -> None:
    """features 27.7, 27.9"""
    tool = crm_resource.main
    assert desk.run(tool, "-r", "web", "-D", "-t", "primitive")[0] == ExitCode.UNSAFE
    assert desk.run(tool, "-r", "db", "-D", "-t", "group")[0] == ExitCode.NOSUCH
    desk.did(tool, "-r", "db", "-D", "-t", "primitive")
    assert not [each for each in desk.cib.walk() if each.id in ("db", "col")]


def test_a_wrong_command_line(desk: Desk) -> None:
    tool = crm_resource.main
    for words in (("-W",), ("-r", "web", "-W", "-L"), ("-r", "web", "-p", "x")):
        assert desk.run(tool, *words)[0] == ExitCode.USAGE
    code, _, err = desk.run(tool, "-r", "wbe", "-W")
    assert (code, "did you mean 'web'" in err) == (ExitCode.NOSUCH, True)


def test_the_status_of_one_node_or_resource_or_of_those_of_a_tag(desk: Desk) -> None:
    """features 27.3, 6.14"""

    def shown(*words: str) -> str:
        return desk.did(crm_mon.main, "-1", "-r", *words)

    assert "* db" in shown("--resource", "db")
    assert "web" not in shown("--resource", "db")
    assert "db" not in shown("--resource=web")
    both = shown("--resource=both")
    assert "* db" in both
    assert "* Resource Group: g" in both
    assert "Online: [ n1 n2 ]" in shown()
    assert "Online: [ n2 ]" in shown("--node=n2")
    assert "Online: [ n1 ]" in shown("--node=first")


def test_a_tag_is_started_and_stopped_as_what_it_names(desk: Desk) -> None:
    """features 6.14"""

    def roles() -> list[tuple[str, str]]:
        return [
            (owner.id, pair.get("value"))
            for owner in desk.cib.walk()
            if owner.tag in ("primitive", "group")
            for held in owner.each("meta_attributes")
            for pair in held.each("nvpair")
            if pair.get("name") == "target-role"
        ]

    desk.run(shell.main, "resource", "stop", "both")
    assert roles() == [("db", "Stopped"), ("g", "Stopped")]
    desk.run(shell.main, "resource", "start", "both")
    assert roles() == [("db", "Started"), ("g", "Started")]


def test_why_a_resource_runs_or_does_not(desk: Desk) -> None:
    """features 27.6"""
    tool = crm_resource.main
    whole = desk.did(tool, "--why", "-r", "web").splitlines()
    assert whole[:2] == ["Resource Reasons:", "  * Resource web is running"]
    assert any("n1" in line for line in whole[2:]), "what decides it follows"
    elsewhere = desk.did(tool, "-Y", "-r", "web", "-N", "n2").splitlines()
    assert elsewhere[1] == "  * Resource web is not running on host n2"
    brief = desk.did(tool, "--why").splitlines()
    named = [line for line in brief if line.startswith("  * ")]
    assert named == ["  * Resource db is not running", "  * Resource g is running"]
    assert len(brief) < len(named) * 3 + 2, "a verdict for each"


def test_digests_of_parameters(desk: Desk) -> None:
    """features 27.7"""
    tool = crm_resource.main
    monitored = desk.did(tool, "--digests", "-r", "web", "-N", "n1").splitlines()
    assert monitored[0] == "Digests for web 10000ms-interval monitor action on n1:"
    assert monitored[1].endswith(" (all parameters)")
    started = desk.did(tool, "--digests", "-r", "db", "-N", "n2").splitlines()
    assert started[0] == "Digests for db start action on n2:"
    assert desk.run(tool, "--digests", "-r", "g", "-N", "n1")[0] == ExitCode.UNIMPLEMENT_FEATURE
    assert desk.run(tool, "--digests", "-r", "web")[0] == ExitCode.USAGE


def test_an_action_by_hand_is_what_the_cluster_would_order() -> None:
    """features 27.8"""
    cib = parse(CIB)
    request = request_for(cib, "db", "start", node="n1", now=1_000)
    assert str(request.agent) == "ocf:heartbeat:Dummy"
    assert (request.resource, request.operation, request.interval_ms) == ("db", "start", 0)
    assert request.meta["priority"] == "7"
    with pytest.raises(ToolFailed, match="active on n1") as unsafe:
        request_for(cib, "web", "start", node="n2", now=1_000)
    assert unsafe.value.code is ExitCode.UNSAFE
    assert request_for(cib, "web", "start", node="n2", now=1_000, force=True).resource == "web"
    assert request_for(cib, "web", "monitor", node="n2", now=1_000).resource == "web"
    assert request_for(cib, "web", "start", node="n1", now=1_000).resource == "web"
    with pytest.raises(ToolFailed, match="is a group"):
        request_for(cib, "g", "stop", node="n1", now=1_000)


def test_how_an_action_by_hand_ended() -> None:
    """features 27.8"""
    request = request_for(parse(CIB), "db", "start", node="n1", now=1_000)
    good = Outcome(code=OcfCode.OK, output="hello")
    assert told(request, "force-start", good) == [
        "Operation force-start for db (ocf:heartbeat:Dummy) returned 0 (OK)", "hello",
    ]  # fmt: skip
    bad = Outcome(code=OcfCode.ERROR, exit_reason="no disk")
    assert told(request, "force-start", bad) == [
        "Operation force-start for db (ocf:heartbeat:Dummy) returned 1 (Error occurred: no disk)"
    ]
    late = Outcome(code=OcfCode.ERROR, status=OpStatus.TIMEOUT)
    assert told(request, "force-stop", late)[0].endswith("could not be executed (Timed Out)")
    checked = replace(request, operation="validate-all")
    assert len(told(checked, "validate", good)) == 1
    assert len(told(checked, "validate", good, verbose=1)) == 2


def test_what_is_checked_has_to_be_named(desk: Desk) -> None:
    """features 27.8, 28.3"""
    assert desk.run(crm_resource.main, "--validate", "--class", "ocf")[0] == ExitCode.USAGE
    assert desk.run(crm_resource.main, "--force-stop")[0] == ExitCode.USAGE
