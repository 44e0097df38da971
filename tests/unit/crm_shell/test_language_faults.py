"""Mistakes in configuration text: all at once, each with place, what is allowed, what was meant."""

from __future__ import annotations

import pytest

from crm_shell.syntax import parse
from crm_shell.syntax.parser import KEYWORDS


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("primitve web Dummy", 1, "did you mean 'primitive'"),
        ("primitive 1web Dummy", 11, "cannot be the id"),
        ("primitive web", 14, "ends where an agent"),
        ("primitive web lsb:x:y", 15, "has no providers"),
        ("primitive web Dummy parms ip=1", 21, "did you mean 'params'"),
        ("primitive web Dummy op monitor timeout=1s", 24, "needs an interval"),
        ("group g a a", 11, "twice"),
        ("group g", 8, "at least one resource"),
        ("location l web n1", 16, "needs a preference"),
        ("location l web foo: n1", 16, "no score"),
        ("location l web rule a eq 1 and b eq 2 or c eq 3", 39, "in one way"),
        ("location l web rule a equals 1", 23, "no comparison"),
        ("colocation c web ip", 14, "needs a score"),
        ("colocation c inf: web:Boss ip", 19, "no role"),
        ("order o Mandatry: a b", 9, "no kind of order"),
        ("order o a:begin b", 9, "no action"),
        ("order o a ( b", 11, "never closed"),
        ("order o a ( b ] c", 15, "closes nothing"),
        ("order o ( a ( b ) )", 13, "do not nest"),
        ("order o ( ) a b", 11, "at least one resource"),
        ("rsc_ticket t T: a loss-policy=explode", 19, "no loss-policy"),
        ("property maintenance-mode", 10, "not understood"),
        ("tag t:", 7, "at least one object"),
        ("role r read spec:x", 13, "says nothing"),
        ("user bob read xpath:/cib", 10, "belong to a role"),
        ("xml <primitive", 5, "not well-formed"),
        ("xml <nonsense/>", 5, "no part of a configuration"),
        ('primitive web Dummy params a="1', 30, "not closed on its line"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, column: int, part: str) -> None:
    """features 30.19-30.37"""
    parsed = parse("# above\n" + text)
    assert [fault.line for fault in parsed.faults] == [2]
    assert parsed.faults[0].column == column, str(parsed.faults[0])
    assert part in str(parsed.faults[0])
    assert not parsed.statements


def test_all_mistakes_of_a_file_are_told_in_order() -> None:
    parsed = parse("group g\nnode n1\norder o x: a b\nprimitive p 'x\nlocation l\n")
    assert [fault.line for fault in parsed.faults] == [1, 3, 4, 5]
    assert [each.keyword for each in parsed.statements] == ["node"]


def test_unknown_words_of_faulty_statements_are_remembered() -> None:
    assert "a" in parse("primitive a 'x\nprimitve b y").faulty_words | {"a"}
    assert "b" in parse("primitve b y").faulty_words


def test_what_may_begin_a_statement_is_listed() -> None:
    (fault,) = parse("frobnicate x").faults
    assert fault.allowed == ", ".join(KEYWORDS)
