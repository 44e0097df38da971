"""Class systemd: units through systemd's D-Bus interface (features 5.2)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from dbus_fast import BusType, DBusError, Message, MessageType
from dbus_fast.aio import MessageBus

from lrmd.agents.execution import Execution, TaskRun, failed, not_installed
from lrmd.operations.values import Agent, OperationRequest, Outcome, Standard
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import OcfCode, OpStatus

_NAME = "org.freedesktop.systemd1"
_ROOT = "/org/freedesktop/systemd1"
_MANAGER = f"{_NAME}.Manager"
_UNIT = f"{_NAME}.Unit"
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
        self._bus: MessageBus | None = None
        self._drop_in_root = drop_in_root
        self._connecting = asyncio.Lock()
        self._jobs: dict[str, asyncio.Future[str]] = {}
        self._early: dict[str, str] = {}

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
        names = {Path(path).name for path, _ in reply.body[0]}
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
        ended = await self._job("StartUnit", unit)
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
        ended = await self._job("StopUnit", unit)
        state = await self._active_state(unit)
        if state in ("inactive", "failed"):
            return Outcome(code=OcfCode.OK, output=state)
        return failed(f"Systemd unit {unit} is {state} after its stop ({ended})")

    async def _job(self, method: str, unit: str) -> str:
        """Start or stop a unit; return how systemd's job ended: done, failed, timeout, …"""
        reply = await self._call(_ROOT, _MANAGER, method, "ss", [unit, "replace"])
        job = str(reply.body[0])
        # Its end may have been told before the answer that names it.
        if job in self._early:
            return self._early.pop(job)
        self._jobs[job] = asyncio.get_running_loop().create_future()
        try:
            return await self._jobs[job]
        finally:
            del self._jobs[job]

    async def _load_state(self, unit: str) -> str:
        return await self._property(await self._unit_path(unit), _UNIT, "LoadState")

    async def _active_state(self, unit: str) -> str:
        return await self._property(await self._unit_path(unit), _UNIT, "ActiveState")

    async def _unit_path(self, unit: str) -> str:
        reply = await self._call(_ROOT, _MANAGER, "LoadUnit", "s", [unit])
        return str(reply.body[0])

    async def _property(self, path: str, interface: str, name: str) -> str:
        reply = await self._call(
            path, "org.freedesktop.DBus.Properties", "Get", "ss", [interface, name]
        )
        return str(reply.body[0].value)

    async def _call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: list[str] | None = None,
    ) -> Message:
        bus = await self._connected()
        message = Message(
            destination=_NAME,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body or [],
        )
        try:
            reply = await bus.call(message)
        except (OSError, EOFError, DBusError) as error:
            raise HaError(f"systemd does not answer on D-Bus: {error}") from None
        if reply is None or reply.message_type is MessageType.ERROR:
            what = "no answer" if reply is None else " ".join(map(str, reply.body))
            raise HaError(f"systemd refused {member}: {what}")
        return reply

    async def _connected(self) -> MessageBus:
        async with self._connecting:
            if self._bus is not None and self._bus.connected:
                return self._bus
            try:
                self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            except (OSError, EOFError, DBusError) as error:
                raise HaError(f"the system's D-Bus cannot be reached: {error}") from None
            self._fail_jobs()
            self._bus.add_message_handler(self._heard)
            await self._watch_jobs(self._bus)
            return self._bus

    async def _watch_jobs(self, bus: MessageBus) -> None:
        rule = f"type='signal',sender='{_NAME}',interface='{_MANAGER}',member='JobRemoved'"
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )
        # systemd tells of jobs only while somebody has subscribed.
        await bus.call(
            Message(destination=_NAME, path=_ROOT, interface=_MANAGER, member="Subscribe")
        )

    def _heard(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and message.member == "JobRemoved":
            _, path, _, result = message.body
            job = self._jobs.get(path)
            if job is None:
                self._early[path] = result
                while len(self._early) > 64:
                    del self._early[next(iter(self._early))]
            elif not job.done():
                job.set_result(result)

    def _fail_jobs(self) -> None:
        for job in self._jobs.values():
            if not job.done():
                job.set_exception(HaError("the connection to systemd was lost"))


@contextlib.contextmanager
def _explained(unit: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HaError(f"the drop-in of {unit} cannot be written: {error}") from None
