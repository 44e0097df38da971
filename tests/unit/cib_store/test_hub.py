"""Followers get every change in order, none lost, none twice (features 4.17, 17.46)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cib_store.apply import State
from cib_store.document.codec import parse
from cib_store.document.element import Element
from cib_store.document.patchset import apply_patchset
from cib_store.document.refusal import Refusal
from cib_store.document.sections import empty_cib
from cib_store.history import History, HistoryEntry
from cib_store.hub import BEHIND_MAX, Hub, Step
from raftmaker.runtime.errors import Unreachable
from raftmaker.vocabulary.commands import OperationKind, Origin
from raftmaker.vocabulary.outcomes import CibVersion
from tests.unit.cib_store.stories import A, born, opening, told, write


def _tagged(state: State, number: int) -> State:
    return told(state, write(OperationKind.CREATE, f'<tag id="t{number}"/>'))


def _stepped(cib: Element | None, step: Step) -> Element:
    if step.resync is not None:
        return parse(step.resync)
    assert cib is not None
    if step.patch is None:
        return cib
    patched = apply_patchset(cib, parse(step.patch))
    assert not isinstance(patched, Refusal)
    return patched


async def _next(steps: AsyncIterator[Step]) -> Step:
    return await asyncio.wait_for(anext(steps), 60)


def test_a_follower_sees_every_state_in_order() -> None:
    async def story() -> None:
        hub = Hub()
        states = [born()]
        hub.add(states[0])
        steps = hub.follow(0)
        first = await _next(steps)
        assert first.facts == states[0].facts
        cib = _stepped(None, first)
        for number in range(5):
            states.append(_tagged(states[-1], number))
            hub.add(states[-1])
        for state in states[1:]:
            step = await _next(steps)
            cib = _stepped(cib, step)
            assert (step.index, cib) == (state.index, state.cib)
            assert step.facts is None

    asyncio.run(story())


def test_a_follower_goes_on_after_what_it_has() -> None:
    async def story() -> None:
        hub = Hub()
        before = born()
        after = told(_tagged(before, 1), opening(A))
        hub.add(before)
        hub.add(after)
        step = await _next(hub.follow(before.index))
        assert step.resync is None
        assert _stepped(before.cib, step) == after.cib
        assert step.facts == after.facts

    asyncio.run(story())


def test_a_position_that_is_too_old_gets_a_resync() -> None:
    async def story() -> None:
        hub = Hub()
        state = _tagged(born(), 1)
        hub.restart(state)
        step = await _next(hub.follow(1))
        assert step.resync is not None
        assert _stepped(None, step) == state.cib

    asyncio.run(story())


def test_a_follower_far_behind_gets_one_difference() -> None:
    async def story() -> None:
        hub = Hub()
        state = first = born()
        hub.add(first)
        steps = hub.follow(first.index)
        for number in range(BEHIND_MAX + 5):
            state = _tagged(state, number)
            hub.add(state)
        step = await _next(steps)
        assert step.index == state.index
        assert _stepped(first.cib, step) == state.cib

    asyncio.run(story())


def test_history_keeps_the_newest_and_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "history.db"

    async def story() -> None:
        history = History(path)
        cib = empty_cib({}, {})
        for revision in range(1, 1006):
            origin = Origin(node=A, client="crm", user="me", message=f"change {revision}")
            version = CibVersion(0, revision, 0)
            entry = HistoryEntry(revision=revision, version=version, origin=origin)
            after = cib.with_attributes({"epoch": str(revision)})
            history.note(entry, cib, after)
            cib = after
        history.note(HistoryEntry(revision=1005, version=CibVersion(), origin=Origin()), cib, cib)
        history.close()
        history = History(path)
        entries = await history.entries(limit=0, before=0, patches=True)
        assert [entries[0].revision, entries[-1].revision] == [1005, 6]
        assert len(entries) == 1000
        assert entries[0].origin.message == "change 1005"
        assert 'epoch="1005"' in entries[0].patch
        (one,) = await history.entries(limit=1, before=1000, patches=False)
        assert (one.revision, one.patch) == (999, "")
        history.close()

    asyncio.run(story())


def test_who_reads_the_history_when_it_is_closed_is_told_so(tmp_path: Path) -> None:
    """A call that is answered while the store ends is turned away as by one that has ended."""

    async def story() -> None:
        history = History(tmp_path / "history.db")
        begun = asyncio.ensure_future(history.entries(limit=0, before=0, patches=False))
        await asyncio.sleep(0)
        history.close()
        with pytest.raises(Unreachable):
            await begun
        with pytest.raises(Unreachable):
            await history.at(1)

    asyncio.run(story())


def test_every_revision_that_is_kept_can_be_made_again(tmp_path: Path) -> None:
    path = tmp_path / "history.db"

    async def story() -> None:
        history = History(path)
        cibs = {0: empty_cib({}, {"a": "0"})}
        for revision in range(1, 200):
            cibs[revision] = empty_cib({}, {"a": str(revision // 3), "b": str(revision)})
            if revision != 77:  # what a snapshot skipped
                entry = HistoryEntry(revision=revision, version=CibVersion(), origin=Origin())
                history.note(entry, cibs[revision - 1], cibs[revision])
        history.close()
        history = History(path)
        for revision in (1, 2, 63, 64, 65, 76, 78, 199):
            made = await history.at(revision)
            assert made is not None
            assert made.child("configuration") == cibs[revision].child("configuration")
        assert await history.at(77) is None
        assert await history.at(300) is None
        history.close()

    asyncio.run(story())
