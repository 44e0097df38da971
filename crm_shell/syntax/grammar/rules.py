"""Rules: ``rule [$id=] [role=] [score:] expression {and|or expression}`` (features 30.27, 14)."""

from __future__ import annotations

import re

from cib_store.document.element import Element
from crm_shell.syntax.cursor import Cursor
from crm_shell.syntax.grammar.scores import score_attributes
from crm_shell.syntax.words import (
    DATE_PARTS,
    EXPRESSION_TYPES,
    OPERATORS_BINARY,
    OPERATORS_UNARY,
    modern_date_part,
    modern_role,
)

_ID = re.compile(r"\$(id|id-ref)=(.+)", re.IGNORECASE)
_ROLE = re.compile(r"\$?role=(.+)", re.IGNORECASE)
_SCORE = re.compile(r"([^:]+):")
_SOURCE = re.compile(r"(literal|param|meta)\{(.+)\}")
_PAIR = re.compile(r"([\w-]+)=(.*)", re.DOTALL)
_DATE_OPERATIONS = {
    "lt": "lt", "gt": "gt", "in": "in_range", "in_range": "in_range",
    "spec": "date_spec", "date_spec": "date_spec",
}  # fmt: skip


def read_rules(cursor: Cursor, *, default_score: str = "") -> tuple[Element, ...]:
    """Read every rule that follows; `default_score` is for those that name none."""
    rules: list[Element] = []
    while cursor.accept("rule"):
        rules.append(_rule(cursor, default_score))
    return tuple(rules)


def _rule(cursor: Cursor, default_score: str) -> Element:
    attributes: dict[str, str] = {}
    if found := cursor.match(_ID):
        attributes[found[1].lower()] = found[2]
    if found := cursor.match(_ROLE):
        attributes["role"] = modern_role(found[1])
    if "id-ref" in attributes:
        return Element("rule", attributes)
    if cursor.token and not cursor.token.quoted and (found := cursor.match(_SCORE)):
        attributes |= score_attributes(cursor, found[1])
    elif default_score:
        attributes["score"] = default_score
    expressions = [_expression(cursor)]
    joined = ""
    while word := cursor.word if cursor.word in ("and", "or") else "":
        if joined and word != joined:
            cursor.fail(
                f"{word!r} after {joined!r}: one rule joins its expressions in one way",
                allowed="only 'and' or only 'or'; use a rule for each, or nested rules in XML",
            )
        joined = cursor.accept("and", "or")
        expressions.append(_expression(cursor))
    if joined == "or":
        attributes["boolean-op"] = "or"
    return Element("rule", attributes, tuple(expressions))


def _expression(cursor: Cursor) -> Element:
    if cursor.accept("date"):
        return _date(cursor)
    if operator := cursor.accept(*OPERATORS_UNARY):
        name = cursor.take("a node attribute").text
        return Element("expression", {"operation": operator, "attribute": name})
    attribute = cursor.take("an expression: a node attribute, 'defined', 'not_defined' or 'date'")
    kind, operator = _operator(cursor)
    value = cursor.take("a value").text
    attributes = {"operation": operator, "attribute": attribute.text}
    if kind:
        attributes["type"] = kind
    if found := _SOURCE.fullmatch(value):
        return Element("expression", attributes | {"value": found[2], "value-source": found[1]})
    return Element("expression", attributes | {"value": value})


def _operator(cursor: Cursor) -> tuple[str, str]:
    token = cursor.take("a comparison")
    kind, colon, operator = token.text.rpartition(":")
    if colon:
        kind = cursor.choice(token, kind, EXPRESSION_TYPES, "type of comparison")
    return kind, cursor.choice(token, operator, OPERATORS_BINARY, "comparison")


def _date(cursor: Cursor) -> Element:
    token = cursor.take("a date comparison")
    word = cursor.choice(token, token.text, _DATE_OPERATIONS, "date comparison")
    operation = _DATE_OPERATIONS[word]
    attributes = {"operation": operation}
    if operation in ("lt", "gt"):
        attributes["end" if operation == "lt" else "start"] = cursor.take("a date").text
        return Element("date_expression", attributes)
    parts: dict[str, str] = {}
    known = DATE_PARTS if operation == "date_spec" else ("start", "end", *DATE_PARTS)
    while (found := _PAIR.fullmatch(cursor.text)) and found[1].lower() in known:
        cursor.take("")
        name = modern_date_part(found[1].lower())
        target = attributes if name in ("start", "end") else parts
        target[name] = found[2]
    if not parts and "start" not in attributes and "end" not in attributes:
        cursor.fail(f"'date {word}' needs at least one part", allowed=f"{'=, '.join(known)}=")
    if not parts:
        return Element("date_expression", attributes)
    tag = "date_spec" if operation == "date_spec" else "duration"
    return Element("date_expression", attributes, (Element(tag, parts),))
