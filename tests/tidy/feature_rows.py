"""The feature ledger as values: docs/features.toml, and the reference's numbers."""

from __future__ import annotations

import os
import re
import tomllib
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from tests.tidy.source_tree import ROOT

LEDGER = ROOT / "docs" / "features.toml"
REFERENCE = Path(
    os.environ.get("RAFTMAKER_REFERENCE", ROOT.parent / "shared" / "design" / "features.md")
)
_ROW = re.compile(r"^\|\s*(\d+\.\d+)\s*\|")


class RowState(StrEnum):
    """How far a row is."""

    DONE = "done"
    PARTIAL = "partial"
    PLANNED = "planned"
    NOT = "not"


class Row(Struct, frozen=True, kw_only=True):
    """One entry of the ledger, as written there (so possibly wrong)."""

    number: str
    name: str
    state: str
    tests: tuple[str, ...] = ()
    missing: str = ""
    why: str = ""


def ledger() -> tuple[int, tuple[Row, ...]]:
    """Return the reference's recorded number of rows and the ledger's entries."""
    data = tomllib.loads(LEDGER.read_text("utf-8"))
    rows = tuple(
        Row(
            number=number,
            name=entry.get("name", ""),
            state=entry.get("state", ""),
            tests=tuple(entry.get("tests", ())),
            missing=entry.get("missing", ""),
            why=entry.get("why", ""),
        )
        for number, entry in data["rows"].items()
    )
    return data["row_count"], rows


def reference_numbers() -> tuple[str, ...] | None:
    """Return the reference's row numbers, or None in a checkout that does not have it."""
    if not REFERENCE.exists():
        return None
    lines = REFERENCE.read_text("utf-8").splitlines()
    return tuple(match[1] for line in lines if (match := _ROW.match(line)))
