"""Cluster options in force, and what follows from them."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.options import ClusterOptions, NoQuorum
from cib_store.model.scores import INFINITY, parse_score
from cib_store.model.values import is_true, parse_integer
from crmd.scheduler.state.run import HealthScores, Run


def section(cib: Element, name: str) -> Element | None:
    """Return a section of the configuration, or None."""
    configuration = cib.child("configuration")
    return configuration.child(name) if configuration is not None else None


def read_options(run: Run) -> None:
    """Read the cluster properties and quorum (features section 2)."""
    configured = run.pairs(
        section(run.cib, "crm_config"), "cluster_property_set", first_id="cib-bootstrap-options"
    )
    options = run.options = ClusterOptions.of(configured)
    run.quorate = is_true(run.cib.attributes.get("have-quorum"))
    run.probes_enabled = options.flag("enable-startup-probes")
    run.have_fencing = options.flag("have-watchdog") or (
        run.beside is not None and run.beside.have_fencing
    )
    run.unfencing_enabled = _configures_unfencing(run.cib)
    run.fencing_enabled = options.flag("fencing-enabled")
    run.fencing_action = options.text("fencing-action")
    run.concurrent_fencing = options.flag("concurrent-fencing")
    run.priority_fencing_ms = options.duration_ms("priority-fencing-delay")
    run.stop_all = options.flag("stop-all-resources")
    run.symmetric = options.flag("symmetric-cluster")
    run.no_quorum = _no_quorum(run)
    run.stop_removed = options.flag("stop-removed-resources")
    run.cancel_removed = options.flag("cancel-removed-actions")
    run.maintenance_mode = options.flag("maintenance-mode")
    run.start_failure_fatal = options.flag("start-failure-is-fatal")
    run.startup_fencing = run.fencing_enabled and options.flag("startup-fencing")
    run.health = _health(options)
    run.placement_strategy = options.text("placement-strategy").lower()
    run.shutdown_lock = options.flag("shutdown-lock")
    if run.shutdown_lock:
        run.shutdown_lock_ms = options.duration_ms("shutdown-lock-limit")
    run.node_pending_ms = options.duration_ms("node-pending-timeout")
    run.fence_remote_without_quorum = options.flag("fence-remote-without-quorum")


def _configures_unfencing(cib: Element) -> bool:
    for name in ("resources", "rsc_defaults"):
        owner = section(cib, name)
        for element in owner.walk() if owner is not None else ():
            if element.tag == "meta_attributes" and any(
                pair.get("name") in ("provides", "requires") and pair.get("value") == "unfencing"
                for pair in element.each("nvpair")
            ):
                return True
    return False


def _no_quorum(run: Run) -> NoQuorum:
    """The policy in force: fencing all others needs fencing, and quorum once had."""
    text = run.options.text("no-quorum-policy").lower()
    if text not in ("fence", "suicide"):
        return NoQuorum(text)
    panics = (parse_integer(run.cib.attributes.get("no-quorum-panic")) or 0) != 0
    if run.fencing_enabled and (panics or run.quorate):
        return NoQuorum.FENCE
    return NoQuorum.STOP


def _health(options: ClusterOptions) -> HealthScores:
    match options.text("node-health-strategy").lower():
        case "none":
            return HealthScores()
        case "migrate-on-red":
            return HealthScores(red=-INFINITY)
        case "only-green":
            return HealthScores(red=-INFINITY, yellow=-INFINITY)
        case _:
            return HealthScores(
                red=parse_score(options.text("node-health-red")),
                yellow=parse_score(options.text("node-health-yellow")),
                green=parse_score(options.text("node-health-green")),
            )
