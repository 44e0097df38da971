"""The record of past and running fencings: the newest 500 that ended are kept (features 17.41)."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.fencing.setup import FenceAction

ENDED_MAX = 500


class FencingState(Enum):
    """How a fencing stands (features 17.42)."""

    QUERYING = "querying"
    """Agents and peers are asked which devices can fence the target."""
    RUNNING = "running"
    DUPLICATE = "duplicate"
    """Another asked for what is under way already; it ends as that does (features 17.39)."""
    CONFIRMED = "confirmed"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self in (FencingState.CONFIRMED, FencingState.FAILED)


class FencingRecord(Struct, frozen=True, kw_only=True):
    """One fencing; `at_us` is the wall clock of its end, of its start while it runs."""

    number: int
    keeper: NodeName = NodeName("")
    """The node whose fencer saw to it; `number` counts there."""
    target: NodeName
    action: FenceAction
    client: str
    origin: NodeName = NodeName("")
    """The node where it was asked for."""
    delegate: NodeName = NodeName("")
    state: FencingState = FencingState.RUNNING
    devices: tuple[ResourceId, ...] = ()
    at_us: int = 0
    reason: str = ""


def recorded(
    records: tuple[FencingRecord, ...], record: FencingRecord
) -> tuple[FencingRecord, ...]:
    """Return the records with this one put in its own place, or added last.

    When there are too many, the oldest that ended are dropped.
    """
    name = (record.keeper, record.number)
    kept = [old for old in records if (old.keeper, old.number) != name]
    kept.append(record)
    surplus = sum(one.state.is_over for one in kept) - ENDED_MAX
    result = []
    for one in kept:
        if surplus > 0 and one.state.is_over:
            surplus -= 1
        else:
            result.append(one)
    return tuple(result)
