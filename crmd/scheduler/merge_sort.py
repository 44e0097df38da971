"""Sorting by a comparison that is not always transitive.

Results recorded under different names of a node, or by different means, can be compared two by two
without being in one order altogether. What comes out then depends on the pairs that are compared;
so that the same history gives the same state as in the reference, they are those of a merge sort.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def merge_sorted(items: Sequence[Item], compare: Callable[[Item, Item], int]) -> list[Item]:
    """Return the items in order; of two that compare equal the earlier one stays first."""
    if len(items) < 2:
        return list(items)
    half = len(items) // 2
    left = merge_sorted(items[:half], compare)
    right = merge_sorted(items[half:], compare)
    merged: list[Item] = []
    at = to = 0
    while at < len(left) and to < len(right):
        if compare(left[at], right[to]) <= 0:
            merged.append(left[at])
            at += 1
        else:
            merged.append(right[to])
            to += 1
    return [*merged, *left[at:], *right[to:]]
