"""How the CIB writes booleans, numbers, durations and dates (features section 1)."""

from __future__ import annotations

import pytest

from cib_store.document.element import Element
from cib_store.model.dates import Moment, date_expression_holds, parse_moment
from cib_store.model.values import (
    parse_boolean,
    parse_duration_ms,
    parse_integer,
    parse_version,
)
from raftmaker.vocabulary.roles import Role, parse_role

_NOW = Moment(1_700_000_000)
_DAY = 86_400


def test_booleans_have_five_spellings_each_in_any_case() -> None:
    """features 1.1"""
    assert all(parse_boolean(text) for text in ("1", "yes", "y", "on", "true", "TRUE", "Yes"))
    wrong = ("0", "no", "n", "off", "false", "False", "OFF")
    assert [parse_boolean(text) for text in wrong] == [False] * len(wrong)
    assert [parse_boolean(text) for text in ("", "2", "t", "enabled", " true", None)] == [None] * 6


def test_a_number_is_what_the_text_begins_with() -> None:
    """features 1.2: as the C library reads it."""
    assert [parse_integer(text) for text in ("12", "-3", "+4", " 5", "6x")] == [12, -3, 4, 5, 6]
    assert [parse_integer(text) for text in ("", "x1", None)] == [None] * 3


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("20", 20_000),
        ("20s", 20_000),
        ("20 sec", 20_000),
        (" 20S", 20_000),
        ("500ms", 500),
        ("500 msec", 500),
        ("5000us", 5),
        ("5000usec", 5),
        ("2m", 120_000),
        ("2min", 120_000),
        ("3h", 10_800_000),
        ("3hr", 10_800_000),
        ("PT5M", 300_000),
        ("P1M", 30 * _DAY * 1000),
        ("P1DT2H3S", (_DAY + 7203) * 1000),
        ("P2W", 14 * _DAY * 1000),
        ("20 apples", None),
        ("soon", None),
        ("P", None),
        ("P1X", None),
    ],
)
def test_durations_have_units_or_are_iso_8601(text: str, milliseconds: int | None) -> None:
    """features 1.5, 1.6: a bare number is seconds, a month 30 days."""
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2026-01-31T10:00:00Z", 1_769_853_600),
        ("2026-01-31 10:00:00", 1_769_853_600),
        ("2026-01-31T10:00Z", 1_769_853_600),
        ("20260131T100000Z", 1_769_853_600),
        ("2026-01-31T12:00:00+02:00", 1_769_853_600),
        ("2026-01-31T05:00:00-0500", 1_769_853_600),
        ("2026-031", 1_769_817_600),
        ("2026-W05-6", 1_769_817_600),
        ("2026-01-31", 1_769_817_600),
        ("2026-01-30T24:00:00", 1_769_817_600),
        ("2026-02-30", None),
        ("2026-W54-1", None),
        ("2026-366", None),
        ("2026-01-31T10:60:00", None),
        ("2026-01-31T25:00:00", None),
        ("2026-01-31T10:00:00+24:00", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_dates_are_iso_8601(text: str, epoch: int | None) -> None:
    """features 1.7: without a time of day it is midnight; what is no date is none."""
    moment = parse_moment(text)
    assert (moment.epoch if moment else None) == epoch


@pytest.mark.parametrize(
    ("hours", "holds"),
    [("22", True), ("20-22", True), ("22-", True), ("-22", True), ("23-", False), ("x", False)],
)
def test_ranges_may_be_open_at_either_end(hours: str, holds: bool) -> None:
    """features 1.4: now is 22:13."""
    spec = Element("date_spec", {"id": "s", "hours": hours})
    expression = Element("date_expression", {"id": "e", "operation": "date_spec"}, (spec,))
    assert date_expression_holds(expression, _NOW)[0] is holds


def _lasting(start: str, unit: str, amount: str) -> Element:
    duration = Element("duration", {"id": "d", unit: amount})
    return Element("date_expression", {"id": "e", "start": start}, (duration,))


@pytest.mark.parametrize("amount", ["99999", "999999999999999999999"])
@pytest.mark.parametrize("unit", ["years", "months", "weeks", "days"])
def test_no_duration_is_too_long(unit: str, amount: str) -> None:
    """features 14.9: what ends beyond the calendar ends with it; no number breaks a decision."""
    holds, change = date_expression_holds(_lasting("2001-01-01", unit, amount), _NOW)
    assert holds
    assert change is not None
    assert change > _NOW.epoch
    assert not date_expression_holds(_lasting("2001-01-01", unit, "-" + amount), _NOW)[0]


@pytest.mark.parametrize("start", ["9999-12-31T23:00:00-14:00", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("amount", ["1", "-1", "999999999999999999999"])
@pytest.mark.parametrize("unit", ["years", "months", "weeks", "days", "hours", "seconds"])
def test_the_ends_of_the_calendar_are_dates(start: str, unit: str, amount: str) -> None:
    """Their offsets reach beyond it."""
    holds, _ = date_expression_holds(_lasting(start, unit, amount), _NOW)
    assert holds is (start < "2" and len(amount) > 2)


@pytest.mark.parametrize("epoch", [-(10**12), 0, 10**12, 10**20])
def test_every_moment_has_a_calendar(epoch: int) -> None:
    """A clock that is wrong by thousands of years is no reason to stop deciding."""
    assert 1 <= Moment(epoch, 3600).calendar.year <= 9999


@pytest.mark.parametrize(
    ("attributes", "holds", "changes_in"),
    [
        ({"operation": "gt", "start": "2023-11-14 22:13:21Z"}, False, 2),
        ({"operation": "gt", "start": "2023-11-14 22:13:19Z"}, True, None),
        ({"operation": "lt", "end": "2023-11-14 22:13:30Z"}, True, 10),
        ({"operation": "lt", "end": "2023-11-14 22:13:20Z"}, False, None),
        ({"start": "2023-11-14 22:13:25Z", "end": "2023-11-15"}, False, 5),
        ({"start": "2023-11-14", "end": "2023-11-14 22:13:40Z"}, True, 21),
        ({"start": "2023-11-14", "end": "2023-11-14 22:13:19Z"}, False, None),
        ({"operation": "date_spec"}, True, None),
    ],
)
def test_when_a_date_expression_next_changes(
    attributes: dict[str, str], holds: bool, changes_in: int | None
) -> None:
    """features 14.7, 14.10: to the second; of a date_spec it is not known."""
    spec = (Element("date_spec", {"id": "s", "hours": "22"}),)
    children = spec if attributes.get("operation") == "date_spec" else ()
    held, change = date_expression_holds(
        Element("date_expression", {"id": "e"} | attributes, children), _NOW
    )
    assert held is holds
    assert (change - _NOW.epoch if change is not None else None) == changes_in


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Stopped", Role.STOPPED),
        ("started", Role.STARTED),
        ("Unpromoted", Role.UNPROMOTED),
        ("Slave", Role.UNPROMOTED),
        ("PROMOTED", Role.PROMOTED),
        ("Master", Role.PROMOTED),
        ("Leader", Role.UNKNOWN),
        ("", Role.UNKNOWN),
        (None, Role.UNKNOWN),
    ],
)
def test_role_names_have_older_ones_and_any_case(text: str | None, role: Role) -> None:
    """features 1.14"""
    assert parse_role(text) is role


@pytest.mark.parametrize(
    ("older", "newer"),
    [("1.9", "1.10"), ("2", "2.0.1"), ("3.20.5", "3.20.10"), ("2.1.5", "3"), ("soon", "1")],
)
def test_versions_compare_part_by_part(older: str, newer: str) -> None:
    """features 1.10"""
    assert parse_version(older) < parse_version(newer)


@pytest.mark.parametrize("same", ["2", "2.0", "2.0.0", " 2", "2-rc1", "2.0+git", "2.0beta3"])
def test_a_version_is_the_numbers_that_it_begins_with(same: str) -> None:
    """features 1.10"""
    assert parse_version(same) == (2,)
