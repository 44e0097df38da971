"""List which tests cite which rows of the feature reference: ``python -m tests.tidy.ledger``.

A test cites a row by "features 4.17" (or "features 4.1, 4.2 and 4.5-4.7") in its docstring, in its
body, or in its module's docstring; a golden file by the same words. With --open only rows that are
cited and not yet "done" are listed: these are the ones whose state may be raised, by a person who
has read the test.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.feature_rows import Row, RowState, ledger
from tests.tidy.source_tree import files, python_files, relative, tree_of

_CITATION = re.compile(r"features?\s+((?:\d+\.\d+(?:\s*(?:,|and|to|-|–|;|/)\s*)?)+)", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)\.(\d+)(?:\s*(?:-|–|to)\s*(?:(\d+)\.)?(\d+))?")


def cited(text: str) -> tuple[str, ...]:
    """Return the row numbers that a text cites, ranges spelled out, in order, each once."""
    found: dict[str, None] = {}
    for citation in _CITATION.finditer(text):
        for section, first, _, last in _NUMBER.findall(citation[1]):
            for row in range(int(first), int(last or first) + 1):
                found[f"{section}.{row}"] = None
    return tuple(found)


def _of_python(path: Path) -> Iterator[tuple[str, str]]:
    lines = path.read_text("utf-8").splitlines()
    name = relative(path)
    for row in cited(ast.get_docstring(tree_of(path)) or ""):
        yield row, f"{name} (whole file)"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_":
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
            for row in cited("\n".join(lines[start : node.end_lineno])):
                yield row, f"{name}::{node.name}"


def citations() -> dict[str, tuple[str, ...]]:
    """Return for every cited row the tests that cite it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in python_files("tests"):
        if not relative(path).startswith("tests/tidy/"):
            for row, test in _of_python(path):
                found[row].append(test)
    for path in files("tests/golden"):
        if path.suffix not in (".py", ".pyc", ".xml"):
            for row in cited(path.read_text("utf-8", errors="replace")):
                found[row].append(relative(path))
    return {row: tuple(dict.fromkeys(tests)) for row, tests in found.items()}


def _report(rows: tuple[Row, ...], only_open: bool) -> Iterator[str]:
    by_row = citations()
    for row in rows:
        tests = by_row.pop(row.number, ())
        if tests and not (only_open and row.state == RowState.DONE):
            yield f"{row.number:6} {row.state:8} {row.name}"
            yield from (f"         {test}" for test in tests)
    for number, tests in sorted(by_row.items()):
        yield f"{number:6} is no row of the reference: {', '.join(tests)}"


def main() -> None:
    """Print the citations, then how many rows are in each state."""
    parser = argparse.ArgumentParser(prog="python -m tests.tidy.ledger", description=__doc__)
    parser.add_argument("--open", action="store_true", help="only rows that are not done yet")
    options = parser.parse_args()
    _, rows = ledger()
    for line in _report(rows, options.open):
        print(line)
    for state in RowState:
        print(f"{state.value}: {sum(row.state == state for row in rows)}")


if __name__ == "__main__":
    main()
