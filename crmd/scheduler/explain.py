"""Why a resource is where it is: node by node, every score with its source, and what blocks it.

Pure: the scheduler runs once more on the same CIB and time with its ledger open; nothing here
decides anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.options import NoQuorum
from cib_store.model.scores import INFINITY, score_text
from crmd.scheduler.configuration.nodes import natural_key
from crmd.scheduler.pipeline import decide, read_cluster
from crmd.scheduler.state.contribution import Contribution, Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role, parse_role


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing in the way, and the command that would change it (empty where none would)."""

    what: str
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """How one resource stands with one node."""

    node: str
    score: str
    """The final score; ``-`` where the node was never a candidate."""
    chosen: bool
    contributions: tuple[Contribution, ...]
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one primitive (or instance) is where it is, or is nowhere."""

    resource: str
    now_on: tuple[str, ...]
    chosen: str | None
    verdict: str
    """One sentence."""
    obstacles: tuple[Obstacle, ...]
    """What keeps it from running anywhere."""
    nodes: tuple[NodeView, ...]


def explain(
    cib: Element, now: Moment, resource: str, node: str | None = None
) -> tuple[Explanation, ...]:
    """Explain every primitive of a resource; empty where there is no such resource.

    With `node` only that node is looked at.
    """
    run = read_cluster(cib, now)
    run.contributions = []
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
    obstacles = tuple(_obstacles_everywhere(run, rsc))
    chosen = rsc.assigned.name if rsc.assigned is not None else None
    return Explanation(
        resource=rsc.id,
        now_on=tuple(node.name for node in rsc.active_on),
        chosen=chosen,
        verdict=_verdict(run, rsc, obstacles),
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
        obstacles=tuple(_obstacles_on(run, rsc, node, contributions)),
    )


def _verdict(run: Run, rsc: Resource, obstacles: tuple[Obstacle, ...]) -> str:
    node = rsc.assigned
    here = rsc.active_on[0] if len(rsc.active_on) == 1 else None
    if node is None:
        if obstacles:
            return f"{rsc.id} does not run: {obstacles[0].what}"
        return f"{rsc.id} does not run: no node may run it (see what is in the way of each)"
    verb = "stays on" if here is node else "moves to" if here is not None else "runs on"
    if not rsc.managed:
        return f"{rsc.id} is left where it is, on {node.name}: {_unmanaged(run, rsc).what}"
    score = rsc.assigned_score
    equal = [
        other for other, value in rsc.scores.items()
        if value == score and other is not node and not list(_out_of_service(other))
    ]  # fmt: skip
    if not equal:
        return f"{rsc.id} {verb} {node.name}: it has the highest score, {score_text(score)}"
    names = ", ".join(sorted(other.name for other in equal))
    tie = "it runs there already" if here is node else "that node had the fewest resources"
    return f"{rsc.id} {verb} {node.name}: {names} scored the same ({score_text(score)}), and {tie}"


def _unmanaged(run: Run, rsc: Resource) -> Obstacle:
    if run.maintenance_mode:
        command = "crm configure property maintenance-mode=false"
        return Obstacle("the whole cluster is in maintenance mode", command)
    if run.fencing_enabled and not run.have_fencing:
        return Obstacle(
            "fencing is enabled and there is no fence device",
            "crm configure primitive NAME stonith:AGENT ...",
        )
    if rsc.blocked:
        return Obstacle("it is blocked by a failure", f"crm resource cleanup {rsc.xml_id}")
    if rsc.maintenance:
        return Obstacle("it is in maintenance", f"crm resource maintenance {rsc.xml_id} off")
    return Obstacle("it is unmanaged", f"crm resource manage {rsc.xml_id}")


def _obstacles_everywhere(run: Run, rsc: Resource) -> Iterator[Obstacle]:
    """Yield what keeps a resource from running on any node."""
    holder: Resource | None = rsc
    while holder is not None:
        if parse_role(holder.meta.get("target-role")) is Role.STOPPED:
            yield Obstacle("its target-role is Stopped", f"crm resource start {holder.xml_id}")
            break
        holder = holder.parent
    if run.stop_all:
        command = "crm configure property stop-all-resources=false"
        yield Obstacle("stop-all-resources is set", command)
    if not run.quorate and run.no_quorum is not NoQuorum.IGNORE:
        policy = run.no_quorum.value
        yield Obstacle(
            f"the cluster has no quorum (no-quorum-policy={policy})",
            "start more nodes: crm cluster start",
        )
    if not rsc.managed:
        yield _unmanaged(run, rsc)
    for constraint in rsc.tickets:
        ticket = constraint.ticket
        if not ticket.granted:
            yield Obstacle(
                f"ticket {ticket.id} is not granted", f"crm site ticket grant {ticket.id}"
            )
        elif ticket.standby:
            command = f"crm_ticket --ticket {ticket.id} --activate"
            yield Obstacle(f"ticket {ticket.id} is in standby", command)
    for each in rsc.this_with:
        if each.score >= INFINITY and each.primary.assigned is None and not each.primary.children:
            yield Obstacle(
                f"{each.primary.id}, with which it must be ({each.id}), runs nowhere",
                f"crm explain {each.primary.xml_id}",
            )


def _out_of_service(node: Node) -> Iterator[Obstacle]:
    if node.unclean:
        yield Obstacle(
            f"{node.name} is unclean and must be fenced first", f"crm node fence {node.name}"
        )
    elif not node.online:
        yield Obstacle(f"{node.name} is offline", f"crm cluster start (on {node.name})")
    if node.standby:
        yield Obstacle(f"{node.name} is in standby", f"crm node online {node.name}")
    if node.maintenance:
        yield Obstacle(f"{node.name} is in maintenance", f"crm node ready {node.name}")
    if node.shutdown:
        yield Obstacle(f"{node.name} is shutting down")
    if node.pending:
        yield Obstacle(f"{node.name} has not joined yet")


def _obstacles_on(
    run: Run, rsc: Resource, node: Node, contributions: tuple[Contribution, ...]
) -> Iterator[Obstacle]:
    yield from _out_of_service(node)
    if node not in rsc.scores and not run.symmetric:
        yield Obstacle(
            "symmetric-cluster is false and no location constraint allows this node",
            f"crm configure location NAME {rsc.top.xml_id} 0: {node.name}",
        )
    for each in contributions:
        if each.after <= -INFINITY and (each.before is None or each.before > -INFINITY):
            yield _ban(rsc, each)


def _ban(rsc: Resource, each: Contribution) -> Obstacle:
    what = f"{each.origin.value}: {each.detail}"
    match each.origin:
        case Origin.LOCATION if each.detail.startswith(("cli-ban-", "cli-prefer-")):
            return Obstacle(what, f"crm resource clear {rsc.top.xml_id}")
        case Origin.LOCATION | Origin.COLOCATION:
            return Obstacle(what, f"crm configure show {each.detail.split(':')[0]}")
        case Origin.FAILURES:
            return Obstacle(what, f"crm resource cleanup {rsc.xml_id} {each.node}")
        case Origin.HEALTH:
            return Obstacle(what, f"crm node attribute {each.node} show")
        case Origin.UTILIZATION:
            return Obstacle(
                f"{each.node} has too little capacity left",
                f"crm node utilization {each.node} show",
            )
        case Origin.ROLE:
            return Obstacle(what, f"crm resource start {rsc.top.xml_id}")
        case Origin.STICKINESS | Origin.DISCOVERY | Origin.LOCK:
            return Obstacle(what)
