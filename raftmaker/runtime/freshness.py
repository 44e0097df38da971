"""How fresh a daemon is: which of its beats a majority of voters answered (protocols, Liveness).

A pure value beside the sender of beats. A voter answers a beat only while it has not reported the
session's silence, so a session is not lost for one dead time after the sending of an answered beat.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from raftmaker.vocabulary.ids import NodeName


class Freshness(Struct, frozen=True, kw_only=True):
    """The newest answered beat of each voter, as the time of its sending in boot-time ms.

    Start a new one with every session: answers to beats of an older one prove nothing.
    """

    voters: tuple[NodeName, ...]
    answered_ms: Mapping[NodeName, int] = field(default_factory=dict)

    def answered(self, voter: NodeName, sent_ms: int) -> Freshness:
        """Return what is known after `voter` answered the beat that was sent at `sent_ms`."""
        if voter not in self.voters or sent_ms <= self.answered_ms.get(voter, -1):
            return self
        return replace(self, answered_ms={**self.answered_ms, voter: sent_ms})

    @property
    def majority_ms(self) -> int | None:
        """When the newest beat was sent that a majority answered, or a newer one; None: never."""
        newest = sorted(self.answered_ms.values(), reverse=True)
        majority = len(self.voters) // 2 + 1
        return newest[majority - 1] if len(newest) >= majority else None

    def is_fresh(self, at_ms: int, dead_ms: int) -> bool:
        """Whether the session cannot have been declared lost by `at_ms`."""
        sent = self.majority_ms
        return sent is not None and at_ms - sent < dead_ms
