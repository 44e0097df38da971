"""When what happened in a failover, read from what the store's watch delivered.

Pure: `milestones` looks at frozen observations only. All times are milliseconds of the boot-time
clock, which every process of the machine shares, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from msgspec import Struct

from cib_store.document.element import Element
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import Facts, FencePhase, NodeFacts, Presence


class Milestone(Enum):
    """The steps of a failover, in the order in which people name them."""

    LOST = "lost"
    FENCING_INTENDED = "fencing intended"
    FENCED = "fenced"
    STARTED = "started elsewhere"
    ANSWERED = "first HTTP answer"


class Observation(Struct, frozen=True, kw_only=True):
    """What a watch of the store delivered, when, and the log position that it is after."""

    at_ms: int
    index: int
    facts: Facts
    cib: Element


class Failover(Struct, frozen=True, kw_only=True):
    """What to look for: the node that was taken away, when, and the resource that it ran."""

    node: NodeName
    resource: str
    taken_at_ms: int


def started_on(cib: Element, resource: str) -> frozenset[tuple[str, str]]:
    """Return (node, call id) of every successful start of the resource in the status section."""
    return frozenset(
        (node.get("uname"), operation.get("call-id"))
        for node in _descend(cib, "status", "node_state")
        for lrm in _descend(node, "lrm", "lrm_resources", "lrm_resource")
        if lrm.get("id") == resource
        for operation in _descend(lrm, "lrm_rsc_op")
        if operation.get("operation") == "start"
        and operation.get("rc-code") == "0"
        and operation.get("op-status") == "0"
    )


def active_on(cib: Element, resource: str) -> str:
    """Return the node whose newest finished start or stop of the resource is a start; else ""."""
    for node in _descend(cib, "status", "node_state"):
        for lrm in _descend(node, "lrm", "lrm_resources", "lrm_resource"):
            if lrm.get("id") == resource and _last_is_start(lrm):
                return node.get("uname")
    return ""


def _last_is_start(lrm: Element) -> bool:
    calls = sorted(
        (int(operation.get("call-id") or 0), operation.get("operation"))
        for operation in _descend(lrm, "lrm_rsc_op")
        if operation.get("operation") in ("start", "stop")
        and operation.get("op-status") == "0"
        and operation.get("rc-code") == "0"
    )
    return bool(calls) and calls[-1][1] == "start"


def _descend(element: Element, *tags: str) -> Iterable[Element]:
    found: list[Element] = [element]
    for tag in tags:
        found = [child for parent in found for child in parent.children if child.tag == tag]
    return found


def milestones(
    failover: Failover, observed: Sequence[Observation], answered_at_ms: int | None
) -> Mapping[Milestone, int]:
    """Return the milliseconds from the loss of the node to each step that was seen.

    `answered_at_ms`: when the service answered from another node. Observations are in order;
    the last one before the loss says which starts are old.
    """
    before = [item for item in observed if item.at_ms <= failover.taken_at_ms]
    after = [item for item in observed if item.at_ms > failover.taken_at_ms]
    old = started_on(before[-1].cib, failover.resource) if before else frozenset()
    session = _facts_of(before[-1], failover.node) if before else None

    def of_old_session(test: Callable[[NodeFacts], bool]) -> Callable[[Observation], bool]:
        def seen(item: Observation) -> bool:
            facts = _facts_of(item, failover.node)
            same = session is None or facts is None or facts.boot_id == session.boot_id
            return facts is not None and same and test(facts)

        return seen

    def started(item: Observation) -> bool:
        fresh = started_on(item.cib, failover.resource) - old
        return any(node != failover.node for node, _ in sorted(fresh))

    looked_for: Mapping[Milestone, Callable[[Observation], bool]] = {
        Milestone.LOST: of_old_session(lambda facts: facts.presence is Presence.LOST),
        Milestone.FENCING_INTENDED: of_old_session(
            lambda facts: facts.fencing in (FencePhase.INTENDED, FencePhase.CONFIRMED)
        ),
        Milestone.FENCED: of_old_session(lambda facts: facts.fencing is FencePhase.CONFIRMED),
        Milestone.STARTED: started,
    }
    times: dict[Milestone, int] = {}
    for milestone, test in looked_for.items():
        first = next((item.at_ms for item in after if test(item)), None)
        if first is not None:
            times[milestone] = first - failover.taken_at_ms
    if answered_at_ms is not None:
        times[Milestone.ANSWERED] = answered_at_ms - failover.taken_at_ms
    return times


def _facts_of(item: Observation, node: NodeName) -> NodeFacts | None:
    return item.facts.of(node)
