"""Members as a store sees them, for whoever asks."""

from __future__ import annotations

from msgspec import Struct

from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import Members


class MemberStatus(Struct, frozen=True, kw_only=True):
    """A member as the answering store sees it.

    `behind`: log entries that it lacks, None where that is not known. `waits_for`: why it does not
    vote yet, for people.
    """

    name: NodeName
    heard: bool
    behind: int | None
    waits_for: str


class Membership(Struct, frozen=True, kw_only=True):
    """Who belongs to the cluster, and how a store sees them; `leader` empty: nobody known."""

    members: Members
    status: tuple[MemberStatus, ...]
    leader: NodeName
    generation: int

    def of(self, name: str) -> MemberStatus | None:
        """Return how a member is seen."""
        return next((each for each in self.status if each.name == name), None)
