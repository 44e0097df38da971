"""What keeps a resource from running, anywhere or on a node, and which command changes that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cib_store.model.options import NoQuorum
from cib_store.model.scores import INFINITY
from crmd.scheduler.explaining.values import Obstacle
from crmd.scheduler.state.contribution import Contribution, Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role, parse_role

_TOLD_ONCE = (Origin.ROLE, Origin.TICKET, Origin.REMOVED)
"""They ban a resource from every node, and `obstacles_everywhere` says so."""


def why_unmanaged(run: Run, rsc: Resource) -> Obstacle:
    """Say why the cluster leaves a resource alone that is not managed."""
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
    for node in rsc.active_on:
        if node.maintenance:
            return Obstacle(f"{node.name} is in maintenance", f"crm node ready {node.name}")
    return Obstacle("it is unmanaged", f"crm resource manage {rsc.xml_id}")


def obstacles_everywhere(run: Run, rsc: Resource) -> Iterator[Obstacle]:
    """Yield what keeps a resource from running on any node."""
    yield from _told_to_stop(run, rsc)
    if not run.quorate and run.no_quorum is not NoQuorum.IGNORE:
        policy = run.no_quorum.value
        yield Obstacle(
            f"the cluster has no quorum (no-quorum-policy={policy})",
            "start more nodes: crm cluster start",
        )
    if not rsc.managed:
        yield why_unmanaged(run, rsc)
    yield from _tickets(rsc)
    for each in rsc.this_with:
        if each.score >= INFINITY and each.primary.assigned is None and not each.primary.children:
            name = "" if each.id.startswith("#") else f" ({each.id})"
            yield Obstacle(
                f"{each.primary.id}, with which it must be{name}, runs nowhere",
                f"crm explain {each.primary.xml_id}",
            )
    yield from _too_many_instances(rsc)


def _told_to_stop(run: Run, rsc: Resource) -> Iterator[Obstacle]:
    if rsc.removed:
        in_clone = rsc.top.clone is not None and not rsc.top.removed
        yield Obstacle(
            f"{rsc.top.xml_id} has fewer instances now (clone-max)"
            if in_clone
            else "it is not in the configuration any more"
        )
    holder: Resource | None = rsc
    while holder is not None:
        if parse_role(holder.meta.get("target-role")) is Role.STOPPED:
            yield Obstacle("its target-role is Stopped", f"crm resource start {holder.xml_id}")
            break
        holder = holder.parent
    if run.stop_all:
        command = "crm configure property stop-all-resources=false"
        yield Obstacle("stop-all-resources is set", command)


def _tickets(rsc: Resource) -> Iterator[Obstacle]:
    holder: Resource | None = rsc
    while holder is not None:
        for constraint in holder.tickets:
            ticket = constraint.ticket
            if not ticket.granted:
                yield Obstacle(
                    f"ticket {ticket.id} is not granted", f"crm_ticket --ticket {ticket.id} --grant"
                )
            elif ticket.standby:
                command = f"crm_ticket --ticket {ticket.id} --activate"
                yield Obstacle(f"ticket {ticket.id} is in standby", command)
        holder = holder.parent


def _too_many_instances(rsc: Resource) -> Iterator[Obstacle]:
    clone = rsc.top.clone
    if clone is None or rsc.assigned is not None:
        return
    placed = sum(1 for each in rsc.top.children if _is_placed(each))
    if placed >= clone.clone_max:
        yield Obstacle(
            f"clone-max={clone.clone_max} instances of {rsc.top.xml_id} are placed already",
            f"crm resource meta {rsc.top.xml_id} set clone-max {clone.clone_max + 1}",
        )


def _is_placed(rsc: Resource) -> bool:
    if rsc.children:
        return any(_is_placed(each) for each in rsc.children)
    return rsc.assigned is not None


def out_of_service(node: Node) -> Iterator[Obstacle]:
    """Yield what keeps everything from a node."""
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


def obstacles_on(
    run: Run, rsc: Resource, node: Node, contributions: Iterable[Contribution]
) -> Iterator[Obstacle]:
    """Yield what keeps a resource from one node; `contributions` are those to its score there."""
    yield from out_of_service(node)
    if node not in rsc.scores and not run.symmetric:
        yield Obstacle(
            "symmetric-cluster is false and no location constraint allows this node",
            f"crm configure location NAME {rsc.top.xml_id} 0: {node.name}",
        )
    for each in contributions:
        if each.origin in _TOLD_ONCE:
            continue
        if each.after <= -INFINITY and (each.before is None or each.before > -INFINITY):
            yield _ban(rsc, each)


def _ban(rsc: Resource, each: Contribution) -> Obstacle:
    what = f"{each.origin.value}: {each.text}"
    match each.origin:
        case Origin.LOCATION if each.detail.startswith(("cli-ban-", "cli-prefer-")):
            return Obstacle(what, f"crm resource clear {rsc.top.xml_id}")
        case Origin.LOCATION | Origin.COLOCATION if each.detail.startswith("#"):
            return Obstacle(what)  # implied: no constraint of the configuration
        case Origin.LOCATION | Origin.COLOCATION:
            name = each.detail.split(":")[0].split(" ")[0]
            return Obstacle(what, f"crm configure show {name}")
        case Origin.FAILURES:
            return Obstacle(what, f"crm resource cleanup {rsc.xml_id} {each.node}")
        case Origin.HEALTH:
            return Obstacle(what, f"crm node attribute {each.node} show")
        case Origin.UTILIZATION:
            return Obstacle(
                f"{each.node} has too little capacity left",
                f"crm node utilization {each.node} show",
            )
        case _:
            return Obstacle(what)
