"""The scheduler's own process: CIB and time in, transition graph out (raftmaker.runtime.worker).

It stays between decisions and keeps what it can of the last one (`crmd.scheduler.resident`).
"""

from __future__ import annotations

import gc
import sys

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler.graph import Graph
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident.scheduler import Resident
from crmd.scheduling import Failure, Forgotten, Hearing, Question
from raftmaker.runtime.worker import serve_calls
from raftmaker.vocabulary.reports import Report

RECURSION_LIMIT = 100_000
"""Chains of orders are followed recursively; large clusters have long ones."""


class SchedulerProcess:
    """Answers questions; a fault in the scheduler is reported and does not end the process."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._hearing = Hearing()
        self._resident = Resident()
        self._told: tuple[Report, ...] = ()

    def answer(self, question: object) -> Graph | Failure | Forgotten:
        """Schedule."""
        assert isinstance(question, Question)
        try:
            cib = self._hearing.cib_of(question)
            if cib is None:
                return Forgotten()
            return self._decide(cib, Moment(question.now_s))
        except Exception as error:  # noqa: BLE001  # whatever it is, the DC has to go on
            return Failure(f"{type(error).__name__}: {error}")

    def _decide(self, cib: Element, now: Moment) -> Graph:
        try:
            graph = self._resident.graph(cib, now)
        except Exception as error:  # noqa: BLE001  # then what was kept may be at fault
            reason = f"{type(error).__name__}: {error}"
            sys.stderr.write(f"scheduler: decides from the beginning: {reason}\n")
            self._resident = Resident()
            return schedule(cib, now).graph
        self._tell(self._resident.cuts)
        return graph

    def _tell(self, cuts: tuple[Report, ...]) -> None:
        """Say what was left out of a decision, once."""
        for report in cuts:
            if report not in self._told:
                sys.stderr.write(f"scheduler: {report}\n")
        self._told = cuts


def tidy_up() -> None:
    """Collect garbage while nobody waits; what is kept need not be looked through again."""
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    sys.setrecursionlimit(RECURSION_LIMIT)
    gc.disable()  # a collection in the middle of a decision would only delay the answer
    sys.exit(serve_calls(SchedulerProcess().answer, afterwards=tidy_up))
