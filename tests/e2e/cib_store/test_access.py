"""Access control as a user of the machine meets it: another process, under another user id."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cib_store.stores import NAMES, Stores
from tests.faults.campaign import leader_of

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a process as another user"),
]
USER = "nobody"
SECRET = "hunter2-is-denied"
SETTINGS = f"""\
primitive web ocf:heartbeat:Dummy params fake={SECRET}
primitive db ocf:heartbeat:Dummy
role operator write meta:db:target-role read xpath:"//crm_config" \\
    read xpath:"//primitive[@id='db']"
acl_target {USER} operator
property enable-acl=true
"""
WATCH = """
import asyncio, sys
from raftmaker.client import connect
from cib_store.document.codec import render
async def main():
    count = 0
    async with connect() as cluster:
        async for step in cluster.watch():
            print(render(step.cib, indent=0), flush=True)
            count += 1
            if count == 2:
                return
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def stores() -> Iterator[Stores]:
    directory = Path(tempfile.mkdtemp(prefix="rm-acl-"))
    directory.chmod(0o755)
    made = Stores(directory)
    made.start(*NAMES)

    async def ready() -> None:
        client = made.client("a")
        await leader_of(client)
        await client.close()

    asyncio.run(ready())
    (directory / "settings.crm").write_text(SETTINGS)
    done = _run(made, "root", "crm_shell.main", "configure", "load", "update",
                str(directory / "settings.crm"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    yield made
    made.close()
    shutil.rmtree(directory)


def _environment(stores: Stores) -> dict[str, str]:
    config = str(stores.directory / "a" / "raftmaker.toml")
    # What a process says of itself counts for nothing.
    return {**os.environ, "RAFTMAKER_CONFIG": config, "LOGNAME": "root", "USER": "root"}


def _command(stores: Stores, user: str, program: str, *words: str) -> list[str]:
    """Return the command that runs a module or code as that user, in the socket's group."""
    group = (stores.directory / "a" / "run" / "cib.sock").stat().st_gid
    identity = (str(pwd.getpwnam(user).pw_uid), str(group))
    return [sys.executable, "-m", "tests.e2e.cib_store.as_user", *identity, program, *words]


def _run(stores: Stores, user: str, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = _command(stores, user, program, *words)
    return subprocess.run(
        command, env=_environment(stores), capture_output=True, text=True, check=False, timeout=60
    )


def test_a_user_reads_what_is_permitted(stores: Stores) -> None:
    """features 20.11"""
    done = _run(stores, USER, "crm_shell.tools.cibadmin", "--query")
    assert done.returncode == 0, done.stderr
    assert 'id="db"' in done.stdout
    assert SECRET not in done.stdout
    assert SECRET in _run(stores, "root", "crm_shell.tools.cibadmin", "--query").stdout
    done = _run(
        stores, USER, "crm_shell.tools.cibadmin", "-Q", "-A", f"//nvpair[@value='{SECRET}']"
    )
    assert done.returncode == 105, "an XPath finds nothing that is hidden"
    done = _run(stores, USER, "crm_shell.main", "configure", "show")
    assert "primitive db" in done.stdout
    assert "web" not in done.stdout


def test_a_user_writes_what_is_permitted_and_the_history_knows_them(stores: Stores) -> None:
    """features 20.11, 3.6"""
    pair = '<primitive id="db"><meta_attributes id="m"><nvpair id="t" name="{}" value="Stopped"/>'
    xml = pair + "</meta_attributes></primitive>"
    done = _run(stores, USER, "crm_shell.tools.cibadmin", "-M", "-X", xml.format("target-role"))
    assert done.returncode == 0, done.stderr
    done = _run(stores, USER, "crm_shell.tools.cibadmin", "-M", "-X", xml.format("is-managed"))
    assert done.returncode == 4, done.stderr
    assert "no right" in done.stderr
    done = _run(stores, "root", "crm_shell.main", "configure", "history", "1", "--json")
    newest = json.loads(done.stdout)[0]
    assert (newest["user"], newest["node"], newest["client"]) == (USER, "a", "cibadmin")


def test_a_user_sees_of_the_history_what_they_may_see(stores: Stores) -> None:
    done = _run(stores, USER, "crm_shell.main", "configure", "history")
    assert done.returncode == 0, done.stderr
    assert "web" not in done.stdout
    revision = done.stdout.split()[0]
    shown = _run(stores, USER, "crm_shell.main", "configure", "history", "show", revision)
    assert SECRET not in shown.stdout
    assert "web" not in shown.stdout


def test_a_watch_shows_what_is_permitted_and_nothing_leaks(stores: Stores) -> None:
    """features 4.17, 20.11"""
    with subprocess.Popen(
        _command(stores, USER, WATCH), env=_environment(stores), text=True, stdout=subprocess.PIPE
    ) as watch:  # fmt: skip
        assert watch.stdout is not None
        first = watch.stdout.readline()
        change = '<primitive id="web" description="{}"/>'
        done = _run(stores, "root", "crm_shell.tools.cibadmin", "-M", "-X", change.format(SECRET))
        assert done.returncode == 0, done.stderr
        second = watch.stdout.readline()
        watch.wait(timeout=30)
    assert 'id="db"' in first
    assert 'id="db"' in second
    assert SECRET not in first + second
    assert "web" not in first + second


def test_nobody_else_reaches_the_private_socket_or_records_facts(stores: Stores) -> None:
    """features 20.14"""
    run = stores.directory / "a" / "run"
    assert (run / "private").stat().st_mode & 0o777 == 0o700
    assert (run / "cib.sock").stat().st_mode & 0o777 == 0o660
    code = """
import asyncio
from raftmaker.client import connect
from raftmaker.vocabulary.commands import CloseClients
async def main():
    async with connect() as cluster:
        await cluster.store.record(CloseClients(("x",)))
asyncio.run(main())
"""
    done = _run(stores, USER, code)
    assert "only the cluster's daemons and root" in done.stderr


def test_a_loopback_connection_proves_its_user_too(stores: Stores) -> None:
    """Without certificates the kernel's table of connections says whose a connection is."""
    code = """
import asyncio, ctypes, os
from cib_store.client import StoreClient
from raftmaker.client import connect
from raftmaker.runtime.identity import tool_identity
async def main():
    settings = connect().settings
    ctypes.CDLL(None).setfsuid(os.geteuid())  # the table of connections tells this one
    client = StoreClient(settings.me.store, tool_identity(settings.cluster, "test"))
    print((await client.query()).elements)
asyncio.run(main())
"""
    for user, shown in ((USER, False), ("root", True)):
        done = _run(stores, user, code)
        assert done.returncode == 0, done.stderr
        assert (SECRET in done.stdout) == shown
