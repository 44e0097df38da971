"""crm_resource, cibadmin and crm_simulate in the very forms in which agents call them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cib_store.document.codec import parse
from crm_shell.tools import cibadmin, crm_resource, crm_simulate
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk
from tests.unit.crm_shell.test_resource_tools import CIB


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return Desk(CIB, tmp_path, monkeypatch, capsys)


def test_crm_resource_as_agents_call_it(desk: Desk) -> None:
    """features 29.5"""
    tool = crm_resource.main
    desk.did(tool, "-z", "-r", "db", "-p", "memory", "-v", "512", "-Q")
    assert desk.did(tool, "-z", "-r", "db", "-g", "memory", "-Q") == "512\n"
    listed = desk.did(tool, "--list-operations", "-N", "n1")
    assert "web_monitor_10000 (node=n1" in listed
    desk.did(tool, "-r", "db", "-z", "--delete-parameter", "memory")
    assert desk.run(tool, "-z", "-r", "db", "-g", "memory", "-Q")[0] == ExitCode.NOSUCH


def test_cibadmin_as_agents_call_it(desk: Desk) -> None:
    """features 29.7"""
    assert parse(desk.did(cibadmin.main, "-Q")).tag == "cib"
    found = desk.did(cibadmin.main, "-Q", "--xpath", "//primitive[@id='web']")
    assert parse(found).id == "web"


def test_crm_simulate_as_agents_call_it(desk: Desk) -> None:
    """features 27.19 (--live-check), 29.8"""
    told = desk.did(crm_simulate.main, "-LS")
    assert "Transition Summary:" in told
    assert "Start" in told
