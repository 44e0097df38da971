"""How a node's load is measured (features 16.36, 16.40, 26.8)."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

import crmd.throttling
from crm_shell.local_cluster.layout import free_ports
from crmd.explaining import Explaining
from crmd.fsa.events import StoreChanged
from crmd.fsa.options import percentage
from crmd.peers import Peers
from crmd.remoting import Remoting
from crmd.runner import Outside, Runner
from crmd.server import ControllerServicer, service_of
from crmd.throttling import (
    ACTION_LIMIT,
    StoreTime,
    Throttling,
    action_limit,
    is_container,
    listener_of,
    processor_time_s,
)
from crmd.transition.throttle import Sample, Throttle
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.identity import identity_of
from raftmaker.runtime.logs import Log
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.rpc import serve
from raftmaker.runtime.secrets import Secrets
from raftmaker.runtime.settings import Settings, decode_file
from tests.unit.crmd.fsa.world import A, B, World, boot, with_option

NONE, HIGH = Throttle.NONE, Throttle.HIGH


@pytest.mark.parametrize(
    ("environment", "limit"),
    [({}, 0), ({ACTION_LIMIT: ""}, 0), ({ACTION_LIMIT: "7"}, 7), ({ACTION_LIMIT: " 7 "}, 7)],
)
def test_the_nodes_own_limit(environment: dict[str, str], limit: int) -> None:
    """Features 26.8."""
    assert action_limit(environment, Log("test")) == limit


def test_a_limit_that_is_no_number_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert action_limit({ACTION_LIMIT: "many"}, Log("test")) == 0
    assert "many" in caplog.text


@pytest.mark.parametrize(
    ("text", "part"), [("50%", 0.5), ("150", 1.5), ("0", 0.0), ("12.5%", 0.125), ("x", 0.8)]
)
def test_the_threshold(text: str, part: float) -> None:
    """Features 2.30, 1.3."""
    assert percentage(World(("load-threshold", text)).store.cib, "load-threshold") == part


def test_the_threshold_is_80_percent_unless_configured() -> None:
    """Features 2.30."""
    assert percentage(World().store.cib, "load-threshold") == 0.8


def test_the_process_behind_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert listener_of(path) == 0
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert listener_of(path) == os.getpid()
    assert listener_of(path) == 0


def test_the_share_of_a_processor_that_the_store_takes(tmp_path: Path) -> None:
    """Features 16.40: nothing to compare at first; this very process stands for the store."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen(5)
        store = StoreTime(tmp_path / "s")
        assert store.share() is None
        begun = time.process_time()
        while time.process_time() - begun < 0.1:
            sum(range(1000))
        share = store.share()
        assert share is not None
        assert share > 0


def test_a_process_that_is_gone_has_no_time() -> None:
    assert processor_time_s(2**22 + 1) is None


SETTINGS = """
[cluster]
id = "throttling-test"
[node]
name = "b"
[directories]
state = "{root}/state"
run = "{root}/run"
[[peers]]
name = "a"
store = "127.0.0.1:1"
controller = "127.0.0.1:{port}"
fencer = "127.0.0.1:2"
[[peers]]
name = "b"
store = "127.0.0.1:3"
controller = "127.0.0.1:4"
fencer = "127.0.0.1:5"
"""


def settings_in(root: Path) -> Settings:
    (port,) = free_ports(1)
    file = root / "raftmaker.toml"
    file.write_text(SETTINGS.format(root=root, port=port))
    return decode_file(file)


def test_a_member_tells_the_dc_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features 16.36: node b measures, and a is DC; between them is the real service."""
    monkeypatch.setattr(crmd.throttling, "EVERY_S", 0.01)
    world = World()
    # In real time, and in contact for as long as this may take.
    world.at_ms = boot_ms()
    world.core = replace(world.core, config=replace(world.core.config, dead_ms=600_000))
    world.become_dc()

    async def scenario(root: Path) -> None:
        settings, log = settings_in(root), Log("test")
        identity = identity_of(settings, boot(B), "raftmaker-crmd")
        peers = Peers(settings, Roster(settings), identity)
        # Loads order nothing here, so nothing outside is reached.
        dc = Runner(world.core, cast(Outside, None), log)
        throttling = Throttling(
            node=B,
            runner=dc,
            peers=peers,
            store=root / "nobody",
            is_alone=True,
            environment={ACTION_LIMIT: "7"},
            log=log,
        )
        assert throttling._sample.average is not None
        servicer = ControllerServicer(
            runner=dc,
            peers=peers,
            explaining=Explaining(),
            throttling=throttling,
            remoting=cast(Remoting, None),  # no remote node here
            identity=identity,
            secrets=Secrets(root / "secrets"),
            trusting=False,
        )
        endpoint = next(peer.controller for peer in settings.peers if peer.name == A)
        server = await serve(
            [service_of(servicer)], identity=identity, socket=root / "s", endpoints=[endpoint]
        )
        telling = asyncio.create_task(throttling.run())
        async with asyncio.timeout(60):
            for limit in (7, 8):
                throttling._action_limit = limit
                while dc.state.dc is None or dc.state.dc.loads[B].action_limit != limit:
                    await asyncio.sleep(0.01)
        telling.cancel()
        await peers.close()
        await server.stop(None)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(scenario(Path(folder)))


def test_a_change_of_the_threshold_is_told_at_once() -> None:
    """Features 2.30: not with the next measurement, half a minute later."""
    world = World()
    world.at_ms = boot_ms()
    world.core = replace(world.core, config=replace(world.core.config, dead_ms=600_000))
    world.become_dc()

    async def scenario(root: Path) -> None:
        settings, log = settings_in(root), Log("test")
        peers = Peers(settings, Roster(settings), identity_of(settings, boot(B), "raftmaker-crmd"))
        dc = Runner(world.core, cast(Outside, None), log)
        throttling = Throttling(
            node=A,
            runner=dc,
            peers=peers,
            store=root / "nobody",
            is_alone=False,
            environment={},
            log=log,
        )
        assert throttling._sample.average is None, "this machine's load is not the node's"
        throttling._sample = Sample(cores=2, average=1.0)
        throttling._told = throttling.load
        telling = asyncio.create_task(throttling.run())
        take = throttling.beside(lambda event: None)
        for index, (threshold, mode) in enumerate((("0.0001%", HIGH), ("0", NONE))):
            changed = with_option(world.store.cib, "load-threshold", threshold)
            view = replace(dc.state.view, cib=changed)
            dc.state = replace(dc.state, view=view)
            take(StoreChanged(at_ms=0, index=index, cib=changed, facts=view.facts))
            while dc.state.dc is None or dc.state.dc.loads[A].mode is not mode:
                await asyncio.sleep(0)
        telling.cancel()
        await peers.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(asyncio.wait_for(scenario(Path(folder)), 20))


def test_a_container_is_known_by_what_systemd_writes(tmp_path: Path) -> None:
    mark = tmp_path / "container"
    assert not is_container(mark)
    mark.write_text("lxc\n")
    assert is_container(mark)
