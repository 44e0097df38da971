"""How colocations move scores and priorities between resources (features 12.x)."""

from __future__ import annotations

from enum import Enum, auto

from cib_store.model.scores import INFINITY, add_scores
from crmd.scheduler.constraints.colocations import (
    has_influence,
    this_with_colocations,
    with_this_colocations,
)
from crmd.scheduler.constraints.locations import apply_location
from crmd.scheduler.limits import may_ask_colocated
from crmd.scheduler.node_attributes import colocation_attribute
from crmd.scheduler.placement.choice import any_available
from crmd.scheduler.state.behaviour import Selection
from crmd.scheduler.state.constraint import Colocation
from crmd.scheduler.state.node import Node, available
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

_SPENT = INFINITY * -100
"""Marks a node whose score would turn negative, until all have been added."""


class Affects(Enum):
    """What a colocation changes about its dependent."""

    NOTHING = auto()
    LOCATION = auto()
    ROLE = auto()


def contained_in(rsc: Resource) -> Resource | None:
    """Return the resource that a bundle's container holds."""
    bundle = rsc.bundle if rsc.replica_container else None
    if bundle is None or bundle.containers is None:
        return None
    inside = (each.child for each in bundle.containers.replicas if each.container is rsc)
    return next(inside, None)


def _bearer_of_role(rsc: Resource) -> Resource:
    if rsc.replica_container:
        return contained_in(rsc) or rsc
    return rsc


def affects(
    dependent: Resource, primary: Resource, colocation: Colocation, *, preview: bool = False
) -> Affects:
    """Return what a colocation changes about the dependent now."""
    if not preview and primary.unassigned:
        return Affects.NOTHING
    bearer = _bearer_of_role(dependent)
    if (
        colocation.dependent_role >= Role.UNPROMOTED
        and bearer.parent is not None
        and bearer.parent.promotable
        and not bearer.unassigned
    ):
        return Affects.ROLE
    if not preview and not dependent.unassigned:
        return Affects.NOTHING
    if colocation.dependent_role not in (Role.UNKNOWN, bearer.next_role):
        return Affects.NOTHING
    if colocation.primary_role not in (Role.UNKNOWN, _bearer_of_role(primary).next_role):
        return Affects.NOTHING
    return Affects.LOCATION


def same(one: str | None, other: str | None) -> bool:
    """Whether two attribute values are equal, case ignored; two absent ones are."""
    if one is None or other is None:
        return one is other
    return one == other or one.lower() == other.lower()


def apply_to_scores(dependent: Resource, primary: Resource, colocation: Colocation) -> None:
    """Change the dependent's scores by where the primary is assigned."""
    attribute, score = colocation.node_attribute, colocation.score
    place = primary.assigned
    if place is None and score < 0:
        return
    value = colocation_attribute(place, attribute, primary) if place is not None else None
    changed = dict(dependent.scores)
    for node, known in changed.items():
        if place is None:
            changed[node] = add_scores(-score, known)
        elif same(colocation_attribute(node, attribute, dependent), value):
            if score < INFINITY:
                changed[node] = add_scores(score, known)
        elif score >= INFINITY:
            changed[node] = -INFINITY
    if abs(score) >= INFINITY or any_available(changed):
        dependent.scores = changed


def keep_to(dependent: Resource, places: dict[Node, int], *, add: bool) -> None:
    """Ban the dependent from all but some nodes; with `add`, give it their scores there too."""
    for node, score in dependent.scores.items():
        if node not in places:
            dependent.scores[node] = -INFINITY
        elif add:
            dependent.scores[node] = add_scores(score, places[node])


def apply_to_priority(dependent: Resource, primary: Resource, colocation: Colocation) -> int:
    """Change the dependent's priority for promotion; return the change."""
    if dependent.assigned is None:
        return 0
    place = primary.assigned
    if place is not None and colocation.primary_role not in (
        Role.UNKNOWN,
        _bearer_of_role(primary).next_role,
    ):
        return 0
    attribute = colocation.node_attribute
    mine = colocation_attribute(dependent.assigned, attribute, dependent)
    theirs = colocation_attribute(place, attribute, primary)
    sign = 1
    if not same(mine, theirs):
        if colocation.score != INFINITY or colocation.dependent_role is not Role.PROMOTED:
            return 0
        sign = -1
    elif colocation.dependent_role is Role.UNPROMOTED:
        sign = -1
    change = sign * colocation.score
    dependent.priority = add_scores(change, dependent.priority)
    return change


def _own_scores(run: Run, colocation: Colocation | None, rsc: Resource) -> dict[Node, int]:
    """The scores of `rsc`, with those of its group where only the first member holds them."""
    if (
        colocation is None
        or rsc is not colocation.dependent
        or not colocation.explicit
        or rsc.parent is None
        or rsc.parent.variant is not Variant.GROUP
        or rsc is rsc.parent.children[0]
    ):
        return rsc.scores
    saved = rsc.scores
    rsc.scores = dict(saved)
    for location in reversed(run.locations):
        if location.rsc is rsc.parent:
            apply_location(run, rsc, location)
    scores, rsc.scores = rsc.scores, saved
    return scores


def _best_score(
    run: Run, scores: dict[Node, int], rsc: Resource, attribute: str, node: Node, value: str | None
) -> int:
    """The best score of `rsc` among usable nodes with that attribute value, as `node` has it."""
    if attribute == "#uname" and not run.have_remote_nodes:
        return scores.get(node, -INFINITY) if available(node) else -INFINITY
    best = -INFINITY
    for other, score in scores.items():
        if score <= best or not available(other):
            continue
        if same(value, colocation_attribute(other, attribute, rsc)):
            best = score
    return best


def _allowed_on_one(rsc: Resource) -> bool:
    for node in rsc.scores:
        node.relied_on = True
    return sum(score >= 0 for score in rsc.scores.values()) == 1


def _rounded(value: float) -> int:
    return int(value - 0.5 if value < 0 else value + 0.5)


def _add_matching(
    run: Run,
    scores: dict[Node, int],
    source: Resource,
    target: Resource | None,
    colocation: Colocation,
    factor: float,
    *,
    nonnegative: bool,
) -> None:
    attribute = colocation.node_attribute
    owner = target if target is not None else source
    own = _own_scores(run, colocation, source)
    for node, known in scores.items():
        value = colocation_attribute(node, attribute, owner)
        score = _best_score(run, own, source, attribute, node, value)
        # A ban of the dependent does not attract the primary, unless it has one place only.
        if (
            factor < 0
            and score < 0
            and (
                colocation.primary.stickiness >= -score
                or not has_influence(colocation)
                or not _allowed_on_one(colocation.dependent)
            )
        ):
            continue
        if known == _SPENT:
            continue
        change = _rounded(factor * score)
        if change == 0 and score != 0:
            change = 1 if factor > 0 else -1 if factor < 0 else 0
        new = add_scores(change, known)
        if nonnegative and new < 0 < known:
            scores[node] = _SPENT
        elif not (nonnegative and new < 0 and known == 0):
            scores[node] = new


def add_colocated_scores(
    run: Run,
    source: Resource,
    target: Resource | None,
    scores: dict[Node, int] | None,
    colocation: Colocation | None,
    factor: float,
    selection: Selection,
) -> dict[Node, int] | None:
    """Add what `source` and all colocated with it prefer to the scores of `target`."""
    if source.updating_scores or not may_ask_colocated(run, source.id):
        return scores
    source.updating_scores = True
    try:
        if scores is None:
            work = dict(source.scores)
            target = source
        else:
            assert colocation is not None
            work = dict(scores)
            _add_matching(
                run, work, source, target, colocation, factor, nonnegative=selection.nonnegative
            )
        if any_available(work):
            work = _follow(run, source, target, work, factor, selection)
        elif selection.active:
            return scores
        if selection.nonnegative:
            for node, score in work.items():
                if score == _SPENT:
                    work[node] = 1
        return work
    finally:
        source.updating_scores = False


def _follow(
    run: Run,
    source: Resource,
    target: Resource | None,
    work: dict[Node, int],
    factor: float,
    selection: Selection,
) -> dict[Node, int]:
    further = Selection(selection.this_with, selection.nonnegative, active=True)
    onward = this_with_colocations if selection.this_with else with_this_colocations
    for each in onward(source):
        if selection.this_with:
            other = each.primary
        elif has_influence(each):
            other = each.dependent
        else:
            continue
        share = factor * each.score / INFINITY
        result = other.kind.add_colocated_scores(run, other, target, work, each, share, further)
        if result is not None:
            work = result
    return work


def add_dependent_scores(run: Run, colocation: Colocation, primary: Resource) -> None:
    """Add the preferences of a dependent to its primary's scores."""
    if not has_influence(colocation):
        return
    dependent = colocation.dependent
    selection = Selection(nonnegative=primary.variant is Variant.CLONE, active=True)
    result = dependent.kind.add_colocated_scores(
        run,
        dependent,
        primary,
        primary.scores,
        colocation,
        colocation.score / INFINITY,
        selection,
    )
    if result is not None:
        primary.scores = result


def colocated_resources(
    run: Run, rsc: Resource, origin: Resource | None, found: list[Resource]
) -> list[Resource]:
    """Return all resources that must be on one node with `rsc`."""
    origin = origin or rsc
    if rsc in found:
        return found
    found = [rsc, *found]
    for each in this_with_colocations(rsc):
        primary = each.primary
        if primary is origin or each.score != INFINITY:
            continue
        if affects(rsc, primary, each, preview=True) is Affects.LOCATION:
            found = primary.kind.colocated(run, primary, origin, found)
    for each in with_this_colocations(rsc):
        dependent = each.dependent
        if dependent is origin or each.score != INFINITY:
            continue
        if rsc.variant is Variant.CLONE and dependent.variant is not Variant.CLONE:
            continue
        if affects(dependent, rsc, each, preview=True) is Affects.LOCATION:
            found = dependent.kind.colocated(run, dependent, origin, found)
    return found
