"""The scheduler, asked once a CIB: it is pure, so replicas and retries share its answers.

In a share of the seeds a scheduler that stays, as the DC's worker process does, is asked too: what
it decides from what it kept must be what a whole run decides.
"""

from __future__ import annotations

from collections import OrderedDict

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler.graph import Graph
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident.scheduler import Resident
from tests.sim.checkers import Violation
from tests.sim.planted import cib_let_pass
from tests.sim.rules import Rules

KEPT = 64


class Schedules:
    """Caches `schedule` by the identity of the CIB and the second."""

    def __init__(self, rules: Rules, *, stays: bool = False) -> None:
        self._rules = rules
        self._resident = Resident() if stays else None
        self._cache: OrderedDict[tuple[int, int], tuple[Element, Graph]] = OrderedDict()
        self.asked = 0
        self.computed = 0

    def graph(self, cib: Element, now_s: int) -> Graph:
        """Return the transition graph for `cib` at `now_s` (seconds since 1970).

        Raises `Violation` when the scheduler that stays decides otherwise.
        """
        self.asked += 1
        key = (id(cib), now_s)
        found = self._cache.get(key)
        if found is not None and found[0] is cib:
            return found[1]
        self.computed += 1
        shown = cib_let_pass(self._rules, cib)
        graph = schedule(shown, Moment(now_s)).graph
        if self._resident is not None and self._resident.graph(shown, Moment(now_s)) != graph:
            raise Violation("resident", f"what was kept led to another graph than {graph}")
        self._cache[key] = (cib, graph)
        if len(self._cache) > KEPT:
            self._cache.popitem(last=False)
        return graph
