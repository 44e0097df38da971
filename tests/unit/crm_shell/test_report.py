"""crm_report on a CIB in a file: what it takes along, and what it hides (27.33, 30.3, 34.1)."""

from __future__ import annotations

import bz2
import io
import tarfile
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from crm_shell import main as shell
from crm_shell.report.archive import received, send
from crm_shell.report.elsewhere import SSH, RemoteShell
from crm_shell.tools import crm_report
from raftmaker.client import connect
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
    me = connect().settings.node
    told = desk.did(crm_report.main, "-M", "-l", str(log), "-p", "stat*", "found")
    assert told == "found.tar.bz2\n"
    file = tmp_path / "found.tar.bz2"
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"geheim" not in bz2.decompress(file.read_bytes())
    with tarfile.open(file) as archive:
        names = set(archive.getnames())
        files = ("cib.xml", "configuration.crm", "status.txt", "problems.txt")
        assert {
            f"found/{me}/logs/agents.log",
            f"found/{me}/versions.txt",
            *(f"found/{each}" for each in files),
        } <= names
        member = archive.extractfile("found/cib.xml")
        assert member is not None
        values = {each.get("name"): each.get("value") for each in parse(member.read()).walk()}
        assert (values["passwd"], values["state"]) == ("******", "******")
        member = archive.extractfile(f"found/{me}/logs/agents.log")
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


def test_what_is_run_on_another_node_is_one_word_that_its_shell_reads() -> None:
    """features 27.33: as rsh and ssh take it; -u names the user there"""
    shell = RemoteShell(command=("rsh", "-p", "22"), user="root")
    argv = shell.argv("n2", ("crm_report", "-p", "a b*"))
    assert argv == ("rsh", "-p", "22", "-l", "root", "n2", "crm_report -p 'a b*'")
    assert RemoteShell().argv("n2", ("x",)) == (*SSH, "n2", "x")


def test_members_are_asked_by_their_addresses_and_a_shell_of_ones_own_by_names() -> None:
    """features 27.33: -n, -e"""
    members = {"n1": "10.0.0.1", "n2": "fd00::2"}
    every = crm_report.places_of(members, [], by_name=False)
    assert [(each.node, each.host) for each in every] == [("n1", "10.0.0.1"), ("n2", "fd00::2")]
    some = crm_report.places_of(members, ["n2", "far.example"], by_name=False)
    assert [each.host for each in some] == ["fd00::2", "far.example"]
    assert [each.host for each in crm_report.places_of(members, [], by_name=True)] == ["n1", "n2"]


def test_what_a_node_sends_is_read_and_nothing_leads_out_of_its_folder() -> None:
    sent = io.BytesIO()
    send(sent, [("n2/logs/a", "text"), ("n2/b", "")])
    assert received(sent) == [("n2/logs/a", "text"), ("n2/b", "")]
    for name in ("../a", "n2/../../a", "/etc/a"):
        outside = io.BytesIO()
        send(outside, [(name, "text")])
        with pytest.raises(ValueError, match="no file of a report"):
            received(outside)
    link = io.BytesIO()
    with tarfile.open(fileobj=link, mode="w:bz2") as archive:
        info = tarfile.TarInfo("n2/a")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/shadow"
        archive.addfile(info)
    with pytest.raises(ValueError, match="no file of a report"):
        received(link)
    for nonsense in (b"", b"Permission denied", b"BZh91AY&SY nonsense"):
        with pytest.raises(ValueError, match="no archive"):
            received(io.BytesIO(nonsense))


def test_errors_and_what_was_asked_for_are_shown_of_all_logs(desk: Desk, tmp_path: Path) -> None:
    """features 27.33: -L"""
    log = tmp_path / "agents.log"
    log.write_text("begins\nERROR: no disk\nmoves geheim home\nends\n")
    desk.did(crm_report.main, "-M", "-d", "-l", str(log), "-L", "mov", "--dest", "here")
    assert (tmp_path / "here" / "analysis.txt").read_text() == (
        f"{connect().settings.node}/logs/agents.log: 2 lines\nERROR: no disk\nmoves ****** home\n"
    )
    assert desk.run(crm_report.main, "-M", "-L", "(")[0] == ExitCode.USAGE


def test_what_sosreport_and_old_scripts_give_is_taken(desk: Desk, tmp_path: Path) -> None:
    """features 27.33: --sos-mode is a folder of this node; -D, -c and -C change nothing here"""
    desk.did(crm_report.main, "--sos-mode", "-M", "-D", "3", "-C", "--dest", "of-sos")
    assert (tmp_path / "of-sos" / "cib.xml").exists()
    desk.did(crm_report.main, "-S", "-M", "-c", "corosync", "-d", "of-script")
    assert (tmp_path / "of-script" / "cib.xml").exists()


def test_times_are_dates_or_how_long_ago(desk: Desk, tmp_path: Path) -> None:
    """A date was read as so many seconds ago as its year says, and days were not known."""
    desk.did(crm_report.main, "-S", "-M", "-d", "-f", "2026-01-02 03:04", "-t", "2026-01-05",
             "--dest", "here")  # fmt: skip
    (told,) = (tmp_path / "here").glob("*/versions.txt")
    assert "from: 2026-01-02 03:04:00 " in told.read_text()
    assert "to: 2026-01-05 00:00:00 " in told.read_text()
    desk.did(crm_report.main, "-S", "-M", "-d", "-f", "3d", "-t", "90 min", "--dest", "later")
    assert desk.run(crm_report.main, "-M", "-f", "1", "--dest", "x")[0] == ExitCode.USAGE
