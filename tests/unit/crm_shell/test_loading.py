"""``crm configure load xml`` on a file: what is wrong is told where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from cib_store.document.codec import parse
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.test_shadow import Desk

BAD = """<cib>
<configuration>
  <crm_config/>
  <nodes/>
  <resources>
    <primitive id="b" class="lsb" type="y" colour="red"/>
    <group id="g">
      <primitive id="c" class="lsb" type="z"/>
    </group>
    <group id="h"/>
  </resources>
  <constraints>
    <rsc_location id="l" rsc="nope" node="n1" score="5"/>
    <rsc_something id="u"/>
  </constraints>
</configuration>
</cib>
"""
LINES = {6: "no attribute colour", 10: "holds no resource", 13: "'nope'", 14: "rsc_something"}


@pytest.mark.parametrize("mode", ["replace", "update", "push"])
def test_what_is_wrong_is_told_with_the_line_of_the_file(tmp_path: Path, mode: str) -> None:
    """features 4.20: also where objects of the file are merged with what is there."""
    desk, file = Desk(tmp_path), tmp_path / "bad.xml"
    file.write_text(BAD)
    before = desk.file.read_text()
    code, _, told = desk.run("crm_shell.main", "configure", "load", "xml", mode, str(file))
    assert code == ExitCode.CONFIG
    errors = [line for line in told.splitlines() if line.startswith("ERROR: ")]
    for line, what in LINES.items():
        (error,) = (each for each in errors if each.startswith(f"ERROR: {file}:{line}: "))
        assert what in error
        assert "(" in error, "and what is allowed there"
    assert desk.file.read_text() == before


@pytest.mark.parametrize("mode", ["replace", "update", "push"])
def test_a_file_of_xml_replaces_is_added_or_takes_the_place_of_objects(
    tmp_path: Path, mode: str
) -> None:
    desk, file = Desk(tmp_path), tmp_path / "good.xml"
    file.write_text(
        '<configuration><crm_config/><nodes/><resources><primitive id="b" class="lsb" type="y"/>'
        "</resources><constraints/></configuration>"
    )
    assert desk.run("crm_shell.main", "configure", "load", "xml", mode, str(file))[0] == 0
    cib = parse(desk.file.read_text())
    resources = [each.id for each in cib.walk() if each.tag == "primitive"]
    assert resources == (["a", "b"] if mode == "update" else ["b"])
