"""crm_report on a CIB in a file: what it takes along, and what it hides (27.33, 30.3, 34.1)."""

from __future__ import annotations

import bz2
import tarfile
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from crm_shell import main as shell
from crm_shell.tools import crm_report
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk
from tests.unit.crm_shell.test_configure_commands import CIB


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(CIB, tmp_path, monkeypatch, capsys)


def test_an_archive_without_secrets(desk: Desk, tmp_path: Path) -> None:
    """features 27.33: passwords are hidden wherever they stand"""
    log = tmp_path / "agents.log"
    log.write_text("connecting with geheim to /run/z\n")
    told = desk.did(crm_report.main, "-M", "-l", str(log), "-p", "stat*", "found")
    assert told == "found.tar.bz2\n"
    file = tmp_path / "found.tar.bz2"
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"geheim" not in bz2.decompress(file.read_bytes())
    with tarfile.open(file) as archive:
        names = set(archive.getnames())
        files = ("cib.xml", "configuration.crm", "status.txt", "versions.txt", "problems.txt")
        assert {"found/logs/agents.log", *(f"found/{each}" for each in files)} <= names
        member = archive.extractfile("found/cib.xml")
        assert member is not None
        values = {each.get("name"): each.get("value") for each in parse(member.read()).walk()}
        assert (values["passwd"], values["state"]) == ("******", "******")
        member = archive.extractfile("found/logs/agents.log")
        assert member is not None
        assert member.read() == b"connecting with ****** to ******\n"
        member = archive.extractfile("found/problems.txt")
        assert member is not None
        assert b"members: " in member.read(), "a file has no members to ask for"


def test_a_folder_and_what_is_in_the_way(desk: Desk, tmp_path: Path) -> None:
    """features 27.33, 30.3"""
    code, out, err = desk.run(shell.main, "report", "-M", "-d", "here")
    assert (code, out) == (0, "here\n"), err
    assert "primitive z Dummy" in (tmp_path / "here" / "configuration.crm").read_text()
    assert desk.run(crm_report.main, "-M", "-d", "here")[0] == ExitCode.EXISTS
    nowhere = desk.run(crm_report.main, "-M", "--dest", str(tmp_path / "none" / "x"))
    assert nowhere[0] == ExitCode.CANTCREAT
    for words in (("-f", "soon"), ("-f", "2026-01-02", "-t", "2026-01-01")):
        assert desk.run(crm_report.main, *words)[0] == ExitCode.USAGE
