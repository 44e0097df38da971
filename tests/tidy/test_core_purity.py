"""The cores decide and do nothing else: no clock, random, environment, log, thread or socket."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.tidy.source_tree import core_files, relative, tree_of

IMPURE_MODULES = {
    "asyncio", "concurrent", "contextvars", "fcntl", "getpass", "grpc", "io", "locale", "logging",
    "lxml", "multiprocessing", "os", "pathlib", "platform", "pysyncobj", "random", "rich",
    "secrets", "select", "shutil", "signal", "socket", "subprocess", "sys", "syslog", "tempfile",
    "threading", "time", "urllib", "uuid", "warnings",
}  # fmt: skip
PURE_PARTS_OF_RUNTIME = {"raftmaker.runtime.freshness"}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "hash"}
"""`hash` of a text differs from run to run; a result must not."""
CLOCK_METHODS = {"now", "utcnow", "today", "fromtimestamp_local"}
UNORDERED = {"set", "frozenset"}


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def _is_impure(module: str) -> bool:
    if module.startswith(("raftmaker.runtime", "raftmaker.client")):
        return module not in PURE_PARTS_OF_RUNTIME
    return module.split(".")[0] in IMPURE_MODULES


def test_cores_exist() -> None:
    """Guards the other tests here: with no files to look at they could not fail."""
    assert len(core_files()) > 10


def test_cores_import_nothing_impure() -> None:
    wrong = [
        f"{relative(path)}:{line} imports {module}"
        for path in core_files()
        for line, module in _imports(tree_of(path))
        if _is_impure(module)
    ]
    assert not wrong, "\n".join(wrong)


def test_cores_call_nothing_impure() -> None:
    wrong = []
    for path in core_files():
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                    wrong.append(f"{relative(path)}:{node.lineno} calls {name}()")
                case ast.Call(func=ast.Attribute(value=ast.Name(id=of), attr=name)) if (
                    name in CLOCK_METHODS and of in ("datetime", "date")
                ):
                    wrong.append(f"{relative(path)}:{node.lineno} reads the clock: {of}.{name}()")
                case _:
                    pass
    assert not wrong, "\n".join(wrong)


def test_cores_do_not_use_any() -> None:
    wrong = [
        f"{relative(path)}:{node.lineno}"
        for path in core_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert not wrong, "name the type:\n" + "\n".join(wrong)


def _is_unordered(node: ast.expr) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and ast.unparse(node.func) in UNORDERED


def test_cores_do_not_iterate_a_set_into_a_result() -> None:
    """Strings hash differently in every process, so the order of a set is chance: sort first."""
    wrong = []
    for path in core_files():
        for node in ast.walk(tree_of(path)):
            iterated: list[ast.expr] = []
            match node:
                case ast.For():
                    iterated = [node.iter]
                case ast.ListComp() | ast.DictComp():
                    iterated = [generator.iter for generator in node.generators]
                case ast.Call(func=ast.Name(id="tuple" | "list"), args=[only]):
                    iterated = [only]
                case _:
                    continue
            wrong += [f"{relative(path)}:{i.lineno}" for i in iterated if _is_unordered(i)]
    assert not wrong, "\n".join(wrong)
