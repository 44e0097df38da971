"""Why a step of a plan happens: what the scheduler says, or what differs from now."""

from __future__ import annotations

from collections.abc import Iterable

from cib_store.model.scores import INFINITY
from crmd.scheduler.explaining.obstacles import (
    obstacles_everywhere,
    obstacles_on,
    out_of_service,
)
from crmd.scheduler.explaining.promotion import promotion_text
from crmd.scheduler.schedule import Change, ResourceChange
from crmd.scheduler.state.contribution import Contribution
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run

_VAGUE = "node availability"
"""What the summary says whenever a resource has no node, or another one."""


def reason_of(change: ResourceChange, before: Run | None, after: Run) -> str:
    """Say why; empty where nothing is known. `before`: the decision without the change."""
    if change.reason is not None and change.reason != _VAGUE:
        return change.reason
    rsc = after.find_resource(change.resource)
    old = before.find_resource(change.resource) if before is not None else None
    if rsc is None:
        return change.reason or ""
    match change.change:
        case Change.STOP:
            found = _why_stopped(after, rsc, change.origin)
        case Change.START:
            found = _why_started(before, old)
        case Change.PROMOTE | Change.DEMOTE:
            found = promotion_text(rsc).partition(": ")[2]
        case Change.MOVE | Change.MIGRATE | Change.RECOVER:
            found = _why_moved(change, before, after, rsc)
        case _:
            found = ""
    return found or change.reason or ""


def _why_stopped(after: Run, rsc: Resource, origin: str | None) -> str:
    node = after.find_node(origin)
    gone = next(out_of_service(node), None) if node is not None else None
    if gone is not None and not rsc.removed:
        return gone.what
    for obstacle in obstacles_everywhere(after, rsc):
        return obstacle.what
    return _obstacle_on(after, rsc, node)


def _why_started(before: Run | None, old: Resource | None) -> str:
    if before is None:
        return ""
    if old is None or old.removed:
        return "it is new"
    for obstacle in obstacles_everywhere(before, old):
        return f"no longer: {obstacle.what}"
    return ""


def _why_moved(change: ResourceChange, before: Run | None, after: Run, rsc: Resource) -> str:
    found = _obstacle_on(after, rsc, after.find_node(change.origin))
    if found:
        return found
    known = {_key(one) for one in _of(before, rsc)} if before is not None else set()
    places = (change.destination, change.origin)
    for one in _of(after, rsc):
        if _key(one) not in known and one.node in places and one.added:
            added = _score(one.added)
            return f"{one.origin.value} {one.text}: {added} on {one.node}"
    return ""


def _obstacle_on(run: Run, rsc: Resource, node: Node | None) -> str:
    if node is None:
        return ""
    there = [one for one in _of(run, rsc) if one.node == node.name]
    return next((each.what for each in obstacles_on(run, rsc, node, there)), "")


def _of(run: Run | None, rsc: Resource) -> Iterable[Contribution]:
    found = run.contributions if run is not None else None
    return [one for one in found or () if one.resource == rsc.id]


def _key(one: Contribution) -> tuple[str, str, int]:
    return one.node, f"{one.origin.value} {one.detail}", one.added


def _score(added: int) -> str:
    if abs(added) >= INFINITY:
        return "+INFINITY" if added > 0 else "-INFINITY"
    return f"{added:+}"
