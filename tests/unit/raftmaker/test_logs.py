"""How much is logged, and where: Pacemaker's variables (features 26.2-26.5)."""

from __future__ import annotations

import logging
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from raftmaker.runtime import logs
from raftmaker.runtime.logs import Log, level_by, start_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.parametrize(
    ("variables", "level"),
    [
        ({}, "info"),
        ({"PCMK_logpriority": "crit"}, "error"),
        ({"PCMK_logpriority": "warning"}, "warning"),
        ({"PCMK_logpriority": "notice"}, "info"),
        ({"PCMK_logpriority": "debug"}, "debug"),
        ({"PCMK_logpriority": "nonsense"}, "info"),
        ({"PCMK_debug": "yes", "PCMK_logpriority": "error"}, "debug"),
        ({"PCMK_debug": "raftmaker-cib,raftmaker-crmd"}, "debug"),
        ({"PCMK_debug": "raftmaker-cib"}, "info"),
        ({"PCMK_debug": "no"}, "info"),
    ],
)
def test_the_level_is_what_pacemakers_variables_say(variables: dict[str, str], level: str) -> None:
    assert level_by(variables, "raftmaker-crmd") == level


def test_a_log_file_is_written_and_opened_anew_when_it_is_rotated(tmp_path: Path) -> None:
    file = tmp_path / "raftmaker.log"
    start_logging("info", {"PCMK_logfile": str(file)})
    Log("raftmaker-crmd").info("first", node="h1")
    file.rename(tmp_path / "raftmaker.log.1")
    Log("raftmaker-crmd").info("second")
    assert "first node=h1" in (tmp_path / "raftmaker.log.1").read_text()
    assert "second" in file.read_text()
    assert "first" not in file.read_text()


def test_a_log_file_that_cannot_be_written_is_told_and_done_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging("info", {"PCMK_logfile": str(tmp_path / "nowhere" / "raftmaker.log")})
    Log("raftmaker-crmd").info("goes on")
    said = capsys.readouterr().err
    assert "no log file" in said
    assert "goes on" in said


@pytest.mark.parametrize(
    ("wish", "mode", "complaint"),
    [
        ({}, 0o660, ""),
        ({"PCMK_logfile_mode": "0604"}, 0o604, ""),
        ({"PCMK_logfile_mode": "rw-r--"}, 0o660, "is not the mode of a file"),
    ],
)
def test_the_log_file_is_made_with_its_mode_after_a_rotation_too(
    wish: dict[str, str],
    mode: int,
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """features 26.5"""
    file = tmp_path / "raftmaker.log"
    start_logging("info", {"PCMK_logfile": str(file), **wish})
    assert stat.S_IMODE(file.stat().st_mode) == mode
    file.rename(tmp_path / "raftmaker.log.1")
    Log("raftmaker-crmd").info("second")
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert complaint in capsys.readouterr().err


def test_a_facility_takes_lines_to_the_system_log_instead_of_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 26.2"""
    monkeypatch.setattr(logs, "SYSLOG", str(tmp_path / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "log"))
        start_logging("info", {"PCMK_logfacility": "local3"})
        Log("raftmaker-crmd").warning("quorum lost", node="h1")
        said = listening.recv(1000).decode()
    local3, warning = 19, 4
    assert said.startswith(f"<{local3 * 8 + warning}>raftmaker-crmd: quorum lost node=h1")
    assert not capsys.readouterr().err


def test_no_facility_leaves_the_file_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 26.2"""
    file = tmp_path / "raftmaker.log"
    start_logging("info", {"PCMK_logfacility": "none", "PCMK_logfile": str(file)})
    Log("raftmaker-crmd").error("only there")
    assert "only there" in file.read_text()
    assert not capsys.readouterr().err


@pytest.mark.parametrize("facility", ["local9", "local3"])
def test_a_system_log_that_is_not_there_is_told_and_standard_error_serves(
    facility: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """features 26.2"""
    monkeypatch.setattr(logs, "SYSLOG", str(tmp_path / "log"))
    start_logging("info", {"PCMK_logfacility": facility})
    Log("raftmaker-crmd").info("goes on")
    said = capsys.readouterr().err
    assert "system log" in said
    assert "goes on" in said
