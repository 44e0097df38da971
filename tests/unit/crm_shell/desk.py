"""A CIB in a file, and the tools that agents and people call run on it in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from cib_store.document.element import Element
from raftmaker.vocabulary.codes import ExitCode

Main = Callable[[], int]


class Desk:
    """The file stands for the cluster, and this is node n1."""

    def __init__(
        self,
        cib: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self._file, self._capsys = tmp_path / "cib.xml", capsys
        self._file.write_text(cib)
        monkeypatch.setenv("CIB_file", str(self._file))
        monkeypatch.setenv("RAFTMAKER_CONFIG", str(tmp_path / "none.toml"))
        monkeypatch.setenv("OCF_RESKEY_CRM_meta_on_node", "n1")
        monkeypatch.delenv("OCF_RESOURCE_INSTANCE", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        monkeypatch.setattr(sys, "argv", sys.argv)

    def run(self, main: Main, *words: str) -> tuple[int, str, str]:
        """Run a tool; return its exit code, and what it printed on both streams."""
        sys.argv = [main.__name__, *words]
        try:
            code = main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def did(self, main: Main, *words: str) -> str:
        """Run a tool that must succeed; return what it printed."""
        code, out, err = self.run(main, *words)
        assert (code, err) == (ExitCode.OK, "")
        return out

    def write(self, cib: str) -> None:
        """Put another CIB into the file."""
        self._file.write_text(cib)

    @property
    def cib(self) -> Element:
        """What the file holds now."""
        return parse(self._file.read_text())

    def pairs(self, tag: str = "nvpair") -> dict[str, Element]:
        """Return the pairs (or what else has a name) of the file by name."""
        return {one.get("name"): one for one in self.cib.walk() if one.tag == tag}
