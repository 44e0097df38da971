"""What a resource's history on a node says by itself, whatever is configured or true elsewhere.

It depends on the ``lrm_resource`` element alone, so a `Reading` stays right as long as the element
is the same object, in any later run (`Readings`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct, field

from cib_store.document.element import Element
from cib_store.model.values import parse_integer
from crmd.scheduler.status.entries import expected_code, oldest_first
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.roles import Role

RELEVANT = frozenset(
    (
        "monitor",
        "start",
        "stop",
        "promote",
        "demote",
        "migrate_to",
        "migrate_from",
        "asyncmon",
    )
)
"""The operations whose results say something about the state of a resource."""
_PLAIN_TASKS = frozenset(("monitor", "start", "stop", "promote", "demote"))
_PLAIN_CODES = frozenset((OcfCode.OK, OcfCode.NOT_RUNNING, OcfCode.PROMOTED))


class Plain(Struct, frozen=True):
    """What entries amount to of which each went as expected, and none is pending.

    The role that a promotable resource and any other is left in; `settled`: some entry made a clean
    start, so that no earlier wish about the role stands.
    """

    role: Role
    role_if_promotable: Role
    settled: bool


class Gist(Struct, frozen=True):
    """What a history says, its entries' ids and times left out: many histories have the same."""

    start: int
    """Position of the last start, -1 for none."""
    stop: int
    recurring: tuple[tuple[str, int], ...]
    """Task and interval (ms) of each operation that recurs on the node."""
    plain: Plain | None
    """None where it takes more to tell: failures, migrations, what is under way."""
    is_absent: bool
    """All it says is that the resource does not run there."""


class Reading(NamedTuple):
    """One ``lrm_resource``, read."""

    element: Element
    entries: tuple[Element, ...]
    """Oldest first."""
    gist: Gist


class Mark(NamedTuple):
    """What counts of one entry; with the same marks in the same order, histories say the same."""

    task: str
    code: str
    status: str
    interval: str
    expected: int
    has_id: bool
    is_last_failure: bool


def read(element: Element) -> Reading:
    """Read a history."""
    entries = element.children
    if len(entries) != 1 or entries[0].tag != "lrm_rsc_op":
        entries = tuple(oldest_first([each for each in entries if each.tag == "lrm_rsc_op"]))
    return Reading(element, entries, _gist(tuple(map(_mark, entries))))


def _mark(entry: Element) -> Mark:
    get = entry.attributes.get
    id_ = get("id", "")
    return Mark(
        get("operation", ""),
        get("rc-code", ""),
        get("op-status", ""),
        get("interval", ""),
        expected_code(entry),
        bool(id_),
        id_.endswith("_last_failure_0"),
    )


@lru_cache(maxsize=4096)
def _gist(marks: tuple[Mark, ...]) -> Gist:
    start, stop = _active_span(marks)
    recurring, plain = _recurring(marks, start, stop), _plain(marks)
    stopped = plain is not None and plain.role is plain.role_if_promotable is Role.STOPPED
    return Gist(start, stop, recurring, plain, is_absent=stopped and not recurring)


def _active_span(marks: Sequence[Mark]) -> tuple[int, int]:
    """Return the positions of the last start and of the last stop; -1 for none."""
    start = stop = implied_monitor = implied_role = -1
    for at, mark in enumerate(marks):
        task = mark.task.lower()
        if task == "stop" and mark.status == "0":
            stop = at
        elif task in ("start", "migrate_from"):
            start = at
        elif implied_monitor <= stop and task == "monitor":
            if mark.code in ("0", "8"):
                implied_monitor = at
        elif task in ("promote", "demote"):
            implied_role = at
    if start == -1:
        start = implied_role if implied_role != -1 else implied_monitor
    return start, stop


def _recurring(marks: Sequence[Mark], start: int, stop: int) -> tuple[tuple[str, int], ...]:
    after = max(start, stop + 1 if start < stop else start)
    found = []
    for mark in marks[max(after, 0) :]:
        interval = parse_integer(mark.interval) or 0
        if interval and mark.status != "-1":
            found.append((mark.task, interval))
    return tuple(found)


def _plain(marks: Sequence[Mark]) -> Plain | None:
    roles = [Role.UNKNOWN, Role.UNKNOWN]
    settled = False
    for mark in marks:
        task = mark.task
        if not mark.has_id or task not in RELEVANT:
            continue
        code = parse_integer(mark.code)
        as_expected = code in _PLAIN_CODES and code == mark.expected
        done = parse_integer(mark.status) == OpStatus.DONE
        if task not in _PLAIN_TASKS or not (as_expected and done):
            return None
        if mark.is_last_failure:
            return None
        assert code is not None
        roles = [_role_after(task, code, roles[0], False), _role_after(task, code, roles[1], True)]
        settled = settled or code == OcfCode.NOT_RUNNING or task in ("start", "stop", "promote")
    return Plain(roles[0], roles[1], settled)


def _role_after(task: str, code: int, role: Role, promotable: bool) -> Role:
    if code == OcfCode.NOT_RUNNING:
        return Role.STOPPED
    if code == OcfCode.PROMOTED:
        role = Role.PROMOTED
    match task:
        case "start":
            return Role.STARTED
        case "stop":
            return Role.STOPPED
        case "promote":
            return Role.PROMOTED
        case "demote":
            return Role.UNPROMOTED
        case _ if role < Role.STARTED:
            return Role.UNPROMOTED if promotable else Role.STARTED
        case _:
            return role


class Readings(Struct):
    """Histories read so far, by the identity of their element."""

    known: dict[int, Reading] = field(default_factory=dict)

    def keep(self, elements: Iterable[Element]) -> None:
        """Forget all histories but these."""
        self.known = {id(each): self.known[id(each)] for each in elements if id(each) in self.known}

    def of(self, element: Element) -> Reading:
        """Return the reading of a history."""
        # The reading holds its element, so no other one can have come to have the same identity.
        reading = self.known.get(id(element))
        if reading is None:
            reading = self.known[id(element)] = read(element)
        return reading
