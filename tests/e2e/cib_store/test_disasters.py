"""Stores that survive disasters: one goes on alone, a lost or damaged store is filled again.

Features 25, 30.7.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cib_store.client import Membership
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode
from tests.e2e.cib_store.stores import NAMES, Stores


def crm(stores: Stores, name: str, *words: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("crm")), *words],
        env=os.environ | {"RAFTMAKER_CONFIG": str(stores.directory / name / "raftmaker.toml")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def members(stores: Stores, name: str, *, voters: int) -> Membership:
    """Wait until a store says that so many vote, each with a store that is known."""
    client = stores.client(name)
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    found = await client.members()
                except HaError:
                    await asyncio.sleep(0.2)
                    continue
                known = [each for each in found.members.voters if each.store_id]
                if len(known) == voters and found.leader:
                    return found
                await asyncio.sleep(0.2)
    finally:
        await client.close()


def test_what_was_left_behind_never_comes_back(tmp_path: Path) -> None:
    """Two old voters return together, a majority of the old configuration: they must end."""

    async def scenario() -> None:
        stores = Stores(tmp_path)
        try:
            stores.start(*NAMES)
            await members(stores, "a", voters=3)
            stores.kill(*NAMES)
            answer = crm(stores, "a", "cluster", "force-new-cluster", "--yes")
            assert "generation 2" in answer
            stores.start("a")
            alone = await members(stores, "a", voters=1)
            assert alone.generation == 2
            assert alone.members.names == ("a",)
            stores.start("b", "c")
            for name in ("b", "c"):
                assert await stores.ended(name) == ExitCode.FATAL, "nobody starts it again (28.6)"
            log = (tmp_path / "b" / "log").read_text()
            assert "generation 2" in log
            assert "crm cluster repair-store" in log
            # It says so again when nobody is there to tell it.
            stores.kill("a")
            stores.start("b")
            assert await stores.ended("b") == ExitCode.FATAL
            stores.start("a")
            assert (await members(stores, "a", voters=1)).members.names == ("a",)
        finally:
            stores.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("how", ["lost", "damaged"])
def test_a_store_that_is_gone_is_filled_by_its_peers(tmp_path: Path, how: str) -> None:
    async def scenario() -> None:
        stores = Stores(tmp_path)
        try:
            stores.start(*NAMES)
            before = await members(stores, "a", voters=3)
            old = before.members.of("c")  # type: ignore[arg-type]  # a name as text
            assert old is not None
            stores.kill("c")
            journal = tmp_path / "c" / "state" / "raft" / "journal"
            if how == "damaged":
                data = bytearray(journal.read_bytes())
                data[20] ^= 1
                journal.write_bytes(bytes(data))
                stores.start("c")
                assert await stores.ended("c") == ExitCode.FATAL, "nobody starts it again (28.6)"
                assert "crm cluster repair-store" in (tmp_path / "c" / "log").read_text()
                assert "set-aside" in crm(stores, "c", "cluster", "repair-store")
            else:
                for path in journal.parent.iterdir():
                    path.unlink()
            stores.start("c")
            async with asyncio.timeout(60):
                while True:
                    new = (await members(stores, "a", voters=3)).members.of("c")  # type: ignore[arg-type]  # a name as text
                    assert new is not None
                    if new.store_id != old.store_id:
                        break
                    await asyncio.sleep(0.2)
            # With another voter down, its vote is needed.
            stores.kill("b")
            await members(stores, "c", voters=3)
        finally:
            stores.close()

    asyncio.run(scenario())
