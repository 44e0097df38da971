"""What this replica applied, in order, for all who follow it: none lost, none twice.

States are persistent trees, so keeping the last thousand costs little, and the difference between
any two is found when somebody wants it. Everything here runs on the event loop.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Callable

from msgspec import Struct

from cib_store.access.views import facts_seen
from cib_store.apply import State
from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.document.patchset import difference
from raftmaker.vocabulary.membership import Facts

STATES_KEPT = 1000
BEHIND_MAX = 64
"""A follower that is further behind gets one difference to the newest state instead of many."""
View = Callable[[Element], Element]
AHEAD_S = 2.0
"""How long a follower waits that has seen more than this replica has applied."""


class Step(Struct, frozen=True, kw_only=True):
    """One step for a follower: the whole CIB, or a patch against what it has; facts if changed."""

    index: int
    resync: str | None = None
    patch: str | None = None
    facts: Facts | None = None


class _Applied(Struct):
    state: State
    patch: str | None = None
    """Against the state before it; made when it is first asked for."""


class Hub:
    """The newest states, and followers that wait for more."""

    def __init__(self) -> None:
        """Nothing has been applied yet."""
        self._applied: deque[_Applied] = deque(maxlen=STATES_KEPT)
        self._changed = asyncio.Event()

    @property
    def newest(self) -> State | None:
        """The newest state that was added."""
        return self._applied[-1].state if self._applied else None

    @property
    def index(self) -> int:
        """The log position of the newest state; 0: there is none."""
        return self._applied[-1].state.index if self._applied else 0

    def add(self, state: State) -> None:
        """Take note of a new state; wakes every follower."""
        self._applied.append(_Applied(state))
        self._changed.set()
        self._changed = asyncio.Event()

    def restart(self, state: State) -> None:
        """A snapshot took the place of everything: followers start again from it."""
        self._applied.clear()
        self.add(state)

    def at_version_of(self, cib_epoch: tuple[int, int]) -> Element | None:
        """Return the oldest kept CIB of this (admin_epoch, epoch), to see what changed since."""
        for applied in tuple(self._applied):  # asked on any thread
            version = applied.state.version
            if (version.admin_epoch, version.epoch) == cib_epoch:
                return applied.state.cib
        return None

    async def follow(self, after: int, view: View | None = None) -> AsyncIterator[Step]:
        """Yield every step after log position `after`, for ever; 0 begins with a resync.

        `view`: what the follower may see of a CIB.
        """
        known = await self._known(after)
        if known is None:
            known = await self._first()
            yield _resync(known, view)
        while True:
            changed = self._changed
            pending = self._after(known.index)
            if not pending:
                await changed.wait()
                continue
            if len(pending) > BEHIND_MAX or self._applied[0].state.index > known.index:
                pending = pending[-1:]
            for applied in pending:
                yield (
                    self._step(known, applied)
                    if view is None
                    else _seen(known, applied.state, view)
                )
                known = applied.state

    async def _first(self) -> State:
        while not self._applied:
            await self._changed.wait()
        return self._applied[-1].state

    async def _known(self, after: int) -> State | None:
        """Return the state that a follower at `after` has; None: it needs a resync."""
        if not after:
            return None
        try:
            async with asyncio.timeout(AHEAD_S):
                while not self._applied or self._applied[-1].state.index < after:
                    await self._changed.wait()
        except TimeoutError:
            return None
        position = bisect_right(self._applied, after, key=lambda each: each.state.index) - 1
        return self._applied[position].state if position >= 0 else None

    def _after(self, index: int) -> list[_Applied]:
        pending: list[_Applied] = []
        for applied in reversed(self._applied):
            if applied.state.index <= index:
                break
            pending.append(applied)
        pending.reverse()
        return pending

    def _step(self, known: State, applied: _Applied) -> Step:
        state = applied.state
        patch: str | None = None
        if state.cib is not known.cib:
            position = bisect_right(self._applied, known.index, key=lambda each: each.state.index)
            direct = position < len(self._applied) and self._applied[position] is applied
            patch = applied.patch if direct else None
            if patch is None:
                patch = render(difference(known.cib, state.cib), indent=0)
                if direct:
                    applied.patch = patch
        facts = state.facts if state.facts != known.facts else None
        return Step(index=state.index, patch=patch, facts=facts)


def _seen(known: State, state: State, view: View) -> Step:
    """Return a step as one sees it who may not see everything."""
    before, after = view(known.cib), view(state.cib)
    patch = (
        None if before is after or before == after else render(difference(before, after), indent=0)
    )
    old, new = facts_seen(known, before), facts_seen(state, after)
    return Step(index=state.index, patch=patch, facts=new if new != old else None)


def _resync(state: State, view: View | None) -> Step:
    cib = state.cib if view is None else view(state.cib)
    return Step(index=state.index, resync=render(cib, indent=0), facts=facts_seen(state, cib))
