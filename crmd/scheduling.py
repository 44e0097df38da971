"""How the daemon asks the scheduler's process: by what changed since it was last asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cib_store.document.delta import Delta, applied, delta_of
from cib_store.document.element import Element
from crmd.scheduler.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be scheduled: the CIB, or how it differs from that of question number `base`."""

    number: int
    base: int | None
    cib: Element | Delta
    now_s: int
    """The wall clock in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The scheduler could not; the reason is for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The process does not have the CIB that the question builds on: it was started anew."""


class Asking:
    """The daemon's side: remembers what the process has been told."""

    def __init__(self, call: Callable[[object], Awaitable[object]]) -> None:
        """Ask through `call` (`Worker.call`)."""
        self._call = call
        self._turn = asyncio.Lock()
        self._number = 0
        self._told: Element | None = None

    async def ask(self, cib: Element, now_s: int) -> Graph | Failure:
        """Return the graph for this CIB and time, or why there is none. Raises as `call` does."""
        async with self._turn:
            told, self._told = self._told, None  # not known until there is an answer
            answer: object = Forgotten()
            if told is not None:
                answer = await self._call(self._question(delta_of(told, cib), now_s, self._number))
            if isinstance(answer, Forgotten):
                answer = await self._call(self._question(cib, now_s, None))
            assert isinstance(answer, Graph | Failure)
            self._told = cib
            return answer

    def _question(self, cib: Element | Delta, now_s: int, base: int | None) -> Question:
        self._number += 1
        return Question(number=self._number, base=base, cib=cib, now_s=now_s)


class Hearing:
    """The process's side: remembers the CIB of the last question."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self._number: int | None = None
        self._cib: Element | None = None

    def cib_of(self, question: Question) -> Element | None:
        """Return the CIB that is asked about; None where it builds on one that is not known."""
        if isinstance(question.cib, Element):
            cib = question.cib
        elif self._cib is None or question.base != self._number:
            return None
        else:
            cib = applied(self._cib, question.cib)
        self._number, self._cib = question.number, cib
        return cib
