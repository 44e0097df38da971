"""Class stonith: a fence device as a resource; the fencer does the work (features 5.5, 17)."""

from __future__ import annotations

import asyncio

from lrmd.agents.execution import Decided, Execution, TaskRun, failed
from lrmd.operations.values import Agent, OperationRequest, Outcome, Standard
from raftmaker.runtime.errors import HaError, Unreachable
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from stonithd.client import FencerClient, ProbeAnswer

_RETRY_S = 0.3
_APPEARS_WITHIN_S = 5.0
"""A device that was just configured reaches the fencer a moment later than its start us."""


class FenceDevices:
    """Runs fence devices.

    Devices come to the fencer from the CIB, whether started or not. So `start` is a monitor that
    must succeed, and what makes a device started here is remembered here: a probe before says that
    it does not run.
    """

    def __init__(self, fencer: FencerClient) -> None:
        """`fencer` answers for the devices."""
        self._fencer = fencer
        self._started: set[str] = set()

    def begin(self, call_id: int, request: OperationRequest) -> Execution:
        """Start a run."""
        match request.operation:
            case "start" | "monitor" if request.operation == "start" or not self._is_off(request):
                return TaskRun(self._monitor(request))
            case "monitor":
                return Decided(Outcome(code=OcfCode.NOT_RUNNING))
            case "stop":
                self._started.discard(request.resource)
                return Decided(Outcome(code=OcfCode.OK))
            case _:
                return Decided(Outcome(code=OcfCode.UNIMPLEMENTED, status=OpStatus.NOT_SUPPORTED))

    def adopt(self, call_id: int, request: OperationRequest) -> Execution | None:
        """Ask again: every action can be repeated without harm."""
        return self.begin(call_id, request)

    def remember(self, resources: frozenset[str]) -> None:
        """These were started by an earlier process of the daemon."""
        self._started |= resources

    async def metadata(self, agent: str) -> str:
        """Return a fence agent's metadata as XML; wait a while for a fencer that starts.

        Else a device that was configured meanwhile would not say that it unfences. Raises `HaError`
        when there is none.
        """
        loop = asyncio.get_running_loop()
        patient_until = loop.time() + _APPEARS_WITHIN_S
        while True:
            try:
                return await self._fencer.metadata(agent)
            except Unreachable:
                if loop.time() > patient_until:
                    raise
                await asyncio.sleep(_RETRY_S)

    async def installed(self) -> tuple[Agent, ...]:
        """List the fence agents that are installed; none while the fencer does not answer."""
        try:
            names = await self._fencer.agents()
        except HaError:
            return ()
        return tuple(Agent(Standard.STONITH, "", name) for name in names)

    def _is_off(self, request: OperationRequest) -> bool:
        return request.resource not in self._started

    async def _monitor(self, request: OperationRequest) -> Outcome:
        try:
            answer = await self._ask(request)
        except HaError as error:
            return failed(str(error))
        if answer.status is OpStatus.DONE and answer.code == 0:
            self._started.add(request.resource)
            return Outcome(code=OcfCode.OK, output=answer.output)
        missing = answer.status is OpStatus.NOT_INSTALLED
        return Outcome(
            code=OcfCode.NOT_INSTALLED if missing else OcfCode.ERROR,
            status=OpStatus.ERROR if answer.status is OpStatus.DONE else answer.status,
            exit_reason=answer.output.strip().rpartition("\n")[2],
            output=answer.output,
        )

    async def _ask(self, request: OperationRequest) -> ProbeAnswer:
        """Run the device's monitor; while the fencer restarts, wait for it.

        The operation's own timeout ends the waiting.
        """
        loop = asyncio.get_running_loop()
        patient_until = loop.time() + _APPEARS_WITHIN_S
        while True:
            try:
                return await self._fencer.probe(request.resource, timeout_ms=request.timeout_ms)
            except Unreachable:
                await asyncio.sleep(_RETRY_S)
            except HaError:
                # It does not know the device: not yet, perhaps.
                if request.operation != "start" or loop.time() > patient_until:
                    raise
                await asyncio.sleep(_RETRY_S)
