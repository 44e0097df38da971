"""Alerts as they are configured: recipients, selections, settings (features 19.1-19.4)."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse
from cib_store.model.dates import Moment
from cib_store.model.references import Index
from crmd.alerts.configuration import (
    TIMEOUT_MS,
    TIMESTAMP_FORMAT,
    Alert,
    alerts_of,
    alerts_section,
)
from crmd.alerts.values import AlertEvent, AlertKind, AttributeEvent, FencingEvent, NodeEvent
from raftmaker.vocabulary.ids import NodeName

N1 = NodeName("n1")
NODE = NodeEvent(node=N1, is_member=False)
FENCING = FencingEvent(target=N1, confirmed=True)


def attribute(name: str) -> AttributeEvent:
    return AttributeEvent(node=N1, name=name, value="1")


def read(alerts: str, *, now: int = 0) -> tuple[Alert, ...]:
    cib = parse(f"<cib><configuration><alerts>{alerts}</alerts></configuration></cib>")
    section = alerts_section(cib)
    return alerts_of(section, Index.of(cib), Moment(now)) if section is not None else ()


def meta(identity: str, **pairs: str) -> str:
    return _pairs("meta_attributes", identity, pairs)


def variables(identity: str, **pairs: str) -> str:
    return _pairs("instance_attributes", identity, pairs)


def _pairs(tag: str, identity: str, pairs: dict[str, str]) -> str:
    inner = "".join(
        f'<nvpair id="{identity}-{name}" name="{name.replace("_", "-")}" value="{value}"/>'
        for name, value in pairs.items()
    )
    return f'<{tag} id="{identity}">{inner}</{tag}>'


def test_an_alert_without_recipient_has_one_run_with_an_empty_one() -> None:
    """Features 19.2, 19.4."""
    assert read('<alert id="a" path="/a"/>') == (
        Alert(
            id="a",
            path="/a",
            recipient="",
            timeout_ms=TIMEOUT_MS,
            timestamp_format=TIMESTAMP_FORMAT,
        ),
    )


def test_each_recipient_has_a_run_in_the_order_of_the_configuration() -> None:
    """Features 19.2."""
    found = read(
        '<alert id="a" path="/a"><recipient id="r2" value="two"/><recipient id="r1" value="one"/>'
        '</alert><alert id="b" path="/b"/>'
    )
    assert [(one.path, one.recipient) for one in found] == [
        ("/a", "two"), ("/a", "one"), ("/b", ""),
    ]  # fmt: skip


def test_what_a_recipient_says_goes_before_what_its_alert_says() -> None:
    """Features 19.4."""
    one, other = read(
        f'<alert id="a" path="/a">{meta("m", timeout="10s", timestamp_format="%s")}'
        f"{variables('v', level='low', host='h')}"
        f'<recipient id="r1" value="1">{meta("m1", timeout="5s")}'
        f"{variables('v1', level='high')}</recipient>"
        '<recipient id="r2" value="2"/></alert>'
    )
    assert (one.timeout_ms, one.timestamp_format, dict(one.variables)) == (
        5_000, "%s", {"level": "high", "host": "h"},
    )  # fmt: skip
    assert (other.timeout_ms, dict(other.variables)) == (10_000, {"level": "low", "host": "h"})


@pytest.mark.parametrize("timeout", ["0", "none"])
def test_no_timeout_stands_for_the_default(timeout: str) -> None:
    """Features 19.4."""
    (one,) = read(f'<alert id="a" path="/a">{meta("m", timeout=timeout)}</alert>')
    assert one.timeout_ms == 30_000


def test_what_is_not_enabled_is_not_run() -> None:
    """Features 19.4: an alert, with all its recipients; or one recipient."""
    off, on = meta("m", enabled="false"), meta("n", enabled="true")
    enabled = f'<recipient id="r" value="r">{on}</recipient>'
    assert read(f'<alert id="a" path="/a">{off}{enabled}</alert>') == ()
    found = read(
        f'<alert id="a" path="/a"><recipient id="r0" value="no">{off}</recipient>{enabled}</alert>'
    )
    assert [one.recipient for one in found] == ["r"]


def test_a_set_counts_while_its_rule_holds() -> None:
    rule = (
        '<rule id="night"><date_expression id="d" operation="gt" start="1970-01-02 00:00:00Z"/>'
        "</rule>"
    )
    alert = (
        f'<alert id="a" path="/a"><meta_attributes id="m">{rule}'
        '<nvpair id="e" name="enabled" value="no"/></meta_attributes></alert>'
    )
    assert len(read(alert, now=10)) == 1
    assert read(alert, now=200_000) == ()


@pytest.mark.parametrize(
    ("select", "kinds"),
    [
        ("", {AlertKind.NODE, AlertKind.FENCING, AlertKind.RESOURCE}),
        ("<select/>", {AlertKind.NODE, AlertKind.FENCING, AlertKind.RESOURCE}),
        ("<select><select_nodes/></select>", {AlertKind.NODE}),
        (
            "<select><select_fencing/><select_attributes/></select>",
            {AlertKind.FENCING, AlertKind.ATTRIBUTE},
        ),
        ("<select><select_resources/></select>", {AlertKind.RESOURCE}),
    ],
)
def test_which_kinds_are_selected(select: str, kinds: set[AlertKind]) -> None:
    """Features 19.3."""
    (one,) = read(f'<alert id="a" path="/a">{select}</alert>')
    assert one.kinds == kinds


NAMED = '<select><select_attributes><attribute id="x" name="pingd"/></select_attributes></select>'


@pytest.mark.parametrize(
    ("select", "event", "expected"),
    [
        ("", NODE, True),
        ("", FENCING, True),
        ("", attribute("pingd"), False),
        ("<select><select_attributes/></select>", attribute("pingd"), True),
        ("<select><select_attributes/></select>", NODE, False),
        (NAMED, attribute("pingd"), True),
        (NAMED, attribute("other"), False),
    ],
)
def test_which_events_are_selected(select: str, event: AlertEvent, expected: bool) -> None:
    """Features 19.3."""
    (one,) = read(f'<alert id="a" path="/a">{select}</alert>')
    assert one.selects(event) is expected


def test_no_section_without_alerts() -> None:
    assert alerts_section(None) is None
    assert alerts_section(parse("<cib><configuration><alerts/></configuration></cib>")) is None
