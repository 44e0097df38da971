"""``crm_rule``: whether a rule with a date is in effect (features 14.20, 27.27)."""

from __future__ import annotations

import argparse
import shlex
import sys
import time

from cib_store.document.codec import BadXml, parse
from cib_store.document.element import Element
from cib_store.model.date_standing import Standing, standing
from cib_store.model.dates import Moment, parse_moment
from crm_shell.status.xml import framed
from crm_shell.tools.code_text import text_of
from crm_shell.tools.frame import ToolParser, complain, run_tool, write
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode

PROGRAM = "crm_rule"
_CODES = {
    Standing.WITHIN: ExitCode.OK,
    Standing.SATISFIED: ExitCode.OK,
    Standing.BEFORE: ExitCode.NOT_YET_IN_EFFECT,
    Standing.AFTER: ExitCode.EXPIRED,
}


class _Unclear(Exception):
    """A rule cannot be judged: why, and the exit code."""

    def __init__(self, why: str, code: ExitCode) -> None:
        super().__init__(why)
        self.code = code


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser(PROGRAM, "tell whether rules with dates are in effect")
    parser.flag("-c", "--check", dest="check", text="check rules")
    parser.add_argument(
        "-r",
        "--rule",
        dest="rules",
        action="append",
        default=[],
        metavar="ID",
        help="the rule to check (several may be given)",
    )
    parser.value("-d", "--date", dest="date", text="at this date and time, not now")
    parser.value("-X", "--xml-text", dest="xml", text="the CIB itself, - for standard input")
    parser.value("--output-as", dest="format", text="text or xml", default="text")
    options = parser.parse_args()
    if not options.check:
        parser.error("say what to do: --check")
    if not options.rules:
        parser.error("name the rule to check: --rule=ID")
    if options.format not in ("text", "xml"):
        parser.error(f"--output-as: {options.format!r} is none of text, xml")
    now = parse_moment(options.date) if options.date is not None else Moment(int(time.time()))
    if now is None:
        complain(PROGRAM, f"{options.date!r} is no date; write it as in 2026-01-31T10:00:00Z")
        return ExitCode.DATAERR
    if options.xml is None:

        async def body(cluster: Cluster) -> int:
            return _check((await cluster.cib()).document, options, now)

        return run_tool(PROGRAM, options.config, body)
    try:
        text = sys.stdin.buffer.read() if options.xml == "-" else options.xml
        return _check(parse(text), options, now)
    except BadXml as error:
        complain(PROGRAM, str(error))
        return ExitCode.DATAERR


def _check(cib: Element, options: argparse.Namespace, now: Moment) -> int:
    """Tell of every rule how it stands; the last that is in effect or not gives the code."""
    ending = ExitCode.OK
    found: list[tuple[str, ExitCode]] = []
    errors: list[str] = []
    for rule in options.rules:
        try:
            how = _standing(cib, rule, now)
            code = _CODES[how]
            if options.format == "text":
                write(f"Rule {rule} {how.value}")
            ending = ExitCode.OK if how is Standing.WITHIN else ending
        except _Unclear as unclear:
            code = unclear.code
            errors.append(f"Could not determine whether rule {rule} is in effect: {unclear}")
        found.append((rule, code))
        ending = code if code is not ExitCode.OK else ending
    if options.format == "text":
        for error in errors:
            complain(PROGRAM, error)
        return ending
    checks = tuple(
        Element("rule-check", {"rule-id": rule, "rc": str(int(code))}) for rule, code in found
    )
    write(
        framed(
            shlex.join([PROGRAM, *sys.argv[1:]]),
            checks,
            code=int(ending),
            message=text_of(int(ending)),
            errors=tuple(errors),
        )
    )
    return ending


def _standing(cib: Element, rule_id: str, now: Moment) -> Standing:
    """Return how `now` stands to a rule. Raises `_Unclear` for what is more than one date."""
    rules = [each for each in cib.walk() if each.tag == "rule" and each.id == rule_id]
    if not rules:
        raise _Unclear("Rule not found", ExitCode.NOSUCH)
    if len(rules) > 1:
        raise _Unclear("Found more than one rule with matching ID", ExitCode.MULTIPLE)
    dates = [each for each in rules[0].walk() if each.tag == "date_expression"]
    if len(dates) != 1:
        number = "more than one" if dates else "no"
        raise _Unclear(f"Rule has {number} date expression", ExitCode.UNIMPLEMENT_FEATURE)
    spec = dates[0].child("date_spec")
    if dates[0].get("operation") == "date_spec" and (spec is None or not spec.get("years")):
        why = "Rule must either not use date_spec, or use date_spec with years="
        raise _Unclear(why, ExitCode.UNIMPLEMENT_FEATURE)
    how = standing(dates[0], now)
    if how is None:
        raise _Unclear("Error parsing rule", ExitCode.INDETERMINATE)
    return how
