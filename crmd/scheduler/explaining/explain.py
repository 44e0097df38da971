"""Why a resource is where it is: node by node, every score with its source, and what blocks it.

Pure: the scheduler runs once more on the same CIB and time with its ledger open; nothing here
decides anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.scores import score_text
from crmd.scheduler.configuration.nodes import natural_key
from crmd.scheduler.explaining.obstacles import (
    obstacles_everywhere,
    obstacles_on,
    out_of_service,
    why_unmanaged,
)
from crmd.scheduler.explaining.promotion import promotion_score_on, promotion_text
from crmd.scheduler.explaining.values import Explanation, NodeView, Obstacle
from crmd.scheduler.pipeline import decide, read_cluster
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run


def explain(
    cib: Element, now: Moment, resource: str, node: str | None = None
) -> tuple[Explanation, ...]:
    """Explain every primitive of a resource; empty where there is no such resource.

    With `node` only that node is looked at.
    """
    run = read_cluster(cib, now, explained=True)
    decide(run)
    return tuple(
        _explanation(run, rsc, node) for top in run.resources for rsc in _named(top, resource)
    )


def _named(rsc: Resource, name: str) -> Iterator[Resource]:
    """Yield the primitives of what is called `name`, by its id or its instance's."""
    if name in (rsc.id, rsc.xml_id):
        yield from _leaves(rsc)
        return
    for child in rsc.children:
        yield from _named(child, name)


def _leaves(rsc: Resource) -> Iterator[Resource]:
    if not rsc.children:
        yield rsc
    for child in rsc.children:
        yield from _leaves(child)


def _explanation(run: Run, rsc: Resource, only: str | None) -> Explanation:
    nodes = sorted(run.nodes, key=lambda each: natural_key(each.name))
    views = tuple(_view(run, rsc, node) for node in nodes if only is None or node.name == only)
    obstacles = tuple(obstacles_everywhere(run, rsc))
    chosen = rsc.assigned.name if rsc.assigned is not None else None
    return Explanation(
        resource=rsc.id,
        now_on=tuple(node.name for node in rsc.active_on),
        chosen=chosen,
        role=rsc.next_role.value,
        verdict=_verdict(run, rsc, obstacles),
        promotion=promotion_text(rsc),
        within=_place_within(rsc),
        obstacles=obstacles,
        nodes=views,
    )


def _view(run: Run, rsc: Resource, node: Node) -> NodeView:
    contributions = tuple(
        each
        for each in run.contributions or ()
        if each.resource == rsc.id and each.node == node.name
    )
    final = rsc.scores.get(node)
    return NodeView(
        node=node.name,
        score="-" if final is None else score_text(final),
        chosen=rsc.assigned is node,
        contributions=contributions,
        obstacles=tuple(obstacles_on(run, rsc, node, contributions)),
        promotion=promotion_score_on(rsc, node),
    )


def _verdict(run: Run, rsc: Resource, obstacles: tuple[Obstacle, ...]) -> str:
    node = rsc.assigned
    here = rsc.active_on[0] if len(rsc.active_on) == 1 else None
    if node is None:
        if obstacles:
            return f"{rsc.id} does not run: {obstacles[0].what}"
        if _is_surplus(run, rsc):
            return f"{rsc.id} does not run: each node that could run it has its instances already"
        return f"{rsc.id} does not run: no node may run it (see what is in the way of each)"
    verb = "stays on" if here is node else "moves to" if here is not None else "runs on"
    if not rsc.managed:
        return f"{rsc.id} is left where it is, on {node.name}: {why_unmanaged(run, rsc).what}"
    score = rsc.assigned_score
    equal = [
        other for other, value in rsc.scores.items()
        if value == score and other is not node and not list(out_of_service(other))
    ]  # fmt: skip
    if not equal:
        return f"{rsc.id} {verb} {node.name}: it has the highest score, {score_text(score)}"
    names = ", ".join(sorted(other.name for other in equal))
    tie = "it runs there already" if here is node else "that node had the fewest resources"
    return f"{rsc.id} {verb} {node.name}: {names} scored the same ({score_text(score)}), and {tie}"


def _is_surplus(run: Run, rsc: Resource) -> bool:
    """Whether there are more instances of a clone than the nodes in service may have."""
    full = {
        each.node
        for each in run.contributions or ()
        if each.resource == rsc.id and each.origin is Origin.INSTANCES
    }
    in_service = {node.name for node in rsc.scores if not list(out_of_service(node))}
    return bool(full) and in_service <= full


def _place_within(rsc: Resource) -> str:
    """Say what a primitive is part of, from the inside out."""
    parts: list[str] = []
    at = rsc
    while at.parent is not None:
        parent = at.parent
        number = parent.children.index(at) + 1
        match parent.variant:
            case Variant.GROUP:
                parts.append(f"member {number} of {len(parent.children)} of group {parent.id}")
            case Variant.CLONE:
                parts.append(f"an instance of clone {parent.id}")
            case _:
                parts.append(f"part of bundle {parent.id}")
        at = parent
    return ", ".join(parts)
