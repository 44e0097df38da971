"""Which of several stores a client speaks to: its own node's, and another while that is away.

The first target is home. A client that left it comes back once it is connected again: one that
stayed would hang on another node's fate, and hear of nothing while that stands still.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from cib_store.speaker import Speaker
from raftmaker.runtime.endpoint import Target
from raftmaker.wire.types_pb2 import Identity

HOME_FIRST_S = 0.5
HOME_LAST_S = 30.0
"""A home that is connected and fails nevertheless is tried again after ever longer pauses."""


class Place(Struct, frozen=True, eq=False):
    """A store that can be spoken to."""

    target: Target
    speaker: Speaker


class Places:
    """The stores of one client, in order of preference."""

    def __init__(
        self,
        targets: Sequence[Target],
        identity: Identity,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin at home; nothing is connected before it is used. `now` in seconds."""
        self._identity = identity
        self._now = now
        self._places = [self._place(each) for each in targets]
        self._current = self._places[0]
        self._dropped: list[Place] = []
        self._pause_s = HOME_FIRST_S
        self._not_home_before = 0.0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._places)

    def _place(self, target: Target) -> Place:
        return Place(target, Speaker(target, self._identity))

    def retarget(self, targets: Sequence[Target]) -> None:
        """Have these from now on; connections to those that stay are kept."""
        kept = {each.target: each for each in self._places}
        self._places = [kept.pop(each) if each in kept else self._place(each) for each in targets]
        if self._current not in self._places:
            self._current = self._places[0]
        self._dropped.extend(kept.values())

    @property
    def is_home(self) -> bool:
        """Whether the next call goes to the first target."""
        return self._current is self._places[0]

    def may_go_home(self) -> bool:
        """Tell whether home is connected again, while another store is spoken to."""
        if self.is_home or self._now() < self._not_home_before:
            return False
        return self._places[0].speaker.is_connected()

    def choose(self) -> Place:
        """Return where the next call goes."""
        if self.may_go_home():
            self._current = self._places[0]
        return self._current

    def answered(self, place: Place) -> None:
        """A store has answered."""
        if place is self._places[0]:
            self._pause_s = HOME_FIRST_S

    def failed(self, place: Place, *, lags: bool = False) -> None:
        """A store has not: the next one is asked, unless somebody has gone there already.

        `lags`: it answers, and what it answers is old, so that to be connected means nothing.
        """
        if place is self._places[0]:
            pause_s = HOME_LAST_S if lags else self._pause_s
            self._not_home_before = self._now() + pause_s
            self._pause_s = min(2 * self._pause_s, HOME_LAST_S)
        if place is self._current:
            following = self._places.index(place) + 1
            self._current = self._places[following % len(self._places)]

    async def close(self) -> None:
        """End the connections; calls under way fail."""
        for place in (*self._places, *self._dropped):
            await place.speaker.close()
