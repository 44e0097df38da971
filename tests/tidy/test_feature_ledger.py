"""docs/features.toml is complete and honest: every row, a state, and evidence for what is done."""

from __future__ import annotations

import ast

import pytest

from tests.tidy.feature_rows import Row, RowState, ledger, reference_numbers
from tests.tidy.source_tree import ROOT, tree_of

ROW_COUNT, ROWS = ledger()
PROMISED_NOT = ("25.13", "25.14")
"""last_man_standing and auto_tie_breaker: Raft cannot."""


def test_every_row_of_the_reference_is_there() -> None:
    numbers = [row.number for row in ROWS]
    assert len(numbers) == ROW_COUNT
    reference = reference_numbers()
    if reference is not None:
        assert numbers == list(reference)


def test_states_are_known_and_explained() -> None:
    wrong = [f"{row.number}: {fault}" for row in ROWS for fault in _faults(row)]
    assert not wrong, "\n".join(wrong)


def _faults(row: Row) -> list[str]:
    if row.state not in set(RowState):
        return [f"state {row.state!r} is none of {', '.join(RowState)}"]
    state = RowState(row.state)
    rules = (
        (bool(row.name), "has no name"),
        (state is not RowState.DONE or bool(row.tests), "is done, but names no test"),
        ((state is RowState.PARTIAL) == bool(row.missing), "partial and `missing` go together"),
        ((state is RowState.NOT) == bool(row.why), "not and `why` go together"),
    )
    return [fault for holds, fault in rules if not holds]


@pytest.mark.parametrize("number", PROMISED_NOT)
def test_what_raft_cannot_do_is_said(number: str) -> None:
    assert next(row for row in ROWS if row.number == number).state == RowState.NOT


def test_named_tests_exist() -> None:
    wrong = [
        f"{row.number}: {node_id}" for row in ROWS for node_id in row.tests if not _exists(node_id)
    ]
    assert not wrong, "no such test:\n" + "\n".join(wrong)


def _exists(node_id: str) -> bool:
    """Tell whether a pytest node id names a function of a file (or a golden file) that exists."""
    name, _, function = node_id.partition("::")
    path = ROOT / name
    if not name.startswith("tests/") or not path.is_file():
        return False
    if path.suffix != ".py":
        return not function
    function = function.rpartition("::")[2].partition("[")[0]
    names = (
        node.name
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return function.startswith("test_") and function in names
