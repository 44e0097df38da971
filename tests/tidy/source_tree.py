"""The project's own files as the tidy tests see them: which are ours, and their parsed form."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("raftmaker", "cib_store", "crmd", "lrmd", "stonithd", "crm_shell")
CORES = (
    "raftmaker/vocabulary",
    "cib_store/apply",
    "cib_store/document",
    "cib_store/liveness",
    "cib_store/model",
    "crmd/alerts",
    "crmd/fsa",
    "crmd/transition",
    "crmd/scheduler",
    "lrmd/operations",
    "stonithd/fencing",
)
"""Where pure functions live (docs/architecture.md)."""
SHELL_FILES_IN_CORES = (
    "cib_store/document/codec.py",
    "cib_store/document/xpath.py",
    "lrmd/operations/codec.py",
)
"""Codecs beside the values that they read and write, and XPath (by lxml): no cores."""
TEXT_SUFFIXES = (".py", ".proto", ".toml", ".md", ".service", ".target", ".crm", ".yml", ".sh", "")
_SKIPPED = {"__pycache__", ".venv", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
_SKIPPED |= {".hypothesis", ".import_linter_cache", ".grimp_cache", "build", "dist", "node_modules"}


def relative(path: Path) -> str:
    """Return the path as it is written in messages: from the project's root."""
    return path.relative_to(ROOT).as_posix()


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name in _SKIPPED or entry.name.endswith(".egg-info"):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)
        elif entry.is_file():
            yield entry


def _is_generated(path: Path) -> bool:
    return relative(path).startswith("raftmaker/wire/") and "_pb2" in path.name


def _is_python(path: Path) -> bool:
    if path.suffix == ".py":
        return True
    if path.suffix:
        return False
    with path.open("rb") as file:
        first = file.readline(120)
    return first.startswith(b"#!") and b"python" in first


@cache
def files(*folders: str) -> tuple[Path, ...]:
    """Return every file of ours below the folders (default: the whole project), sorted."""
    roots = [ROOT / folder for folder in folders] if folders else [ROOT]
    return tuple(path for root in roots if root.exists() for path in _walk(root))


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Return the Python files below the folders, generated ones left out."""
    found = files(*(folders or (*PACKAGES, "tests", "bench", "bin")))
    return tuple(path for path in found if _is_python(path) and not _is_generated(path))


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse(path.read_text("utf-8"), filename=str(path))


@cache
def core_files() -> tuple[Path, ...]:
    """Return the files of the pure cores, the codecs beside them left out."""
    found = python_files(*(core for core in CORES if (ROOT / core).exists()))
    return tuple(path for path in found if relative(path) not in SHELL_FILES_IN_CORES)
