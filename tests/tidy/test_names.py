"""Files are named for their idea, and identifiers use the field's words (house style, words)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.tidy.source_tree import PACKAGES, python_files, relative, tree_of

NAMELESS = {"utils", "util", "helpers", "helper", "misc", "common", "tools_common", "stuff"}
WORDS_NOT_USED = {
    "master": "Promoted (roles), DC or leader (Raft)",
    "slave": "Unpromoted",
    "victim": "target",
    "suicide": "self-fencing",
    "allocate": "assign",
    "allocation": "assignment",
    "weight": "score",
    "rh": "primary",
    "lh": "dependent",
    "dag": "transition graph",
    "pengine": "scheduler",
}
"""Of the words not to be used, those that mean nothing else in a program."""
READ_OLD_WORDS = ("cib_store/model/upgrade/", "crm_shell/tools/")
"""Where old configurations and old commands (crm_master) are read."""
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def test_no_file_without_an_idea() -> None:
    nameless = [relative(path) for path in python_files() if path.stem in NAMELESS]
    assert not nameless, f"name the idea: {nameless}"


def _names_defined(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case _:
                pass


def test_identifiers_use_the_words_of_the_field() -> None:
    wrong = [
        f"{relative(path)}:{line} {name}: say {WORDS_NOT_USED[part.lower()]}"
        for path in python_files(*PACKAGES)
        if not relative(path).startswith(READ_OLD_WORDS)
        for line, name in _names_defined(tree_of(path))
        for part in _PARTS.findall(name)
        if part.lower() in WORDS_NOT_USED
    ]
    assert not wrong, "\n".join(wrong)
