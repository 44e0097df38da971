"""Dampened attributes: the leader writes what waits once its delay has passed (features 15.7).

The delay begins anew with each change of the attribute. A new leader waits the whole delay again,
since it cannot know when the change was made by a clock of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cib_store.document.held import Held
from raftmaker.vocabulary.commands import WriteAttributes

Commit = Callable[[WriteAttributes], Awaitable[None]]


class Dampening:
    """One timer for each attribute that waits; runs on the event loop of the leader's store."""

    def __init__(self, commit: Commit) -> None:
        """`commit` proposes the write; what fails is proposed anew after the same delay."""
        self._commit = commit
        self._held: Held = {}
        self._leads = False
        self._timers: dict[str, tuple[int, asyncio.TimerHandle]] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def changed(self, held: Held) -> None:
        """Take what is held now: an attribute that changed waits its whole delay from here on."""
        self._held = held
        if self._leads:
            self._arm()

    def lead(self, leads: bool) -> None:
        """Begin to wait for everything that waits, or leave it to another leader."""
        self._leads = leads
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if leads:
            self._arm()

    def _arm(self) -> None:
        for name in [name for name in self._timers if self._changed_of(name) == 0]:
            self._timers.pop(name)[1].cancel()
        for name, held in self._held.items():
            if held.changed and self._timers.get(name, (0, None))[0] != held.changed:
                self._start(name, held.changed, held.delay_ms)

    def _changed_of(self, name: str) -> int:
        held = self._held.get(name)
        return 0 if held is None else held.changed

    def _start(self, name: str, changed: int, delay_ms: int) -> None:
        if name in self._timers:
            self._timers[name][1].cancel()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(delay_ms / 1000, self._due, name, changed, delay_ms)
        self._timers[name] = (changed, timer)

    def _due(self, name: str, changed: int, delay_ms: int) -> None:
        # Armed again at once: should the write fail, it is tried after another delay.
        self._start(name, changed, delay_ms)
        writing = asyncio.ensure_future(self._commit(WriteAttributes(name, changed)))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
