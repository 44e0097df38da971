"""The main rules of the scheduler, a readable case each (see `case_file`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.scheduler.case_file import Case

CASES = sorted((Path(__file__).parent / "cases").glob("*.case"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, request: pytest.FixtureRequest) -> None:
    """The plan is the one that the case expects."""
    case = Case.read(path.read_text(encoding="utf-8"))
    found = case.decided()
    rewrite = bool(request.config.getoption("--rewrite"))
    if rewrite:
        path.write_text(found.text(), encoding="utf-8")
    assert found.plan.splitlines() == case.plan.splitlines() or rewrite, case.title
    assert found.sent.splitlines() == case.sent.splitlines() or rewrite, case.title


def test_there_are_cases_and_each_says_what_it_proves() -> None:
    """A case without a title, or a folder that moved away, would prove nothing."""
    titles = [Case.read(path.read_text(encoding="utf-8")).title for path in CASES]
    assert len(titles) > 10
    assert len(set(titles)) == len(titles)
    assert all("features" in title for title in titles)
