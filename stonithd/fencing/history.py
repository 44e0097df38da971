"""The record of past and running fencings: the newest 500 that ended are kept (features 17.41)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.fencing.setup import FenceAction

ENDED_MAX = 500


class FencingState(Enum):
    """How a fencing stands."""

    RUNNING = "running"
    CONFIRMED = "confirmed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FencingRecord:
    """One fencing; `at_us` is the wall clock of its end, of its start while it runs."""

    number: int
    target: NodeName
    action: FenceAction
    client: str
    delegate: NodeName = NodeName("")
    state: FencingState = FencingState.RUNNING
    devices: tuple[ResourceId, ...] = ()
    at_us: int = 0
    reason: str = ""


def recorded(
    records: tuple[FencingRecord, ...], record: FencingRecord
) -> tuple[FencingRecord, ...]:
    """Return the records with this one put in the place of the same number, or added last.

    When there are too many, the oldest that ended are dropped.
    """
    kept = [old for old in records if old.number != record.number]
    kept.append(record)
    surplus = sum(one.state is not FencingState.RUNNING for one in kept) - ENDED_MAX
    result = []
    for one in kept:
        if surplus > 0 and one.state is not FencingState.RUNNING:
            surplus -= 1
        else:
            result.append(one)
    return tuple(result)
