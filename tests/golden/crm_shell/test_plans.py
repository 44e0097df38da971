"""The plan that a changing command shows: a readable case each.

Cluster and state are those of the scheduler's golden cases. ``== change`` has the words after
``crm --dry-run``, and ``== shown`` what is printed.
"""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import pytest

from crm_shell.commands.session import Session
from crm_shell.console import Console
from crm_shell.interpreter import Interpreter
from tests.golden.scheduler.case_file import Case, cib_of

CASES = sorted((Path(__file__).parent / "plans").glob("*.case"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(
    path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 30.45; the plan is the one that the case expects."""
    cluster, _, rest = path.read_text(encoding="utf-8").partition("\n== change\n")
    change, _, expected = rest.partition("\n== shown\n")
    session = Session(
        console=Console(colour=False), offline=cib_of(Case.read(cluster)), dry_run=True
    )
    code = asyncio.run(Interpreter(session).run(shlex.split(change)))
    said, complaints = capsys.readouterr()
    assert (code, complaints) == (0, "")
    if request.config.getoption("--rewrite"):
        text = f"{cluster}\n== change\n{change.strip()}\n\n== shown\n{said}"
        path.write_text(text, encoding="utf-8")
        return
    assert said.splitlines() == expected.splitlines(), cluster.splitlines()[0]


def test_there_are_cases() -> None:
    """A folder that moved away would prove nothing."""
    assert len(CASES) >= 15
