"""Which instances of a promotable clone are promoted (features 9.19 to 9.24)."""

from __future__ import annotations

from collections.abc import Callable

from cib_store.model.options import NoQuorum
from cib_store.model.scores import INFINITY, add_scores, parse_score, score_text
from crmd.scheduler.actions.keys import base_name
from crmd.scheduler.constraints.colocations import (
    has_influence,
    this_with_colocations,
    with_this_colocations,
)
from crmd.scheduler.constraints.tickets import require_promotion_tickets
from crmd.scheduler.merge_sort import merge_sorted
from crmd.scheduler.node_attributes import attribute_for, colocation_attribute
from crmd.scheduler.placement.colocation import keep_to, same
from crmd.scheduler.placement.instances import compare_instances
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.plan.instances import compatible_instance, only_place, places
from crmd.scheduler.state.behaviour import Selection
from crmd.scheduler.state.constraint import Colocation, Location
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node, available
from crmd.scheduler.state.resource import CloneSettings, Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def _settings(instance: Resource) -> CloneSettings:
    settings = instance.top.clone
    assert settings is not None, f"{instance.id} is no instance of a clone"
    return settings


def _active_instance(clone: Resource, id_: str, node: Node) -> Resource | None:
    for instance in clone.children:
        found = instance.part(id_)
        if found is not None and node in found.active_on:
            return found
    return None


def _known_on(clone: Resource, id_: str, node: Node) -> bool:
    parts = [instance.part(id_) for instance in clone.children]
    return any(part is not None and node in part.probed_on for part in parts)


def _score_applies(rsc: Resource, node: Node) -> bool:
    """Whether the promotion score of a node is about this instance."""
    applies = not rsc.active_on and not rsc.probed_on
    if not rsc.unique:
        id_, clone = base_name(rsc.id), rsc.top
        active = _active_instance(clone, id_, node)
        applies = applies or active is rsc or (active is None and _known_on(clone, id_, node))
    applies = applies or node in rsc.probed_on or node in rsc.active_on
    return applies and rsc.scores.get(node, -1) >= 0


def _attribute(rsc: Resource, node: Node, name: str) -> str | None:
    target = rsc.meta.get("container-attribute-target")
    return attribute_for(node, f"master-{name}", target, assigned=not rsc.unassigned)


def promotion_score(rsc: Resource, node: Node) -> tuple[int, bool]:
    """Return the score the agent set for promotion on a node, and whether it did set one."""
    if rsc.children:
        found = [promotion_score(child, node) for child in rsc.children]
        return sum(score for score, _ in found), any(is_set for _, is_set in found)
    if not _score_applies(rsc, node):
        return 0, False
    text = _attribute(rsc, node, rsc.history_id or rsc.id)
    if text is None and not rsc.unique and base_name(rsc.id) != rsc.id:
        text = _attribute(rsc, node, base_name(rsc.id))
    return (parse_score(text), True) if text is not None else (0, False)


def add_promotion_scores(run: Run, clone: Resource) -> None:
    """Let instances prefer the nodes on which they could be promoted."""
    settings = _settings(clone)
    if settings.promotion_scored:
        return
    settings.promotion_scored = True
    for instance in clone.children:
        for node, known in list(instance.scores.items()):
            if not available(node):
                continue
            score, _ = promotion_score(instance, node)
            if score > 0:
                with noted(run, instance, Origin.PROMOTION, "set by the agent"):
                    instance.scores[node] = add_scores(known, score)
            instance.priority = max(instance.priority, score)


def _be_unpromoted_now(rsc: Resource) -> None:
    if rsc.role is Role.STARTED:
        rsc.role = Role.UNPROMOTED
    for child in rsc.children:
        _be_unpromoted_now(child)


def _add_promoted_locations(instance: Resource, locations: list[Location], chosen: Node) -> None:
    for location in reversed(locations):
        if location.role is Role.PROMOTED and chosen in location.scores:
            instance.priority = add_scores(instance.priority, location.scores[chosen])


def _set_priority(run: Run, clone: Resource, instance: Resource) -> None:
    """Work out how much an instance is to be promoted, where it was placed."""
    if instance.kind.role(instance, True) is Role.STARTED:
        _be_unpromoted_now(instance)
    chosen = only_place(instance, current=False)
    if chosen is None:
        return
    next_role = instance.kind.role(instance, False)
    match next_role:
        case Role.STARTED | Role.UNKNOWN:
            score, is_set = promotion_score(instance, chosen)
            instance.priority = score if is_set else -1
        case Role.UNPROMOTED | Role.STOPPED:
            instance.priority = -INFINITY
        case Role.PROMOTED:
            pass
    _add_promoted_locations(instance, instance.locations, chosen)
    _add_promoted_locations(instance, clone.locations, chosen)
    for each in this_with_colocations(instance):
        instance.kind.apply_colocation(run, instance, each.primary, each, True)
    instance.promotion_priority = instance.priority
    if next_role is Role.PROMOTED:
        instance.promotion_priority = INFINITY


def _compare_promotables(run: Run) -> Callable[[Resource, Resource], int]:
    otherwise = compare_instances(run)

    def compare(one: Resource, other: Resource) -> int:
        if one.promotion_priority != other.promotion_priority:
            return other.promotion_priority - one.promotion_priority
        role, other_role = one.kind.role(one, True), other.kind.role(other, True)
        if role is not other_role:
            return -1 if role > other_role else 1
        return otherwise(one, other)

    return compare


def _sort_promotables(run: Run, clone: Resource) -> None:
    """Sort instances by who is to be promoted first; constraints with the promoted role count."""
    settings = _settings(clone)
    if settings.promotion_sorted:
        return
    settings.promotion_sorted = True
    clone.updating_scores = True
    chosen = {each: only_place(each, current=False) for each in clone.children}
    for instance, node in chosen.items():
        if instance.promotion_priority >= 0 and node is not None:
            clone.scores[node] = add_scores(instance.promotion_priority, clone.scores[node])
    for each in with_this_colocations(clone):
        _follow_dependent(run, clone, each)
    require_promotion_tickets(run, clone)
    for instance, node in chosen.items():
        if not instance.managed and instance.next_role is Role.PROMOTED:
            instance.promotion_priority = INFINITY
        elif node is None:
            instance.promotion_priority = -INFINITY
        elif instance.promotion_priority >= 0:
            instance.promotion_priority = clone.scores[node]
    clone.children = merge_sorted(clone.children, _compare_promotables(run))
    clone.updating_scores = False


def _follow_dependent(run: Run, clone: Resource, colocation: Colocation) -> None:
    """Promote where that suits what wants to be with the promoted instance."""
    if colocation.primary_role is not Role.PROMOTED or not has_influence(colocation):
        return
    dependent = colocation.dependent
    scores = dependent.kind.add_colocated_scores(
        run,
        dependent,
        clone,
        clone.scores,
        colocation,
        colocation.score / INFINITY,
        Selection(nonnegative=True, active=True),
    )
    if scores is not None:
        clone.scores = scores


def _be_unpromoted(rsc: Resource) -> None:
    rsc.next_role = Role.UNPROMOTED if places(rsc, current=False) else Role.STOPPED
    for child in rsc.children:
        _be_unpromoted(child)


def _be_promoted(rsc: Resource) -> None:
    if rsc.next_role is Role.UNKNOWN:
        rsc.next_role = Role.PROMOTED
    for child in rsc.children:
        _be_promoted(child)


def _place_to_promote(rsc: Resource) -> Node | None:
    """Return the node where an instance can be promoted, if there is one."""
    if any(_place_to_promote(child) is None for child in rsc.children):
        return None
    node = only_place(rsc, current=False)
    if node is None:
        return None
    clone = rsc.top
    if not rsc.managed:
        if rsc.kind.role(rsc, True) is not Role.PROMOTED:
            return None
    elif rsc.priority < 0 or not _can_host(node):
        return None
    if node not in clone.scores:
        return None
    full = clone.counts.get(node, 0) >= _settings(rsc).promoted_node_max
    return None if full and rsc.managed else node


def _can_host(node: Node) -> bool:
    if not available(node):
        return False
    machine = node.remote.launcher if node.remote is not None else None
    return machine is None or only_place(machine, current=False) is not None


def _show_promotion_score(run: Run, instance: Resource) -> None:
    if run.show_scores:
        node = only_place(instance, current=False)
        place = f"on {node.name}" if node is not None else "(inactive)"
        score = score_text(instance.promotion_priority)
        run.score_lines.append(f"{instance.id} promotion score {place}: {score}")


def set_instance_roles(run: Run, clone: Resource) -> None:
    """Decide the role of each instance: promoted up to ``promoted-max``, the others unpromoted."""
    clone.counts = {}
    for instance in clone.children:
        _set_priority(run, clone, instance)
    _sort_promotables(run, clone)
    promoted = 0
    for instance in clone.children:
        _show_promotion_score(run, instance)
        top = instance.top
        chosen: Node | None = None
        may = promoted < _settings(instance).promoted_max or not top.managed
        if instance.promotion_priority >= 0 and may:
            chosen = _place_to_promote(instance)
        frozen = not run.quorate and run.no_quorum is NoQuorum.FREEZE
        if chosen is None or (frozen and instance.role < Role.PROMOTED):
            _be_unpromoted(instance)
            continue
        top.counts[chosen] = top.counts.get(chosen, 0) + 1
        _be_promoted(instance)
        promoted += 1


def follow_role(run: Run, dependent: Resource, clone: Resource, colocation: Colocation) -> None:
    """Place what shall be with instances in a role."""
    instances = [
        (each, place)
        for each in clone.children
        if (place := only_place(each, current=False)) is not None
        and each.kind.role(each, False) is colocation.primary_role
    ]
    if colocation.score < INFINITY:
        for _, place in instances:
            _add_where_same(dependent, clone, place, colocation)
    elif Role.PROMOTED is not colocation.dependent_role or (
        Role.PROMOTED is not colocation.primary_role
    ):
        keep_to(dependent, {place: score_there(each) for each, place in instances}, add=True)


def score_there(instance: Resource) -> int:
    """Return the score an instance had where it was assigned; a group's is its first member's."""
    while instance.children:
        instance = instance.children[0]
    return instance.assigned_score


def _add_where_same(
    dependent: Resource, clone: Resource, place: Node, colocation: Colocation
) -> None:
    attribute = colocation.node_attribute
    value = colocation_attribute(place, attribute, clone)
    for node, score in dependent.scores.items():
        if same(value, colocation_attribute(node, attribute, dependent)):
            dependent.scores[node] = add_scores(score, colocation.score)


def prefer_promotion(run: Run, dependent: Resource, clone: Resource, colocation: Colocation) -> int:
    """Promote an instance (or not) for where another clone's instances are; return the change."""
    match_there = compatible_instance(
        run,
        dependent,
        clone,
        role=colocation.primary_role,
        current=False,
        attribute=colocation.node_attribute,
    )
    if match_there is not None:
        dependent.priority = add_scores(dependent.priority, colocation.score)
        return colocation.score
    if colocation.score >= INFINITY:
        dependent.priority = -INFINITY
        return -INFINITY
    return 0
