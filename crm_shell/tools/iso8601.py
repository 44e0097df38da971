"""``iso8601``: show and check dates, durations and periods as rules read them (features 27.32)."""

from __future__ import annotations

import argparse
import re
import time
from calendar import monthrange
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from cib_store.model.dates import Moment, parse_moment
from crm_shell.tools.frame import ToolFailed, ToolParser, complain, write
from raftmaker.vocabulary.codes import ExitCode

PROGRAM = "iso8601"
_PARTS = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_BEFORE_1970_S = 62_167_219_200
"""Seconds from the beginning of the year 0 to 1970."""


class Span(Struct, frozen=True):
    """A duration: months are not all alike, and neither are years."""

    months: int
    days: int
    seconds: int

    def after(self, start: Moment) -> Moment:
        """Return the moment that lies this much later. Raises `OverflowError`."""
        day = start.calendar
        total = day.year * 12 + day.month - 1 + self.months
        year, month = divmod(total, 12)
        last = monthrange(year, month + 1)[1]
        moved = day.replace(year=year, month=month + 1, day=min(day.day, last))
        moved += timedelta(days=self.days, seconds=self.seconds)
        return Moment(int(moved.timestamp()) - start.offset_seconds, start.offset_seconds)

    @property
    def text(self) -> str:
        """The duration in words."""
        years, months = divmod(self.months, 12)
        counted = [(years, "year"), (months, "month"), (self.days, "day")]
        words = [_many(count, unit) for count, unit in counted if count]
        if self.seconds or not words:
            hours, rest = divmod(self.seconds, 3600)
            minutes, seconds = divmod(rest, 60)
            small = [(hours, "hour"), (minutes, "minute"), (seconds, "second")]
            parts = " ".join(_many(count, unit) for count, unit in small if count)
            seconds_text = _many(self.seconds, "second")
            words.append(seconds_text if self.seconds < 60 else f"{seconds_text} ({parts})")
        return " ".join(words)


def _many(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def span_of(text: str) -> Span | None:
    """Read ``P1Y2M3DT4H5M6S``; None where it is no duration."""
    found = _PARTS.fullmatch(text)
    if found is None or not any(found.groupdict().values()):
        return None
    part = {name: int(value or 0) for name, value in found.groupdict().items()}
    seconds = part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"]
    days = part["weeks"] * 7 + part["days"]
    return Span(part["years"] * 12 + part["months"], days, seconds)


def shown(moment: Moment, form: str, *, local: bool) -> str:
    """Return a moment: as a date, or in a form (seconds, epoch, ordinal, week)."""
    if form == "seconds":
        return str(moment.epoch + _BEFORE_1970_S)
    if form == "epoch":
        return str(moment.epoch)
    day = datetime.fromtimestamp(moment.epoch, UTC)
    day = day.astimezone() if local else day
    zone = day.strftime("%z")
    suffix = f" {zone[:3]}:{zone[3:]}" if local and zone not in ("", "+0000") else "Z"
    year, week, weekday = day.isocalendar()
    date = {"ordinal": day.strftime("%Y-%j"), "week": f"{year}-W{week:02}-{weekday}"}
    return f"{date.get(form) or day.strftime('%Y-%m-%d')} {day.strftime('%H:%M:%S')}{suffix}"


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser(PROGRAM, "show and check dates, durations and periods as rules read them")
    parser.flag("-n", "--now", dest="now", text="the present")
    parser.value("-d", "--date", dest="date", text="a date: 2026-01-31 10:00:00Z, 2026-031")
    parser.value("-p", "--period", dest="period", text="START/END, START/DURATION, DURATION/END")
    parser.value("-D", "--duration", dest="duration", text="P1Y2M3DT4H; with -d: when it ends")
    parser.value("-E", "--expected", dest="expected", text="fail unless the date is shown as this")
    for short, name, text in (
        ("-s", "seconds", "seconds since the year 0"),
        ("-S", "epoch", "seconds since 1970"),
        ("-L", "local", "in this machine's time"),
        ("-O", "ordinal", "by the day of the year"),
        ("-W", "week", "by week and weekday"),
    ):
        parser.flag(short, f"--{name}", dest=name, text=text)
    options = parser.parse_args()
    if not (options.now or options.date or options.period or options.duration):
        parser.error("say what to show: --now, --date, --period, --duration")
    if options.expected and not (options.now or options.date):
        parser.error("--expected needs --now or --date")
    try:
        return _run(options)
    except ToolFailed as error:
        complain(PROGRAM, str(error))
        return int(error.code)


def _run(options: argparse.Namespace) -> int:
    start: Moment | None = None
    text = ""
    if options.now:
        start = Moment(int(time.time()))
        text = _say(options, "Current date/time", start)
    if options.date:
        start = _moment(options.date)
        text = _say(options, "Date", start)
    if options.duration:
        span = _span(options.duration)
        write(f"Duration: {span.text}")
        if start is not None:
            text = _say(options, "Duration ends at", _end(start, span))
    if options.period:
        first, last = _period(options.period)
        write(f"Period: {_text(options, first)} to {_text(options, last)}")
    if options.expected and options.expected != text:
        complain(PROGRAM, f"{text!r} is not what is expected, {options.expected!r}")
        return int(ExitCode.ERROR)
    return int(ExitCode.OK)


def _text(options: argparse.Namespace, moment: Moment) -> str:
    forms = ("seconds", "epoch", "ordinal", "week")
    form = next((each for each in forms if getattr(options, each)), "")
    return shown(moment, form, local=options.local)


def _say(options: argparse.Namespace, what: str, moment: Moment) -> str:
    text = _text(options, moment)
    write(f"{what}: {text}")
    return text


def _moment(text: str) -> Moment:
    moment = parse_moment(text)
    if moment is None:
        raise ToolFailed(
            f"{text!r} is no date; write it as 2026-01-31 10:00:00Z", ExitCode.INVALID_PARAM
        )
    return moment


def _span(text: str) -> Span:
    span = span_of(text)
    if span is None:
        raise ToolFailed(f"{text!r} is no duration; write it as P1DT2H", ExitCode.INVALID_PARAM)
    return span


def _end(start: Moment, span: Span) -> Moment:
    try:
        return span.after(start)
    except (OverflowError, ValueError):
        what = f"{span.text} later is past the calendar's end"
        raise ToolFailed(what, ExitCode.INVALID_PARAM) from None


def _period(text: str) -> tuple[Moment, Moment]:
    first, slash, last = text.partition("/")
    if not slash:
        raise ToolFailed(f"{text!r} is no period; write START/END", ExitCode.INVALID_PARAM)
    if first.startswith("P"):
        end, span = _moment(last), _span(first)
        return _end(end, Span(-span.months, -span.days, -span.seconds)), end
    start = _moment(first)
    return start, _end(start, _span(last)) if last.startswith("P") else _moment(last)
