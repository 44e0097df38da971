"""Moments and date expressions of rules (features section 11)."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, UTC, datetime

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.values import parse_integer, whole


class Moment(Struct, frozen=True, order=True):
    """A point in time, to the second, with the offset in which date specs read it."""

    epoch: int
    offset_seconds: int = 0

    @property
    def calendar(self) -> datetime:
        """The date and time of day in its own offset, as if that were UTC.

        What lies before the year 1 or after 9999 is the first or last second of them.
        """
        local = max(_EARLIEST, min(_LATEST, self.epoch + self.offset_seconds))
        return datetime.fromtimestamp(local, UTC)


_EARLIEST = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_LATEST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
_DAY_SECONDS = 86400
_UNIT_SECONDS = {
    "weeks": 7 * _DAY_SECONDS,
    "days": _DAY_SECONDS,
    "hours": 3600,
    "minutes": 60,
    "seconds": 1,
}
_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-W\d{2}-\d|\d{4}-\d{3}|\d{4}-\d{2})"
    r"(?:[ T]+(?P<time>\d{1,2}(?::?\d{2}(?::?\d{2})?)?))?"
    r"\s*(?P<zone>Z|[+-]\d{1,2}(?::?\d{2})?)?\s*$"
)


def parse_moment(text: str | None) -> Moment | None:
    """Read an ISO 8601 date with optional time and offset, or ``epoch``; None where it is none."""
    if text is None:
        return None
    stripped = text.strip()
    if stripped == "epoch":
        return Moment(0)
    match = _ISO.match(stripped)
    if match is None:
        return None
    try:
        day = int(_day(match["date"]).timestamp())
    except ValueError:
        return None
    within_day = _seconds_of_day(match["time"])
    offset = _offset_seconds(match["zone"])
    if within_day is None or offset is None:
        return None
    return Moment(day + within_day - offset, offset)


def _day(text: str) -> datetime:
    if "W" in text:
        year, week, weekday = text.split("-")
        return datetime.fromisocalendar(int(year), int(week[1:]), int(weekday)).replace(tzinfo=UTC)
    if len(text) == 8 and text.isdigit():
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    if len(text) == 8:
        day = datetime.strptime(text, "%Y-%j").replace(tzinfo=UTC)
        if day.year != int(text[:4]):
            raise ValueError(text)
        return day
    if len(text) == 7:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def _seconds_of_day(text: str | None) -> int | None:
    """Read a time of day, up to 24:00:00; None where there is no such time."""
    digits = re.sub(r"\D", "", text or "")
    if len(digits) % 2:
        digits = "0" + digits
    hours, minutes, seconds = (int(digits[at : at + 2] or 0) for at in (0, 2, 4))
    total = hours * 3600 + minutes * 60 + seconds
    return total if minutes < 60 and seconds < 60 and total <= _DAY_SECONDS else None


def _offset_seconds(zone: str | None) -> int | None:
    """Read an offset from UTC, of less than a day; None where it is none."""
    if zone is None or zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    size = int(hours) * 3600 + int(minutes) * 60
    if int(minutes) > 59 or size >= _DAY_SECONDS:
        return None
    return size if zone[0] == "+" else -size


def date_expression_holds(expression: Element, now: Moment) -> tuple[bool, int | None]:
    """Whether a date expression holds now, and when (epoch) that may next change."""
    if not expression.id:
        return False, None
    start = parse_moment(expression.attributes.get("start"))
    end = parse_moment(expression.attributes.get("end"))
    match expression.get("operation", "in_range").lower():
        case "in_range":
            return _in_range(expression, now, start, end)
        case "gt":
            if start is None:
                return False, None
            held = now.epoch > start.epoch
            return held, None if held else start.epoch + 1
        case "lt":
            if end is None:
                return False, None
            return (True, end.epoch) if now.epoch < end.epoch else (False, None)
        case "date_spec":
            spec = expression.child("date_spec")
            return spec is not None and bool(spec.id) and _spec_holds(spec, now), None
        case _:
            return False, None


def _in_range(
    expression: Element, now: Moment, start: Moment | None, end: Moment | None
) -> tuple[bool, int | None]:
    duration = expression.child("duration")
    if duration is not None and start is not None and end is None:
        end = _after(start, duration)
    if start is None and end is None:
        return False, None
    if start is not None and now.epoch < start.epoch:
        return False, start.epoch
    if end is None:
        return True, None
    return (False, None) if now.epoch > end.epoch else (True, end.epoch + 1)


def _after(start: Moment, duration: Element) -> Moment:
    """Return the moment a duration after `start`; past the calendar's ends, its end."""

    def amount(name: str) -> int:
        return parse_integer(duration.attributes.get(name)) or 0

    day = start.calendar
    months = day.month - 1 + amount("months") + 12 * amount("years")
    year, month = day.year + months // 12, months % 12 + 1
    if not MINYEAR <= year <= MAXYEAR:
        return Moment(_LATEST if year > MAXYEAR else _EARLIEST, start.offset_seconds)
    day = day.replace(year=year, month=month, day=min(day.day, monthrange(year, month)[1]))
    seconds = sum(amount(unit) * size for unit, size in _UNIT_SECONDS.items())
    return Moment(int(day.timestamp()) - start.offset_seconds + seconds, start.offset_seconds)


def _spec_holds(spec: Element, now: Moment) -> bool:
    actual = spec_values(now)
    return all(
        side_of(spec.attributes[name], value) == 0
        for name, value in actual.items()
        if name in spec.attributes
    )


def spec_values(now: Moment) -> dict[str, int]:
    """Return what each part of a date_spec is compared with, the year first (features 14.8)."""
    moment = now.calendar
    weekyear, week, weekday = moment.isocalendar()
    return {
        "years": moment.year,
        "months": moment.month,
        "monthdays": moment.day,
        "hours": moment.hour,
        "minutes": moment.minute,
        "seconds": moment.second,
        "yeardays": moment.timetuple().tm_yday,
        "weekyears": weekyear,
        "weeks": week,
        "weekdays": weekday,
    }


def side_of(text: str, value: int) -> int | None:
    """Tell where a value is: -1 below a range, 0 in it, 1 above; None where it is no range."""
    match = re.fullmatch(r"\s*(\d*)\s*(-?)\s*(\d*)\s*", text)
    if match is None or not (match[1] or match[3]):
        return None
    low = whole(match[1]) if match[1] else None
    high = whole(match[3]) if match[3] else (None if match[2] else low)
    if low is not None and value < low:
        return -1
    return 1 if high is not None and value > high else 0
