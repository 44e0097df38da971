"""The environment of alert agents (features 19.5-19.11)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from crmd.alerts.configuration import Alert
from crmd.alerts.runs import runs_of, timestamp
from crmd.alerts.values import (
    AlertEvent,
    AlertKind,
    AttributeEvent,
    FencingEvent,
    NodeEvent,
    ResourceEvent,
)
from lrmd.operations.values import Agent, OperationRequest, Outcome, Result, Standard
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import NodeName, ResourceId

N1 = NodeName("n1")
AT = datetime(2026, 3, 4, 5, 6, 7, 80_900, timezone(timedelta(hours=2)))
EVERYTHING = frozenset(AlertKind)
COMMON = {
    "CRM_alert_version": "9.9",
    "CRM_alert_recipient": "ann",
    "CRM_alert_timestamp": "05:06:07.080900",
    "CRM_alert_timestamp_epoch": str(int(AT.timestamp())),
    "CRM_alert_timestamp_usec": "80900",
    "level": "high",
}


def environment(event: AlertEvent) -> dict[str, str]:
    alert = Alert(
        id="a", path="/a", recipient="ann", kinds=EVERYTHING, variables=(("level", "high"),)
    )
    (run,) = runs_of((alert,), event, at=AT, version="9.9")
    assert (run.alert, run.path, run.timeout_ms) == ("a", "/a", 30_000)
    return dict(run.variables)


def operation(code: OcfCode, status: OpStatus = OpStatus.DONE) -> ResourceEvent:
    request = OperationRequest(
        resource=ResourceId("web:0"),
        agent=Agent(Standard.OCF, "heartbeat", "apache"),
        operation="monitor",
        interval_ms=10_000,
        expected_code=OcfCode.OK,
    )
    outcome = Outcome(code=code, status=status)
    result = Result(serial=1, call_id=7, request=request, outcome=outcome, exec_ms=12)
    return ResourceEvent(node=N1, result=result)


@pytest.mark.parametrize(("is_member", "desc"), [(True, "member"), (False, "lost")])
def test_of_a_node(is_member: bool, desc: str) -> None:
    """Features 19.5, 19.6, 19.8, 19.9."""
    assert environment(NodeEvent(node=N1, is_member=is_member)) == {
        **COMMON,
        "CRM_alert_kind": "node",
        "CRM_alert_node": "n1",
        "CRM_alert_nodeid": "n1",
        "CRM_alert_desc": desc,
    }


def test_of_a_fencing() -> None:
    """Features 19.5, 19.9, 19.10."""
    event = FencingEvent(
        target=N1,
        confirmed=True,
        action="reboot",
        client="raftmaker-crmd",
        origin="n2",
        delegate="n3",
        devices=("ipmi", "pdu"),
    )
    assert environment(event) == {
        **COMMON,
        "CRM_alert_kind": "fencing",
        "CRM_alert_node": "n1",
        "CRM_alert_task": "reboot",
        "CRM_alert_rc": "0",
        "CRM_alert_desc": "Operation reboot of n1 by n3 with ipmi, pdu for raftmaker-crmd@n2: OK",
    }


def test_of_a_fencing_that_failed() -> None:
    """Features 19.10: the code is not 0, and the reason is told."""
    told = environment(FencingEvent(target=N1, confirmed=False, reason="no device"))
    assert told["CRM_alert_rc"] == "1"
    assert told["CRM_alert_desc"] == "Operation off of n1: failed (no device)"


def test_of_an_operation() -> None:
    """Features 19.5, 19.9, 19.10."""
    assert environment(operation(OcfCode.NOT_RUNNING)) == {
        **COMMON,
        "CRM_alert_kind": "resource",
        "CRM_alert_node": "n1",
        "CRM_alert_rsc": "web:0",
        "CRM_alert_task": "monitor",
        "CRM_alert_interval": "10000",
        "CRM_alert_rc": "7",
        "CRM_alert_target_rc": "0",
        "CRM_alert_status": "0",
        "CRM_alert_exec_time": "12",
        "CRM_alert_desc": "Not running",
    }


def test_of_an_operation_that_was_not_done() -> None:
    """Features 19.9: not the code, but how the execution ended."""
    told = environment(operation(OcfCode.ERROR, OpStatus.TIMEOUT))
    assert (told["CRM_alert_status"], told["CRM_alert_desc"]) == ("2", "Timed Out")


def test_of_an_attribute() -> None:
    """Features 19.5, 19.8, 19.11."""
    assert environment(AttributeEvent(node=N1, name="pingd", value="3000")) == {
        **COMMON,
        "CRM_alert_kind": "attribute",
        "CRM_alert_node": "n1",
        "CRM_alert_nodeid": "n1",
        "CRM_alert_attribute_name": "pingd",
        "CRM_alert_attribute_value": "3000",
    }


def test_each_run_has_its_own_recipient_and_only_those_that_select_run() -> None:
    """Features 19.2, 19.3."""
    alerts = (
        Alert(id="a", path="/a", recipient="one"),
        Alert(id="b", path="/b", kinds=frozenset({AlertKind.ATTRIBUTE})),
        Alert(id="a", path="/a", recipient="two", timeout_ms=5),
    )
    runs = runs_of(alerts, NodeEvent(node=N1, is_member=True), at=AT, version="1")
    told = [(run.path, run.variables["CRM_alert_recipient"], run.timeout_ms) for run in runs]
    assert told == [("/a", "one", 30_000), ("/a", "two", 5)]


def test_what_no_environment_can_hold_is_left_out() -> None:
    alert = Alert(id="a", path="/a", variables=(("a=b", "1"), ("", "2"), ("ok", "3")))
    (run,) = runs_of((alert,), NodeEvent(node=N1, is_member=True), at=AT, version="1")
    own = [name for name in run.variables if not name.startswith("CRM_alert_")]
    assert own == ["ok"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%H:%M:%S.%6N", "05:06:07.080900"),
        ("%H:%M:%S.%06N", "05:06:07.080900"),
        ("%N", "080900"),
        ("%3N", "080"),
        ("%9N", "080900000"),
        ("%%N %6N", "%N 080900"),
        ("%Y-%m-%d %z", "2026-03-04 +0200"),
        ("plain", "plain"),
    ],
)
def test_timestamps(form: str, expected: str) -> None:
    """Features 19.4."""
    assert timestamp(AT, form) == expected
