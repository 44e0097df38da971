"""What the tools say on a witness and on a follower, and on a node whose disk is full.

Issue: a full disk is named, with what mends it; features 30.7.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.cib_store.stores import NAMES, Stores
from tests.e2e.cib_store.waiting import ready

WITNESS, FOLLOWER = "c", "d"


def crm(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("crm")), *words],
        env=os.environ | {"RAFTMAKER_CONFIG": str(home / "raftmaker.toml")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def with_other_kinds(stores: Stores) -> None:
    """Make the third node a witness, and add a follower, of which nothing runs here."""
    for name in NAMES:
        path = stores.directory / name / "raftmaker.toml"
        text = re.sub(
            rf'(\[\[peers\]\]\nname = "{WITNESS}"\nstore = .*\n)(?:.*\n){{2}}',
            r'\1kind = "witness"\n',
            path.read_text(),
        )
        path.write_text(text)
    home = stores.directory / FOLLOWER
    home.mkdir()
    first = (stores.directory / NAMES[0] / "raftmaker.toml").read_text()
    own = first.replace('[node]\nname = "a"', f'[node]\nname = "{FOLLOWER}"')
    own = own.replace(f"{stores.directory}/a/", f"{home}/")
    own += (
        f'[[peers]]\nname = "{FOLLOWER}"\nkind = "follower"\nstore = "127.0.0.1:9"\n'
        'controller = "127.0.0.1:10"\nfencer = "127.0.0.1:11"\n'
    )
    (home / "raftmaker.toml").write_text(own)


def fill(directory: Path) -> Path:
    """Leave no room there; return the file that takes it."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


def test_a_witness_and_a_follower_are_told_as_what_they_are(tmp_path: Path) -> None:
    async def scenario() -> None:
        stores = Stores(tmp_path)
        with_other_kinds(stores)
        try:
            stores.start(*NAMES)
            for name in NAMES:
                client = stores.client(name)
                await ready(client)
                await client.close()
            status = crm(tmp_path / WITNESS, "cluster", "status")
            assert status.returncode == 0, status.stderr
            assert "Witness: it only votes" in status.stdout
            assert "MISSING" not in status.stdout
            # A follower has no store of its own: the voters' answer, and take its changes.
            home = tmp_path / FOLLOWER
            done = crm(home, "configure", "property", "stop-all-resources=true")
            assert done.returncode == 0, done.stderr
            shown = crm(home, "configure", "show")
            assert "stop-all-resources=true" in shown.stdout, shown.stderr
        finally:
            stores.close()

    asyncio.run(scenario())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts a small file system")
def test_a_full_disk_at_the_start_is_named_and_costs_nothing(tmp_path: Path) -> None:
    stores = Stores(tmp_path)
    state = tmp_path / "a" / "state"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", state], check=True)
    try:
        filler = fill(state)
        stores.start("a")
        assert asyncio.run(stores.ended("a")) == 73
        log = (tmp_path / "a" / "log").read_text()
        assert "no room left" in log
        assert f"df -h {state}" in log
        assert "Traceback" not in log
        assert not list(state.glob("*.damaged"))
        filler.unlink()
        stores.start("a")
        deadline = time.monotonic() + 60
        while not (tmp_path / "a" / "run" / "cib.sock").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stores.close()
        subprocess.run(["umount", "--lazy", state], check=True)
