"""How the daemon asks the scheduler's process: by what changed since it was last asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cib_store.document.delta import Delta, count_told, delta_of
from cib_store.document.element import Element
from cib_store.document.extent import LARGE_ELEMENTS, is_large
from crmd.packing import packed
from crmd.parcels import Parcel
from crmd.scheduling import Decision, Failure, Forgotten, Question


class Asking:
    """The daemon's side: remembers what the process has been told."""

    def __init__(self, call: Callable[[object], Awaitable[object]]) -> None:
        """Ask through `call` (`Worker.call`)."""
        self._call = call
        self._turn = asyncio.Lock()
        self._number = 0
        self._told: Element | None = None

    async def ask(self, cib: Element, now_s: int) -> Decision | Failure:
        """Return the decision for this CIB and time, or why there is none; raises as `call`."""
        async with self._turn:
            told, self._told = self._told, None  # not known until there is an answer
            answer: object = Forgotten()
            delta = None if told is None else await _difference(told, cib)
            if delta is not None:
                answer = await self._call(self._question(delta, now_s, self._number))
            if isinstance(answer, Forgotten):
                answer = await self._call(self._question(await packed(cib), now_s, None))
            assert isinstance(answer, Decision | Failure)
            self._told = cib
            return answer

    def _question(self, cib: Parcel | Delta, now_s: int, base: int | None) -> Question:
        self._number += 1
        return Question(number=self._number, base=base, cib=cib, now_s=now_s)


async def _difference(told: Element, cib: Element) -> Delta | None:
    """Return what changed; None where that is much, and the whole text takes less of this process.

    Others are served while a large CIB is compared.
    """
    if not is_large(cib):
        return delta_of(told, cib)
    return await asyncio.to_thread(_small_difference, told, cib)


def _small_difference(told: Element, cib: Element) -> Delta | None:
    delta = delta_of(told, cib)
    return delta if count_told(delta) <= LARGE_ELEMENTS else None
