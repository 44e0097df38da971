"""The history and backups as people use them: the shell beside real stores."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cib_store.stores import NAMES, Stores
from tests.faults.campaign import leader_of

pytestmark = pytest.mark.e2e


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = Stores(tmp_path)
    made.start(*NAMES)

    async def ready() -> None:
        client = made.client("a")
        await leader_of(client)
        await client.close()

    asyncio.run(ready())
    yield made
    made.close()


def _crm(stores: Stores, *words: str) -> subprocess.CompletedProcess[str]:
    config = stores.directory / "a" / "raftmaker.toml"
    command = [sys.executable, "-m", "crm_shell.main", "--config", str(config), "-F", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _done(stores: Stores, *words: str) -> str:
    done = _crm(stores, *words)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def _revisions(stores: Stores) -> list[str]:
    return [line.split()[0] for line in _done(stores, "configure", "history").splitlines()]


def test_history_shows_who_changed_what_and_goes_back(stores: Stores) -> None:
    _done(stores, "configure", "primitive", "web", "ocf:heartbeat:Dummy")
    _done(stores, "configure", "property", "maintenance-mode=true")
    newest, before, *_ = _revisions(stores)
    assert "crm" in _done(stores, "configure", "history", "1")
    assert "+primitive web" in _done(stores, "configure", "history", "show", before)
    assert "maintenance-mode" in _done(stores, "configure", "history", "diff", before, newest)
    _done(stores, "configure", "rollback", before)
    shown = _done(stores, "configure", "show")
    assert "primitive web" in shown
    assert "maintenance-mode" not in shown
    assert len(_revisions(stores)) == len({newest, before}) + 2  # birth and rollback
    assert f"rollback to revision {before}" in _done(stores, "configure", "history", "1")
    assert _crm(stores, "configure", "history", "show", "1").returncode != 0


def test_a_backup_restores_and_a_damaged_one_is_refused(stores: Stores, tmp_path: Path) -> None:
    """features 4.27"""
    file = tmp_path / "backup"
    _done(stores, "configure", "primitive", "web", "ocf:heartbeat:Dummy")
    _done(stores, "cluster", "backup", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    _done(stores, "configure", "delete", "web")
    _done(stores, "cluster", "restore", str(file))
    assert "primitive web" in _done(stores, "configure", "show")
    file.write_text(file.read_text().replace("Dummy", "Other"))
    refused = _crm(stores, "cluster", "restore", str(file))
    assert refused.returncode == 65
    assert "checksum" in refused.stderr


def test_secrets_are_in_no_listing_and_no_log(stores: Stores) -> None:
    secret = "hunter2-is-secret"
    words = ("configure", "primitive", "ipmi", "ocf:heartbeat:Dummy", "params")
    _done(stores, "--message", "for the new board", *words, f"passwd={secret}")
    newest, *_ = _revisions(stores)
    assert "for the new board" in _done(stores, "configure", "history", "1")
    shown = (
        _done(stores, "configure", "history"),
        _done(stores, "--json", "configure", "history"),
        _done(stores, "configure", "history", "show", newest),
        *(path.read_text() for path in stores.directory.glob("*/log")),
    )
    assert "primitive ipmi" in shown[2]
    assert not any(secret in text for text in shown)
