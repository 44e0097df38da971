"""crm_mon and ``crm status`` on a CIB in a file: sections, forms, events, going on (27.1-27.5)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from cib_store.document.element import Element
from crm_shell import main as shell
from crm_shell.status.sections import DEFAULT, EVERYTHING, UnknownSection, chosen
from crm_shell.tools import crm_mon
from crm_shell.tools.monitoring import background, events
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName
from stonithd.client import FencingInfo
from tests.unit.crm_shell.desk import Desk


def op(task: str, call: int, code: int = 0, *, every: int = 0, want: int = 0) -> str:
    return (
        f'<lrm_rsc_op id="web_{task}_{every}_{call}" operation_key="web_{task}_{every}"'
        f' operation="{task}" interval="{every}" call-id="{call}" rc-code="{code}" op-status="0"'
        f' exec-time="12" queue-time="1" last-rc-change="1700000000" exit-reason=""'
        f' transition-key="1:1:{want}:x" transition-magic="0:{code};1:1:{want}:x"/>'
    )


def cib_with(*operations: str) -> str:
    return f"""<cib epoch="3" num_updates="0" admin_epoch="0" validate-with="pacemaker-4.0"
have-quorum="1" dc-uuid="n1"><configuration><crm_config>
<cluster_property_set id="cib-bootstrap-options">
<nvpair id="o" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="n1" uname="n1"/><node id="n2" uname="n2"/></nodes>
<resources><primitive id="db" class="ocf" provider="heartbeat" type="Dummy" description="rows"/>
<primitive id="off" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/>
<clone id="c"><primitive id="p" class="ocf" provider="heartbeat" type="Dummy"/></clone></resources>
<constraints><rsc_location id="far" rsc="db" node="n2" score="-5"/>
<rsc_location id="cli-ban-off-on-n1" rsc="off" node="n1" score="-INFINITY"/></constraints>
</configuration><status>
<node_state id="n1" uname="n1" in_ccm="1" crmd="1" join="member" expected="member">
<transient_attributes id="n1"><instance_attributes id="s1">
<nvpair id="s11" name="fail-count-web#monitor_10000" value="2"/>
<nvpair id="s13" name="rack" value="7"/></instance_attributes></transient_attributes>
<lrm id="n1"><lrm_resources><lrm_resource id="web" class="ocf" provider="heartbeat" type="Dummy">
{"".join(operations)}</lrm_resource></lrm_resources></lrm></node_state>
<node_state id="n2" uname="n2" in_ccm="1" crmd="1" join="member" expected="member"/>
<tickets><ticket_state id="T" granted="true" last-granted="1700000000"/>
<ticket_state id="U" granted="false" standby="true"/></tickets></status></cib>"""


STARTED = (op("start", 4), op("monitor", 5, every=10_000))


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    return Desk(cib_with(*STARTED), tmp_path, monkeypatch, capsys)


def blocks(text: str) -> dict[str, list[str]]:
    """Return what stands below each title."""
    found = (block.splitlines() for block in text.strip().split("\n\n"))
    return {lines[0]: lines[1:] for lines in found}


def test_operations_with_and_without_their_times(desk: Desk) -> None:
    """features 27.2, 27.4"""
    plain = blocks(desk.did(crm_mon.main, "-1", "-o"))["Operations:"]
    head = "    * web: migration-threshold=1000000 fail-count=2:"
    assert plain == ["  * Node: n1:", head, "      * (4) start",
                     '      * (5) monitor: interval="10000ms"']  # fmt: skip
    timed = blocks(desk.did(crm_mon.main, "-1", "--timing-details"))["Operations:"]
    assert timed[2] == (
        '      * (4) start: last-rc-change="Tue Nov 14 22:13:20 2023" exec-time="12ms"'
        ' queue-time="1ms" rc=0 (OK)'
    )


def test_tickets_attributes_failcounts_and_what_keeps_resources_away(desk: Desk) -> None:
    """features 27.2, 27.4"""
    shown = blocks(desk.did(crm_mon.main, "-1", "-c", "-A", "-f", "-L"))
    assert [line.split() for line in shown["Tickets:"]] == [
        ["*", "T", "granted", "last-granted='Tue", "Nov", "14", "22:13:20", "2023'"],
        ["*", "U", "revoked", "[standby]"],
    ]
    assert shown["Node Attributes:"][1].split() == ["*", "rack", ":", "7"]
    assert shown["Migration Summary:"][1].endswith("fail-count=2")
    assert [line.split()[1] for line in shown["Negative Location Constraints:"]] == [
        "far", "cli-ban-off-on-n1",
    ]  # fmt: skip
    only = blocks(desk.did(crm_mon.main, "-1", "--neg-locations=cli-"))
    assert len(only["Negative Location Constraints:"]) == 1
    assert only == blocks(desk.did(crm_mon.main, "-1", "-I", "bans:cli-"))


def test_brief_counts_the_resources_of_an_agent(desk: Desk) -> None:
    """features 27.4"""
    shown = blocks(desk.did(crm_mon.main, "-1", "-b", "-r"))["Full List of Resources:"]
    assert shown[0] == "  * 1/3\t(ocf:heartbeat:Dummy):\tActive n1"
    by_node = blocks(desk.did(crm_mon.main, "-1", "-b", "-n"))["Node List:"]
    assert by_node[2] == "      * 1\t(ocf:heartbeat:Dummy):\tActive"


def test_details_descriptions_and_no_summary(desk: Desk) -> None:
    """features 27.4"""
    shown = blocks(desk.did(crm_mon.main, "-1", "-R", "-r", "-D", "--show-description"))
    assert list(shown) == ["Node List:", "Full List of Resources:"]
    assert shown["Node List:"] == ["  * Node n1: online", "  * Node n2: online"]
    lines = shown["Full List of Resources:"]
    assert "  * db\t(ocf:heartbeat:Dummy):\t Stopped (rows)" in lines
    assert lines.count("    * p\t(ocf:heartbeat:Dummy):\t Stopped") == 2


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("-I none,nodes", ["Node List:"]),
        ("-I none,tickets,options", ["Cluster Summary:", "Tickets:"]),
        ("-U all -I counts", ["Cluster Summary:"]),
        ("-U summary,resources", ["Node List:"]),
        ("-I none -I default -U summary", ["Node List:", "Active Resources:"]),
        ("-I none,stack,times,maint-mode", ["Cluster Summary:"]),
    ],
)
def test_sections_are_chosen_from_left_to_right(desk: Desk, words: str, titles: list[str]) -> None:
    """features 27.2"""
    assert list(blocks(desk.did(crm_mon.main, "-1", *words.split()))) == titles


def test_every_section_can_be_named_and_no_other(desk: Desk) -> None:
    """features 27.2"""
    names = desk.did(crm_mon.main, "--include=list").split()
    assert {"all", "none", "default", "summary", "fencing", *EVERYTHING} == set(names)
    assert chosen(DEFAULT, [("all", True)]).sections == EVERYTHING
    assert chosen(DEFAULT, [("none", False)]).sections == EVERYTHING
    with pytest.raises(UnknownSection, match="'nodse'"):
        chosen(DEFAULT, [("nodse", True)])
    assert desk.run(crm_mon.main, "-1", "-I", "nodse")[0] == ExitCode.USAGE


def test_xml_has_all_sections_or_those_that_are_wanted(desk: Desk) -> None:
    """features 27.2, 29.6"""

    def shown(*words: str) -> Element:
        return parse(desk.did(crm_mon.main, "--output-as=xml", *words))

    whole = shown()
    assert [each.tag for each in whole.children] == [
        "summary", "nodes", "resources", "node_attributes", "node_history", "tickets", "bans",
        "status",
    ]  # fmt: skip
    history = [each for each in whole.walk() if each.tag == "operation_history"]
    assert [each.get("task") for each in history] == ["start", "monitor"]
    assert [each.get("status") for each in whole.walk() if each.tag == "ticket"] == [
        "granted", "revoked",
    ]  # fmt: skip
    assert [each.tag for each in shown("--include=none,nodes").children] == ["nodes", "status"]
    old = parse(desk.did(crm_mon.main, "--as-xml"))
    assert [each.tag for each in old.children] == [each.tag for each in whole.children]


def test_a_page_for_browsers(desk: Desk, tmp_path: Path) -> None:
    """features 27.1, 27.4"""
    html = desk.did(crm_mon.main, "-1", "--output-as=html", "--html-title=A & B")
    assert "<title>A &amp; B</title>" in html
    assert "<h2>Node List</h2>" in html
    assert html.count("<ul>") == html.count("</ul>") > 3
    cgi = desk.did(crm_mon.main, "--web-cgi")
    assert cgi.startswith("Content-Type: text/html\n\n<!DOCTYPE html>")
    file = tmp_path / "status.html"
    desk.did(crm_mon.main, "-1", "-h", str(file))
    assert file.read_text().startswith("<!DOCTYPE html>")
    assert [each.name for each in tmp_path.iterdir() if "html" in each.name] == ["status.html"]
    assert desk.run(crm_mon.main, "-1", "--html-cgi")[0] == ExitCode.USAGE
    nowhere = desk.run(crm_mon.main, "-1", "--output-to", str(tmp_path / "none" / "x"))
    assert nowhere[0] == ExitCode.CANTCREAT


def test_one_line_for_programs_that_watch(desk: Desk, tmp_path: Path) -> None:
    """features 27.5: what is wrong is in the exit code too"""
    assert desk.did(crm_mon.main, "-s") == (
        "CLUSTER OK: 2 nodes online, 5 resource instances configured\n"
    )
    failed = tmp_path / "failed.xml"
    failed.write_text(cib_with(*STARTED, op("monitor", 6, 7, every=10_000)))
    code, out, _ = desk.run(crm_mon.main, "--simple-status", "-x", str(failed))
    assert (code, out) == (ExitCode.ERROR, "CLUSTER WARN: 1 failed action\n")


def test_the_words_of_crm_status(desk: Desk) -> None:
    """features 30.1"""

    def titles(*words: str) -> list[str]:
        code, out, _ = desk.run(shell.main, "status", *words)
        assert code == 0
        return list(blocks(out))

    plain = ["Cluster Summary:", "Node List:", "Full List of Resources:"]
    assert titles("quiet") == plain
    assert "What to do:" in titles()[-1] or titles() == plain
    assert titles("quiet", "inactive") == plain
    assert titles("quiet", "noheaders") == plain[1:]
    assert titles("quiet", "tickets") == [*plain, "Tickets:"]
    assert titles("quiet", "failcounts") == [*plain, "Migration Summary:"]
    assert titles("quiet", "ops") == titles("quiet", "timing") == [*plain, "Operations:"]
    assert titles("quiet", "full") == [
        "Cluster Summary:", "Node List:", "Inactive Resources:", "Node Attributes:", "Operations:",
        "Tickets:", "Negative Location Constraints:",
    ]  # fmt: skip
    _, timed, _ = desk.run(shell.main, "status", "timing")
    assert "exec-time=" in timed
    _, brief, _ = desk.run(shell.main, "status", "brief")
    assert "1/3\t(ocf:heartbeat:Dummy)" in brief
    _, detail, _ = desk.run(shell.main, "status", "detail")
    assert "  * Node n1: online" in detail
    _, verbose, _ = desk.run(shell.main, "status", "verbose")
    assert "Cluster is symmetric" in verbose
    _, by_node, _ = desk.run(shell.main, "status", "bynode")
    assert "    * Resources:" in by_node
    assert desk.run(shell.main, "status", "simple")[1].startswith("CLUSTER OK")
    assert desk.run(shell.main, "status", "html")[1].startswith("<!DOCTYPE html>")
    assert parse(desk.run(shell.main, "status", "xml")[1]).tag == "pacemaker-result"
    code, _, err = desk.run(shell.main, "status", "fll")
    assert (code, "'fll'" in err) == (ExitCode.USAGE, True)


def test_what_happened_between_two_looks() -> None:
    """features 27.1: --external-agent; a probe that finds nothing is no news"""
    before = parse(cib_with(op("monitor", 2, 7, want=7)))
    after = parse(
        cib_with(
            op("monitor", 2, 7, want=7), op("monitor", 3, 7, want=7), op("start", 4),
            op("monitor", 6, 7, every=10_000),
        )
    )  # fmt: skip
    started, failed = events.results(before, after)
    assert started.text == "start of web on n1 completed"
    assert failed.environment("me@example.org") == {
        "CRM_notify_recipient": "me@example.org", "CRM_notify_node": "n1",
        "CRM_notify_rsc": "web", "CRM_notify_task": "monitor", "CRM_notify_rc": "7",
        "CRM_notify_desc": "monitor of web on n1 failed: Not running",
        "CRM_notify_target_rc": "0", "CRM_notify_status": "0",
    }  # fmt: skip
    assert not [*events.results(after, after)]


def test_fencings_that_ended_since() -> None:
    """features 27.1: --watch-fencing"""

    def fencing(state: str, reason: str = "") -> FencingInfo:
        return FencingInfo(
            target=NodeName("n2"), action="reboot", client="c", origin=NodeName("n1"),
            delegate=NodeName("n1"), state=state, devices=(), at_us=1, reason=reason,
            keeper=NodeName("n1"), number=1,
        )  # fmt: skip

    running = (fencing("running"),)
    assert not [*events.fencings((), running)]
    (done,) = events.fencings(running, (fencing("confirmed"),))
    assert (done.node, done.task, done.code) == ("n2", "reboot", 0)
    (failed,) = events.fencings(running, (fencing("failed", "no power"),))
    assert (failed.code, failed.text) == (1, "reboot of n2 by n1 failed: no power")


def _eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def test_a_daemon_leaves_the_terminal_and_its_pid(tmp_path: Path) -> None:
    """features 27.1: --daemonize, --pid-file"""
    pid, go, done = tmp_path / "pid", tmp_path / "go", tmp_path / "done"

    def body() -> int:
        _eventually(go.exists)
        done.write_text(pid.read_text())
        return 0

    assert background.detached("crm_mon", str(pid), body) == 0
    _eventually(pid.exists)
    _eventually(lambda: pid.read_text().strip())
    assert background.detached("crm_mon", str(pid), body) == ExitCode.ERROR
    go.touch()
    _eventually(done.exists)
    _eventually(lambda: not pid.exists())
    assert int(done.read_text()) > 1
    nowhere = background.detached("crm_mon", str(tmp_path / "none" / "pid"), body)
    assert nowhere == ExitCode.CANTCREAT


@pytest.mark.parametrize(
    "words", [("-d",), ("-i", "soon"), ("-i", "0"), ("--output-as=paper",), ("-m", "9")]
)
def test_a_wrong_command_line(desk: Desk, words: tuple[str, ...]) -> None:
    """features 28.3"""
    assert desk.run(crm_mon.main, *words)[0] == ExitCode.USAGE
