"""How long a node may be silent before it is reported: the dead time, longer while beats run late.

The beats' time on the way is measured as TCP measures it (RFC 6298: a smoothed mean and deviation),
over the smallest that was seen lately: the two clocks differ by an unknown amount, and drift. A
steady delay thus costs nothing, what varies is waited for, and a burst is forgotten within seconds.
Only longer than the configured dead time: a sender whose beat was answered relies on that one.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

FLOOR_MS = 30_000
"""For how long, at least, the smallest transit is remembered."""
_DEVIATIONS = 4


class Transit(Struct, frozen=True, kw_only=True):
    """What is known of a node's beats on the way; microseconds of two clocks' difference."""

    mean_us: int
    deviation_us: int = 0
    floor_us: int
    floor_before_us: int
    """The smallest of the present period and of the one before."""
    since_ms: int


def measured(before: Transit | None, at_ms: int, sent_us: int) -> Transit:
    """Take the arrival of one beat into account."""
    took_us = at_ms * 1000 - sent_us
    if before is None:
        return Transit(
            mean_us=took_us, floor_us=took_us, floor_before_us=took_us, since_ms=at_ms
        )  # fmt: skip
    off_us = took_us - before.mean_us
    after = replace(
        before,
        mean_us=before.mean_us + off_us // 8,
        deviation_us=before.deviation_us + (abs(off_us) - before.deviation_us) // 4,
        floor_us=min(before.floor_us, took_us),
    )
    if at_ms - before.since_ms < FLOOR_MS:
        return after
    return replace(after, floor_us=took_us, floor_before_us=after.floor_us, since_ms=at_ms)


def late_ms(transit: Transit | None, at_ms: int, sent_us: int) -> int:
    """Return how much later than the quickest of lately a beat came; 0 where nothing is known."""
    if transit is None or not sent_us:
        return 0
    floor_us = min(transit.floor_us, transit.floor_before_us)
    return max(0, at_ms * 1000 - sent_us - floor_us) // 1000


def dead_time_ms(dead_ms: int, dead_max_ms: int, transit: Transit | None) -> int:
    """Return the dead time of a node: `dead_ms` or longer, and never longer than `dead_max_ms`."""
    if transit is None:
        return dead_ms
    floor_us = min(transit.floor_us, transit.floor_before_us)
    late_us = max(0, transit.mean_us - floor_us) + _DEVIATIONS * transit.deviation_us
    return min(dead_ms + late_us // 1000, max(dead_ms, dead_max_ms))
