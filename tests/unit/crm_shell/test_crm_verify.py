"""crm_verify says everything that is wrong at once, by its exit code too (features 27.24)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crm_shell.tools.crm_verify import main
from raftmaker.vocabulary.codes import ExitCode

SOUND = (
    '<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-4.0"><configuration>'
    '<crm_config><cluster_property_set id="p"><nvpair id="f" name="fencing-enabled" value="false"/>'
    '</cluster_property_set></crm_config><nodes/><resources><primitive id="web" class="ocf"'
    ' provider="heartbeat" type="Dummy"/></resources><constraints>{}</constraints>'
    "</configuration><status/></cib>"
)
TWO_FAULTS = SOUND.format(
    '<rsc_location id="a" rsc="gone" node="n1" score="1"/>'
    '<rsc_location id="b" rsc="lost" node="n1" score="1"/>'
)


def verify(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["crm_verify", *words])
    monkeypatch.delenv("CIB_file", raising=False)
    return main()


def test_a_sound_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 27.24"""
    assert verify(monkeypatch, "-X", SOUND.format("")) == ExitCode.OK
    assert capsys.readouterr().err == ""


def test_all_faults_at_once_and_exit_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """features 27.24"""
    file = tmp_path / "cib.xml"
    file.write_text(TWO_FAULTS, encoding="utf-8")
    assert verify(monkeypatch, "-x", str(file)) == int(ExitCode.CONFIG) == 78
    told = capsys.readouterr().err
    assert "gone" in told
    assert "lost" in told
    assert "Errors found during check: config not valid" in told


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("-x", "/nowhere/cib.xml"), ExitCode.NOINPUT, "/nowhere/cib.xml: No such file"),
        (("-X", "<cib"), ExitCode.DATAERR, "not well-formed"),
        (("-X", "<configuration/>"), ExitCode.DATAERR, "is no CIB"),
    ],
)
def test_what_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...], code: ExitCode, said: str,
) -> None:  # fmt: skip
    """features 28.3"""
    assert verify(monkeypatch, *words) == code
    assert said in capsys.readouterr().err


def test_a_source_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """features 28.3"""
    with pytest.raises(SystemExit) as ended:
        verify(monkeypatch)
    assert ended.value.code == ExitCode.USAGE


def test_quietly_only_the_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 27.24"""
    assert verify(monkeypatch, "-q", "-X", TWO_FAULTS) == ExitCode.CONFIG
    assert capsys.readouterr().err == ""
