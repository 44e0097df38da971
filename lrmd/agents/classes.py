"""All classes of agents behind one face: each operation goes to the class of its agent."""

from __future__ import annotations

from typing import assert_never

from lrmd.agents.delegated import Delegates
from lrmd.agents.execution import AgentClass, Decided, Execution, TaskRun, not_installed
from lrmd.agents.fence_devices import FenceDevices
from lrmd.agents.scripts import Scripts
from lrmd.agents.systemd import SystemdUnits
from lrmd.operations.values import (
    FAIL_BY_HAND,
    REMOTE_CONNECTION,
    Agent,
    OperationRequest,
    Outcome,
    Standard,
)
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import OcfCode


class Agents:
    """Runs, lists and describes agents of every class."""

    def __init__(
        self,
        *,
        scripts: Scripts,
        units: SystemdUnits,
        devices: FenceDevices | None,
        delegates: Delegates | None = None,
    ) -> None:
        """`devices` None: this daemon has no fencer to ask; `delegates` None: no controller."""
        self.scripts = scripts
        self._delegates = delegates
        self._units = units
        self._devices = devices

    def begin(self, call_id: int, request: OperationRequest) -> Execution:
        """Start a run."""
        if request.operation == FAIL_BY_HAND:
            reason = request.user_data.get("reason", "failed by hand")
            return Decided(Outcome(code=OcfCode.ERROR, exit_reason=reason))
        return self._class_of(request.agent).begin(call_id, request)

    def adopt(self, call_id: int, request: OperationRequest) -> Execution | None:
        """Find a run of an earlier process of the daemon again; None: it was never forked."""
        if request.operation == FAIL_BY_HAND:
            return self.begin(call_id, request)
        return self._class_of(request.agent).adopt(call_id, request)

    async def metadata(self, agent: Agent) -> str:
        """Return an agent's metadata as XML. Raises `HaError` when there is none."""
        if agent == REMOTE_CONNECTION and self._delegates is not None:
            return await self._delegates.metadata()
        if self._is_unit(agent):
            return await self._units.metadata(agent)
        if agent.standard is Standard.STONITH:
            if self._devices is None:
                raise HaError(f"{agent}: no fencer runs on this node")
            return await self._devices.metadata(agent.type)
        return await self.scripts.metadata(agent)

    async def installed(self, standard: str, provider: str) -> tuple[Agent, ...]:
        """List installed agents, sorted; an empty filter lets everything through."""
        scripts = self.scripts.installed()
        asked = self._devices if standard in ("", "stonith") else None
        devices = await asked.installed() if asked is not None else ()
        delegated = self._delegates.installed() if self._delegates is not None else ()
        units = await self._units.installed() if standard in ("", "systemd", "service") else ()
        if standard == "service":
            names = {
                agent.type for agent in (*scripts, *units) if agent.standard is not Standard.OCF
            }
            return tuple(Agent(Standard.SERVICE, "", name) for name in sorted(names))
        return tuple(
            agent
            for agent in sorted((*scripts, *units, *devices, *delegated), key=str)
            if standard in ("", agent.standard.value) and provider in ("", agent.provider)
        )

    def _is_unit(self, agent: Agent) -> bool:
        """Class service is the LSB script where there is one, else the unit (features 5.4)."""
        if agent.standard is Standard.SERVICE:
            return self.scripts.path_of(agent) is None
        return agent.standard is Standard.SYSTEMD

    def _class_of(self, agent: Agent) -> AgentClass:
        if agent == REMOTE_CONNECTION and self._delegates is not None:
            return self._delegates
        match agent.standard:
            case Standard.OCF | Standard.LSB:
                return self.scripts
            case Standard.SYSTEMD:
                return self._units
            case Standard.SERVICE:
                return self._units if self._is_unit(agent) else self.scripts
            case Standard.STONITH:
                return self._devices or _NoFencer()
            case _:
                assert_never(agent.standard)


class _NoFencer:
    """Answers for fence devices where no fencer belongs to this node."""

    def begin(self, call_id: int, request: OperationRequest) -> Execution:
        return TaskRun(self._outcome())

    def adopt(self, call_id: int, request: OperationRequest) -> Execution | None:
        return self.begin(call_id, request)

    async def _outcome(self) -> Outcome:
        return not_installed("no fencer runs on this node")
