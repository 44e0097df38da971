"""The cluster options that decide how the cluster behaves in trouble, in words (features 27.2)."""

from __future__ import annotations

from collections.abc import Iterator

from cib_store.model.values import is_true
from crmd.scheduler.state.run import Run

_NO_QUORUM = {
    "stop": "Stop ALL resources",
    "freeze": "Freeze resources",
    "ignore": "Ignore",
    "demote": "Demote promotable resources and stop all other resources",
    "fence": "Fence nodes in partition",
    "suicide": "Fence nodes in partition",
}


def option_lines(run: Run) -> Iterator[str]:
    """Yield a line for each of these options."""
    yield f"  * Fencing of failed nodes {'enabled' if run.fencing_enabled else 'disabled'}"
    symmetric = is_true(run.options.text("symmetric-cluster"))
    yield f"  * Cluster is {'symmetric' if symmetric else 'asymmetric'}"
    policy = run.options.text("no-quorum-policy").lower()
    yield f"  * No quorum policy: {_NO_QUORUM.get(policy, policy)}"
    if run.maintenance_mode:
        yield "  * Resource management: DISABLED"
    if is_true(run.options.text("stop-all-resources")):
        yield "  * Resource management: STOPPED"
