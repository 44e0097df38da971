"""Why an instance of a promotable clone is promoted, or is not."""

from __future__ import annotations

from cib_store.model.scores import score_text
from crmd.scheduler.placement.promotion import promotion_score
from crmd.scheduler.plan.instances import only_place
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from raftmaker.vocabulary.roles import Role, parse_role


def instance_of(rsc: Resource) -> Resource | None:
    """Return the instance of a promotable clone that a primitive is, or is in."""
    at: Resource | None = rsc
    while at is not None and at.parent is not None:
        if at.parent.clone is not None:
            return at if at.parent.promotable else None
        at = at.parent
    return None


def promotion_text(rsc: Resource) -> str:
    """Say why the instance of `rsc` is promoted or is not; empty where that is no question."""
    instance = instance_of(rsc)
    if instance is None:
        return ""
    clone = instance.parent
    assert clone is not None
    assert clone.clone is not None
    place = only_place(instance, current=False)
    if place is None:
        return "not promoted: it runs nowhere"
    score = score_text(instance.promotion_priority)
    if instance.next_role is Role.PROMOTED:
        return f"promoted: its promotion score on {place.name} is {score}"
    if parse_role(clone.meta.get("target-role")) is Role.UNPROMOTED:
        return f"not promoted: target-role is Unpromoted (crm resource promote {clone.xml_id})"
    if instance.promotion_priority < 0:
        return (
            f"not promoted: its promotion score on {place.name} is {score}; "
            f"the agent sets it with crm_attribute --promotion"
        )
    chosen = [each for each in clone.children if each.next_role is Role.PROMOTED]
    names = ", ".join(f"{each.id} ({score_text(each.promotion_priority)})" for each in chosen)
    if len(chosen) >= clone.clone.promoted_max:
        limit = f"promoted-max={clone.clone.promoted_max}"
        return f"not promoted: its promotion score is {score}, and {limit} are promoted: {names}"
    return f"not promoted: its promotion score is {score}, and {place.name} may not take it"


def promotion_score_on(rsc: Resource, node: Node) -> str:
    """Return the promotion score that the agent set on a node; empty for none."""
    if instance_of(rsc) is None:
        return ""
    score, is_set = promotion_score(rsc, node)
    return score_text(score) if is_set else ""
