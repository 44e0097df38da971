"""Capacity of nodes and what resources use of it (features section 9)."""

from __future__ import annotations

from cib_store.model.scores import INFINITY
from cib_store.model.values import parse_integer
from crmd.scheduler.scoring import add_score
from crmd.scheduler.state.node import Node, available
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run

_INT_MAX = 2**31 - 1


def amount(text: str | None) -> int:
    """Read one utilization value; 0 where it is absent or none."""
    return parse_integer(text) or 0


def _add(into: dict[str, str], used: dict[str, str], sign: int) -> None:
    for name, text in used.items():
        total = amount(into.get(name)) + sign * amount(text)
        into[name] = str(max(-_INT_MAX - 1, min(_INT_MAX, total)))


def consume(capacity: dict[str, str], used: dict[str, str]) -> None:
    """Take what a resource uses from a node's capacity."""
    _add(capacity, used, -1)


def release(capacity: dict[str, str], used: dict[str, str]) -> None:
    """Give back (or sum up) what a resource uses."""
    _add(capacity, used, 1)


def compare_capacity(one: Node, other: Node) -> int:
    """Return < 0 if `one` has more left in more attributes, > 0 if `other` has."""
    result = 0
    for name in {**one.utilization, **other.utilization}:
        mine, yours = amount(one.utilization.get(name)), amount(other.utilization.get(name))
        result += (yours > mine) - (mine > yours)
    return result


def _fits(node: Node, used: dict[str, str]) -> bool:
    return all(amount(text) <= amount(node.utilization.get(name)) for name, text in used.items())


def ban_where_it_does_not_fit(run: Run, rsc: Resource) -> Node | None:
    """Ban nodes that lack capacity; where none has it, return the one with the most left."""
    if run.placement_strategy == "default":
        return None
    together = rsc.kind.colocated(run, rsc, None, [])
    if rsc not in together:
        together.append(rsc)
    used: dict[str, str] = {}
    for each in together:
        each.kind.add_utilization(each, rsc, together, used)
    most: Node | None = None
    fits_somewhere = False
    usable = [node for node, score in rsc.scores.items() if score >= 0 and available(node)]
    for node in usable:
        fits_somewhere = fits_somewhere or _fits(node, used)
        if most is None or compare_capacity(node, most) < 0:
            most = node
    needed = used if fits_somewhere else rsc.utilization
    for node in usable:
        if not _fits(node, needed):
            add_score(rsc, node, -INFINITY)
    return None if fits_somewhere else most


def add_primitive_utilization(
    rsc: Resource, origin: Resource, together: list[Resource], used: dict[str, str]
) -> None:
    """Sum up what an unassigned primitive uses."""
    if rsc.unassigned:
        release(used, rsc.utilization)
