"""The status that a CIB shows, as text, XML and advice (features 27.1-27.4)."""

from __future__ import annotations

import sys

import pytest
from msgspec.structs import replace

from cib_store.document.codec import parse
from cib_store.document.element import Element
from crm_shell.natural_order import in_order
from crm_shell.status.advice import advice
from crm_shell.status.build import build
from crm_shell.status.model import Status
from crm_shell.status.text import Shown, readable_ms, render
from crm_shell.status.xml import elements, framed
from crm_shell.tools.crm_mon import _parser, _shown
from raftmaker.vocabulary.ids import NodeName
from stonithd.client import FencingInfo


def op(
    name: str, call: int, code: int, *, interval: int = 0, status: int = 0, want: int = 0
) -> str:
    return (
        f'<lrm_rsc_op id="o{name}{interval}{call}" operation="{name}" call-id="{call}"'
        f' operation_key="web_{name}_{interval}" rc-code="{code}" op-status="{status}"'
        f' interval="{interval}" transition-key="1:1:{want}:x" exec-time="12"/>'
    )


def cib(*operations: str, join: str = "member", ccm: str = "5", options: str = "") -> Element:
    return parse(
        f"""<cib have-quorum="1" dc-uuid="n1"><configuration><crm_config>
        <cluster_property_set id="p">{options}</cluster_property_set></crm_config>
        <nodes><node id="n1" uname="n1"/><node id="n2" uname="n2"/></nodes>
        <resources><primitive id="web" class="ocf" provider="x" type="y"/></resources>
        <constraints/></configuration><status>
        <node_state id="n1" uname="n1" in_ccm="5" crmd="5" join="member" expected="member"/>
        <node_state id="n2" uname="n2" in_ccm="{ccm}" crmd="{ccm}" join="{join}" expected="{join}">
        <lrm id="n2"><lrm_resources><lrm_resource id="web" class="ocf" provider="x" type="y">
        {"".join(operations)}</lrm_resource></lrm_resources></lrm></node_state></status></cib>"""
    )


def build_at(document: Element) -> Status:
    return build(document, now=1_000)


def text(document: Element) -> str:
    return render(build_at(document), Shown(inactive=True), now="today")


START = op("start", 2, 0)


@pytest.mark.parametrize(
    ("operations", "line"),
    [
        ((op("monitor", 1, 7, want=7),), "Stopped"),
        ((op("monitor", 1, 0, want=7),), "Started n2"),
        ((op("monitor", 1, 7, want=7), START), "Started n2"),
        ((START, op("stop", 3, 0)), "Stopped"),
        ((START, op("stop", -1, 193, status=-1)), "Stopping n2"),
        ((op("start", -1, 193, status=-1),), "Starting n2"),
        ((START, op("monitor", 3, 7, interval=1000)), "FAILED n2"),
        ((op("start", 2, 1),), "FAILED n2"),
        ((START, op("stop", 4, 1, status=2)), "FAILED n2"),
        ((START, op("promote", 3, 0)), "Promoted n2"),
    ],
)
def test_a_resources_state_follows_from_its_history(operations: tuple[str, ...], line: str) -> None:
    """features 3.15-3.18"""
    assert f"  * web\t(ocf:x:y):\t {line}" in text(cib(*operations)).splitlines()


def test_a_failure_is_a_sentence_and_has_advice() -> None:
    """features 27.2"""
    document = cib(START, op("monitor", 3, 7, interval=90_000))
    assert "  * web 1m30s-interval monitor on n2 returned 'Not running' after 12ms" in text(
        document
    )
    assert ("web has failed", "when mended: crm resource cleanup web") in advice(build_at(document))


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (cib(START), "  * Online: [ n1 n2 ]"),
        (cib(START, ccm="0"), "  * Node n2: UNCLEAN (offline)"),
        (cib(join="down", ccm="0"), "  * OFFLINE: [ n2 ]"),
        (cib(join="down"), "  * Node n2: pending"),
    ],
)
def test_a_nodes_state(document: Element, line: str) -> None:
    """features 3.12"""
    assert line in text(document).splitlines()


def test_an_unclean_node_has_advice() -> None:
    assert any("crm node fence n2" in how for _, how in advice(build_at(cib(START, ccm="0"))))


def test_missing_fencing_has_advice() -> None:
    off = '<nvpair id="p-f" name="stonith-enabled" value="false"/>'
    assert any("no fence device" in what for what, _ in advice(build_at(cib(START))))
    assert not any(
        "no fence device" in what for what, _ in advice(build_at(cib(START, options=off)))
    )


def test_the_xml_says_the_same() -> None:
    """features 27.1"""
    root = parse(framed("crm_mon", elements(build_at(cib(START)), now="today")))
    assert root.tag == "pacemaker-result"
    by_tag = {each.tag: each for each in root.walk()}
    assert by_tag["status"].get("code") == "0"
    assert by_tag["resource"].get("role") == "Started"
    assert by_tag["resource"].children[0].get("name") == "n2"
    assert by_tag["current_dc"].get("name") == "n1"


def test_names_are_ordered_as_people_count() -> None:
    assert in_order(["n10", "N2", "n1"]) == ["n1", "N2", "n10"]


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(20, "20ms"), (10_000, "10s"), (1500, "1.500s"), (3_661_000, "1h1m1s")],
)
def test_durations(milliseconds: int, shown: str) -> None:
    assert readable_ms(milliseconds) == shown


def fencing(state: str, number: int, *, action: str = "reboot") -> FencingInfo:
    return FencingInfo(
        target=NodeName("n2"), action=action, client="raftmaker-crmd", origin=NodeName("n1"),
        delegate=NodeName("n1"), state=state, devices=(), at_us=number * 1_000_000,
        reason="no power" if state == "failed" else "", keeper=NodeName("n1"), number=number,
    )  # fmt: skip


FENCINGS = (
    fencing("running", 5),
    fencing("confirmed", 4),
    fencing("failed", 3),
    fencing("failed", 2),
    fencing("confirmed", 1),
)


def shown_of(monkeypatch: pytest.MonkeyPatch, *words: str) -> Shown:
    """Return what crm_mon would show for such options."""
    monkeypatch.setattr(sys, "argv", ["crm_mon", *words])
    parser = _parser()
    return _shown(parser, parser.parse_args())


def fencing_blocks(shown: Shown) -> dict[str, int]:
    """Return the titles about fencing, and how many lines each has below it."""
    status = replace(build_at(cib(START)), fencings=FENCINGS)
    blocks = render(status, shown, now="today").split("\n\n")
    return {
        block.splitlines()[0]: len(block.splitlines()) - 1 for block in blocks if "Fencing" in block
    }


@pytest.mark.parametrize(
    ("words", "blocks"),
    [
        ((), {"Failed Fencing Actions:": 1, "Pending Fencing Actions:": 1}),
        (("-m", "0"), {}),
        (("--fence-history=1",), {"Failed Fencing Actions:": 1, "Pending Fencing Actions:": 1}),
        (("-m",), {"Failed Fencing Actions:": 1, "Fencing History:": 2}),
        (("-m", "3"), {"Failed Fencing Actions:": 2, "Fencing History:": 3}),
        (("-I", "fencing"), {"Failed Fencing Actions:": 1, "Fencing History:": 2}),
        (("-U", "fencing"), {}),
        (("-I", "none,fencing-pending"), {"Pending Fencing Actions:": 1}),
        (("-U", "fencing-failed"), {"Pending Fencing Actions:": 1}),
    ],
)
def test_which_fencings_are_shown(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], blocks: dict[str, int]
) -> None:
    """features 27.2, 27.4"""
    assert fencing_blocks(shown_of(monkeypatch, *words)) == blocks


def test_how_a_fencing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """features 17.41, 27.4"""
    status = replace(build_at(cib(START)), fencings=FENCINGS[2:3])
    plain = render(status, shown_of(monkeypatch), now="today")
    assert "  * reboot of n2 by n1 for raftmaker-crmd@n1 last failed (no power) at " in plain
    detailed = render(status, shown_of(monkeypatch, "-R"), now="today")
    assert "  * reboot of n2 failed (no power): delegate=n1, client=raftmaker-crmd," in detailed
    (history,) = (each for each in elements(status, now="today") if each.tag == "fence_history")
    assert [each.get("status") for each in history.children] == ["failed"]


def test_a_level_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """features 27.4, 28.3"""
    with pytest.raises(SystemExit):
        shown_of(monkeypatch, "-m", "7")
