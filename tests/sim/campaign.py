"""Many seeds: simulate each in its own process, and say what came of it."""

from __future__ import annotations

import gc
import multiprocessing
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from msgspec import Struct

from tests.sim.checkers import Violation
from tests.sim.cluster import Cluster, Plan
from tests.sim.planted import overlooked

TAIL = 120


class Result(Struct, frozen=True, kw_only=True):
    """What came of one seed. `rule` is empty when nothing was broken; "crash" is a traceback."""

    plan: Plan
    rule: str
    what: str
    digest: str
    trace: tuple[str, ...]
    """The newest lines, where something was broken."""
    virtual_s: float
    settled_after_s: int
    cpu_s: float
    checks: int
    schedules: int
    entries: int
    faults: int
    powered_off: int

    @property
    def clean(self) -> bool:
        """Nothing was broken."""
        return not self.rule


def nodes_of(seed: int) -> int:
    """How many nodes a seed has where nothing else is said: mostly three, sometimes five."""
    return 5 if seed % 4 == 0 else 3


def simulate(plan: Plan) -> Result:
    """Run one seed to its end, or to the first rule that is broken."""
    begin = time.process_time()
    cluster = Cluster(plan)
    rule, what = "", ""
    try:
        with overlooked(plan.rules):
            cluster.run()
    except Violation as violation:
        rule, what = violation.rule, str(violation)
    except Exception:  # noqa: BLE001  # a bug of a core or of the simulation is a result too
        rule, what = "crash", traceback.format_exc()
    return Result(
        plan=plan,
        rule=rule,
        what=what,
        digest=cluster.trace.digest,
        trace=tuple(cluster.trace.tail(TAIL)) if rule else (),
        virtual_s=cluster.loop.now_us / 1e6,
        settled_after_s=cluster.settling.took_s,
        cpu_s=time.process_time() - begin,
        checks=cluster.checkers.checks,
        schedules=cluster.schedules.asked,
        entries=len(cluster.log.entries),
        faults=sum(cluster.nemesis.counts.values()) + cluster.crashes.crashes,
        powered_off=cluster.power.switched,
    )


def _collect_seldom() -> None:
    """Let a process of its own look for garbage less often: values hardly ever make cycles."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def simulate_all(plans: Iterable[Plan], jobs: int) -> Iterator[Result]:
    """Run all, `jobs` at a time; results come in the order of the plans."""
    if jobs <= 1:
        yield from map(simulate, plans)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_collect_seldom) as pool:
        yield from pool.map(simulate, plans)
