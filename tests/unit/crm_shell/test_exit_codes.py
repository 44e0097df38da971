"""The exit codes of our tools where no other test has them (features section 28)."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from crm_shell import main as shell
from crm_shell.commands.members import _insist_on_down
from crm_shell.commands.session import Failed
from crm_shell.tools import (
    crm_attribute,
    crm_diff,
    crm_resource,
    crm_rule,
    crm_shadow,
    crmadmin,
    iso8601,
)
from crm_shell.tools.frame import run_tool
from raftmaker.runtime.errors import (
    HaError,
    NotLeader,
    NotPermitted,
    Refused,
    Rejected,
    TimedOut,
    Unreachable,
)
from raftmaker.runtime.settings import decode_file
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk
from tests.unit.crm_shell.test_resource_tools import CIB

SETTINGS = """
[cluster]
id = "exits"
[node]
name = "n1"
[directories]
state = "{root}/state"
run = "{root}/run/x"
[[peers]]
name = "n1"
store = "127.0.0.1:1"
controller = "127.0.0.1:3"
fencer = "127.0.0.1:4"
"""


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


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unreachable("nobody"), ExitCode.DISCONNECT),
        (NotLeader("no quorum"), ExitCode.QUORUM),
        (TimedOut("no answer"), ExitCode.TIMEOUT),
        (Refused("another cluster"), ExitCode.PROTOCOL),
        (NotPermitted("not yours"), ExitCode.INSUFFICIENT_PRIV),
        (Rejected(ExitCode.TEMPFAIL, ()), ExitCode.TEMPFAIL),
        (Rejected(ExitCode.NOPERM, ()), ExitCode.NOPERM),
        (Rejected(ExitCode.CONFIG, ()), ExitCode.CONFIG),
    ],
)
def test_what_the_cluster_answers_is_what_a_tool_ends_with(
    desk: Desk, error: HaError, code: ExitCode
) -> None:
    """features 28.5, 28.7, 28.8"""

    async def body(_: object) -> int:
        raise error

    def main() -> int:
        return run_tool("any", None, body)

    found, _, said = desk.run(main)
    assert (found, said != "") == (code, True)


def test_a_daemon_that_is_down(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """features 28.3, 27.25: a service that is not available"""
    code, _, err = desk.run(crmadmin.main, "-P")
    assert (code, "no daemons" in err) == (ExitCode.UNAVAILABLE, True)
    monkeypatch.delenv("CIB_file")
    settings = tmp_path / "raftmaker.toml"
    settings.write_text(SETTINGS.format(root=tmp_path))
    monkeypatch.setenv("RAFTMAKER_CONFIG", str(settings))
    code, out, _ = desk.run(crmadmin.main, "-P")
    assert (code, out.count("not running")) == (ExitCode.UNAVAILABLE, 4)


def test_an_editor_that_cannot_be_run_and_a_directory_that_is_none(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 28.4: the system, a file of the system's"""
    monkeypatch.setenv("CIB_shadow_dir", str(tmp_path))
    monkeypatch.setenv("EDITOR", "/none/ed")
    monkeypatch.delenv("VISUAL", raising=False)
    assert desk.run(crm_shadow.main, "--batch", "--create-empty", "x", "--force")[0] == ExitCode.OK
    monkeypatch.setenv("CIB_shadow", "x")
    code, _, err = desk.run(crm_shadow.main, "--edit")
    assert (code, "set EDITOR" in err) == (ExitCode.OSERR, True)
    (tmp_path / "run").write_text("no directory")
    settings = tmp_path / "raftmaker.toml"
    settings.write_text(SETTINGS.format(root=tmp_path))
    ended = subprocess.run(
        [sys.executable, "-m", "lrmd.main", "--config", str(settings)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, str(tmp_path / "run") in ended.stderr) == (ExitCode.OSFILE, True)


def test_a_store_that_is_to_be_at_rest_and_runs(tmp_path: Path) -> None:
    """features 28.9: not under these conditions"""
    path = tmp_path / "raftmaker.toml"
    path.write_text(SETTINGS.format(root=tmp_path))
    settings = decode_file(path)
    _insist_on_down(settings)
    settings.socket("cib").parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as store:
        store.bind(str(settings.socket("cib")))
        store.listen()
        with pytest.raises(Failed) as caught:
            _insist_on_down(settings)
    assert caught.value.code is ExitCode.UNSATISFIED
