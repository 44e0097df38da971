"""One run of an agent, whatever its class: it can be awaited and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol

from lrmd.operations.values import OperationRequest, Outcome
from raftmaker.runtime.process import Ended, Kept
from raftmaker.vocabulary.codes import OcfCode, OpStatus

OUTPUT_CHARACTERS_MAX = 4000


class Execution(Protocol):
    """A run in progress."""

    async def outcome(self) -> Outcome:
        """Wait for its end."""

    def end(self) -> None:
        """Kill it; `outcome` then returns."""


class AgentClass(Protocol):
    """A way of running agents."""

    def begin(self, call_id: int, request: OperationRequest) -> Execution:
        """Start a run."""

    def adopt(self, call_id: int, request: OperationRequest) -> Execution | None:
        """Find a run of an earlier process of the daemon again; None: it was never forked."""


class Decided:
    """A run that was over before it began: its agent is missing, or there is nothing to do."""

    def __init__(self, outcome: Outcome) -> None:
        """Keep the outcome."""
        self._outcome = outcome

    async def outcome(self) -> Outcome:
        """Return it."""
        return self._outcome

    def end(self) -> None:
        """Nothing runs."""


class ProcessRun:
    """A run that is a child process, which outlives the daemon."""

    def __init__(self, child: Kept, judge: Callable[[Ended], Outcome]) -> None:
        """`judge` tells the outcome from how the process ended."""
        self._child = child
        self._judge = judge

    async def outcome(self) -> Outcome:
        """Wait for the process; its files are removed with the next `forget`."""
        ended = await self._child.ended()
        if ended.code is None:
            return Outcome(
                code=OcfCode.ERROR,
                status=OpStatus.ERROR,
                exit_reason="the agent was killed before it told its result",
                output=output_of(ended),
            )
        if ended.code < 0:
            return Outcome(
                code=OcfCode.ERROR,
                status=OpStatus.ERROR,
                exit_reason=f"the agent was ended by signal {-ended.code}",
                output=output_of(ended),
            )
        return self._judge(ended)

    def end(self) -> None:
        """Kill the process group (features 5.44)."""
        self._child.kill()


class TaskRun:
    """A run that is a conversation with another daemon of this machine."""

    def __init__(self, work: Coroutine[None, None, Outcome]) -> None:
        """Begin it at once."""
        self._task = asyncio.create_task(work)

    async def outcome(self) -> Outcome:
        """Wait for it. With whoever waits it is given up: the daemon ends."""
        try:
            await asyncio.wait([self._task])
        except asyncio.CancelledError:
            self._task.cancel()
            await asyncio.wait([self._task])
            raise
        if self._task.cancelled():
            return Outcome(code=OcfCode.ERROR, status=OpStatus.ERROR, exit_reason="given up")
        return self._task.result()

    def end(self) -> None:
        """Stop asking. What the other daemon does of it is not undone."""
        self._task.cancel()


def output_of(ended: Ended) -> str:
    """Return the end of what the agent wrote, for people."""
    return (ended.stdout + ended.stderr)[-OUTPUT_CHARACTERS_MAX:].strip()


def not_installed(what: str) -> Outcome:
    """Return the outcome of running something that is not there (features 5.34)."""
    return Outcome(code=OcfCode.NOT_INSTALLED, status=OpStatus.NOT_INSTALLED, exit_reason=what)


def failed(what: str, code: OcfCode = OcfCode.ERROR) -> Outcome:
    """Return the outcome of a run that could not be done."""
    return Outcome(code=code, status=OpStatus.ERROR, exit_reason=what)
