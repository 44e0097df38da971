"""Is a history of reads, writes and compare-and-sets of one register linearizable?

The algorithm is Wing and Gong's with Lowe's memory, as Porcupine has it: try every order that the
times allow, and never the same set of operations with the same value twice. An operation of
unknown outcome may have happened at any time after it was asked for, or never.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What was asked for."""

    READ = "read"
    WRITE = "write"
    SWAP = "swap"
    """Compare and set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; times are of one clock. `ended` None: its outcome is not known."""

    kind: Kind
    began: float
    ended: float | None
    value: str = ""
    """Written; or, for a read, seen."""
    expected: str = ""
    swapped: bool = True
    """Whether a compare-and-set of known outcome took place."""


def after(value: str, operation: Operation) -> str | None:
    """Return the register's value after the operation, None where it could not have ended so."""
    match operation.kind:
        case Kind.READ:
            return value if operation.value == value else None
        case Kind.WRITE:
            return operation.value
        case Kind.SWAP:
            if operation.ended is None:
                return operation.value if value == operation.expected else value
            if operation.swapped != (value == operation.expected):
                return None
            return operation.value if operation.swapped else value


def is_linearizable(history: list[Operation], first: str = "") -> bool:
    """Tell whether one order explains everything that was seen; `first` is the value before."""
    # A read of unknown outcome says nothing.
    known = [one for one in history if one.ended is not None or one.kind is not Kind.READ]
    # What is not known and whose value nobody met need not have happened. Without it there are few
    # orders; only a compare-and-set that failed may need it to explain why.
    met = {one.value for one in known if one.kind is Kind.READ}
    met |= {one.expected for one in known if one.kind is Kind.SWAP}
    likely = [one for one in known if one.ended is not None or one.value in met]
    return _has_order(likely, first) or (len(likely) < len(known) and _has_order(known, first))


def _has_order(history: list[Operation], first: str) -> bool:
    ordered = sorted(history, key=lambda one: one.began)
    ends = [float("inf") if one.ended is None else one.ended for one in ordered]
    needed = sum(1 << number for number, one in enumerate(ordered) if one.ended is not None)
    tried = {(0, first)}
    stack = [(0, first)]
    while stack:
        done, value = stack.pop()
        if done & needed == needed:
            return True
        earliest_end = float("inf")
        for number, one in enumerate(ordered):
            if one.began > earliest_end:
                break  # Something that had ended before must come first.
            if done >> number & 1:
                continue
            earliest_end = min(earliest_end, ends[number])
            then = after(value, one)
            step = (done | 1 << number, then if then is not None else "")
            if then is not None and step not in tried:
                tried.add(step)
                stack.append(step)
    return False
