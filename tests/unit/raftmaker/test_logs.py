"""How much is logged, and where: Pacemaker's variables (features 26.3, 26.4, 26.5)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    start_logging("info", str(file))
    Log("raftmaker-crmd").info("first", node="h1")
    file.rename(tmp_path / "raftmaker.log.1")
    Log("raftmaker-crmd").info("second")
    assert "first node=h1" in (tmp_path / "raftmaker.log.1").read_text()
    assert "second" in file.read_text()
    assert "first" not in file.read_text()


def test_a_log_file_that_cannot_be_written_is_told_and_done_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging("info", str(tmp_path / "nowhere" / "raftmaker.log"))
    Log("raftmaker-crmd").info("goes on")
    said = capsys.readouterr().err
    assert "no log file" in said
    assert "goes on" in said
