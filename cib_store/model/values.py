"""How the CIB writes booleans, whole numbers and durations."""

from __future__ import annotations

import re

_TRUE = frozenset(("true", "on", "yes", "y", "1"))
_FALSE = frozenset(("false", "off", "no", "n", "0"))
_INTEGER = re.compile(r"\s*([+-]?\d+)")
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
_ISO_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$"
)
_ISO_SECONDS = (365 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1)
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


def parse_integer(text: str | None) -> int | None:
    """Read the whole number that the text begins with; None where there is none."""
    match = _INTEGER.match(text) if text is not None else None
    return int(match.group(1)) if match else None


def parse_duration_ms(text: str | None) -> int | None:
    """Read ``10``, ``10s``, ``500ms``, ``2min``, ``PT1H`` as ms; None where it is no duration."""
    if text is None:
        return None
    if text.startswith("P"):
        iso = _ISO_DURATION.match(text)
        if iso is None:
            return None
        amounts = zip(iso.groups(), _ISO_SECONDS, strict=True)
        return sum(int(amount or 0) * seconds for amount, seconds in amounts) * 1000
    match = _DURATION.match(text)
    if match is None:
        return None
    scale = _MS_PER_UNIT.get(match.group(2).lower())
    return None if scale is None else int(int(match.group(1)) * scale)


def interval_ms(text: str | None) -> int:
    """Read an interval in ms; 0 where it is absent, negative or none."""
    value = parse_duration_ms(text)
    return 0 if value is None or value < 0 else min(value, MS_MAX)


def seconds_of(milliseconds: int) -> int:
    """Round ms to whole seconds, half up."""
    return (milliseconds + 500) // 1000
