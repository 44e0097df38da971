"""Many seeds: run each in its own process, and say what came of it."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from msgspec import Struct

from tests.sim.checkers import Violation
from tests.sim.raft.pair import Conditions, Pair
from tests.sim.raft.plan import Plan
from tests.sim.raft.planted import planted
from tests.sim.raft.world import World

TAIL = 200


class Result(Struct, frozen=True, kw_only=True):
    """What came of one seed. `rule` is empty when nothing was broken; "crash" is a traceback."""

    plan: Plan
    rule: str
    what: str
    digest: str
    trace: tuple[str, ...]
    virtual_s: float
    cpu_s: float
    checks: int
    faults: int
    acknowledged: int
    known: int
    unknown: int
    elections: int
    snapshots: int
    changes: int
    """How many changes of the members were committed."""

    @property
    def clean(self) -> bool:
        """Nothing was broken."""
        return not self.rule


def voters_of(seed: int) -> int:
    """How many voters a seed has: mostly three, sometimes five."""
    return 5 if seed % 4 == 0 else 3


def spares_of(seed: int) -> int:
    """How many spare machines a seed has: in a third of the seeds members come and go."""
    return 2 if seed % 3 == 2 else 0


def world_of(plan: Plan) -> World:
    """Return the world of a plan: two voters are a pair in survivor mode."""
    if plan.voters == 2:
        return Pair(plan.seed, seconds=plan.seconds, conditions=Conditions())
    return World(plan)


def simulate(plan: Plan) -> Result:
    """Run one seed to its end, or to the first thing that is broken."""
    begin = time.process_time()
    world = world_of(plan)
    rule, what = "", ""
    try:
        with planted(plan.guards):
            world.run()
    except Violation as violation:
        rule, what = violation.rule, str(violation)
    except Exception:  # noqa: BLE001  # a bug of the engine or of the simulation is a result too
        rule, what = "crash", traceback.format_exc()
    known, unknown = world.operations
    return Result(
        plan=plan,
        rule=rule,
        what=what,
        digest=world.trace.digest,
        trace=tuple(world.trace.tail(TAIL)),
        virtual_s=world.loop.now_us / 1e6,
        cpu_s=time.process_time() - begin,
        checks=world.checkers.checks,
        faults=sum(world.nemesis.counts.values()),
        acknowledged=world.checkers.acknowledged_count,
        known=known,
        unknown=unknown,
        elections=world.checkers.elections,
        snapshots=world.checkers.snapshots,
        changes=world.membership.changes,
    )


def simulate_all(plans: Iterable[Plan], jobs: int) -> Iterator[Result]:
    """Run all, `jobs` at a time; results come in the order of the plans."""
    if jobs <= 1:
        yield from map(simulate, plans)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(simulate, plans)
