"""The process that explains: CIB and question in, explanations out (raftmaker.runtime.worker).

It is not the scheduler's own process, which must be free for the next decision.
"""

from __future__ import annotations

import sys

from cib_store.model.dates import Moment
from crmd.explaining import Question
from crmd.parcels import unpacked
from crmd.scheduler.explaining.explain import explain
from crmd.scheduler.explaining.values import Explanation
from crmd.scheduling import Failure
from raftmaker.runtime.answering import serve_calls


def answer(question: object) -> tuple[Explanation, ...] | Failure:
    """Explain; a fault is reported and does not end the worker."""
    assert isinstance(question, Question)
    try:
        cib, now = unpacked(question.cib), Moment(question.now_s)
        return explain(cib, now, question.resource, question.node or None)
    except Exception as error:  # noqa: BLE001  # whatever it is, who asked has to be told
        return Failure(reason=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(serve_calls(answer))
