"""The connection with systemd on D-Bus: calls, and jobs that are waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from dbus_fast import BusType, DBusError, Message, MessageType
from dbus_fast.aio import MessageBus

from raftmaker.runtime.errors import HaError

NAME = "org.freedesktop.systemd1"
ROOT = "/org/freedesktop/systemd1"
MANAGER = f"{NAME}.Manager"


class Systemd:
    """systemd's manager; connected when first needed, and anew when the connection was lost."""

    def __init__(self) -> None:
        """Connect later."""
        self._bus: MessageBus | None = None
        self._connecting = asyncio.Lock()
        self._jobs: dict[str, asyncio.Future[str]] = {}
        self._early: dict[str, str] = {}

    async def job(self, method: str, unit: str) -> str:
        """Start or stop a unit; return how systemd's job ended: done, failed, …"""
        reply = await self.call(ROOT, MANAGER, method, "ss", [unit, "replace"])
        job = str(reply[0])
        # Its end may have been told before the answer that names it.
        if job in self._early:
            return self._early.pop(job)
        self._jobs[job] = asyncio.get_running_loop().create_future()
        try:
            return await self._jobs[job]
        finally:
            del self._jobs[job]

    async def call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[str] = (),
    ) -> Sequence[Any]:
        """Call systemd and return what it answers. Raises `HaError`."""
        bus = await self._connected()
        message = Message(
            destination=NAME,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        try:
            reply = await bus.call(message)
        except (OSError, EOFError, DBusError) as error:
            raise HaError(f"systemd does not answer on D-Bus: {error}") from None
        if reply is None or reply.message_type is MessageType.ERROR:
            what = "no answer" if reply is None else " ".join(map(str, reply.body))
            raise HaError(f"systemd refused {member}: {what}")
        return tuple(reply.body)

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
        rule = f"type='signal',sender='{NAME}',interface='{MANAGER}',member='JobRemoved'"
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
        await bus.call(Message(destination=NAME, path=ROOT, interface=MANAGER, member="Subscribe"))

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
