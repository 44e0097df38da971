"""Nothing is left half done in the tree: no reminders, no bare skips, no path of one machine."""

from __future__ import annotations

import ast
import re

from tests.tidy.source_tree import (
    TEXT_SUFFIXES,
    files,
    python_files,
    relative,
    tree_of,
)

# Put together here so that this file does not find itself.
_REMINDERS = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b"
)
_PLACES = (
    "wo" + "rk/",
    "home/[a-z]",
    "ro" + "ot/",
    "tmp/(brief|oracle|cts|crmsh|pj)",
    "opt/(pypi|wheels)",
)
_MACHINE_PATH = re.compile(r"(?<![\w./-])/(" + "|".join(_PLACES) + ")")
_IGNORES = re.compile(r"#\s*type:\s*ignore(?P<code>\[[a-z-]+(?:,\s*[a-z-]+)*\])?(?P<reason>.*)$")


def _lines(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in files():
        if path.suffix not in TEXT_SUFFIXES or path.name == "LICENSE":
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{relative(path)}:{number}: {line.strip()}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    return found


def test_no_reminders_are_left() -> None:
    found = _lines(_REMINDERS)
    assert not found, "do it, or write an issue:\n" + "\n".join(found)


def test_no_path_of_one_machine() -> None:
    found = _lines(_MACHINE_PATH)
    assert not found, "\n".join(found)


def test_type_ignores_name_code_and_reason() -> None:
    bare = []
    for path in python_files():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            match = _IGNORES.search(line)
            explained = match and match["code"] and len(match["reason"].strip(" #")) > 3
            if match and not explained and path.name != "test_leftovers.py":
                bare.append(f"{relative(path)}:{number}: {line.strip()}")
    assert not bare, "a code and a reason:\n" + "\n".join(bare)


def _is_bare_skip(node: ast.AST) -> bool:
    """A skip or expected failure without a reason, whether as call or as plain decorator."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        if name not in (
            "pytest.skip",
            "pytest.mark.skip",
            "pytest.mark.skipif",
            "pytest.mark.xfail",
        ):
            return False
        reasons = [k for k in node.keywords if k.arg in ("reason", "msg")]
        return not reasons and not (name == "pytest.skip" and node.args)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        plain = {ast.unparse(decorator) for decorator in node.decorator_list}
        return bool(plain & {"pytest.mark.skip", "pytest.mark.xfail"})
    return False


def test_no_skip_without_a_reason() -> None:
    bare = [
        f"{relative(path)}:{getattr(node, 'lineno', 0)}"
        for path in python_files("tests")
        for node in ast.walk(tree_of(path))
        if _is_bare_skip(node)
    ]
    assert not bare, "\n".join(bare)


def test_nothing_is_left_unimplemented() -> None:
    name = "NotImplemented" + "Error"
    raised = [
        f"{relative(path)}:{node.lineno}"
        for path in python_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Raise) and node.exc is not None and name in ast.unparse(node.exc)
    ]
    assert not raised, "\n".join(raised)
