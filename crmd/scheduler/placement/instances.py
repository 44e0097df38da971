"""Assigning the instances of a clone (or the containers of a bundle) to nodes (features 16.10)."""

from __future__ import annotations

from collections.abc import Callable

from cib_store.model.scores import INFINITY
from crmd.scheduler.constraints.colocations import (
    has_influence,
    this_with_colocations,
    with_this_colocations,
)
from crmd.scheduler.merge_sort import merge_sorted
from crmd.scheduler.placement.choice import current_node, unassign
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.scoring import ban
from crmd.scheduler.state.behaviour import Selection
from crmd.scheduler.state.constraint import Colocation
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node, available
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def instance_number(instance: Resource) -> int:
    """Return the number at the end of an instance's id."""
    mark = ":" if ":" in instance.id else "-"
    digits = instance.id.rpartition(mark)[2]
    return int(digits) if digits.isdigit() else 0


def _holder(instance: Resource) -> Resource:
    """What an instance belongs to."""
    return instance.parent if instance.parent is not None else instance


def _failed(rsc: Resource) -> bool:
    return rsc.failed or any(_failed(child) for child in rsc.children)


def _place_to_keep(instance: Resource) -> tuple[Node | None, int, bool]:
    """Return the node an instance may keep, on how many it is, and whether it may keep it."""
    node, count, _ = instance.kind.active_node(instance)
    if node is not None and instance.scores.get(node, -1) < 0:
        return None, count, False
    return node, count, True


def _preferred_first(one: int, other: int) -> int:
    """Compare two numbers of which the smaller one goes first."""
    return (one > other) - (one < other)


def compare_instances(run: Run) -> Callable[[Resource, Resource], int]:
    """Return a comparison of instances: negative where the first is to be assigned first.

    On fewer nodes (if active); allowed to stay; higher priority; active; on a usable node; on a
    node with fewer instances; not failed; liked more by what is colocated; lower number.
    """
    drawn: dict[Resource, int] = {}
    places: dict[Resource, tuple[Node | None, int, bool]] = {}

    def place(instance: Resource) -> tuple[Node | None, int, bool]:
        if instance not in places:
            places[instance] = _place_to_keep(instance)
        return places[instance]

    def colocated_score(instance: Resource) -> int:
        if instance not in drawn:
            drawn[instance] = _colocated_score(run, instance)
        return drawn[instance]

    def compare(one: Resource, other: Resource) -> int:
        node1, count1, stays1 = place(one)
        node2, count2, stays2 = place(other)
        if count1 and count2 and count1 != count2:
            return count1 - count2
        if stays1 is not stays2:
            return -1 if stays1 else 1
        if one.priority != other.priority:
            return _preferred_first(other.priority, one.priority)
        if node1 is None or node2 is None:
            return (node1 is None) - (node2 is None)
        usable1, usable2 = available(node1), available(node2)
        if usable1 is not usable2:
            return -1 if usable1 else 1
        holder1, holder2 = _holder(one), _holder(other)
        known1, known2 = node1 in holder1.scores, node2 in holder2.scores
        if not (known1 and known2):
            return known2 - known1
        order = _preferred_first(holder1.counts.get(node1, 0), holder2.counts.get(node2, 0))
        order = order or _failed(one) - _failed(other)
        order = order or _preferred_first(colocated_score(other), colocated_score(one))
        return order or instance_number(one) - instance_number(other)

    return compare


def _colocated_score(run: Run, instance: Resource) -> int:
    """Return what all that is colocated with an instance makes of its current node."""
    node = current_node(instance)
    assert node is not None
    scores = {node: node.score}
    for each in this_with_colocations(instance):
        scores = _add(run, instance, each.primary, scores, each, Selection())
    for each in with_this_colocations(instance):
        if has_influence(each, instance):
            selection = Selection(nonnegative=True)
            scores = _add(run, instance, each.dependent, scores, each, selection)
    return scores[node]


def _add(
    run: Run,
    instance: Resource,
    other: Resource,
    scores: dict[Node, int],
    colocation: Colocation,
    selection: Selection,
) -> dict[Node, int]:
    factor = colocation.score / INFINITY
    added = other.kind.add_colocated_scores(
        run, other, instance, scores, colocation, factor, selection
    )
    return scores if added is None else added


def sorted_instances(run: Run, instances: list[Resource]) -> list[Resource]:
    """Return instances in the order in which they are assigned."""
    return merge_sorted(instances, compare_instances(run))


def _may_run(instance: Resource, node: Node, max_per_node: int) -> bool:
    if instance.removed or not available(node):
        return False
    holder = _holder(instance)
    return holder.scores.get(node, -1) >= 0 and holder.counts.get(node, 0) < max_per_node


def _ban_unusable(instance: Resource, max_per_node: int) -> None:
    scores = instance.scores
    for node in scores:
        if not _may_run(instance, node, max_per_node):
            scores[node] = -INFINITY
            for child in instance.children:
                if node in child.scores:
                    child.scores[node] = -INFINITY


def _count(instance: Resource, node: Node | None) -> None:
    holder = _holder(instance)
    if node is not None and node in holder.scores:
        holder.counts[node] = holder.counts.get(node, 0) + 1


def _assign(run: Run, instance: Resource, prefer: Node | None, max_per_node: int) -> Node | None:
    if instance.assigning:
        return None
    with noted(run, instance, Origin.INSTANCES, f"at most {max_per_node} on a node"):
        _ban_unusable(instance, max_per_node)
    chosen = instance.kind.assign(run, instance, prefer, prefer is None)
    _count(instance, chosen)
    return chosen


def _saved_scores(rsc: Resource, into: dict[Resource, dict[Node, int]]) -> None:
    into[rsc] = dict(rsc.scores)
    for child in rsc.children:
        _saved_scores(child, into)


def _assign_early(
    run: Run, instance: Resource, current: Node, max_per_node: int, free: int
) -> bool:
    """Try to leave an instance where it is.

    Where it would rather go elsewhere, one instance less remains for the others; as long as some
    remain that place may yet be taken, so it is asked again.
    """
    if not available(current) or instance.scores.get(current, -1) < 0:
        return False
    holder = _holder(instance)
    saved: dict[Resource, dict[Node, int]] = {}
    _saved_scores(instance, saved)
    holder_scores, holder_counts = dict(holder.scores), dict(holder.counts)
    noted_before = len(run.contributions or ())
    chosen: Node | None = None
    for _ in range(free):
        chosen = _assign(run, instance, current, max_per_node)
        if chosen is current:
            break
        for rsc, scores in saved.items():
            rsc.scores = dict(scores)
        if run.contributions is not None:
            del run.contributions[noted_before:]
        if chosen is None:
            instance.unassigned = True
            break
        unassign(run, instance)
        chosen = None
    holder.scores, holder.counts = holder_scores, holder_counts
    _count(instance, chosen)
    return chosen is not None


def _preferred_node(instance: Resource, optimal: int) -> Node | None:
    """Return the node where an instance had better stay."""
    if not (instance.active_on and instance.unassigned) or instance.failed:
        return None
    node = current_node(instance)
    if node is None or not available(node) or node.score < 0:
        return None
    holder = _holder(instance)
    if node in holder.scores and holder.counts.get(node, 0) >= optimal:
        return None
    return node


def assign_instances(
    run: Run, collective: Resource, instances: list[Resource], total: int, max_per_node: int
) -> None:
    """Assign up to `total` instances: first those that can stay, then the others."""
    collective.counts = {}
    usable = sum(available(node) for node in collective.scores)
    optimal = max(1, total // usable if usable else 0)
    assigned = 0
    for instance in instances:
        if assigned >= total:
            break
        if instance.unassigned:
            current = _preferred_node(instance, optimal)
            if current is not None and _assign_early(
                run, instance, current, max_per_node, total - assigned
            ):
                assigned += 1
    for instance in instances:
        if not instance.unassigned:
            continue
        if assigned >= total:
            with noted(run, instance, Origin.INSTANCES, f"{total} are placed already"):
                ban(run, instance)
        elif _assign(run, instance, None, max_per_node) is not None:
            assigned += 1
