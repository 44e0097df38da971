"""What a resource's history on a node says by itself, whatever is configured or true elsewhere.

It depends on the ``lrm_resource`` element alone, so a `Reading` stays right as long as the element
is the same object, in any later run (`Readings`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cib_store.document.element import Element
from crmd.scheduler.status.entries import (
    active_span,
    expected_code,
    interval_of,
    number,
    oldest_first,
)
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


@dataclass(frozen=True, slots=True)
class Plain:
    """What entries amount to of which each went as expected, and none is pending.

    The role that a promotable resource and any other is left in; `settled`: some entry made a clean
    start, so that no earlier wish about the role stands.
    """

    role: Role
    role_if_promotable: Role
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One ``lrm_resource``, read."""

    element: Element
    entries: tuple[Element, ...]
    """Oldest first."""
    start: int
    """Position of the last start, -1 for none."""
    stop: int
    recurring: tuple[tuple[str, int], ...]
    """Task and interval (ms) of each operation that recurs on the node."""
    plain: Plain | None
    """None where it takes more to tell: failures, migrations, what is under way."""
    is_absent: bool
    """All it says is that the resource does not run there."""


def read(element: Element) -> Reading:
    """Read a history."""
    entries = tuple(oldest_first(list(element.each("lrm_rsc_op"))))
    start, stop = active_span(entries)
    recurring, plain = _recurring(entries, start, stop), _plain(entries)
    stopped = plain is not None and plain.role is plain.role_if_promotable is Role.STOPPED
    return Reading(
        element=element,
        entries=entries,
        start=start,
        stop=stop,
        recurring=recurring,
        plain=plain,
        is_absent=stopped and not recurring,
    )


def _recurring(entries: tuple[Element, ...], start: int, stop: int) -> tuple[tuple[str, int], ...]:
    after = max(start, stop + 1 if start < stop else start)
    found = []
    for entry in entries[max(after, 0) :]:
        interval = interval_of(entry)
        if interval and entry.get("op-status") != "-1":
            found.append((entry.get("operation"), interval))
    return tuple(found)


def _plain(entries: tuple[Element, ...]) -> Plain | None:
    roles = [Role.UNKNOWN, Role.UNKNOWN]
    settled = False
    for entry in entries:
        task = entry.get("operation")
        if not entry.id or task not in RELEVANT:
            continue
        code = number(entry, "rc-code")
        as_expected = code in _PLAIN_CODES and code == expected_code(entry)
        done = number(entry, "op-status") == OpStatus.DONE
        if task not in _PLAIN_TASKS or not (as_expected and done):
            return None
        if entry.id.endswith("_last_failure_0"):
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


@dataclass(slots=True)
class Readings:
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
