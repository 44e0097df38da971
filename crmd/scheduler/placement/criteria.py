"""What counts in placement before colocation: health, locks, stickiness, bans."""

from __future__ import annotations

from cib_store.model.scores import INFINITY, add_scores
from cib_store.model.values import is_true, seconds_of
from crmd.scheduler.actions.book import find_exact, operation
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.constraints.locations import apply_locations, new_location
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.scoring import add_score
from crmd.scheduler.state.constraint import ProbeMode
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from crmd.scheduler.status.failcounts import failures, has_failures

HEALTH = "node-health-strategy="
"""Begins the id of a location constraint that node health made."""


def apply_health(run: Run) -> None:
    """Turn node health into location constraints (features section 8)."""
    strategy = run.options.text("node-health-strategy")
    if strategy.lower() == "none":
        return
    progressive = strategy.lower() == "progressive"
    base = run.score(run.options.text("node-health-base")) if progressive else 0
    for node in run.nodes:
        health = base
        for name, value in node.attributes.items():
            if name.startswith("#health"):
                health = add_scores(run.score(value), health)
        if health == 0:
            continue
        for rsc in run.resources:
            if health > 0 or not is_true(rsc.meta.get("allow-unhealthy-nodes")):
                new_location(run, HEALTH + strategy, rsc, scores={node: health})


def apply_criteria(run: Run) -> None:
    """Add locks, location constraints, stickiness, failure bans and exclusive discovery."""
    if run.shutdown_lock:
        for rsc in run.resources:
            with noted(run, rsc, Origin.LOCK, "shutdown-lock"):
                rsc.kind.shutdown_lock(run, rsc)
    apply_locations(run)
    for rsc in run.resources:
        _stick(run, rsc)
    choosy = {rsc for rsc in run.resources if _discovers_exclusively(rsc)}
    for node in run.nodes:
        failed = has_failures(node)
        if not failed and not choosy:
            continue
        for rsc in run.resources:
            if failed:
                _ban_after_failures(run, rsc, node)
            if rsc in choosy:
                _keep_to_discovered(run, rsc, node)


def _stick(run: Run, rsc: Resource) -> None:
    if rsc.children:
        for child in rsc.children:
            _stick(run, child)
        return
    if not rsc.managed or rsc.stickiness < 1 or len(rsc.active_on) != 1:
        return
    node = rsc.active_on[0]
    if run.symmetric or node in rsc.scores:
        with noted(run, rsc, Origin.STICKINESS, "resource-stickiness"):
            add_score(rsc, node, rsc.stickiness)


def _ban_after_failures(run: Run, rsc: Resource, node: Node) -> None:
    if rsc.children:
        for child in rsc.children:
            _ban_after_failures(run, child, node)
        return
    if rsc.by_key and find_exact(rsc, operation_key(rsc.id, "clear_failcount"), node):
        return
    banned = banned_by_failures(run, rsc, node)
    if banned is not None:
        threshold = f"{rsc.id}: migration-threshold={rsc.migration_threshold} is reached"
        with noted(run, banned, Origin.FAILURES, threshold):
            add_score(banned, node, -INFINITY)


def banned_by_failures(run: Run, rsc: Resource, node: Node) -> Resource | None:
    """Return what to ban from a node where `rsc` failed ``migration-threshold`` times."""
    if rsc.migration_threshold == 0 or rsc.ignore_failure:
        return None
    count, _ = failures(run, rsc, node, launched_too=True)
    if count <= 0 or rsc.migration_threshold - count > 0:
        return None
    return rsc if rsc.unique else rsc.top


def _discovers_exclusively(rsc: Resource) -> bool:
    """Whether a resource or anything in it may be only where it may be discovered."""
    return rsc.exclusive_discovery or any(map(_discovers_exclusively, rsc.children))


def _keep_to_discovered(run: Run, rsc: Resource, node: Node) -> None:
    if not (rsc.exclusive_discovery or rsc.top.exclusive_discovery):
        return
    for child in rsc.children:
        _keep_to_discovered(run, child, node)
    if node in rsc.scores and rsc.probe_modes.get(node) is not ProbeMode.EXCLUSIVE:
        with noted(run, rsc, Origin.DISCOVERY, "resource-discovery=exclusive elsewhere"):
            rsc.scores[node] = -INFINITY


def lock_to_shutdown_node(run: Run, rsc: Resource) -> None:
    """Keep a resource for the node that was shut down with it (features 2.x shutdown-lock)."""
    if rsc.fence_device or rsc.remote_connection:
        return
    if rsc.lock_node is not None:
        if rsc.active_on:
            operation(run, rsc, "lrm_delete", rsc.lock_node, optional=False)
            rsc.lock_node = None
            rsc.lock_time = 0
    elif len(rsc.active_on) == 1:
        node = rsc.active_on[0]
        if node.shutdown and not node.unclean:
            rsc.lock_node = node
            rsc.lock_time = _shutdown_time(run, rsc, node)
    if rsc.lock_node is None:
        return
    if run.shutdown_lock_ms > 0:
        run.clock(rsc)  # the lock ends with time
        run.note_recheck(rsc.lock_time + seconds_of(run.shutdown_lock_ms) + 1)
    for node in run.nodes:
        if node is not rsc.lock_node:
            add_score(rsc, node, -INFINITY)


def _shutdown_time(run: Run, rsc: Resource, node: Node) -> int:
    text = node.attributes.get("shutdown", "")
    return int(text) if text.isdigit() and int(text) else run.clock(rsc)
