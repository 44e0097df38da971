"""When a person is asked before a change, and when not (crm --force, --dry-run)."""

from __future__ import annotations

import asyncio

import pytest

from crm_shell.actions import roles
from crm_shell.commands.session import Failed, Rehearsed, Session
from crm_shell.console import Console
from tests.golden.scheduler.case_file import Case, cib_of

CASE = """two resources, one after the other

== cluster
primitive a ocf:pacemaker:Dummy
primitive b ocf:pacemaker:Dummy
order b-after-a a b

== state
n1 online
n2 online
a started on n1
b started on n2
"""


class _Person:
    """Answers, and keeps what was asked."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, question: str) -> bool:
        self.asked.append(question)
        return self.answer


def _stop_a(
    person: _Person | None, *, asked: tuple[str, ...], force: bool = False, dry_run: bool = False
) -> None:
    cib = cib_of(Case.read(CASE))
    session = Session(
        console=Console(colour=False), offline=cib, ask=person, force=force, dry_run=dry_run
    )
    operations = roles.set_meta(cib, "a", "target-role", "Stopped")
    asyncio.run(session.review(operations, asked=asked))


def test_what_the_command_does_not_name_is_asked_about() -> None:
    person = _Person(answer=True)
    _stop_a(person, asked=("a",))
    assert person.asked == ["This disturbs b, which the command does not name. Go on?"]


def test_a_no_changes_nothing() -> None:
    with pytest.raises(Failed, match="nothing is changed"):
        _stop_a(_Person(answer=False), asked=("a",))


def test_what_was_asked_for_is_not_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    person = _Person(answer=False)
    _stop_a(person, asked=("a", "b"))
    assert person.asked == []
    assert "This will:" in capsys.readouterr().err


def test_force_and_scripts_are_shown_the_plan_and_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    person = _Person(answer=False)
    _stop_a(person, asked=(), force=True)
    _stop_a(None, asked=())
    assert person.asked == []
    assert capsys.readouterr().err.count("  1. stop b on n2") == 2


def test_a_dry_run_asks_nothing_and_ends() -> None:
    person = _Person(answer=False)
    with pytest.raises(Rehearsed):
        _stop_a(person, asked=(), dry_run=True)
    assert person.asked == []
