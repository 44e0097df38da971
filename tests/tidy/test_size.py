"""Files and functions stay small: a big one holds two ideas (house rule: 500 and 60 lines)."""

from __future__ import annotations

import ast

from tests.tidy.source_tree import python_files, relative, tree_of

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60


def test_files_are_not_too_long() -> None:
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in python_files()}
    long = [f"{path}: {n} lines" for path, n in lengths.items() if n > FILE_LINES_MAX]
    assert not long, "split by idea:\n" + "\n".join(long)


def test_functions_are_not_too_long() -> None:
    long = [
        f"{relative(path)}:{node.lineno} {node.name}: {length} lines"
        for path in python_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not long, "split by idea:\n" + "\n".join(long)
