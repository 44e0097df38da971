"""Where a score comes from: one change of one resource's score on one node."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One change of a score. `before` is None where the node was not allowed until then."""

    resource: str
    node: str
    origin: Origin
    detail: str
    """The constraint's id, with what it is colocated, the count of failures, ..."""
    added: int
    before: int | None
    after: int
