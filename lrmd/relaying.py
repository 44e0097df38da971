"""A remote node's relay: gives the calls of its tools to the member that attends to it (22.5)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from lrmd.relayed_calls import Calls, asked, broken_off, closed, ended, opened
from raftmaker.runtime.errors import Refused
from raftmaker.vocabulary.relayed import CALLS_MAX, CallStatus, RelayedAnswer, RelayedCall

WAIT_S = 5.0
"""How long a call waits for the member that attends to this node: it may have begun just now."""
UNREAD_MAX = 4 * CALLS_MAX
"""A member that has so much unread is asked nothing more."""
BEHIND_MAX = 256
"""A tool that follows something and has so many answers unread is not waited for."""


class ToolRelay:
    """Holds the state of `lrmd.relayed_calls`, and who waits for which answer."""

    def __init__(self, attended_by: Callable[[], str]) -> None:
        """`attended_by`: the member that attends to this node now; empty: none."""
        self._attended_by = attended_by
        self._calls = Calls()
        self._outbox: asyncio.Queue[RelayedCall | None] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Queue[RelayedAnswer]] = {}
        self._is_open = asyncio.Event()

    # --- the member's side ---------------------------------------------------------------------

    async def stream(self, member: str) -> AsyncGenerator[RelayedCall, None]:
        """Yield the calls for a member; ends when a newer stream is opened. Raises `Refused`."""
        now = self._attended_by()
        if member != now:
            raise Refused(f"{now or 'no member'} attends to this node now")
        self._outbox.put_nowait(None)
        outbox: asyncio.Queue[RelayedCall | None] = asyncio.Queue()
        self._outbox = outbox
        before = self._calls.member
        self._calls, broken = opened(self._calls, member)
        mine = self._calls.stream
        self._break_off(broken, before)
        self._is_open.set()
        try:
            while (call := await outbox.get()) is not None:
                yield call
        finally:
            self._calls, broken = closed(self._calls, mine)
            self._break_off(broken, member)
            if not self._calls.member:
                self._is_open.clear()

    def answer(self, answer: RelayedAnswer) -> None:
        """Take an answer; one that nobody waits for is ignored."""
        waiting = self._waiting.get(answer.number)
        if waiting is None:
            return
        if waiting.qsize() >= BEHIND_MAX:
            details = f"{BEHIND_MAX} answers are unread: ask again"
            answer = RelayedAnswer(
                number=answer.number, status=CallStatus.TOO_MUCH, details=details
            )
            self._outbox.put_nowait(RelayedCall(number=answer.number, given_up=True))
        if answer.status is not None:
            self._calls = ended(self._calls, answer.number)
            del self._waiting[answer.number]
        waiting.put_nowait(answer)

    def _break_off(self, numbers: tuple[int, ...], member: str) -> None:
        for number in numbers:
            self._waiting.pop(number).put_nowait(broken_off(number, member))

    # --- the tools' side -----------------------------------------------------------------------

    async def ask(self, call: RelayedCall) -> AsyncGenerator[RelayedAnswer, None]:
        """Have a call made, whose number is chosen here; yield its answers, the end as the last."""
        if not self._is_open.is_set() and self._attended_by():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAIT_S):
                    await self._is_open.wait()
        if self._outbox.qsize() >= UNREAD_MAX:  # of callers that have gone meanwhile
            details = "the member that is connected reads nothing: ask again"
            yield RelayedAnswer(number=0, status=CallStatus.TOO_MUCH, details=details)
            return
        self._calls, given = asked(self._calls, call)
        if isinstance(given, RelayedAnswer):
            yield given
            return
        answers: asyncio.Queue[RelayedAnswer] = asyncio.Queue()
        self._waiting[given.number] = answers
        self._outbox.put_nowait(given)
        try:
            while True:
                answer = await answers.get()
                yield answer
                if answer.status is not None:
                    return
        finally:
            if self._waiting.pop(given.number, None) is not None:  # given up by the caller
                self._calls = ended(self._calls, given.number)
                self._outbox.put_nowait(RelayedCall(number=given.number, given_up=True))
