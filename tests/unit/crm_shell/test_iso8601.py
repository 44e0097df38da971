"""iso8601: dates, durations and periods as rules read them (features 27.32)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from crm_shell.tools import iso8601
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    return Desk("<cib/>", tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ((), "2024-02-28 10:00:00Z"),
        (("-s",), "63876333600"),
        (("--epoch",), "1709114400"),
        (("-L",), "2024-02-28 12:00:00 +02:00"),
        (("-O",), "2024-059 10:00:00Z"),
        (("--week",), "2024-W09-3 10:00:00Z"),
    ],
)
def test_a_date_in_every_form(desk: Desk, words: tuple[str, ...], shown: str) -> None:
    """features 27.32"""
    assert desk.did(iso8601.main, "-d", "2024-02-28 12:00:00 +02:00", *words) == f"Date: {shown}\n"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("P1Y2M3DT4H", "1 year 2 months 3 days 14400 seconds (4 hours)"),
        ("PT1M1S", "61 seconds (1 minute 1 second)"),
        ("P2W", "14 days"),
        ("PT0S", "0 seconds"),
    ],
)
def test_a_duration_in_words(desk: Desk, given: str, words: str) -> None:
    """features 27.32"""
    assert desk.did(iso8601.main, "-D", given) == f"Duration: {words}\n"


def test_when_a_duration_ends(desk: Desk) -> None:
    """features 27.32: months are as long as they are"""

    def end(start: str, duration: str) -> str:
        return desk.did(iso8601.main, "-d", start, "-D", duration).splitlines()[-1]

    assert end("2024-01-31", "P1M") == "Duration ends at: 2024-02-29 00:00:00Z"
    assert end("2023-11-30 10:00:00Z", "P1Y3MT14H") == "Duration ends at: 2025-03-01 00:00:00Z"
    assert desk.run(iso8601.main, "-d", "9999-12-31", "-D", "P1D")[0] == ExitCode.INVALID_PARAM


def test_a_period_by_two_of_three(desk: Desk) -> None:
    """features 27.32"""
    whole = "Period: 2024-02-28 00:00:00Z to 2024-03-01 00:00:00Z\n"
    for given in ("2024-02-28/2024-03-01", "2024-02-28/P2D", "P2D/2024-03-01"):
        assert desk.did(iso8601.main, "--period", given) == whole


def test_what_is_expected_and_what_cannot_be_read(desk: Desk) -> None:
    """features 27.32"""
    tool = iso8601.main
    desk.did(tool, "-d", "2024-059", "-E", "2024-02-28 00:00:00Z")
    assert desk.run(tool, "-d", "2024-059", "-E", "2024-02-29 00:00:00Z")[0] == ExitCode.ERROR
    for words in (("-d", "2024-02-30"), ("-D", "soon"), ("-p", "2024-01-01"), ("-D", "P")):
        assert desk.run(tool, *words)[0] == ExitCode.INVALID_PARAM
    assert desk.run(tool)[0] == ExitCode.USAGE
    assert desk.run(tool, "-D", "P1D", "-E", "x")[0] == ExitCode.USAGE
    assert desk.did(tool, "--now").startswith("Current date/time: 20")
