"""What stonith_admin says of devices and fencings, and what it refuses (features 27.16-27.18)."""

from __future__ import annotations

import sys
import time

import pytest
from msgspec.structs import replace

from crm_shell.status.fencing_text import (
    detailed_text,
    event_element,
    later_success,
    moment_text,
    plain_text,
    reduced,
)
from crm_shell.tools import fencing_answers as answers
from crm_shell.tools.frame import ToolFailed
from crm_shell.tools.stonith_admin import _check, _parser, main
from raftmaker.vocabulary.codes import ExitCode, OpStatus
from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.client import DeviceInfo, FencingInfo, ProbeAnswer

AT_US = 1_700_000_000_123_456
AT = moment_text(AT_US)


def fencing(state: str = "confirmed", reason: str = "", action: str = "reboot") -> FencingInfo:
    return FencingInfo(
        target=NodeName("n2"), action=action, client="raftmaker-crmd", origin=NodeName("n3"),
        delegate=NodeName("n1" if state in ("confirmed", "failed") else ""), state=state,
        devices=(ResourceId("f1"),), at_us=AT_US, reason=reason, keeper=NodeName("n3"), number=1,
    )  # fmt: skip


def device(name: str) -> DeviceInfo:
    return DeviceInfo(
        id=ResourceId(name), agent="fence_x", targets=(), host_check="none", usable=True
    )


def test_devices_are_listed_and_counted() -> None:
    """features 27.17"""
    assert answers.devices((device("f1"),), quiet=False).lines == ("f1", "1 fence device found")
    assert answers.devices((device("a"), device("b")), quiet=True).lines == ("a", "b")
    assert answers.devices((), quiet=False).lines == ("0 fence devices found",)
    (listed,) = answers.agents(("fence_x",), quiet=False).elements
    assert (listed.tag, listed.get("name"), listed.get("count")) == (
        "list", "installed fence devices", "1",
    )  # fmt: skip
    assert answers.targets(("n1", "n2"), quiet=False).lines == ("n1", "n2", "2 fence targets found")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (fencing(), f"reboot of n2 successful: delegate=n1, {{}}, completed='{AT}'"),
        (fencing("failed", "a\nb"),
         f"reboot of n2 failed (a; b): delegate=n1, {{}}, completed='{AT}'"),
        (fencing("running", action="off"), "turning off of n2 pending: {}"),
        (fencing("querying", action="on"), "unfencing of n2 pending: {}"),
    ],
)  # fmt: skip
def test_a_fencing_is_a_line(given: FencingInfo, line: str) -> None:
    """features 17.41, 17.42, 27.16"""
    who = "client=raftmaker-crmd, origin=n3"
    assert detailed_text(given, (given,), full=True) == line.format(who)


def test_a_fencing_is_a_sentence() -> None:
    """features 27.2"""
    said = plain_text(fencing("failed", "why"), (), full=False)
    assert said == f"reboot of n2 by n1 for raftmaker-crmd@n3 last failed (why) at {AT}"
    for pending in ("running", "duplicate"):
        assert plain_text(fencing(pending), (), full=False) == (
            "reboot of n2 for raftmaker-crmd@n3 pending"
        )


def test_a_failure_tells_who_succeeded_later() -> None:
    """features 17.41"""
    failed = fencing("failed")
    later = replace(fencing(), at_us=AT_US + 1, delegate=NodeName("n3"))
    same = replace(later, delegate=NodeName("n1"))
    assert detailed_text(failed, (later, failed), full=True).endswith(
        " (a later attempt from n3 succeeded)"
    )
    assert later_success(failed, (later, same)) == "n1"
    assert later_success(failed, (fencing(), replace(later, action="off"))) == ""


def test_a_reduced_history_has_the_newest_of_each_kind() -> None:
    """features 27.4"""
    newest = replace(fencing(), at_us=AT_US + 5)
    elsewhere = replace(fencing("failed"), delegate=NodeName("n4"))
    other = replace(fencing("running"), number=2)
    whole = (newest, fencing(), fencing("failed"), elsewhere, fencing("running"), other)
    assert reduced(whole) == (newest, *whole[2:])


def test_a_fencing_as_xml() -> None:
    """features 17.41, 17.42: what is not over has an extended status."""
    assert dict(event_element(fencing("failed", "a\nb")).attributes) == {
        "action": "reboot", "target": "n2", "client": "raftmaker-crmd", "origin": "n3",
        "status": "failed", "exit-reason": "a; b", "delegate": "n1", "completed": AT,
    }  # fmt: skip
    pending = event_element(fencing("querying"))
    assert (pending.get("status"), pending.get("extended-status")) == ("pending", "0")
    assert event_element(fencing("running")).get("extended-status") == "1"
    joined = event_element(fencing("duplicate"))
    assert (joined.get("status"), joined.get("extended-status")) == ("pending", "3")


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC0", "2023-11-14 22:13:20.123456Z"),
        ("IST-5:30", "2023-11-15 03:43:20.123456 +05:30"),
        ("EST5", "2023-11-14 17:13:20.123456 -05:00"),
    ],
)
def test_a_moment_has_its_distance_from_utc(
    monkeypatch: pytest.MonkeyPatch, zone: str, text: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert moment_text(AT_US) == text
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_history_is_the_last_success_unless_all_is_wanted() -> None:
    """features 27.16"""
    whole = (fencing("failed"), fencing(), fencing())
    brief = answers.history(whole, quiet=False, verbose=False)
    assert brief.lines == (
        detailed_text(fencing(), whole, full=False), "1 event found",
    )  # fmt: skip
    assert "last-successful='" in brief.lines[0]
    assert answers.history(whole, quiet=False, verbose=True).lines[-1] == "3 events found"
    assert answers.history(whole, quiet=True, verbose=True).lines == (str(AT_US // 1_000_000),)
    assert answers.history((), quiet=False, verbose=False).lines == ("0 events found",)
    assert answers.history((), quiet=True, verbose=False).lines == ()
    (held,) = answers.history(whole, quiet=False, verbose=True).elements
    assert (held.tag, len(held.children)) == ("fence_history", 3)


def test_the_last_fencing_is_the_newest_that_succeeded() -> None:
    """features 27.16"""
    whole = (fencing("failed"), fencing(action="on"), fencing())
    assert answers.last("n2", whole).lines[0].startswith("Node n2 last fenced at: ")
    assert answers.last("n2", whole[:2]).lines == ("Node n2 has never been fenced",)


def test_the_same_that_succeeded_not_long_ago_is_not_done_again() -> None:
    """features 17.39, 27.18"""
    history = (fencing("failed"), fencing())
    assert answers.has_succeeded(history, "reboot", AT_US - 1)
    assert not answers.has_succeeded(history, "off", AT_US - 1)
    assert not answers.has_succeeded(history, "reboot", AT_US)
    assert not answers.has_succeeded(history[:1], "reboot", 0)


def test_what_an_agent_says_of_parameters() -> None:
    """features 27.17"""
    good = ProbeAnswer(code=0, status=OpStatus.DONE)
    assert answers.validation("fence_x", "", good, quiet=False).lines == (
        "Validation of fence_x succeeded",
    )
    bad = ProbeAnswer(code=1, status=OpStatus.DONE, output="no address")
    told = answers.validation("fence_x", "f1", bad, quiet=False)
    assert told.lines == ("Validation of fence_x on f1 failed", "no address")
    assert told.code == ExitCode.ERROR
    (element,) = told.elements
    assert (element.get("valid"), element.get("device")) == ("false", "f1")
    quiet = answers.validation("fence_x", "", bad, quiet=True)
    assert (quiet.lines, quiet.code) == ((), ExitCode.ERROR)


def test_a_device_that_does_not_work_is_a_failure() -> None:
    """features 27.17"""
    assert not answers.query("f1", ProbeAnswer(code=0, status=OpStatus.DONE)).lines
    with pytest.raises(ToolFailed, match="no power") as failed:
        answers.query("f1", ProbeAnswer(code=1, status=OpStatus.DONE, output="no power"))
    assert failed.value.code is ExitCode.ERROR
    with pytest.raises(ToolFailed, match="timeout") as failed:
        answers.query("f1", ProbeAnswer(code=1, status=OpStatus.TIMEOUT))
    assert failed.value.code is ExitCode.TIMEOUT
    assert answers.no_device("x", (device("f1"),)).code is ExitCode.NOSUCH


def test_by_default_all_devices_together_have_two_minutes() -> None:
    """features 17.30, 17.32, 27.18"""
    parser = _parser()
    options = parser.parse_args(["-F", "n1"])
    _check(parser, "fence", options)
    assert (options.timeout_ms, options.delay_ms, options.tolerance_ms) == (120_000, 0, 0)
    options = parser.parse_args(["-F", "n1", "-t", "5", "-y", "-1", "--tolerance", "1h"])
    _check(parser, "fence", options)
    assert (options.timeout_ms, options.delay_ms, options.tolerance_ms) == (5_000, -1, 3_600_000)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to do"),
        (("-F", "n1", "-B", "n1"), "only one of these"),
        (("-F", "n1", "-t", "soon"), "is no number of seconds"),
        (("-F", "n1", "-t", "0"), "is no number of seconds"),
        (("-F", "n1", "--delay", "-2"), "is no number of seconds"),
        (("-U", "n1", "--tolerance", "x"), "is no number of seconds"),
        (("-M",), "needs an agent"),
        (("-K", "-o", "x"), "needs an agent"),
        (("-K", "-a", "fence_x", "-o", "x"), "is not NAME=VALUE"),
        (("-K", "-a", "fence_x", "-e", "nowhere"), "OCF_RESKEY_nowhere is not set"),
        (("-L", "-c"), "--cleanup is for --history"),
        (("-L", "--output-as", "html"), "is none of text"),
        (("-R", "f1", "-a", "fence_x"), "crm configure primitive"),
        (("-r", "n1", "-i", "1", "-v", "f1"), "crm configure fencing_topology"),
    ],
)
def test_a_wrong_command_line_fences_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...], said: str,
) -> None:  # fmt: skip
    """features 27.18, 28.3"""
    monkeypatch.setattr(sys, "argv", ["stonith_admin", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == ExitCode.USAGE
    assert said in capsys.readouterr().err
