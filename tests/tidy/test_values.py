"""Values are Structs: a dataclass costs every start of a daemon a millisecond (CONTRIBUTING.md)."""

from __future__ import annotations

import ast

from tests.tidy.source_tree import PACKAGES, python_files, relative, tree_of


def test_packages_make_no_dataclasses() -> None:
    wrong = [
        f"{relative(path)}:{node.lineno}"
        for path in python_files()
        if relative(path).split("/")[0] in PACKAGES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "dataclasses" in (getattr(node, "module", ""), *(name.name for name in node.names))
    ]
    assert not wrong, "make it a msgspec.Struct:\n" + "\n".join(wrong)
