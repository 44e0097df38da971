"""Exit codes by number, name and words (features 27.29 and section 28)."""

from __future__ import annotations

import sys

import pytest

from crm_shell.tools.code_text import CODE_TEXT
from crm_shell.tools.crm_error import main
from raftmaker.vocabulary.codes import ExitCode

BY_RANGE = {
    0: "OK ERROR INVALID_PARAM UNIMPLEMENT_FEATURE INSUFFICIENT_PRIV NOT_INSTALLED NOT_CONFIGURED"
    " NOT_RUNNING PROMOTED FAILED_PROMOTED",
    64: "USAGE DATAERR NOINPUT NOUSER NOHOST UNAVAILABLE SOFTWARE OSERR OSFILE CANTCREAT IOERR"
    " TEMPFAIL PROTOCOL NOPERM CONFIG",
    100: "FATAL PANIC DISCONNECT OLD DIGEST NOSUCH QUORUM UNSAFE EXISTS MULTIPLE EXPIRED"
    " NOT_YET_IN_EFFECT INDETERMINATE UNSATISFIED NO_DC",
    124: "TIMEOUT",
    190: "DEGRADED DEGRADED_PROMOTED",
    193: "NONE",
    255: "MAX",
}


def _said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> list[str]:
    monkeypatch.setattr(sys, "argv", ["crm_error", *words])
    assert main() == ExitCode.OK
    return capsys.readouterr().out.splitlines()


def test_every_code_has_pacemakers_number_and_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 28.1-28.5, 28.7-28.12, 27.29"""
    listed = _said(monkeypatch, capsys, "-l", "-n", "-X")
    found = {int(line.split(":")[0]): line.split()[1] for line in listed}
    expected = {
        first + at: f"CRM_EX_{name}"
        for first, names in BY_RANGE.items()
        for at, name in enumerate(names.split())
    }
    assert found == expected
    assert set(CODE_TEXT) == set(ExitCode)


def test_codes_are_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 27.29, 28.12"""
    assert _said(monkeypatch, capsys, "105", "0") == ["No such object", "OK"]
    assert _said(monkeypatch, capsys, "-n", "105") == ["CRM_EX_NOSUCH - No such object"]
    assert _said(monkeypatch, capsys, "137") == ["Interrupted by signal 9 (SIGKILL)"]
    assert _said(monkeypatch, capsys, "99") == ["Unknown exit status"]
    assert (
        _said(monkeypatch, capsys, "-r", "-n", "2", "-2")
        == ["ENOENT - No such file or directory"] * 2
    )


@pytest.mark.parametrize("words", [(), ("-l", "5"), ("-X", "-r", "5"), ("five",)])
def test_a_wrong_call_is_told(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["crm_error", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == ExitCode.USAGE
    assert "crm_error: " in capsys.readouterr().err
