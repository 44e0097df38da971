"""What Pacemaker's operations on the CIB are called here (features 4.16)."""

from __future__ import annotations

import re
from pathlib import Path

from raftmaker.vocabulary.commands import OperationKind
from raftmaker.wire import controller_pb2, store_pb2

README = Path(__file__).parents[3] / "proto" / "README.md"
PACEMAKERS = [
    "cib_query",
    "cib_create",
    "cib_modify",
    "cib_delete",
    "cib_delete_alt",
    "cib_erase",
    "cib_replace",
    "cib_apply_diff",
    "cib_upgrade",
    "cib_bump",
    "cib_sync",
    "cib_ismaster",
    "cib_master",
    "cib_slave",
    "cib_shutdown_req",
    "cib_schemas",
    "cib_commit_transact",
    "noop",
    "cib_ro",
    "cib_rw",
    "cib_shm",
]
_CODE = re.compile(r"`(\w+)`")


def _rows() -> list[list[str]]:
    text = README.read_text("utf-8").split("operations on the CIB, and ours", 1)[1]
    table = text.split("## ", 1)[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_operation_of_pacemaker_is_in_the_table() -> None:
    """features 4.16"""
    named = [name for row in _rows() for name in _CODE.findall(row[0])]
    assert sorted(named) == sorted(PACEMAKERS)


def test_what_the_table_names_is_there() -> None:
    """features 4.16"""
    calls = {each.name for each in store_pb2.DESCRIPTOR.services_by_name["Store"].methods}
    kinds = {each.name for each in OperationKind}
    for row in _rows():
        found = _CODE.findall(row[1])
        assert found or "–" in row[1], row
        assert not found or found[0] in calls, row
        assert set(found[1:]) <= kinds, row
    assert kinds == {name for row in _rows() for name in _CODE.findall(row[1])[1:]}
    leave = controller_pb2.DESCRIPTOR.services_by_name["Controller"].methods_by_name
    assert "Leave" in leave
