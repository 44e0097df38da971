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

    @property
    def active(self) -> bool:
        """Whether a resource in this role runs."""
        return self in (Role.STARTED, Role.UNPROMOTED, Role.PROMOTED)
