"""The main rules of the scheduler, a readable case each (see `case_file`)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.golden.scheduler.case_file import Case

_ACTION = re.compile(r"Resource action: \S+ +([\w-]+)(?:=\d+)? on ")
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


def test_no_agent_is_ever_asked_to_reload_its_service_or_to_recover() -> None:
    """features 5.11: what such actions did is done by others"""
    plans = [Case.read(path.read_text(encoding="utf-8")).plan for path in CASES]
    actions = {action for plan in plans for action in _ACTION.findall(plan)}
    assert {"start", "reload-agent", "notify", "migrate_to"} <= actions
    assert not {"reload", "recover"} & actions
