"""Roles of a resource (features 1.14)."""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """What a resource is, or should be, on a node. The order is that of increasing activity."""

    UNKNOWN = "Unknown"
    STOPPED = "Stopped"
    STARTED = "Started"
    UNPROMOTED = "Unpromoted"
    PROMOTED = "Promoted"

    def __init__(self, text: str) -> None:
        self.rank = len(type(self).__members__)

    @property
    def active(self) -> bool:
        """Whether a resource in this role runs."""
        return self in (Role.STARTED, Role.UNPROMOTED, Role.PROMOTED)

    def __lt__(self, other: Role) -> bool:
        return self.rank < other.rank

    def __le__(self, other: Role) -> bool:
        return self.rank <= other.rank

    def __gt__(self, other: Role) -> bool:
        return self.rank > other.rank

    def __ge__(self, other: Role) -> bool:
        return self.rank >= other.rank


_BY_TEXT = {role.value.lower(): role for role in Role} | {
    "master": Role.PROMOTED,
    "slave": Role.UNPROMOTED,
}


def parse_role(text: str | None) -> Role:
    """Read a role, case ignored, names of old included; UNKNOWN where it is absent or none."""
    return _BY_TEXT.get(text.lower(), Role.UNKNOWN) if text is not None else Role.UNKNOWN
