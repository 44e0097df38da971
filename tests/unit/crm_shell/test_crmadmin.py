"""crmadmin's list of nodes, on a CIB in a file (features 27.25)."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_shell.tools.crmadmin import main
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk

CIB = """<cib epoch="3" num_updates="0" admin_epoch="0" validate-with="pacemaker-4.0">
<configuration><crm_config/><nodes><node id="n1" uname="n1"/><node id="2" uname="n2"/>
<node id="far" uname="far" type="remote"/></nodes><resources/><constraints/></configuration>
<status/></cib>"""


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return Desk(CIB, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-N",), "cluster node: n1 (n1)\ncluster node: n2 (2)\nremote node: far (far)\n"),
        (("-N", "all", "-q"), "n1\nn2\nfar\n"),
        (("--nodes=cluster", "-q"), "n1\nn2\n"),
        (("--nodes=remote",), "remote node: far (far)\n"),
        (("-N", "cluster,remote", "-q"), "n1\nn2\nfar\n"),
        (("-N", "guest"), ""),
        (("-N", "-B"), "export n1=n1\nexport n2=2\nexport far=far\n"),
        (("-N", "remote", "-B"), "export far=far\n"),
    ],
)
def test_nodes_by_type(words: tuple[str, ...], said: str, desk: Desk) -> None:
    """features 27.25"""
    assert desk.did(main, *words) == said


def test_an_unknown_type_of_node_and_no_dc(desk: Desk) -> None:
    assert desk.run(main, "-N", "ping")[0] == ExitCode.USAGE
    assert desk.run(main)[0] == ExitCode.USAGE
    assert desk.run(main, "-D") == (ExitCode.NO_DC, "", "crmadmin: no DC is elected\n")
    assert desk.run(main, "-S", "n7")[0] == ExitCode.NOSUCH
