"""``crm cibstatus``: what the cluster would do with a status of one's own making (30.48)."""

from __future__ import annotations

from pathlib import Path

import pytest

from cib_store.document.codec import parse
from crm_shell import main as shell
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk
from tests.unit.crm_shell.test_configure_commands import Crm
from tests.unit.crm_shell.test_resource_tools import CIB


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Crm:
    monkeypatch.setenv("CIB_shadow_dir", str(tmp_path / "shadows"))
    monkeypatch.delenv("CIB_shadow", raising=False)
    return Crm(Desk(CIB, tmp_path, monkeypatch, capsys))


def said(crm: Crm, monkeypatch: pytest.MonkeyPatch, *lines: str) -> str:
    """Run lines in cibstatus, in one session; return what they answered."""
    code, out, err = crm.file("\n".join(("cibstatus", *lines, "quit", "")), monkeypatch)
    assert code == 0, err
    return out


def test_a_node_comes_goes_and_fails(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """features 30.48: node, origin, show changed, run, simulate; the cluster is left alone"""
    before = crm.desk.cib
    away = said(crm, monkeypatch, "node n1 unclean", "run")
    assert "web" in away
    assert "n2" in away
    told = said(crm, monkeypatch, "node n2 offline", "quorum false", "origin", "show changed")
    assert told.splitlines() == ["live", "node n2 offline", "quorum false"]
    steps = said(crm, monkeypatch, "node n1 offline", "simulate nograph vv")
    assert "Actions, in order:" in steps
    assert crm.desk.cib == before


@pytest.mark.parametrize(
    ("line", "key", "code", "status"),
    [
        ("op monitor web not_running", "web_monitor_10000", "7", "0"),
        ("op monitor:10 web 1 done n1", "web_monitor_10000", "1", "0"),
        ("op probe web success n2", "web_monitor_0", "0", "0"),
        ("op stop web 0 timeout n1", "web_stop_0", "0", "2"),
    ],
)
def test_an_operation_ends_otherwise(
    crm: Crm, line: str, key: str, code: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 30.48: op"""
    before = {each.id for each in crm.desk.cib.walk() if each.tag == "lrm_rsc_op"}
    shown = parse(said(crm, monkeypatch, line, "show"))
    found = [
        each
        for each in shown.walk()
        if each.tag == "lrm_rsc_op" and each.get("operation_key") == key
    ]
    made = found[-1]
    assert made.get("rc-code") == code, [each.attributes for each in found]
    assert made.get("op-status") == status
    assert made.get("transition-magic").startswith(f"{status}:{code};")
    assert made.id not in before or key == "web_monitor_0"


@pytest.mark.parametrize(
    ("line", "code", "hint"),
    [
        ("op monitor web", ExitCode.USAGE, "usage"),
        ("op monitor web often", ExitCode.USAGE, "is no exit code"),
        ("op monitor web 42", ExitCode.USAGE, "is no exit code"),
        ("op monitor nope 1", ExitCode.NOSUCH, "nope"),
        ("op monitor web 1 done n9", ExitCode.NOSUCH, "n9"),
        ("node n9 online", ExitCode.NOSUCH, "n9"),
        ("node n1 gone", ExitCode.USAGE, "none of online"),
        ("ticket t lend", ExitCode.USAGE, "none of grant"),
        ("quorum perhaps", ExitCode.USAGE, "neither"),
        ("save", ExitCode.USAGE, "its own"),
        ("load /none/x", ExitCode.NOINPUT, "no such file"),
        ("run fast", ExitCode.USAGE, "unexpected"),
    ],
)
def test_what_cannot_be_is_explained(crm: Crm, line: str, code: ExitCode, hint: str) -> None:
    found, _, err = crm.desk.run(shell.main, "cibstatus", *line.split())
    assert (found, hint in err) == (code, True), err


def test_a_status_is_loaded_and_saved(
    crm: Crm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """features 30.48: load, save, ticket; from and to files and shadows"""
    file = tmp_path / "made.xml"
    said(crm, monkeypatch, "ticket t grant", "quorum false", f"save {file}")
    saved = parse(file.read_text())
    assert saved.get("have-quorum") == "0"
    granted = [each for each in saved.walk() if each.tag == "ticket_state"]
    assert [(each.id, each.get("granted")) for each in granted] == [("t", "true")]
    told = said(crm, monkeypatch, f"load {file}", "origin", "node n2 unclean", "save shadow:made",
                "load shadow:made", "origin", "load live", "origin")  # fmt: skip
    assert told.split() == [str(file), "shadow:made", "live"]
    shadow = parse((tmp_path / "shadows" / "shadow.made").read_text())
    assert shadow.get("have-quorum") == "0"


def test_what_is_edited_is_decided_by_the_status_that_was_made_up(
    crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 30.45, 30.48: cibstatus inside configure"""
    lines = "configure\nprimitive new Dummy\ncibstatus node n1 unclean\nsimulate\nrefresh\nquit\n"
    code, out, err = crm.file(lines, monkeypatch)
    assert code == 0, err
    assert "start new on n2" in out
    assert "web" in out
