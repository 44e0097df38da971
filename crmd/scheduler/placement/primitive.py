"""Placing a primitive."""

from __future__ import annotations

from cib_store.model.options import NoQuorum
from cib_store.model.scores import INFINITY
from crmd.scheduler.constraints.colocations import (
    extend_this_with,
    extend_with_this,
    insert_this_with,
    insert_with_this,
    this_with_colocations,
    with_this_colocations,
)
from crmd.scheduler.placement.choice import (
    any_available,
    assign_to,
    current_node,
    note_choice,
    sorted_nodes,
)
from crmd.scheduler.placement.colocation import (
    Affects,
    add_dependent_scores,
    affects,
    apply_to_priority,
    apply_to_scores,
)
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.placement.score_lines import show_scores
from crmd.scheduler.placement.utilization import ban_where_it_does_not_fit
from crmd.scheduler.scoring import ban
from crmd.scheduler.state.constraint import Colocation
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node, available
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def assign_primitive(
    run: Run, rsc: Resource, prefer: Node | None, stop_if_fail: bool
) -> Node | None:
    """Place a primitive, what it is colocated with first; return its node."""
    parent = rsc.parent
    if parent is not None and not parent.assigning:
        parent.kind.assign(run, parent, prefer, stop_if_fail)
    if not rsc.unassigned:
        return rsc.assigned
    if rsc.assigning:
        # A loop of colocations: whoever comes first decides.
        return None
    rsc.assigning = True
    _apply_colocations(run, rsc)
    with noted(run, rsc, Origin.ROLE, "it shall be stopped"):
        _apply_wanted_role(run, rsc)
    show_scores(run, rsc, "pcmk__primitive_assign")
    if run.fencing_enabled and not run.have_fencing:
        rsc.managed = False
    if not rsc.managed:
        rsc.next_role = rsc.role
        assign_to(run, rsc, current_node(rsc), force=True, stop_if_fail=stop_if_fail)
    elif run.stop_all:
        assign_to(run, rsc, None, force=True, stop_if_fail=stop_if_fail)
    else:
        _assign_best(run, rsc, prefer, stop_if_fail)
    rsc.assigning = False
    if rsc.remote_connection:
        _judge_remote_node(run, rsc)
    return rsc.assigned


def _apply_colocations(run: Run, rsc: Resource) -> None:
    """Apply the mandatory colocations, then the others."""
    this_with = this_with_colocations(rsc)
    with_this = with_this_colocations(rsc)
    for mandatory in (True, False):
        for each in this_with:
            if (abs(each.score) >= INFINITY) is mandatory:
                with noted(run, rsc, _origin(each), f"{each.id}: with {each.primary.id}"):
                    _apply_this_with(run, rsc, each)
        for each in with_this:
            if (abs(each.score) >= INFINITY) is mandatory:
                with noted(run, rsc, _origin(each), f"{each.id}: for {each.dependent.id}"):
                    add_dependent_scores(run, each, rsc)


def _origin(colocation: Colocation) -> Origin:
    """What an explanation calls a colocation, implied ones by what implies them."""
    match colocation.id:
        case "#group-members":
            return Origin.GROUP
        case "#resource-with-container" | "#ip-with-container":
            return Origin.CONTAINER
        case _:
            return Origin.COLOCATION


def _apply_this_with(run: Run, rsc: Resource, colocation: Colocation) -> None:
    saved: dict[Node, int] | None = None
    if colocation.dependent_role >= Role.PROMOTED or -INFINITY < colocation.score < 0:
        saved = dict(rsc.scores)
    primary = colocation.primary
    if primary.unassigned:
        primary.kind.assign(run, primary, None, True)
    rsc.kind.apply_colocation(run, rsc, primary, colocation, True)
    if saved is not None and not any_available(rsc.scores):
        rsc.scores = saved


def _apply_wanted_role(run: Run, rsc: Resource) -> None:
    if rsc.next_role is Role.STOPPED:
        ban(run, rsc)
    elif rsc.next_role > rsc.role and not run.quorate and run.no_quorum is NoQuorum.FREEZE:
        rsc.next_role = rsc.role


def _assign_best(run: Run, rsc: Resource, prefer: Node | None, stop_if_fail: bool) -> None:
    with noted(run, rsc, Origin.UTILIZATION, f"placement-strategy={run.placement_strategy}"):
        roomiest = ban_where_it_does_not_fit(run, rsc)
    prefer = prefer or roomiest
    if not rsc.unassigned:
        return
    scores = rsc.scores
    nodes = sorted_nodes(run, scores, scores, current_node(rsc))
    chosen: Node | None = None
    if nodes:
        best = nodes[0]
        if prefer is not None and prefer in scores:
            score = scores[prefer]
            if score >= scores[best] and score >= 0 and available(prefer):
                chosen = prefer
        chosen = chosen or _stay_if_as_good(rsc, nodes)
        if chosen is None:
            chosen = best
            note_choice(run, rsc, nodes, current_node(rsc), whole=False)
    assign_to(run, rsc, chosen, force=False, stop_if_fail=stop_if_fail)


def _stay_if_as_good(rsc: Resource, nodes: list[Node]) -> Node | None:
    """Return the current node if it scores the same as the best one."""
    scores, best = rsc.scores, nodes[0]
    unique_instance = rsc.parent is not None and rsc.parent.is_unique_clone
    if unique_instance or scores[best] <= 0 or not available(best):
        return None
    running = current_node(rsc)
    if running is None or not available(running) or running.score < 0:
        return None
    for node in nodes:
        if scores[node] != scores[best]:
            break
        if node is running:
            return node
    return None


def _judge_remote_node(run: Run, connection: Resource) -> None:
    """A remote node is as its connection will be."""
    node = run.find_node(connection.id)
    if node is None:
        return
    if connection.assigned is not None and connection.next_role is not Role.STOPPED:
        node.online = True
        if not node.seen:
            node.unclean = False
    else:
        node.shutdown = True


def apply_colocation(
    run: Run, dependent: Resource, primary: Resource, colocation: Colocation, ask_primary: bool
) -> int:
    """Apply a colocation to a primitive; return the change of its priority."""
    if ask_primary:
        return primary.kind.apply_colocation(run, dependent, primary, colocation, False)
    match affects(dependent, primary, colocation):
        case Affects.ROLE:
            return apply_to_priority(dependent, primary, colocation)
        case Affects.LOCATION:
            apply_to_scores(dependent, primary, colocation)
            return 0
        case Affects.NOTHING:
            return 0


def with_this(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    """Collect what is colocated with a primitive; implied colocations only for itself."""
    if rsc is origin:
        extend_with_this(found, rsc.with_this)
        if rsc.parent is not None:
            rsc.parent.kind.with_this(rsc.parent, origin, found)
        return
    for each in rsc.with_this:
        if each.explicit:
            insert_with_this(found, each)


def this_with(rsc: Resource, origin: Resource, found: list[Colocation]) -> None:
    """Collect what a primitive is colocated with; implied colocations only for itself."""
    if rsc is origin:
        extend_this_with(found, rsc.this_with)
        if rsc.parent is not None:
            rsc.parent.kind.this_with(rsc.parent, origin, found)
        return
    for each in rsc.this_with:
        if each.explicit:
            insert_this_with(found, each)
