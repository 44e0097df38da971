"""Certificates: a node's own is taken, anything that is not whole or not its own is refused."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from raftmaker.runtime.certificates import (
    create_authority,
    issue,
    read_credentials,
    store_authority,
    store_credentials,
)
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.ids import ClusterId, NodeName

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AUTHORITY = create_authority(ClusterId("c1"), NOW)
STRANGER = create_authority(ClusterId("c1"), NOW)
A = NodeName("a")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    store_credentials(tmp_path, AUTHORITY.certificate, issue(AUTHORITY, A, NOW))
    return tmp_path


def reason(directory: Path, node: NodeName = A, now: datetime = NOW) -> str:
    with pytest.raises(Rejected) as caught:
        read_credentials(directory, node, now)
    assert caught.value.reports[0].mend
    return str(caught.value)


def test_a_nodes_own_certificate_is_taken(directory: Path) -> None:
    credentials = read_credentials(directory, A, NOW + timedelta(days=364))
    assert credentials.authority == AUTHORITY.certificate
    assert (directory / "node.key").stat().st_mode & 0o777 == 0o600


def test_another_nodes_certificate_is_refused(directory: Path) -> None:
    assert "is for a, this node is b" in reason(directory, NodeName("b"))


def test_a_certificate_that_has_run_out_is_refused(directory: Path) -> None:
    assert "valid only until 2027-01-01" in reason(directory, now=NOW + timedelta(days=366))


def test_a_stranger_authority_is_refused(directory: Path) -> None:
    (directory / "authority.pem").write_bytes(STRANGER.certificate)
    assert "was not issued by the authority" in reason(directory)


def test_a_strange_key_is_refused(directory: Path) -> None:
    (directory / "node.key").write_bytes(issue(AUTHORITY, A, NOW).key)
    assert "does not belong to the certificate" in reason(directory)


@pytest.mark.parametrize("name", ["authority.pem", "node.pem", "node.key"])
def test_missing_and_damaged_files_are_named(directory: Path, name: str) -> None:
    kept = directory / "kept"
    shutil.copy(directory / name, kept)
    (directory / name).unlink()
    assert f"{name}: cannot be read" in reason(directory)
    (directory / name).write_bytes(kept.read_bytes()[:40])
    assert "no PEM" in reason(directory)


def test_the_authoritys_key_is_private(tmp_path: Path) -> None:
    store_authority(tmp_path, AUTHORITY)
    assert (tmp_path / "authority.key").stat().st_mode & 0o777 == 0o600
