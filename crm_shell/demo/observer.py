"""Watches the stores of a local cluster's nodes and notes when each change was delivered.

One thread with an event loop of its own; a node that is down is tried again. What the stores
delivered is kept in order of arrival, so that times can be read from it afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from cib_store.client import StoreClient
from crm_shell.demo.timeline import Observation
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.settings import read

_KEPT_MAX = 20_000
_AGAIN_S = 0.1


def by_settings(configs: Mapping[str, Path]) -> Callable[[str], Path]:
    """Return what finds a node's socket in its settings file."""
    return lambda name: read(configs[name]).socket("cib")


class Observer:
    """Follows every node's store; a context manager."""

    def __init__(self, names: Iterable[str], socket_of: Callable[[str], Path]) -> None:
        """Name the nodes, and where each one's store listens now; nothing is watched yet."""
        self._names, self._socket_of = sorted(names), socket_of
        self._kept: deque[Observation] = deque(maxlen=_KEPT_MAX)
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def __enter__(self) -> Observer:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._loop.call_soon_threadsafe(self._cancel_all)
        self._thread.join()

    def _cancel_all(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._follow_all())
        self._loop.close()

    async def _follow_all(self) -> None:
        await asyncio.gather(*(self._follow(name) for name in self._names))

    async def _follow(self, name: str) -> None:
        while True:
            with contextlib.suppress(HaError):
                await self._watch(name)
            await asyncio.sleep(_AGAIN_S)

    async def _watch(self, name: str) -> None:
        client = StoreClient(self._socket_of(name), tool_identity("", "raftmaker-observer"))
        try:
            async for step in client.watch():
                self._note(
                    Observation(at_ms=boot_ms(), index=step.index, facts=step.facts, cib=step.cib)
                )
        finally:
            await client.close()

    def _note(self, observation: Observation) -> None:
        with self._changed:
            # The first store to tell wins. One that has just come back tells old news first.
            if not self._kept or observation.index > self._kept[-1].index:
                self._kept.append(observation)
                self._changed.notify_all()

    def observed(self) -> tuple[Observation, ...]:
        """Return what was delivered so far, oldest first."""
        with self._changed:
            return tuple(self._kept)

    def newest(self) -> Observation | None:
        """Return the newest state that any store delivered."""
        with self._changed:
            return self._kept[-1] if self._kept else None

    def wait(self, holds: Callable[[Observation], bool], timeout_s: float) -> Observation | None:
        """Wait until the newest state `holds`, and return it; None when that does not come."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                if self._kept and holds(self._kept[-1]):
                    return self._kept[-1]
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
