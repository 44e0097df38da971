"""The order in which resources are placed."""

from __future__ import annotations

from functools import cmp_to_key

from cib_store.model.scores import INFINITY
from crmd.scheduler.placement.choice import current_node, sorted_nodes
from crmd.scheduler.placement.score_lines import show_capacities
from crmd.scheduler.state.behaviour import Selection
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import AFTERWARDS


def assign_resources(run: Run) -> None:
    """Place all resources: connections to remote nodes first, as they decide what is online."""
    show_capacities(run, "Original")
    if run.placement_strategy != "default":
        _sort_resources(run)
    if run.have_remote_nodes:
        for rsc in list(run.resources):
            if rsc.remote_connection:
                rsc.kind.assign(run, rsc, rsc.migration_target, True)
    for rsc in list(run.resources):
        if not rsc.remote_connection:
            _assign(run, rsc)
    run.trail.step = AFTERWARDS
    _let_others_take(run, None)
    show_capacities(run, "Remaining")


def _assign(run: Run, rsc: Resource) -> None:
    """Place one resource of the top, and all that has to be placed before it."""
    run.trail.step = rsc.id
    _let_others_take(run, rsc.id)
    rsc.kind.assign(run, rsc, None, True)
    run.trail.relied[rsc.id] = tuple(node.name for node in run.nodes if node.relied_on)
    for node in run.nodes:
        node.relied_on = False


def _let_others_take(run: Run, step: str | None) -> None:
    for take in run.beside.until(step) if run.beside is not None else ():
        node = run.find_node(take.node)
        assert node is not None
        node.assigned_count += take.by


def _sort_resources(run: Run) -> None:
    """With utilization, what has the better place to be goes first (features section 9)."""
    base = {node: node.score for node in run.nodes}
    nodes = sorted_nodes(run, run.nodes, base, None)

    def preferences(rsc: Resource) -> tuple[int, ...]:
        scores = rsc.kind.add_colocated_scores(
            run, rsc, None, None, None, 1, Selection(this_with=True)
        )

        def score(node: Node | None) -> int:
            known = scores.get(node) if scores is not None and node is not None else None
            return -INFINITY if known is None else known

        here = score(current_node(rsc)) if rsc.active_on else -INFINITY
        return (here, *(score(node) for node in nodes))

    known: dict[Resource, tuple[int, ...]] = {}

    def compare(one: Resource, other: Resource) -> int:
        if one.priority != other.priority:
            return other.priority - one.priority
        for rsc in (one, other):
            if rsc not in known:
                known[rsc] = preferences(rsc)
        return (known[other] > known[one]) - (known[other] < known[one])

    run.resources.sort(key=cmp_to_key(compare))
