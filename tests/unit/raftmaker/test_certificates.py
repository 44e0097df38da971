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
from raftmaker.runtime.credential_files import proven
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


@pytest.fixture
def today(tmp_path: Path) -> Path:
    """A node's directory by the machine's own clock, which the proof goes by."""
    now = datetime.now(UTC)
    store_credentials(tmp_path, AUTHORITY_TODAY.certificate, issue(AUTHORITY_TODAY, A, now))
    return tmp_path


AUTHORITY_TODAY = create_authority(ClusterId("c1"), datetime.now(UTC))


def test_what_is_fit_is_proven_without_reading_certificates(today: Path) -> None:
    assert proven(today, A) == read_credentials(today, A, datetime.now(UTC))
    both = STRANGER.certificate + AUTHORITY_TODAY.certificate
    (today / "authority.pem").write_bytes(both)
    found = proven(today, A)
    assert found is not None, "while an authority is exchanged there are two"
    assert found.authority == both


def test_what_is_not_fit_is_not_proven(today: Path) -> None:
    now, other = datetime.now(UTC), NodeName("b")
    assert proven(today, other) is None
    assert proven(today, NodeName("")) is None
    spoiled = {
        "a strange key": (AUTHORITY_TODAY, issue(AUTHORITY_TODAY, A, now).key),
        "a strange authority": (STRANGER, None),
        "no PEM": (AUTHORITY_TODAY, b"-----BEGIN PRIVATE KEY-----"),
    }
    for what, (authority, key) in spoiled.items():
        own = issue(AUTHORITY_TODAY, A, now)
        store_credentials(today, authority.certificate, own)
        if key is not None:
            (today / "node.key").write_bytes(key)
        assert proven(today, A) is None, what
    long_ago = now - timedelta(days=400)
    authority = create_authority(ClusterId("c1"), long_ago)
    store_credentials(today, authority.certificate, issue(authority, A, long_ago))
    assert proven(today, A) is None, "run out"


def test_the_authoritys_key_is_private(tmp_path: Path) -> None:
    store_authority(tmp_path, AUTHORITY)
    assert (tmp_path / "authority.key").stat().st_mode & 0o777 == 0o600
