"""Virtual time: an event queue ordered by time, then by the order of scheduling."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from msgspec import Struct

MS = 1_000
SECOND = 1_000_000


class Handle(Struct, order=True):
    """A scheduled call, which can be cancelled; no two have the same `sequence`."""

    at_us: int
    sequence: int
    call: Callable[[], None] | None

    def cancel(self) -> None:
        """Never make the call; harmless after it was made."""
        self.call = None


class Loop:
    """The only clock of a simulation, in microseconds since its start."""

    def __init__(self) -> None:
        self.now_us = 0
        self.steps = 0
        self._queue: list[Handle] = []
        self._sequence = 0

    def at(self, at_us: int, call: Callable[[], None]) -> Handle:
        """Make `call` at `at_us`, or at once when that is past."""
        self._sequence += 1
        handle = Handle(at_us if at_us > self.now_us else self.now_us, self._sequence, call)
        heapq.heappush(self._queue, handle)
        return handle

    def after(self, delay_us: int, call: Callable[[], None]) -> Handle:
        """Make `call` when `delay_us` has passed."""
        return self.at(self.now_us + delay_us, call)

    def run_until(self, end_us: int) -> None:
        """Make every call up to and including `end_us`; exceptions go through."""
        queue = self._queue
        while queue and queue[0].at_us <= end_us:
            handle = heapq.heappop(queue)
            call = handle.call
            if call is None:
                continue
            handle.call = None
            self.now_us = handle.at_us
            self.steps += 1
            call()
        self.now_us = max(self.now_us, end_us)

    def stand_still(self, time_us: int) -> None:
        """Let time pass in which nobody does anything: all that was to come comes later."""
        self.now_us += time_us
        for handle in self._queue:
            handle.at_us += time_us
