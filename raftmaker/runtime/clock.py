"""The two clocks: boot time for every deadline, wall time only for what is written down."""

from __future__ import annotations

import time


def boot_ms() -> int:
    """Milliseconds since the machine booted, suspend included; never set back (protocols)."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def wall_us() -> int:
    """Microseconds since 1970. Never compare these to decide anything."""
    return time.time_ns() // 1_000
