"""The stages of the scheduler, in order."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.references import Index
from cib_store.model.upgrade import upgraded
from crmd.scheduler.configuration.nodes import read_nodes
from crmd.scheduler.configuration.options import read_options, section
from crmd.scheduler.configuration.remote import with_connections
from crmd.scheduler.configuration.resources import read_resources, read_tags
from crmd.scheduler.constraints import read_constraints
from crmd.scheduler.graph import Graph
from crmd.scheduler.output.changes import node_changes, resource_changes
from crmd.scheduler.output.dot import dot_picture
from crmd.scheduler.output.graph import build_graph
from crmd.scheduler.placement.assignment import assign_resources
from crmd.scheduler.placement.criteria import apply_criteria, apply_health
from crmd.scheduler.plan.changes import handle_changes, handle_deferred_changes
from crmd.scheduler.plan.fencing import schedule_fencing_and_shutdowns
from crmd.scheduler.plan.orderings import apply_orderings
from crmd.scheduler.plan.probes import schedule_probes
from crmd.scheduler.plan.remote import order_remote_actions
from crmd.scheduler.plan.removed import clear_failures_of_removed
from crmd.scheduler.schedule import Schedule
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Stage
from crmd.scheduler.status.history import read_status


def read_cluster(
    cib: Element,
    now: Moment,
    *,
    show_scores: bool = False,
    show_utilization: bool = False,
    sanitized: bool = False,
    explained: bool = False,
) -> Run:
    """Stages 1 and 2: what is configured, and what is true now."""
    cib = upgraded(cib).cib
    run = Run(
        cib=cib,
        now=now,
        index=Index.of(cib),
        show_scores=show_scores,
        show_utilization=show_utilization,
        sanitized=sanitized,
        contributions=[] if explained else None,
    )
    read_into(run)
    return run


def read_into(run: Run) -> None:
    """Stages 1 and 2 for a run that is prepared; its CIB must be of the newest schema."""
    read_options(run)
    read_nodes(run)
    read_resources(run, with_connections(run, section(run.cib, "resources")))
    read_tags(run)
    read_status(run)


def plan(run: Run) -> Graph:
    """Stages 3 to 6 as far as the graph: constraints, placement, plan."""
    apply_health(run)
    read_constraints(run)
    run.trail.place = (Stage.CRITERIA,)
    apply_criteria(run)
    for rsc in run.resources:
        run.trail.place = (Stage.INTERNAL, rsc.id)
        rsc.kind.internal_constraints(run, rsc)
    handle_changes(run)
    assign_resources(run)
    handle_deferred_changes(run)
    if run.probes_enabled:
        schedule_probes(run)
    run.trail.place = (Stage.REMOVED,)
    if run.stop_removed:
        clear_failures_of_removed(run)
    for rsc in run.resources:
        run.trail.place = (Stage.ACTIONS, rsc.id)
        rsc.kind.create_actions(run, rsc)
    order_remote_actions(run)
    schedule_fencing_and_shutdowns(run)
    apply_orderings(run)
    return build_graph(run)


def decide(run: Run, *, pictured: bool = True) -> Schedule:
    """Stages 3 to 6: the graph, and what people are shown about it (a picture only if wanted)."""
    graph = plan(run)
    changes = resource_changes(run)
    # Only now, as telling the changes places actions that had no node yet.
    dot_nodes, dot_edges = dot_picture(run) if pictured else ((), ())
    return Schedule(
        graph=graph,
        node_changes=node_changes(run),
        resource_changes=changes,
        score_lines=tuple(run.score_lines),
        dot_nodes=dot_nodes,
        dot_edges=dot_edges,
        reports=tuple(run.reports),
        notices=tuple(run.notices),
        next_recheck=run.recheck_by,
    )


def schedule(
    cib: Element, now: Moment, *, show_scores: bool = False, sanitized: bool = False
) -> Schedule:
    """Decide what the cluster shall do. Pure: the same CIB and time give the same schedule."""
    return decide(read_cluster(cib, now, show_scores=show_scores, sanitized=sanitized))
