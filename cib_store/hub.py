"""What this replica applied, in order, for all who follow it: none lost, none twice.

States are persistent trees, so keeping the last thousand costs little, and the difference between
any two is found when somebody wants it. Everything here runs on the event loop, but for the work on
large documents (see `aside`).
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator
from functools import partial

from msgspec import Struct

from cib_store.access.views import Sight, facts_seen
from cib_store.apply import State
from cib_store.aside import Aside
from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.document.extent import is_large
from cib_store.document.patchset import difference
from raftmaker.vocabulary.membership import Facts

STATES_KEPT = 1000
BEHIND_MAX = 64
"""A follower that is further behind gets one difference to the newest state instead of many; so
does one that is behind at all, where finding what it may see of each takes long."""
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
    patch: asyncio.Future[str] | None = None
    """Against the state before it; made when it is first asked for."""


class Hub:
    """The newest states, and followers that wait for more."""

    def __init__(self) -> None:
        """Nothing has been applied yet."""
        self._applied: deque[_Applied] = deque(maxlen=STATES_KEPT)
        self._changed = asyncio.Event()
        self._differences = Aside("differences", 1)
        self._views = Aside("views", 2)

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

    async def follow(self, after: int, sight: Sight | None = None) -> AsyncIterator[Step]:
        """Yield every step after log position `after`, for ever; 0 begins with a resync.

        `sight`: what the follower may see of a CIB; None: everything.
        """
        known = await self._known(after)
        if known is None:
            known = await self._first()
            yield await self._views.done(partial(_resync, known, sight), known.cib)
        while True:
            changed = self._changed
            pending = self._after(known.index)
            if not pending:
                await changed.wait()
                continue
            newest = pending[-1]
            is_quick = _sees_all(sight, newest.state) or not is_large(newest.state.cib)
            most = BEHIND_MAX if is_quick else 1
            if len(pending) > most or self._applied[0].state.index > known.index:
                pending = [newest]
            for applied in pending:
                yield await self._step(known, applied, sight)
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

    async def _step(self, known: State, applied: _Applied, sight: Sight | None) -> Step:
        state = applied.state
        if sight is not None and not (_sees_all(sight, known) and _sees_all(sight, state)):
            seen = partial(_seen, known, state, sight)
            return await self._views.done(seen, known.cib, state.cib)
        patch = None if state.cib is known.cib else await self._patch(known, applied)
        facts = state.facts if state.facts != known.facts else None
        return Step(index=state.index, patch=patch, facts=facts)

    async def _patch(self, known: State, applied: _Applied) -> str:
        """Return the difference; it is found once for all who have the state before."""
        old, new = known.cib, applied.state.cib
        work = partial(_difference, old, new)
        position = bisect_right(self._applied, known.index, key=lambda each: each.state.index)
        if position >= len(self._applied) or self._applied[position] is not applied:
            return await self._differences.done(work, old, new)
        if applied.patch is None:
            applied.patch = self._differences.begun(work, old, new)
        return await asyncio.shield(applied.patch)  # a follower that goes takes it from no other


def _difference(old: Element, new: Element) -> str:
    return render(difference(old, new), indent=0)


def _sees_all(sight: Sight | None, state: State) -> bool:
    return sight is None or not sight.is_bound(state.cib)


def _seen(known: State, state: State, sight: Sight) -> Step:
    """Return a step as one sees it who may not see everything."""
    before, after = sight.of(known.cib), sight.of(state.cib)
    patch = None if before is after or before == after else _difference(before, after)
    old, new = facts_seen(known, before), facts_seen(state, after)
    return Step(index=state.index, patch=patch, facts=new if new != old else None)


def _resync(state: State, sight: Sight | None) -> Step:
    cib = state.cib if sight is None else sight.of(state.cib)
    return Step(index=state.index, resync=render(cib, indent=0), facts=facts_seen(state, cib))
