"""What pyproject.toml promises is there: commands, import contracts, licence."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tidy.source_tree import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
COMMANDS: dict[str, str] = PYPROJECT["project"]["scripts"]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_console_scripts_are_importable(command: str) -> None:
    module, _, function = COMMANDS[command].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_import_contracts_hold() -> None:
    """Who may import whom (docs/architecture.md); `lint-imports` shows the same by hand."""
    program = Path(sys.executable).parent / "lint-imports"
    run = subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    assert importlib.import_module("raftmaker").__version__ == PYPROJECT["project"]["version"]


@pytest.mark.parametrize(
    "script", ["bin/demo", "bin/test", ".ci/run", "bench/failover", "tests/hosts/endure"]
)
def test_scripts_are_executable(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_licence_is_the_whole_gpl_2() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 2, June 1991" in text
    assert "END OF TERMS AND CONDITIONS" in text
