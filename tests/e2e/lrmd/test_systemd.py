"""Class systemd over a real D-Bus, with a small manager of units in systemd's place."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from lrmd.agents.classes import Agents
from lrmd.agents.scripts import Scripts
from lrmd.agents.systemd import SystemdUnits, drop_in_of, unit_name
from lrmd.operations.values import Agent, OperationRequest, Outcome, Standard
from raftmaker.runtime.secrets import Secrets
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import NodeName, ResourceId

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon"),
]
ROOT = "/org/freedesktop/systemd1"


@dataclass
class Unit:
    """A unit; `states` are told one after another, the last one for ever."""

    load_state: str
    after_start: str
    states: list[str] = field(default_factory=lambda: ["inactive"])


class Manager:
    """Knows ``web`` (starts), ``bad`` (fails); tells a job's end before its name, as may happen."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.units = {
            "web.service": Unit("loaded", "active"),
            "bad.service": Unit("loaded", "failed"),
            "none.service": Unit("not-found", "inactive"),
        }
        self.jobs = 0
        bus.add_message_handler(self.answer)

    def answer(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        match message.member:
            case "LoadUnit":
                return Message.new_method_return(message, "o", [path_of(message.body[0])])
            case "Get":
                return Message.new_method_return(message, "v", [Variant("s", self.get(message))])
            case "StartUnit":
                after = self.units[message.body[0]].after_start
                return self.job(message, after, "done" if after == "active" else "failed")
            case "StopUnit":
                return self.job(message, "inactive", "done")
            case "Reload" | "Subscribe":
                return Message.new_method_return(message)
            case _:
                return None

    def get(self, message: Message) -> str:
        unit = next(unit for name, unit in self.units.items() if path_of(name) == message.path)
        if message.body[1] == "LoadState":
            return unit.load_state
        return unit.states.pop(0) if len(unit.states) > 1 else unit.states[0]

    def job(self, message: Message, state: str, result: str) -> Message:
        name = message.body[0]
        self.units[name].states = [state]
        self.jobs += 1
        job = f"{ROOT}/job/{self.jobs}"
        body = [self.jobs, job, name, result]
        interface = "org.freedesktop.systemd1.Manager"
        self.bus.send(Message.new_signal(ROOT, interface, "JobRemoved", "uoss", body))
        return Message.new_method_return(message, "o", [job])


def path_of(name: str) -> str:
    return f"{ROOT}/unit/{name.replace('.', '_2e')}"


@pytest.fixture
def bus_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    address = f"unix:path={tmp_path}/bus"
    with subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address={address}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as daemon:
        assert daemon.stdout is not None
        daemon.stdout.readline()
        monkeypatch.setitem(os.environ, "DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address
        daemon.terminate()


async def outcome(units: SystemdUnits, operation: str, name: str) -> Outcome:
    request = OperationRequest(
        resource=ResourceId("r"), agent=Agent(Standard.SYSTEMD, "", name), operation=operation
    )
    return await asyncio.wait_for(units.begin(1, request).outcome(), 60)


@pytest.mark.usefixtures("bus_address")
def test_units_are_started_stopped_and_looked_at(tmp_path: Path) -> None:
    """Features 5.2."""

    async def scenario() -> None:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        manager = Manager(bus)
        await bus.request_name("org.freedesktop.systemd1")
        units = SystemdUnits(tmp_path)
        drop_in = tmp_path / "web.service.d" / "50-raftmaker.conf"

        async def code(operation: str, name: str = "web") -> OcfCode:
            return (await outcome(units, operation, name)).code

        assert await code("monitor") is OcfCode.NOT_RUNNING
        assert await code("start") is OcfCode.OK
        assert drop_in.read_text() == drop_in_of("web.service")
        assert await code("monitor") is OcfCode.OK
        manager.units["web.service"].states = ["activating", "active"]
        assert await code("monitor") is OcfCode.OK
        assert await code("stop") is OcfCode.OK
        assert not drop_in.exists()
        assert await code("monitor") is OcfCode.NOT_RUNNING
        assert await code("start", "bad") is OcfCode.ERROR
        assert await code("stop", "bad") is OcfCode.OK
        missing = await outcome(units, "monitor", "none")
        assert (missing.code, missing.status) == (OcfCode.NOT_INSTALLED, OpStatus.NOT_INSTALLED)
        assert await code("stop", "none") is OcfCode.OK
        assert await code("promote") is OcfCode.UNIMPLEMENTED
        bus.disconnect()

    asyncio.run(scenario())


@pytest.mark.usefixtures("bus_address")
def test_class_service_is_the_script_where_there_is_one_and_else_the_unit(tmp_path: Path) -> None:
    """Features 5.4."""
    scripts = Scripts(
        ocf_roots=(), children=tmp_path / "runs", inherited={"PATH": os.environ["PATH"]},
        node=NodeName("alpha"), secrets=Secrets(tmp_path / "secrets"), init_dir=tmp_path / "init.d",
    )  # fmt: skip
    script = tmp_path / "init.d" / "both"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/told\n[ "$1" != status ] || exit 3\n')
    script.chmod(0o755)

    async def scenario() -> None:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        manager = Manager(bus)
        manager.units["both.service"] = Unit("loaded", "active")
        await bus.request_name("org.freedesktop.systemd1")
        agents = Agents(scripts=scripts, units=SystemdUnits(tmp_path), devices=None)

        async def code(operation: str, name: str) -> OcfCode:
            request = OperationRequest(
                resource=ResourceId("r"), agent=Agent(Standard.SERVICE, "", name),
                operation=operation,
            )  # fmt: skip
            return (await asyncio.wait_for(agents.begin(1, request).outcome(), 60)).code

        assert await code("start", "both") is OcfCode.OK
        assert await code("monitor", "both") is OcfCode.NOT_RUNNING
        assert manager.units["both.service"].states == ["inactive"]
        assert (tmp_path / "told").read_text() == "start\nstatus\n"
        assert await code("start", "web") is OcfCode.OK
        assert manager.units["web.service"].states == ["active"]
        assert await code("monitor", "web") is OcfCode.OK
        assert await code("monitor", "none") is OcfCode.NOT_INSTALLED
        bus.disconnect()

    asyncio.run(scenario())


def test_without_a_bus_it_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    found = asyncio.run(outcome(SystemdUnits(), "monitor", "web"))
    assert (found.code, found.status) == (OcfCode.ERROR, OpStatus.ERROR)
    assert "D-Bus cannot be reached" in found.exit_reason


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("web", "web.service"),
        ("web.service", "web.service"),
        ("x.socket", "x.socket"),
        ("getty@tty1", "getty@tty1.service"),
        ("a.b", "a.b.service"),
    ],
)
def test_names_of_units(name: str, unit: str) -> None:
    """Features 5.2."""
    assert unit_name(name) == unit


def test_only_services_are_told_about_restarts() -> None:
    assert "Restart=no" in drop_in_of("web.service")
    assert "Restart" not in drop_in_of("x.socket")
