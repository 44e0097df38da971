"""Cleaning up after resources that are no longer configured."""

from __future__ import annotations

from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.constraints.ordering import add_ordering
from crmd.scheduler.state.action import ORDERED
from crmd.scheduler.state.run import Run
from crmd.scheduler.status.failcounts import clear_failures, failures


def clear_failures_of_removed(run: Run) -> None:
    """Clear the failcounts of removed resources, before they stop."""
    for rsc in run.resources:
        if not rsc.removed:
            continue
        for node in run.nodes:
            if not node.online or failures(run, rsc, node)[0] == 0:
                continue
            clear = clear_failures(run, rsc, node)
            add_ordering(
                run,
                ORDERED,
                first=clear,
                then_rsc=rsc,
                then_key=operation_key(rsc.id, "stop"),
            )
