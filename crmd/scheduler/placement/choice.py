"""Choosing among nodes, and giving a resource to one."""

from __future__ import annotations

from collections.abc import Iterable

from cib_store.model.scores import INFINITY
from crmd.scheduler.merge_sort import merge_sorted
from crmd.scheduler.placement.score_lines import show_use
from crmd.scheduler.placement.utilization import compare_capacity, consume, release
from crmd.scheduler.state.action import OPTIONAL, RUNNABLE
from crmd.scheduler.state.node import Node, available
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Choice, Take
from raftmaker.vocabulary.roles import Role


def any_available(scores: dict[Node, int]) -> bool:
    """Whether some node is usable and not banned; if it is only one, all hangs on it."""
    only: Node | None = None
    for node, score in scores.items():
        if score >= 0 and available(node):
            if only is not None:
                return True
            only = node
    if only is None:
        return False
    only.relied_on = True
    return True


def sorted_nodes(
    run: Run, nodes: Iterable[Node], scores: dict[Node, int], preferred: Node | None
) -> list[Node]:
    """Sort nodes, best first: score, (capacity,) fewest resources, `preferred`, name."""
    usable = {
        node: scores.get(node, node.score) if available(node) else -INFINITY for node in nodes
    }
    if run.placement_strategy == "minimal":
        return sorted(usable, key=lambda node: (-usable[node], node.name))
    if run.placement_strategy != "balanced":
        return sorted(
            usable,
            key=lambda node: (
                -usable[node],
                node.assigned_count,
                node is not preferred,
                node.name,
            ),
        )

    def compare(one: Node, other: Node) -> int:
        if usable[one] != usable[other]:
            return usable[other] - usable[one]
        capacity = compare_capacity(one, other)
        if capacity:
            return capacity
        mine = (one.assigned_count, one is not preferred, one.name)
        yours = (other.assigned_count, other is not preferred, other.name)
        return (mine > yours) - (mine < yours)

    # What is left of several capacities is no order altogether.
    return merge_sorted(list(usable), compare)


def note_choice(
    run: Run, rsc: Resource, nodes: list[Node], preferred: Node | None, *, whole: bool
) -> None:
    """Tell the trail that the order of nodes mattered, as far as their fullness decided it.

    `nodes` is sorted. Where only the first counts, those count that score as much as it does.
    """
    scores = rsc.scores
    usable = [scores.get(node, node.score) if available(node) else -INFINITY for node in nodes]
    start = 0
    for at in range(1, len(nodes) + 1):
        if at < len(nodes) and usable[at] == usable[start]:
            continue
        if at - start > 1 and (whole or usable[start] >= 0):
            order = tuple(node.name for node in nodes[start:at])
            name = preferred.name if preferred is not None else None
            run.trail.note_choice(rsc.outermost.id, Choice(order, name, whole))
        if not whole:
            return
        start = at


def current_node(rsc: Resource) -> Node | None:
    """Return the node a resource counts as active on."""
    return rsc.kind.active_node(rsc)[0]


def assign_to(
    run: Run, rsc: Resource, node: Node | None, *, force: bool, stop_if_fail: bool
) -> bool:
    """Give a resource and all below it to a node, or to none; whether that changed anything."""
    if rsc.children:
        changes = [
            assign_to(run, child, node, force=force, stop_if_fail=stop_if_fail)
            for child in rsc.children
        ]
        return any(changes)
    if not force and node is not None:
        score = rsc.scores.get(node, node.score)
        if score < 0 or (not available(node) and not node.is_guest):
            if stop_if_fail:
                rsc.next_role = Role.STOPPED
            node = None
    changed = rsc.assigned is not node
    unassign(run, rsc)
    rsc.unassigned = False
    if node is None:
        if stop_if_fail:
            _stop_unassigned(rsc)
        return changed
    rsc.assigned = node
    rsc.assigned_score = rsc.scores.get(node, node.score) if rsc.managed else node.score
    node.assigned_count += 1
    run.trail.note_take(Take(node.name, 1))
    if rsc.utilization:
        consume(node.utilization, rsc.utilization)
    if run.show_utilization:
        show_use(run, rsc, node)
    return changed


def _stop_unassigned(rsc: Resource) -> None:
    """A resource with no place stops; nothing else of it can be done."""
    rsc.next_role = Role.STOPPED
    for action in rsc.actions:
        if action.task == "stop":
            action.flags &= ~OPTIONAL
        elif action.task == "start" or (
            "interval" in action.meta
            and action.meta["interval"] != "0"
            and action.meta.get("op_target_rc") != "7"
        ):
            action.flags &= ~RUNNABLE


def unassign(run: Run, rsc: Resource) -> None:
    """Take back an assignment."""
    rsc.unassigned = True
    if rsc.children:
        for child in rsc.children:
            unassign(run, child)
        return
    node = rsc.assigned
    if node is None:
        return
    rsc.assigned = None
    node.assigned_count -= 1
    run.trail.note_take(Take(node.name, -1))
    if rsc.utilization:
        release(node.utilization, rsc.utilization)
