"""What a controller tells and does for whom: everybody, root, and the other nodes (20.11)."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from crm_shell.local_cluster.layout import free_ports
from crmd.client import ControllerClient
from crmd.transition.throttle import NodeLoad, Throttle
from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.errors import HaError, NotPermitted
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.secrets import Secrets
from raftmaker.runtime.settings import Settings, decode_file
from raftmaker.vocabulary.ids import NodeName
from tests.e2e.lone_controller import lone_settings

pytestmark = pytest.mark.e2e
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A controller without any store: it does not know whether rules bind, so they do."""
    root = tmp_path_factory.mktemp("crmd")
    (port,) = free_ports(1)
    config = root / "raftmaker.toml"
    config.write_text(lone_settings(root, port))
    for name in ("state", "run"):
        (root / name).mkdir()
    made = decode_file(config)
    command = [sys.executable, "-m", "crmd.main", "--config", str(config)]
    with subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": ""}) as daemon:
        try:
            end = time.monotonic() + DEADLINE_S
            while not made.public_socket("crmd").exists() and time.monotonic() < end:
                time.sleep(0.05)
            yield made
        finally:
            daemon.kill()


async def _refused(call: Awaitable[object]) -> bool:
    """Tell whether a call was refused for want of a right; how else it ends does not matter."""
    try:
        await call
    except NotPermitted:
        return True
    except HaError:
        return False
    return False


def _who_is_refused(settings: Settings, target: Target) -> tuple[bool, ...]:
    async def asked() -> tuple[bool, ...]:
        client = ControllerClient(target, identity=tool_identity(settings.cluster, "test"))
        try:
            return (
                await _refused(client.explain("web")),
                await _refused(client.cleanup(resource="web")),
                await _refused(client.fence_node(NodeName("n1"), "off")),
                await _refused(client.confirm_down(NodeName("n1"))),
                await _refused(client.keep_secret("web", "passwd", "x")),
            )
        finally:
            await client.close()

    return asyncio.run(asked())


def test_everybodys_socket_explains_cleans_fences_and_keeps_nothing(settings: Settings) -> None:
    """features 20.11, 27.31"""
    public = settings.public_socket("crmd")
    assert _who_is_refused(settings, public) == (True,) * 5
    assert stat.S_IMODE(public.stat().st_mode) == 0o660


def test_everybodys_socket_has_the_node_leave_for_nobody(settings: Settings) -> None:
    """features 20.11: or whoever may read a little could move what runs here."""

    async def asked() -> bool:
        client = ControllerClient(
            settings.public_socket("crmd"), identity=tool_identity(settings.cluster, "test")
        )
        try:
            return await _refused(client.leave())
        finally:
            await client.close()

    assert asyncio.run(asked())


def test_roots_socket_explains_cleans_and_fences_and_keeps_no_secret(settings: Settings) -> None:
    """features 20.11, 20.14: root has the files of secrets themselves."""
    private = settings.private_socket("crmd")
    assert _who_is_refused(settings, private) == (False, False, False, False, True)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700


def test_loads_of_nodes_come_from_their_controllers(settings: Settings) -> None:
    """features 16.36: whoever may use a socket must not slow the cluster down."""

    async def asked(target: Target) -> bool:
        client = ControllerClient(target, identity=tool_identity(settings.cluster, "test"))
        try:
            return await _refused(client.report_load(NodeLoad(mode=Throttle.EXTREME)))
        finally:
            await client.close()

    assert asyncio.run(asked(settings.public_socket("crmd")))
    assert not asyncio.run(asked(settings.me.controller))


def test_other_nodes_may_do_all(settings: Settings) -> None:
    """features 27.31"""
    assert _who_is_refused(settings, settings.me.controller) == (False,) * 5
    assert Secrets(Path(settings.state_dir) / "secrets").read("web", "passwd") == "x"
