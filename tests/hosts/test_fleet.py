"""What a fleet does where something does not go as it should."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.hosts.fleet import Fleet, HostError


def test_a_first_process_that_does_not_end_is_named(tmp_path: Path) -> None:
    (host,) = Fleet(1, base=tmp_path)
    host.directory.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as stays:
        noted = host.directory / "pid"
        noted.write_text(str(stays.pid))
        with pytest.raises(HostError, match=f"h1 .*{stays.pid}.* did not end within"):
            host._reap(timeout_s=0.01)
        stays.kill()
        host._reap()
        assert not noted.exists()


def test_another_s_first_process_is_not_waited_for(tmp_path: Path) -> None:
    (host,) = Fleet(1, base=tmp_path)
    host.directory.mkdir(parents=True)
    (host.directory / "pid").write_text("1")
    host._reap(timeout_s=0)
    assert not (host.directory / "pid").exists()
