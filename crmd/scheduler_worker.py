"""The scheduler's own process: CIB and time in, transition graph out (raftmaker.runtime.worker)."""

from __future__ import annotations

import sys

from cib_store.model.dates import Moment
from crmd.scheduler.graph import Graph
from crmd.scheduler.pipeline import schedule
from crmd.scheduling import Failure, Question
from raftmaker.runtime.worker import serve_calls


def answer(question: object) -> Graph | Failure:
    """Schedule; a fault in the scheduler is reported and does not end the worker."""
    assert isinstance(question, Question)
    try:
        return schedule(question.cib, Moment(question.now_s)).graph
    except Exception as error:  # noqa: BLE001  # whatever it is, the DC has to go on
        return Failure(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(serve_calls(answer))
