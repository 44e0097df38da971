"""``crm configure`` and ``verify`` on a CIB in a file (features 30.2, 30.38-30.45)."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crm_shell import main as shell
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk

CIB = """<cib epoch="3" num_updates="0" admin_epoch="0" validate-with="pacemaker-4.0"
have-quorum="1" dc-uuid="n1"><configuration><crm_config>
<cluster_property_set id="cib-bootstrap-options">
<nvpair id="o" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="n1" uname="n1"/><node id="n2" uname="n2"/></nodes>
<resources><primitive id="z" class="ocf" provider="heartbeat" type="Dummy">
<instance_attributes id="zp"><nvpair id="zp1" name="passwd" value="geheim"/>
<nvpair id="zp2" name="state" value="/run/z"/></instance_attributes></primitive>
<primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/>
<group id="g"><primitive id="m1" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="m2" class="ocf" provider="heartbeat" type="Dummy"/></group></resources>
<constraints><rsc_location id="l" rsc="a" node="n1" score="5"/></constraints>
<tags><tag id="both"><obj_ref id="a"/><obj_ref id="z"/></tag></tags></configuration><status>
<node_state id="n1" uname="n1" in_ccm="1" crmd="1" join="member" expected="member"/>
<node_state id="n2" uname="n2" in_ccm="1" crmd="1" join="member" expected="member"/>
</status></cib>"""


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return Desk(CIB, tmp_path, monkeypatch, capsys)


@pytest.fixture
def crm(desk: Desk) -> Crm:
    return Crm(desk)


class Crm:
    """The shell at a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __call__(self, *words: str) -> str:
        """Run a command of configure that must succeed; return its answer."""
        code, out, err = self.desk.run(shell.main, "configure", *words)
        assert code == 0, err
        return out

    def refused(self, *words: str) -> tuple[int, str]:
        """Run one that must fail; return the exit code and what was said."""
        code, _, err = self.desk.run(shell.main, "configure", *words)
        assert code != 0
        return code, err

    def file(self, text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
        """Run lines of commands in one session."""
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        return self.desk.run(shell.main, "-f", "-")

    @property
    def members(self) -> list[str]:
        """The members of the group."""
        return self("show", "g").split()[2:]


def ids(text: str) -> list[str]:
    return [line.split()[1] for line in text.splitlines() if line and not line[0].isspace()]


def test_show_chooses_and_hides(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """features 30.40"""
    assert ids(crm("show", "type:primitive")) == ["a", "m1", "m2", "z"]
    assert ids(crm("show", "tag:both")) == ["a", "z"]
    assert ids(crm("show", "related:a")) == ["a", "both", "l"]
    assert ids(crm("show", "m*")) == ["m1", "m2"]
    hidden = crm("show", "z", "obscure:passw*")
    assert 'passwd="******"' in hidden
    assert "geheim" not in hidden
    assert 'state="/run/z"' in hidden
    assert "geheim" not in crm("show", "xml", "obscure:passwd")
    assert crm("show", "xml", "a").strip() == (
        '<primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/>'
    )
    assert crm("show", "changed") == "\n" or crm("show", "changed") == ""
    code, err = crm.refused("show", "x*")
    assert (code, "no object 'x*'" in err) == (ExitCode.NOSUCH, True)
    text = "configure\nprimitive new Dummy\nshow changed\nshow changed obscure:x\nrefresh\nquit\n"
    _, out, _ = crm.file(text, monkeypatch)
    assert out == "primitive new Dummy\nprimitive new Dummy\n"


def test_members_of_a_group_are_added_at_a_place_and_taken_out(crm: Crm) -> None:
    """features 30.39"""
    crm("modgroup", "g", "add", "a", "before", "m2")
    assert crm.members == ["m1", "a", "m2"]
    crm("modgroup", "g", "add", "z", "after", "a")
    assert crm.members == ["m1", "a", "z", "m2"]
    crm("modgroup", "g", "remove", "a")
    crm("modgroup", "g", "add", "a")
    assert crm.members == ["m1", "z", "m2", "a"]
    assert crm.refused("modgroup", "g", "add", "a")[0] == ExitCode.EXISTS
    assert crm.refused("modgroup", "g", "add", "nope")[0] == ExitCode.NOSUCH
    assert crm.refused("modgroup", "h", "remove", "a") == (
        ExitCode.NOSUCH, "ERROR: no group 'h'; there are: g\n",
    )  # fmt: skip
    assert crm.refused("modgroup", "g", "add", "a", "beside", "m1")[0] == ExitCode.USAGE
    for each in ("z", "a", "m2"):
        crm("modgroup", "g", "remove", each)
    assert crm.refused("modgroup", "g", "remove", "m1")[0] == ExitCode.CONFIG


def test_an_editor_changes_objects_and_deletes_what_is_taken_out(
    crm: Crm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 30.41"""

    def edit(script: str, *words: str) -> str:
        editor = tmp_path / "editor"
        editor.write_text(f"#!/bin/sh\n{script}\n")
        editor.chmod(0o755)
        monkeypatch.setenv("EDITOR", str(editor))
        return crm("edit", *words)

    edit("sed -i 's/a Dummy/a Stateful/' \"$1\"", "a", "z")
    assert "primitive a Stateful" in crm("show", "a")
    edit("sed -i '/^location/d' \"$1\"")
    assert crm.refused("show", "l")[0] == ExitCode.NOSUCH
    edit("sed -i '/^primitive a/d' \"$1\"", "a", "z")
    assert ids(crm("show", "type:primitive")) == ["m1", "m2", "z"]
    edit("sed -i 's/Dummy/Stateful/' \"$1\"", "xml", "z")
    assert "primitive z Stateful" in crm("show", "z")
    monkeypatch.setenv("EDITOR", "false")
    assert "nothing is changed" in crm.refused("edit")[1]
    monkeypatch.setenv("EDITOR", str(tmp_path / "none"))
    assert "set EDITOR" in crm.refused("edit")[1]
    monkeypatch.delenv("EDITOR")
    crm.desk.run(shell.main, "options", "editor", "sed -i s/Stateful/Delay/")
    crm("edit", "z")
    assert "primitive z Delay" in crm("show", "z")


def test_a_program_filters_the_configuration(crm: Crm) -> None:
    """features 30.41"""
    crm("filter", "sed 's/state=[^ ]*//'", "z")
    assert "state=" not in crm("show", "z")
    assert "passwd=geheim" in crm("show", "z")
    crm("filter", 'sed \'s/type="Dummy"/type="Stateful"/\'', "xml", "a")
    assert "primitive a Stateful" in crm("show", "a")
    before = crm("show")
    code, err = crm.refused("filter", "echo no >&2; false")
    assert (code, "no; nothing is changed" in err) == (ExitCode.ERROR, True)
    code, err = crm.refused("filter", "echo primitiv x Dummy")
    assert code == ExitCode.CONFIG
    assert crm("show") == before


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a server of a folder's files."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_configuration_is_loaded_from_a_web_server(crm: Crm, tmp_path: Path, web: str) -> None:
    """features 30.42"""
    (tmp_path / "more.crm").write_text("primitive more Dummy\n")
    crm("load", "update", f"{web}/more.crm")
    assert crm("show", "more") == "primitive more Dummy\n"
    code, err = crm.refused("load", "update", f"{web}/none.crm")
    assert (code, "404" in err) == (ExitCode.NOINPUT, True)
    assert crm.refused("load", "update", "gopher://x/y")[0] == ExitCode.USAGE
    assert crm.refused("load", "update", "http://127.0.0.1:1/x")[0] == ExitCode.NOINPUT


def test_what_is_saved_can_be_loaded_again(crm: Crm, tmp_path: Path) -> None:
    """features 30.43"""
    file = tmp_path / "saved"
    crm("save", str(file))
    whole = crm("show")
    assert file.read_text() == whole
    crm("delete", "--force", "a", "z", "g", "m1", "m2")
    crm("load", "replace", str(file))
    assert crm("show") == whole
    crm("save", "type:primitive", "obscure:passwd", str(file))
    assert ids(file.read_text()) == ["a", "m1", "m2", "z"]
    assert "geheim" not in file.read_text()
    crm("save", "xml", str(file))
    assert file.read_text().startswith("<configuration>")
    crm("load", "xml", "replace", str(file))
    assert crm("show") == whole
    assert crm("save", "a", "-") == "primitive a Dummy\n"
    assert crm.refused("save", str(tmp_path / "none" / "x"))[0] == ExitCode.CANTCREAT
    assert crm.refused("save", "nope", str(file))[0] == ExitCode.NOSUCH


def test_a_draft_is_committed_or_refused_when_the_cib_moved_on(
    crm: Crm, desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """features 30.44"""
    code, _, err = crm.file("configure\nprimitive n Dummy\ncommit\nquit\n", monkeypatch)
    assert code == 0, err
    assert crm("show", "n") == "primitive n Dummy\n"
    # Another process changes the same object while the draft is open.
    other = tmp_path / "other.sh"
    other.write_text(
        f'#!/bin/sh\ncat >/dev/null; sed -i \'s/epoch="/epoch="1/; s/score="5"/score="6"/\''
        f" {tmp_path}/cib.xml; echo location l a 7: n1\n"
    )
    other.chmod(0o755)
    lines = f"configure\nfilter {other} l\ncommit{{}}\nquit\n"
    code, _, err = crm.file(lines.format(""), monkeypatch)
    assert (code, "location l a 6:" in crm("show", "l")) == (ExitCode.OLD, True), err
    code, _, err = crm.file(lines.format(" replace"), monkeypatch)
    assert (code, "location l a 7:" in crm("show", "l")) == (0, True), err
    assert crm.refused("commit", "soon")[0] == ExitCode.USAGE


def test_a_monitor_is_added_to_a_resource(crm: Crm) -> None:
    """features 30.38"""
    crm("monitor", "a", "10s:5s")
    crm("monitor", "a:Promoted", "7s")
    shown = crm("show", "a")
    assert "op monitor interval=10s timeout=5s" in shown
    assert "op monitor role=Promoted interval=7s" in shown
    assert crm.refused("monitor", "a", "10s")[0] == ExitCode.CONFIG
    assert crm.refused("monitor", "nope", "10s")[0] == ExitCode.CONFIG


def test_options_are_read_with_their_defaults(crm: Crm) -> None:
    """features 30.45: get_property"""
    assert crm("get_property", "fencing-enabled") == "false\n"
    assert crm("get-property", "batch-limit") == "0\n"
    assert crm("get_property", "--true", "maintenance-mode") == "false\n"
    assert "no-quorum-policy" in crm("get_property").split()
    assert crm.refused("get_property", "cluster-name")[0] == ExitCode.NOSUCH


def test_everything_is_erased_but_options_and_perhaps_nodes(crm: Crm) -> None:
    """features 30.45: erase"""
    crm("erase")
    assert ids(crm("show")) == ["n1", "n2", "cib-bootstrap-options:"]
    crm("erase", "nodes")
    assert ids(crm("show")) == ["cib-bootstrap-options:"]


def test_verify_says_what_is_wrong_and_what_the_scheduler_thinks(crm: Crm, desk: Desk) -> None:
    """features 30.2"""

    def verify(*words: str) -> tuple[int, str, str]:
        return desk.run(shell.main, "verify", *words)

    assert verify()[:2] == (0, "")
    code, out, _ = verify("scores")
    assert (code, "a allocation score on n1: 5" in out) == (0, True)
    desk.write(CIB.replace('rsc="a"', 'rsc="gone"'))
    code, _, err = verify()
    assert (code, "gone" in err) == (ExitCode.CONFIG, True)
    desk.write(CIB.replace("fencing-enabled", "fencing-enbled"))
    code, _, err = verify()
    assert (code, "fencing-enbled" in err) == (0, True), "an unknown option is a warning"
    told = json.loads(desk.run(shell.main, "--json", "verify")[1])
    assert told["valid"] is True
    assert told["reports"]
    assert verify("all")[0] == ExitCode.USAGE
