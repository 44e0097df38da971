"""Entries of the operation history: reading one, and which of two is newer (features 5, 7)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cib_store.document.element import Element
from cib_store.model.values import parse_integer, whole
from crmd.scheduler.merge_sort import merge_sorted
from raftmaker.vocabulary.codes import OcfCode, OpStatus

_KEY = re.compile(r"(-?\d+):(-?\d+):(-?\d+):(\S{1,36})")
_MAGIC = re.compile(r"(-?\d+):(-?\d+);(\S+)")


def number(entry: Element, name: str) -> int | None:
    """Read an attribute as a whole number; None where it is absent or none."""
    return parse_integer(entry.attributes.get(name))


def interval_of(entry: Element) -> int:
    """Interval of the operation in ms."""
    return number(entry, "interval") or 0


def history_key(entry: Element) -> str:
    """The key of the operation: ``operation_key``, or the id in histories of old."""
    return entry.attributes.get("operation_key") or entry.id


def expected_code(entry: Element) -> int:
    """The exit code that was expected; -1 where the entry does not say."""
    key = entry.attributes.get("transition-key")
    if key is None:
        return -1
    match = _KEY.match(key)
    return whole(match.group(3)) if match else -1


def is_probe_entry(entry: Element) -> bool:
    """Whether the entry is that of a probe."""
    return entry.attributes.get("operation") == "monitor" and interval_of(entry) == 0


def masks_failure(entry: Element) -> bool:
    """Whether a probe's failure only says that the resource cannot be there."""
    if not is_probe_entry(entry):
        return False
    code = number(entry, "rc-code")
    return (
        code in (OcfCode.NOT_INSTALLED, OcfCode.ARGS)
        or number(entry, "op-status") == OpStatus.NOT_INSTALLED
    )


def age(one: Element, other: Element) -> int:
    """Return < 0 if `one` is older than `other`, > 0 if newer, 0 if that cannot be told."""
    same_node = one.get("on_node").lower() == other.get("on_node").lower()
    if same_node and one.id == other.id:
        return 0
    first = _call_id(one)
    second = _call_id(other)
    if first == -1 and second == -1:
        return 0
    if same_node and 0 <= first < second:
        return -1
    if same_node and 0 <= second < first:
        return 1
    if first >= 0 and second >= 0:
        return _by_time(one, other)
    return _by_transition(one, other, first, second)


def _call_id(entry: Element) -> int:
    value = number(entry, "call-id")
    return -1 if value is None else value


def _by_time(one: Element, other: Element) -> int:
    first, second = number(one, "last-rc-change"), number(other, "last-rc-change")
    if first is not None and first >= 0 and (second if second is not None else -1) > first:
        return -1
    if second is not None and second >= 0 and (first if first is not None else -1) > second:
        return 1
    return 0


def _by_transition(one: Element, other: Element, first: int, second: int) -> int:
    """Compare entries of which one is pending, by the transitions they belong to."""
    keys = []
    for entry in (one, other):
        magic = _MAGIC.match(entry.get("transition-magic"))
        key = _KEY.match(magic.group(3)) if magic else None
        if key is None:
            return 0
        keys.append(key)
    transitions = whole(keys[0].group(2)), whole(keys[1].group(2))
    if keys[0].group(4).lower() != keys[1].group(4).lower() or transitions[0] == transitions[1]:
        if second == -1:
            return -1
        return 1 if first == -1 else 0
    if (0 <= transitions[0] < transitions[1]) or transitions[1] == -1:
        return -1
    if (0 <= transitions[1] < transitions[0]) or transitions[0] == -1:
        return 1
    return 0


def oldest_first(entries: Sequence[Element]) -> list[Element]:
    """Sort a resource's entries by age; among equals the last one listed comes first."""
    return merge_sorted(list(reversed(entries)), age)
