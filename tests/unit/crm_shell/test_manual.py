"""Manual pages and completion say what the commands' own parsers and tables say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from crm_shell.commands.levels import LEVELS
from crm_shell.manual.commands import programs
from crm_shell.manual.completion import script
from crm_shell.manual.package import write_commands, write_pages

ROOT = Path(__file__).resolve().parents[3]


def test_every_command_has_a_page_with_its_options(tmp_path: Path) -> None:
    found = programs(ROOT / "pyproject.toml")
    write_pages(found, tmp_path, "1.2.3")
    pages = {path.name for path in (tmp_path / "usr/share/man/man8").iterdir()}
    assert pages == {f"{program.name}.8.gz" for program in found}
    assert {"crm.8.gz", "crm_mon.8.gz", "raftmaker-cib.8.gz"} <= pages


@pytest.mark.skipif(shutil.which("man") is None, reason="needs Debian's man-db")
@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("crm", ("crm cluster init", "crm cluster join TOKEN", "--json", "LEVEL RESOURCE")),
        ("crm_mon", ("--one-shot", "crm_mon")),
        ("raftmaker-cib", ("--config FILE", "--realtime")),
    ],
)
def test_a_page_is_read_by_man_without_a_warning(
    tmp_path: Path, page: str, words: tuple[str, ...]
) -> None:
    write_pages(programs(ROOT / "pyproject.toml"), tmp_path, "1.2.3")
    path = tmp_path / f"usr/share/man/man8/{page}.8.gz"
    shown = subprocess.run(
        ["man", "--warnings", "-l", str(path)],
        capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "300", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert shown.stderr == ""
    for word in words:
        assert word in shown.stdout


def test_commands_are_written_for_their_interpreter(tmp_path: Path) -> None:
    write_commands(programs(ROOT / "pyproject.toml"), tmp_path, "/usr/lib/raftmaker")
    text = (tmp_path / "usr/lib/raftmaker/bin/crm").read_text()
    assert text.startswith("#!/usr/lib/raftmaker/bin/python3 -I\n")
    compile(text, "crm", "exec")
    assert (tmp_path / "usr/sbin/crm").readlink() == Path("/usr/lib/raftmaker/bin/crm")


def completed(tmp_path: Path, *words: str) -> list[str]:
    file = tmp_path / "completion"
    file.write_text(script(programs(ROOT / "pyproject.toml")))
    function = "_raftmaker_crm" if words[0] == "crm" else "_raftmaker_tool"
    line = " ".join(f"'{word}'" for word in words)
    ask = (
        f"source {file}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1};"
        f" {function} {words[0]}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_the_shells_levels_and_commands_are_completed(tmp_path: Path) -> None:
    assert completed(tmp_path, "crm", "clu") == ["cluster"]
    assert completed(tmp_path, "crm", "cluster", "ini") == ["init"]
    assert completed(tmp_path, "crm", "--json", "cluster", "ini") == ["init"]
    for level in LEVELS:
        names = {command.name for command in level.commands}
        assert names == set(completed(tmp_path, "crm", level.name, ""))


def test_a_tools_options_are_completed(tmp_path: Path) -> None:
    assert "--one-shot" in completed(tmp_path, "crm_mon", "--one")
