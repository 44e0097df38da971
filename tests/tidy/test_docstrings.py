"""Everything public says what it is (ruff looks at modules, this at scripts too)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.tidy.source_tree import PACKAGES, python_files, relative, tree_of


def _public_nodes(body: list[ast.stmt], inside: str = "") -> Iterator[tuple[int, str, ast.AST]]:
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_") or _is_overload(node):
            continue
        yield node.lineno, inside + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from _public_nodes(node.body, f"{inside}{node.name}.")


def _is_overload(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = (ast.unparse(decorator) for decorator in node.decorator_list)
    return any(name in ("overload", "typing.overload", "override") for name in names)


def _has_docstring(node: ast.AST) -> bool:
    assert isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return ast.get_docstring(node) is not None


def test_modules_have_docstrings() -> None:
    silent = [
        relative(path)
        for path in python_files()
        if path.read_text("utf-8").strip() and not _has_docstring(tree_of(path))
    ]
    assert not silent, "which idea lives there?\n" + "\n".join(silent)


def test_public_classes_and_functions_have_docstrings() -> None:
    private = [path for path in python_files(*PACKAGES) if not path.stem.startswith("__main__")]
    silent = [
        f"{relative(path)}:{line} {name}"
        for path in private
        if not _in_private_class(path.name)
        for line, name, node in _public_nodes(tree_of(path).body)
        if not _has_docstring(node)
    ]
    assert not silent, "\n".join(silent)


def _in_private_class(name: str) -> bool:
    return name.startswith("_") and name != "__init__.py"
