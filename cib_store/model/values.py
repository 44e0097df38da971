"""How the CIB writes booleans, whole numbers and durations."""

from __future__ import annotations

import re
from functools import lru_cache

_TRUE = frozenset(("true", "on", "yes", "y", "1"))
_FALSE = frozenset(("false", "off", "no", "n", "0"))
_INTEGER = re.compile(r"\s*([+-]?\d+)")
_VERSION = re.compile(r"\s*(\d+(?:\.\d+)*)")
_DURATION = re.compile(r"\s*([+-]?\d+)[\d.]*\s*([A-Za-z]*)")
_MS_PER_UNIT = {
    "": 1000.0,
    "ms": 1.0,
    "msec": 1.0,
    "us": 0.001,
    "usec": 0.001,
    "s": 1000.0,
    "sec": 1000.0,
    "m": 60_000.0,
    "min": 60_000.0,
    "h": 3_600_000.0,
    "hr": 3_600_000.0,
}
_ISO_PART = re.compile(r"([+-]?\d+)([YMWDHS])")
_ISO_SECONDS = {"Y": 365 * 86400, "W": 7 * 86400, "D": 86400, "H": 3600, "S": 1}
WHOLE_MAX = 2**63 - 1
_DIGITS_MAX = 18
MS_MAX = 2**32 - 1
"""Longest duration the cluster can express, in ms."""


def parse_boolean(text: str | None) -> bool | None:
    """Read a boolean in any of its spellings, case ignored; None where it is none."""
    if text is None:
        return None
    folded = text.lower()
    if folded in _TRUE:
        return True
    return False if folded in _FALSE else None


def is_true(text: str | None) -> bool:
    """Whether the text is a spelling of true."""
    return text is not None and text.lower() in _TRUE


def whole(digits: str) -> int:
    """Read digits (with a sign); what has no room in 64 bits is the largest that has."""
    if len(digits) <= _DIGITS_MAX:
        return int(digits)
    significant = digits.lstrip("+-0")
    size = int(significant or "0") if len(significant) <= _DIGITS_MAX else WHOLE_MAX
    return -min(size, WHOLE_MAX) if digits.startswith("-") else min(size, WHOLE_MAX)


@lru_cache(maxsize=16384)
def parse_integer(text: str | None) -> int | None:
    """Read the whole number that the text begins with; None where there is none."""
    match = _INTEGER.match(text) if text is not None else None
    return whole(match.group(1)) if match else None


def parse_version(text: str) -> tuple[int, ...]:
    """Read the numbers that a version begins with, to be compared (features 1.10).

    ``2.0`` is ``2``, and what follows the numbers does not count.
    """
    match = _VERSION.match(text)
    parts = [whole(part) for part in match[1].split(".")] if match else []
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


@lru_cache(maxsize=4096)
def parse_duration_ms(text: str | None) -> int | None:
    """Read ``10``, ``10s``, ``500ms``, ``2min``, ``PT1H`` as ms; None where it is no duration."""
    if text is None:
        return None
    if text.startswith("P"):
        return _iso_duration_ms(text[1:])
    match = _DURATION.match(text)
    if match is None:
        return None
    scale = _MS_PER_UNIT.get(match.group(2).lower())
    return None if scale is None else int(whole(match.group(1)) * scale)


def readable_ms(duration: int) -> str:
    """Write a duration in ms for people: ``0s``, ``1m30s``, ``1.500s``, ``20ms``."""
    words = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
        count, duration = divmod(duration, size)
        if count:
            words.append(f"{count}{unit}")
    seconds, rest = divmod(duration, 1000)
    if seconds:
        words.append(f"{seconds}.{rest:03}s" if rest else f"{seconds}s")
    elif rest:
        words.append(f"{rest}ms")
    return "".join(words) or "0s"


def _iso_duration_ms(text: str) -> int | None:
    """Read an ISO 8601 duration without its P; units of time may come without the T."""
    total, at, as_time = 0, 0, False
    while at < len(text):
        if text[at] == "T":
            as_time = True
            at += 1
            continue
        part = _ISO_PART.match(text, at)
        if part is None:
            return None
        amount, unit = whole(part[1]), part[2]
        month_or_minute = 60 if as_time else 30 * 86400
        total += amount * (month_or_minute if unit == "M" else _ISO_SECONDS[unit])
        at = part.end()
    return total * 1000 if at else None


def interval_ms(text: str | None) -> int:
    """Read an interval in ms; 0 where it is absent, negative or none."""
    value = parse_duration_ms(text)
    return 0 if value is None or value < 0 else min(value, MS_MAX)


def seconds_of(milliseconds: int) -> int:
    """Round ms to whole seconds, half up."""
    return (milliseconds + 500) // 1000
