"""The transition summary as text (features 27)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crmd.scheduler.schedule import ResourceChange, Schedule
from raftmaker.vocabulary.roles import Role

_WIDTH_MIN = 5


def summary_lines(schedule: Schedule) -> Iterator[str]:
    """Yield a line for each thing that happens to a node or resource."""
    for change in schedule.node_changes:
        if change.reason is not None:
            yield f"  * {change.task} {change.node} '{change.reason}'"
    shown = [(each, _details(each)) for each in schedule.resource_changes]
    name_width = _name_width(each.resource for each, _ in shown)
    detail_width = max([_WIDTH_MIN, *(len(details) for _, details in shown)])
    for each, details in shown:
        name, aligned = each.resource.ljust(name_width), details.rjust(detail_width)
        yield f"  * {each.change.value:<8}   {name}   ( {aligned} ){_reason(each)}"


def _name_width(names: Iterable[str]) -> int:
    """A name that is longer than all before it makes room for two more characters."""
    width = _WIDTH_MIN
    for name in names:
        if len(name) > width:
            width = len(name) + 2
    return width


def _details(each: ResourceChange) -> str:
    origin, destination = each.origin, each.destination
    role, wanted = each.role.value, each.next_role.value
    with_roles = each.role > Role.STARTED or each.next_role > Role.UNPROMOTED
    same_host, same_role = origin == destination, role == wanted
    if origin is None:
        return f"{role} -> {wanted} {destination}" if with_roles else str(destination)
    if destination is None or (same_role and same_host):
        return f"{role} {origin}" if with_roles else origin
    if same_role:
        moved = f"{origin} -> {destination}"
        return f"{moved} {role}" if with_roles else moved
    if same_host:
        return f"{role} -> {wanted} {origin}"
    return f"{role} {origin} -> {wanted} {destination}"


def _reason(each: ResourceChange) -> str:
    if each.reason is not None:
        return f"  due to {each.reason}" + (" (blocked)" if each.blocked else "")
    return "  blocked" if each.blocked else ""
