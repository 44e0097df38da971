"""Whether a rule with a date is in effect (features 14.20, 27.27)."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from crm_shell.tools.crm_rule import main
from raftmaker.vocabulary.codes import ExitCode


def _location(rule: str, *expressions: str) -> str:
    text = f'<rule id="{rule}" score="1">{"".join(expressions)}</rule>'
    return f'<rsc_location id="l-{rule}" rsc="a">{text}</rsc_location>'


def _date(attributes: str, inner: str = "") -> str:
    return f'<date_expression id="e" {attributes}>{inner}</date_expression>'


CIB = (
    "<cib><configuration><crm_config/><nodes/><resources/><constraints>"
    + _location("range", _date('start="2019-01-01" end="2020-01-01"'))
    + _location("after", _date('operation="gt" start="2019-01-01"'))
    + _location("until", _date('operation="lt" end="2019-01-01"'))
    + _location(
        "spec",
        _date('operation="date_spec"', '<date_spec id="s" years="2019-2020" months="1-5"/>'),
    )
    + _location("hours", _date('operation="date_spec"', '<date_spec id="s" hours="9-17"/>'))
    + _location("node", '<expression id="x" attribute="a" operation="defined"/>')
    + _location("two", _date('operation="gt" start="2019-01-01"') * 2)
    + _location("bad", _date('operation="gt" end="2019-01-01"'))
    + "</constraints></configuration><status/></cib>"
)


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["crm_rule", *words])
    return main()


@pytest.mark.parametrize(
    ("rule", "date", "code", "said"),
    [
        ("range", "2018-06-01", ExitCode.NOT_YET_IN_EFFECT, "has not yet taken effect"),
        ("range", "2019-06-01", ExitCode.OK, "is still in effect"),
        ("range", "2021-06-01", ExitCode.EXPIRED, "is expired"),
        ("after", "2018-06-01", ExitCode.NOT_YET_IN_EFFECT, "has not yet taken effect"),
        ("after", "2019-06-01", ExitCode.OK, "is still in effect"),
        ("until", "2018-06-01", ExitCode.OK, "is still in effect"),
        ("until", "2019-06-01", ExitCode.EXPIRED, "is expired"),
        ("spec", "2018-03-01", ExitCode.NOT_YET_IN_EFFECT, "has not yet taken effect"),
        ("spec", "2019-03-01", ExitCode.OK, "satisfies conditions"),
        ("spec", "2019-06-01", ExitCode.EXPIRED, "is expired"),
    ],
)
def test_a_rule_is_over_in_effect_or_still_to_come(
    rule: str,
    date: str,
    code: ExitCode,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """features 14.20, 27.27, 28.9"""
    assert _run(monkeypatch, "-c", "-r", rule, "-d", date, "-X", CIB) == code
    assert capsys.readouterr().out == f"Rule {rule} {said}\n"


@pytest.mark.parametrize(
    ("rule", "code", "why"),
    [
        ("none", ExitCode.NOSUCH, "Rule not found"),
        ("node", ExitCode.UNIMPLEMENT_FEATURE, "no date expression"),
        ("two", ExitCode.UNIMPLEMENT_FEATURE, "more than one date expression"),
        ("hours", ExitCode.UNIMPLEMENT_FEATURE, "years="),
        ("bad", ExitCode.INDETERMINATE, "Error parsing rule"),
    ],
)
def test_a_rule_that_cannot_be_judged(
    rule: str,
    code: ExitCode,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """features 14.20: only one date, and a date_spec only with its years."""
    assert _run(monkeypatch, "--check", f"--rule={rule}", "-X", CIB) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert f"whether rule {rule} is in effect: " in said.err
    assert why in said.err


def test_several_rules_and_xml(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 27.27: the code is that of the last rule that is not in effect."""
    words = ["-c", "-r", "until", "-r", "none", "-d", "2022-01-01", "--output-as=xml", "-X", "-"]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(CIB.encode())))
    assert _run(monkeypatch, *words) == ExitCode.NOSUCH
    said = capsys.readouterr().out
    assert '<rule-check rule-id="until" rc="110"/>' in said
    assert '<rule-check rule-id="none" rc="105"/>' in said
    assert '<status code="105"' in said
    assert "Rule not found</error>" in said


@pytest.mark.parametrize(
    "words", [("-r", "range"), ("-c",), ("-c", "-r", "range", "--output-as=html")]
)
def test_a_wrong_command_line(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended:
        _run(monkeypatch, *words)
    assert ended.value.code == ExitCode.USAGE


@pytest.mark.parametrize("words", [("-d", "soon", "-X", CIB), ("-X", "no XML")])
def test_bad_data(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "-c", "-r", "range", *words) == ExitCode.DATAERR
    assert capsys.readouterr().err.startswith("crm_rule: ")


def test_a_later_rule_that_is_in_effect_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with Pacemaker's."""
    words = ("-d", "2022-01-01", "-X", CIB)
    assert _run(monkeypatch, "-c", "-r", "until", "-r", "after", *words) == ExitCode.OK
    assert _run(monkeypatch, "-c", "-r", "after", "-r", "until", *words) == ExitCode.EXPIRED
