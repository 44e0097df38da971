"""The scheduler's own process: CIB and time in, transition graph out (raftmaker.runtime.worker).

It stays between decisions and keeps what it can of the last one (`crmd.scheduler.resident`).
Once an answer is sent, a child that nobody waits for writes the input down (`crmd.inputs`).
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.inputs import Inputs, Series, Slot, keep
from crmd.scheduler.graph import Graph
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident.scheduler import Resident
from crmd.scheduling import Decision, Failure, Forgotten, Hearing, Question
from raftmaker.runtime.answering import serve_calls
from raftmaker.vocabulary.reports import Report

RECURSION_LIMIT = 100_000
"""Chains of orders are followed recursively; large clusters have long ones."""


class SchedulerProcess:
    """Answers questions; a fault in the scheduler is reported and does not end the process."""

    def __init__(self, inputs: Inputs | None = None) -> None:
        """Know nothing yet. `inputs`: where each input is kept; None: nowhere."""
        self._inputs = inputs
        self._kept_next: tuple[Element, int, Slot] | None = None
        self._hearing = Hearing()
        self._resident = Resident()
        self._told: tuple[Report, ...] = ()

    def answer(self, question: object) -> Decision | Failure | Forgotten:
        """Schedule."""
        assert isinstance(question, Question)
        cib: Element | None = None
        try:
            cib = self._hearing.cib_of(question)
            if cib is None:
                return Forgotten()
            graph = self._decide(cib, Moment(question.now_s))
        except Exception as error:  # noqa: BLE001  # whatever it is, the DC has to go on
            name = self._to_keep(cib, question.now_s, Series.ERROR) if cib is not None else ""
            return Failure(reason=f"{type(error).__name__}: {error}", input=name)
        warned = self._told or any(one.operation == "stonith" for one in graph.actions)
        series = Series.WARN if warned else Series.INPUT
        return Decision(graph=graph, input=self._to_keep(cib, question.now_s, series))

    def _to_keep(self, cib: Element, now_s: int, series: Series) -> str:
        """Note what `keep_input` writes; return the name of its file, for the log (16.42)."""
        slot = self._inputs.slot(cib, series) if self._inputs is not None else None
        self._kept_next = (cib, now_s, slot) if slot is not None else None
        return slot.path.name if slot is not None else ""

    def keep_input(self) -> None:
        """Have the last input written by a child process of low priority; wait for nothing."""
        noted, self._kept_next = self._kept_next, None
        if noted is None or os.fork():
            return
        cib, now_s, slot = noted
        code = 0
        try:
            os.nice(19)
            keep(slot, cib, now_s)
        except OSError as error:
            sys.stderr.write(f"scheduler: {slot.path} is not kept: {error.strerror}\n")
            code = 1
        finally:
            os._exit(code)

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

    def tidy_up(self) -> None:
        """Collect garbage while nobody waits; what is kept need not be looked through again."""
        gc.collect()
        gc.freeze()
        self.keep_input()


def _inputs(arguments: Sequence[str]) -> Inputs | None:
    """Return where inputs are kept: in the directory that the daemon named."""
    return Inputs(Path(arguments[0])) if arguments else None


if __name__ == "__main__":
    sys.setrecursionlimit(RECURSION_LIMIT)
    gc.disable()  # a collection in the middle of a decision would only delay the answer
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel keeps nothing of ended children
    process = SchedulerProcess(_inputs(sys.argv[1:]))
    sys.exit(serve_calls(process.answer, afterwards=process.tidy_up))
