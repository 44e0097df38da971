"""The scheduler's process is told what changed, and decides what a whole run would."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Callable

import pytest

from cib_store.document.delta import Changed, Delta
from cib_store.document.element import Element
from cib_store.document.extent import LARGE_ELEMENTS
from cib_store.document.path import element_at, put, trail_of
from cib_store.model.dates import Moment
from crmd.asking import Asking
from crmd.scheduler.pipeline import schedule
from crmd.scheduler_worker import SchedulerProcess
from crmd.scheduling import Decision, Failure, Forgotten, Question
from raftmaker.runtime.worker import Worker
from tests.property.scheduler.stories import Story


class Wire:
    """A process of the scheduler behind what a pipe does to values."""

    def __init__(self) -> None:
        self.process = SchedulerProcess()
        self.questions: list[Question] = []
        self.answers: list[object] = []

    async def call(self, question: object) -> object:
        assert isinstance(question, Question)
        self.questions.append(question)
        answer: object = pickle.loads(
            pickle.dumps(self.process.answer(pickle.loads(pickle.dumps(question))))
        )
        self.answers.append(answer)
        return answer


def _whole(story: Story) -> Decision:
    return Decision(graph=schedule(story.cib, Moment(story.now_s)).graph)


def _story(asking: Asking, seed: int, also: Callable[[int], Awaitable[None]] | None = None) -> None:
    async def tell() -> None:
        story = Story(seed)
        for step in range(8):
            assert await asking.ask(story.cib, story.now_s) == _whole(story)
            story.go_on()
            if also is not None:
                await also(step)

    asyncio.run(tell())


def test_only_what_changed_is_sent_after_the_first_question() -> None:
    wire = Wire()
    _story(Asking(wire.call), 1)
    assert isinstance(wire.questions[0].cib, Element)
    assert all(isinstance(question.cib, Delta) for question in wire.questions[1:])
    sizes = [len(pickle.dumps(question)) for question in wire.questions]
    assert max(sizes[1:]) < sizes[0] / 3


def test_a_process_that_was_started_anew_is_told_all() -> None:
    wire = Wire()

    async def restart(step: int) -> None:
        if step == 3:
            wire.process = SchedulerProcess()

    _story(Asking(wire.call), 2, restart)
    assert [isinstance(answer, Forgotten) for answer in wire.answers].count(True) == 1
    assert all(isinstance(answer, Decision | Forgotten) for answer in wire.answers)


def test_after_a_call_that_failed_everything_is_told_again() -> None:
    wire = Wire()

    async def fails(question: object) -> object:
        raise ConnectionError

    async def tell() -> None:
        story = Story(3)
        asking = Asking(wire.call)
        await asking.ask(story.cib, story.now_s)
        asking._call = fails
        with pytest.raises(ConnectionError):
            await asking.ask(story.cib, story.now_s)
        asking._call = wire.call
        story.go_on()
        assert await asking.ask(story.cib, story.now_s) == _whole(story)
        assert isinstance(wire.questions[-1].cib, Element)

    asyncio.run(tell())


def _large(story: Story) -> Element:
    """Return a CIB with so many templates, which are nothing to be scheduled."""
    templates = tuple(
        Element("template", {"id": f"t{n}", "class": "ocf", "provider": "p", "type": "Dummy"})
        for n in range(2 * LARGE_ELEMENTS)
    )
    trail = trail_of(story.cib, "/cib/configuration/resources")
    assert trail is not None
    resources = element_at(story.cib, trail)
    return put(story.cib, trail, resources.with_children((*resources.children, *templates)))


def test_a_large_cib_is_told_as_text_while_others_are_served() -> None:
    """To pickle it is one step, in which a controller does not beat: 0.1 s for a MB."""
    wire, story, turns = Wire(), Story(6), 0
    large = _large(story)

    async def turning() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def ask(asking: Asking, cib: Element) -> tuple[type, bool]:
        before = turns
        answer = await asking.ask(cib, story.now_s)
        assert isinstance(answer, Decision)
        assert answer.graph == schedule(cib, Moment(story.now_s)).graph
        return type(wire.questions[-1].cib), turns - before > 1

    async def tell() -> None:
        other = asyncio.create_task(turning())
        await asyncio.sleep(0)
        asking = Asking(wire.call)
        assert await ask(Asking(wire.call), story.cib) == (Element, False)
        assert await ask(asking, large) == (str, True)
        assert (await ask(asking, large.with_attributes({"no-such": "1"})))[0] is Delta
        assert (await ask(asking, _large(story)))[0] is str  # thousands are exchanged
        other.cancel()

    asyncio.run(tell())


def test_a_fault_is_an_answer() -> None:
    process, story = SchedulerProcess(), Story(4)
    good = Question(number=1, base=None, cib=story.cib, now_s=story.now_s)
    decided = process.answer(good)
    nowhere = Delta(None, "", (Changed(99, Delta(None, "", ())),))
    answer = process.answer(Question(number=2, base=1, cib=nowhere, now_s=story.now_s))
    assert isinstance(answer, Failure)
    assert process.answer(good) == decided == _whole(story)


def test_the_real_process_answers_the_same() -> None:
    async def tell() -> None:
        worker, story = Worker("crmd.scheduler_worker"), Story(5)
        asking = Asking(worker.call)
        try:
            for step in range(6):
                assert await asking.ask(story.cib, story.now_s) == _whole(story)
                story.go_on()
                if step == 2:
                    await worker.close()
        finally:
            await worker.close()

    asyncio.run(tell())
