"""Answering why a resource is where it is, in a process of its own."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from cib_store.document.element import Element
from crmd.packing import packed
from crmd.parcels import Parcel
from crmd.scheduler.explaining.values import Explanation
from crmd.scheduling import Failure
from raftmaker.runtime.clock import wall_us
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.worker import Worker

_IDLE_S = 60.0


class Question(Struct, frozen=True):
    """What is to be explained; the wall clock in seconds since 1970. `node` empty: every node."""

    cib: Parcel
    now_s: int
    resource: str
    node: str


class Explaining:
    """Asks the worker; a minute after the last question its process ends."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._worker = Worker("crmd.explain_worker")
        self._asking = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def explain(
        self, cib: Element | None, resource: str, node: str
    ) -> tuple[Explanation, ...]:
        """Explain a resource; empty where there is none of that name. Raises `HaError`."""
        if cib is None:
            raise HaError("this node has not read the CIB yet: ask again")
        self._asking += 1
        if self._timer is not None:
            self._timer.cancel()
        try:
            now_s = wall_us() // 1_000_000
            answer = await self._worker.call(Question(await packed(cib), now_s, resource, node))
        finally:
            self._asking -= 1
            self._timer = asyncio.get_running_loop().call_later(_IDLE_S, self._end_if_idle)
        if isinstance(answer, Failure):
            raise HaError(f"the scheduler failed: {answer.reason}")
        assert isinstance(answer, tuple)
        return answer

    def _end_if_idle(self) -> None:
        if not self._asking:
            self._ending = asyncio.create_task(self._worker.close())

    async def close(self) -> None:
        """End the process."""
        if self._timer is not None:
            self._timer.cancel()
        await self._worker.close()
