"""Secrets of parameters as files of a node (features 4.29, 27.31)."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from raftmaker.runtime.secrets import MARK, NoSecret, Secrets


def test_what_is_kept_is_read_and_nobody_else_reads_it(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.write("db", "passwd", "first")
    secrets.write("db", "passwd", "hunter2")
    assert secrets.filled("db:1", [("passwd", MARK), ("ip", "::1")]) == (
        ("passwd", "hunter2"),
        ("ip", "::1"),
    )
    for path in (tmp_path / "secrets" / "db").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets" / "db").stat().st_mode) == 0o700


def test_what_is_removed_leaves_nothing(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    secrets.write("db", "passwd", "x")
    secrets.write("db", "key", "y")
    assert secrets.kept() == (("db", "key"), ("db", "passwd"))
    secrets.remove("db", "passwd")
    secrets.remove("db", "passwd")
    assert secrets.kept() == (("db", "key"),)
    secrets.remove("db", "key")
    assert not (tmp_path / "db").exists()
    with pytest.raises(NoSecret, match="cibsecret set db key"):
        secrets.read("db", "key")


@pytest.mark.parametrize("name", ["", "../etc", "a/b", ".hidden", "-x", "a\nb"])
def test_a_name_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    secrets = Secrets(tmp_path / "secrets")
    for resource, parameter in ((name, "passwd"), ("db", name)):
        with pytest.raises(NoSecret, match="cannot be the name"):
            secrets.write(resource, parameter, "x")
    assert not (tmp_path / "secrets").exists()


def test_a_secret_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(NoSecret, match="one line"):
        Secrets(tmp_path).write("db", "passwd", "a\nb")
