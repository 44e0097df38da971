"""How much work one configuration may ask for: more is cut, and a report says what and how.

A decision must come, and soon: a typing error in ``clone-max`` or a mesh of colocations would
otherwise keep the DC busy for hours. The limits are far beyond what clusters have use for.
"""

from __future__ import annotations

from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.reports import Report

SURPLUS_MAX = 400
"""So many resources of a clone or bundle may stand in instances beyond one a node."""
SURPLUS_MAX_IN_ALL = 4000
"""So many of all clones and bundles: a mistake in one takes nothing from the others."""
COLOCATION_WORK_MAX = 5_000_000
"""So many nodes may be looked at, in one decision, for resources that are colocated with another.

Every resource asks all that it hangs together with; where these hang together among themselves,
there are as many ways through them as they have orders.
"""
TOO_MANY_INSTANCES = "too-many-instances"
TOO_MANY_COLOCATIONS = "too-many-colocations"
CUT = frozenset((TOO_MANY_INSTANCES, TOO_MANY_COLOCATIONS))
"""Codes of the reports which say that a decision is not for the whole of the configuration."""


def allowed_instances(run: Run, name: str, option: str, wanted: int, size: int) -> int:
    """Return how many of `wanted` instances, of `size` resources each, there shall be."""
    surplus = max(0, wanted - len(run.nodes))
    possible = min(SURPLUS_MAX, SURPLUS_MAX_IN_ALL - run.surplus) // max(1, size)
    allowed = wanted - max(0, surplus - possible)
    run.surplus += min(surplus, possible) * size
    if allowed < wanted:
        asked = str(wanted) if wanted < 10**12 else "more than 10^12"
        run.reports.append(
            Report(
                code=TOO_MANY_INSTANCES,
                where=name,
                what=f"{option} asks for {asked} instances on {len(run.nodes)} nodes; "
                f"the cluster takes {allowed}",
                mend=f"set {option} to what can run: at most {SURPLUS_MAX} resources "
                "may stand in instances beyond one a node",
                is_error=False,
            )
        )
    return allowed


def may_ask_colocated(run: Run, name: str) -> bool:
    """Count that a colocated resource is asked; False where that is one too many."""
    before = run.colocation_work
    if before >= COLOCATION_WORK_MAX:
        return False
    run.colocation_work = before + len(run.nodes)
    if run.colocation_work >= COLOCATION_WORK_MAX:
        run.reports.append(
            Report(
                code=TOO_MANY_COLOCATIONS,
                where=name,
                what="it hangs together with so many resources, in so many ways, that not all "
                "could be asked where they would rather be; some scores are incomplete",
                mend="remove colocations that form loops or follow from others, "
                "or colocate all with one resource",
                is_error=False,
            )
        )
    return True


def is_cut(run: Run) -> bool:
    """Whether the decision is not for the whole of the configuration."""
    return any(report.code in CUT for report in run.reports)
