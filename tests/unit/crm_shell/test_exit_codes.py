"""The exit codes of our tools where no other test has them (features section 28)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from crm_shell import main as shell
from crm_shell.tools import crm_attribute, crm_diff, crm_resource, crm_rule, crmadmin, iso8601
from crm_shell.tools.frame import run_tool
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk
from tests.unit.crm_shell.test_resource_tools import CIB


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return Desk(CIB, tmp_path, monkeypatch, capsys)


def test_no_dc(desk: Desk) -> None:
    """features 28.10"""
    desk.write(CIB.replace('dc-uuid="n1"', ""))
    code, _, err = desk.run(crmadmin.main, "-D")
    assert (code, "no DC" in err) == (ExitCode.NO_DC, True)


def test_no_daemon_to_ask(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """features 28.7: not connected"""
    code, _, err = desk.run(shell.main, "resource", "cleanup", "db")
    assert (code, "raftmaker-crmd" in err) == (ExitCode.DISCONNECT, True)


def test_a_patch_for_another_cib(desk: Desk, tmp_path: Path) -> None:
    """features 28.7: a digest that differs, data older than what is there"""
    old, new, patch = tmp_path / "old.xml", tmp_path / "new.xml", tmp_path / "patch.xml"
    old.write_text(CIB)
    new.write_text(CIB.replace('epoch="3"', 'epoch="4"').replace('value="false"', 'value="true"'))
    code, out, _ = desk.run(crm_diff.main, "-c", "-o", str(old), "-n", str(new))
    patch.write_text(out)
    assert code == ExitCode.ERROR, "they differ"
    newest = tmp_path / "newest.xml"
    newest.write_text(CIB.replace('epoch="3"', 'epoch="9"'))
    code, _, err = desk.run(crm_diff.main, "-o", str(newest), "-p", str(patch))
    assert code == ExitCode.OLD, err
    digest = parse(out).get("digest")
    patch.write_text(out.replace(digest, digest[::-1]))
    code, _, err = desk.run(crm_diff.main, "-o", str(old), "-p", str(patch))
    assert code == ExitCode.DIGEST, err


def test_unsafe_exists_several_and_none(desk: Desk) -> None:
    """features 28.8"""
    tool = crm_resource.main
    assert desk.run(tool, "-r", "web", "-D", "-t", "primitive")[0] == ExitCode.UNSAFE
    assert desk.run(tool, "-r", "web", "-M", "-N", "n1")[0] == ExitCode.EXISTS
    assert desk.run(tool, "-r", "nope", "-W")[0] == ExitCode.NOSUCH
    for name in ("one", "two"):
        desk.did(tool, "-r", "db", "-m", "-s", name, "-p", "priority", "-v", "1")
    several = desk.run(tool, "-r", "db", "-m", "-p", "priority", "-v", "2")
    assert several[0] == ExitCode.MULTIPLE


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ('operation="lt" end="2020-01-01"', ExitCode.EXPIRED),
        ('operation="gt" start="2090-01-01"', ExitCode.NOT_YET_IN_EFFECT),
        ('operation="gt" start="nonsense"', ExitCode.INDETERMINATE),
        ('operation="gt" start="2020-01-01"', ExitCode.OK),
    ],
)
def test_how_a_rule_stands(desk: Desk, expression: str, code: ExitCode) -> None:
    """features 28.9"""
    rule = f'<rule id="r" score="5"><date_expression id="d" {expression}/></rule>'
    location = f'<rsc_location id="l" rsc="db">{rule}</rsc_location>'
    desk.write(CIB.replace("<constraints>", f"<constraints>{location}"))
    assert desk.run(crm_rule.main, "-c", "-r", "r")[0] == code


def test_a_wrong_option_a_wrong_value_and_an_unwritable_file(desk: Desk, tmp_path: Path) -> None:
    """features 28.2, 28.3, 28.4"""
    assert desk.run(crm_attribute.main, "--nope")[0] == ExitCode.USAGE
    assert desk.run(iso8601.main, "-d", "never")[0] == ExitCode.INVALID_PARAM
    nowhere = str(tmp_path / "none" / "x")
    assert desk.run(shell.main, "configure", "save", nowhere)[0] == ExitCode.CANTCREAT
    assert desk.run(shell.main, "configure", "load", "update", nowhere)[0] == ExitCode.NOINPUT
    assert json.loads(desk.did(shell.main, "--json", "options", "show", "wait")) == {"wait": "no"}


def test_whoever_reads_the_answer_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """features 28.4: I/O"""
    monkeypatch.setenv("CIB_file", str(tmp_path / "cib.xml"))

    async def body(_: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", (tmp_path / "stderr").open("w"))
    assert run_tool("any", None, body) == ExitCode.IOERR
