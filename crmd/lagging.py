"""Does what this controller watches lag behind what the voters have? (pure)

A connection that lives proves nothing of the store at its other end: a disk that hangs, a fault of
ours. A DC that watched it would go on in the past, and recover nobody. The answers to beats say how
far each voter's watches are; where the watch here is not there after a while, another is better.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

LAG_MS = 3_000
"""So long a change may take to come here: many times what one does on a busy machine."""


class Lag(Struct, frozen=True, kw_only=True):
    """What was seen here, and what was not yet though a voter has it (log positions, boot ms)."""

    seen: int = 0
    awaited: int = 0
    newest: int = 0
    since_ms: int = 0

    def told(self, index: int, now_ms: int) -> Lag:
        """A voter has got so far."""
        newest = max(index, self.newest)
        if newest <= self.seen or self.awaited > self.seen:
            return replace(self, newest=newest)
        return replace(self, newest=newest, awaited=newest, since_ms=now_ms)

    def saw(self, index: int, now_ms: int) -> Lag:
        """The watch has got so far."""
        after = replace(self, seen=max(index, self.seen))
        if self.awaited <= after.seen < after.newest:
            return replace(after, awaited=after.newest, since_ms=now_ms)
        return after

    def left(self, now_ms: int) -> Lag:
        """Another store is watched from now on: it gets as long."""
        return replace(self, since_ms=now_ms)

    def is_too_long(self, now_ms: int) -> bool:
        """Tell whether it is time to watch another store."""
        return self.awaited > self.seen and now_ms - self.since_ms >= LAG_MS
