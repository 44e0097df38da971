"""Where a score comes from: one change of one resource's score on one node."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Origin(Enum):
    """What changed a score."""

    LOCATION = "location constraint"
    STICKINESS = "stickiness"
    FAILURES = "failures"
    HEALTH = "node health"
    COLOCATION = "colocation"
    UTILIZATION = "utilization"
    DISCOVERY = "resource discovery"
    LOCK = "shutdown lock"
    ROLE = "target role"
    PROMOTION = "promotion score"
    INSTANCES = "instances per node"
    UNMANAGED = "unmanaged"
    GROUP = "group"
    CONTAINER = "container"
    TICKET = "ticket"
    REMOVED = "removed"


class Contribution(Struct, frozen=True, kw_only=True):
    """One change of a score. `before` is None where the node was not allowed until then."""

    resource: str
    node: str
    origin: Origin
    detail: str
    """The constraint's id, with what it is colocated, the count of failures, ..."""
    added: int
    before: int | None
    after: int

    @property
    def text(self) -> str:
        """The detail, without the id of an implied colocation: nobody can look that up."""
        name, separator, rest = self.detail.partition(": ")
        return rest if separator and name.startswith("#") else self.detail
