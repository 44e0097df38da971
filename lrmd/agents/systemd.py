"""Class systemd: units through systemd's D-Bus interface (features 5.2)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrmd.agents.execution import Execution, TaskRun, failed, not_installed
from lrmd.operations.values import Agent, OperationRequest, Outcome, Standard
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import OcfCode, OpStatus

if TYPE_CHECKING:
    from lrmd.agents.systemd_manager import Systemd

_ROOT = "/org/freedesktop/systemd1"
_MANAGER = "org.freedesktop.systemd1.Manager"
_UNIT = "org.freedesktop.systemd1.Unit"
_SUFFIXES = (".service", ".socket", ".mount", ".timer", ".path")
_SETTLING = ("activating", "deactivating")
_SETTLE_S = 0.5
DROP_IN_ROOT = Path("/run/systemd/system")
_DROP_IN = "50-raftmaker.conf"


def unit_name(agent_type: str) -> str:
    """Return the unit that an agent name stands for: ``.service`` unless another is said."""
    return agent_type if agent_type.endswith(_SUFFIXES) else f"{agent_type}.service"


def drop_in_of(unit: str) -> str:
    """Return what a started unit is told: it ends after us, and systemd does not restart it."""
    text = (
        f"[Unit]\nDescription=Cluster controlled {unit}\n"
        "Before=raftmaker-lrmd.service raftmaker-crmd.service\n"
    )
    return text + ("\n[Service]\nRestart=no\n" if unit.endswith(".service") else "")


class SystemdUnits:
    """Starts, stops and looks at units."""

    def __init__(self, drop_in_root: Path = DROP_IN_ROOT) -> None:
        """Connect when first needed."""
        self._manager: Systemd | None = None
        self._drop_in_root = drop_in_root

    def begin(self, call_id: int, request: OperationRequest) -> Execution:
        """Start a run."""
        return TaskRun(self._run(request))

    def adopt(self, call_id: int, request: OperationRequest) -> Execution | None:
        """Ask again: starting what runs and stopping what does not changes nothing."""
        return self.begin(call_id, request)

    async def has(self, agent_type: str) -> bool:
        """Tell whether systemd knows the unit. Raises `HaError` when systemd does not answer."""
        return await self._load_state(unit_name(agent_type)) == "loaded"

    async def installed(self) -> tuple[Agent, ...]:
        """List the units that systemd has files for; none where systemd does not answer."""
        try:
            reply = await self._call(_ROOT, _MANAGER, "ListUnitFiles")
        except HaError:
            return ()
        names = {Path(path).name for path, _ in reply[0]}
        kept = (name for name in names if name.endswith(_SUFFIXES) and "@." not in name)
        types = {name.removesuffix(".service") for name in kept}
        return tuple(Agent(Standard.SYSTEMD, "", name) for name in sorted(types))

    async def metadata(self, agent: Agent) -> str:
        """Return metadata for a unit, which has none of its own. Raises `HaError`."""
        path = await self._unit_path(unit_name(agent.type))
        description = await self._property(path, _UNIT, "Description")
        actions = "".join(
            f'<action name="{name}" timeout="100s"{more}/>'
            for name, more in (
                ("start", ""),
                ("stop", ""),
                ("status", ""),
                ("monitor", ' interval="60s"'),
            )
        )
        escaped = description.replace("&", "&amp;").replace("<", "&lt;")
        return (
            f'<?xml version="1.0"?>\n<resource-agent name="{agent.type}" version="1.1">'
            f'<version>1.1</version><longdesc lang="en">{escaped}</longdesc>'
            f'<shortdesc lang="en">{escaped}</shortdesc><parameters/><actions>{actions}'
            '<action name="meta-data" timeout="5s"/></actions></resource-agent>\n'
        )

    async def _run(self, request: OperationRequest) -> Outcome:
        unit = unit_name(request.agent.type)
        try:
            state = await self._load_state(unit)
            if state != "loaded" and request.operation != "stop":
                return not_installed(f"Systemd unit {unit} is {state}")
            match request.operation:
                case "monitor" | "status":
                    return await self._monitor(unit)
                case "start":
                    return await self._start(unit)
                case "stop":
                    return await self._stop(unit, state)
                case _:
                    return Outcome(code=OcfCode.UNIMPLEMENTED, status=OpStatus.NOT_SUPPORTED)
        except HaError as error:
            return failed(str(error))

    async def _monitor(self, unit: str) -> Outcome:
        while (state := await self._active_state(unit)) in _SETTLING:
            await asyncio.sleep(_SETTLE_S)
        running = state in ("active", "reloading")
        return Outcome(code=OcfCode.OK if running else OcfCode.NOT_RUNNING, output=state)

    async def _start(self, unit: str) -> Outcome:
        with _explained(unit):
            directory = self._drop_in_root / f"{unit}.d"
            directory.mkdir(parents=True, exist_ok=True)
            (directory / _DROP_IN).write_text(drop_in_of(unit))
        await self._call(_ROOT, _MANAGER, "Reload")
        ended = await self._systemd().job("StartUnit", unit)
        state = await self._active_state(unit)
        if ended == "done" and state in ("active", "reloading"):
            return Outcome(code=OcfCode.OK, output=state)
        return failed(f"Systemd unit {unit} is {state} after its start ({ended})")

    async def _stop(self, unit: str, load_state: str) -> Outcome:
        if load_state == "not-found":
            return Outcome(code=OcfCode.OK, output="not-found")
        with _explained(unit):
            (self._drop_in_root / f"{unit}.d" / _DROP_IN).unlink(missing_ok=True)
        await self._call(_ROOT, _MANAGER, "Reload")
        ended = await self._systemd().job("StopUnit", unit)
        state = await self._active_state(unit)
        if state in ("inactive", "failed"):
            return Outcome(code=OcfCode.OK, output=state)
        return failed(f"Systemd unit {unit} is {state} after its stop ({ended})")

    async def _load_state(self, unit: str) -> str:
        return await self._property(await self._unit_path(unit), _UNIT, "LoadState")

    async def _active_state(self, unit: str) -> str:
        return await self._property(await self._unit_path(unit), _UNIT, "ActiveState")

    async def _unit_path(self, unit: str) -> str:
        reply = await self._call(_ROOT, _MANAGER, "LoadUnit", "s", [unit])
        return str(reply[0])

    async def _property(self, path: str, interface: str, name: str) -> str:
        reply = await self._call(
            path, "org.freedesktop.DBus.Properties", "Get", "ss", [interface, name]
        )
        return str(reply[0].value)

    async def _call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[str] = (),
    ) -> Sequence[Any]:
        return await self._systemd().call(path, interface, member, signature, body)

    def _systemd(self) -> Systemd:
        if self._manager is None:
            # Here and not above: most clusters have no such resource, and start without it.
            from lrmd.agents.systemd_manager import Systemd

            self._manager = Systemd()
        return self._manager


@contextlib.contextmanager
def _explained(unit: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HaError(f"the drop-in of {unit} cannot be written: {error}") from None
