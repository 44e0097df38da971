"""Actions that a person runs, beside all that the cluster orders (features 27.8).

They wait in no queue, leave no history, and need no token: the cluster does not know of them.
"""

from __future__ import annotations

import asyncio
from itertools import count

from msgspec.structs import replace

from lrmd.agents.classes import Agents
from lrmd.operations.values import OperationRequest, Outcome
from raftmaker.vocabulary.codes import OcfCode, OpStatus

_FIRST = 1 << 48
"""Runs keep files under their call ids: these are far from any that the cluster's get."""


class ByHand:
    """Runs one action after another, or several at once, each to its end."""

    def __init__(self, agents: Agents) -> None:
        """Use these agents."""
        self._agents = agents
        self._numbers = count(_FIRST)

    async def run(self, request: OperationRequest) -> Outcome:
        """Run an action, or end it when its time is up or nobody waits for it any more."""
        number = next(self._numbers)
        execution = self._agents.begin(number, request)
        try:
            async with asyncio.timeout(max(1, request.timeout_ms) / 1000):
                return await execution.outcome()
        except TimeoutError:
            execution.end()
            outcome = await execution.outcome()
            reason = f"did not end within {request.timeout_ms} ms"
            return replace(outcome, code=OcfCode.ERROR, status=OpStatus.TIMEOUT, exit_reason=reason)
        except asyncio.CancelledError:
            execution.end()
            raise
        finally:
            self._agents.scripts.clear(number)
