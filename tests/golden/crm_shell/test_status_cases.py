"""What `crm_mon` shows of a CIB: one readable file a case (features 27.1-27.4).

The first line says what a case proves; then come ``==== cib``, ``==== active`` (what `crm_mon -1`
lists) and ``==== all`` (with -r). To change a case, write what is expected.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cib_store.document.codec import parse
from crm_shell.status.build import build
from crm_shell.status.text import Shown, render

CASES = sorted((Path(__file__).parent / "status").glob("*.case"))
NOW = 1000


def shown(cib: str, *, inactive: bool) -> str:
    status = build(parse(cib), now=NOW)
    sections = frozenset({"nodes", "resources"})
    return render(status, Shown(sections=sections, inactive=inactive), now="") + "\n"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """features 27.1, 27.2, 27.4"""
    head, _, rest = path.read_text("utf-8").partition("==== cib\n")
    cib, _, rest = rest.partition("==== active\n")
    active, _, everything = rest.partition("==== all\n")
    assert head.strip()
    assert shown(cib, inactive=False) == active
    assert shown(cib, inactive=True) == everything


def test_there_are_cases() -> None:
    assert len(CASES) >= 4
