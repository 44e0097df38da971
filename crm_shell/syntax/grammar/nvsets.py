"""Attribute lists: ``[$id=] [score:] [rule …] name=value …`` or ``$id-ref=`` (features 30.21)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cib_store.document.element import Element
from crm_shell.syntax.cursor import Cursor
from crm_shell.syntax.faults import nearest
from crm_shell.syntax.grammar.rules import read_rules
from crm_shell.syntax.grammar.scores import score_only

_ID = re.compile(r"\$(id|id-ref)=(.+)", re.IGNORECASE)
_SCORE = re.compile(r"([^:=@$]+):")
_PAIR = re.compile(r"([^=@$:][^=]*)=(.*)", re.DOTALL)
_PAIR_WITH_ID = re.compile(r"\$([^:=]+):([^=]+)=(.*)", re.DOTALL)
_PAIR_REFERENCE = re.compile(r"@([^:]+)(?::(.+))?")
_DESCRIPTION = re.compile(r"description=(.*)", re.DOTALL | re.IGNORECASE)


def read_description(cursor: Cursor) -> dict[str, str]:
    """Take ``description=…`` when it follows."""
    found = cursor.match(_DESCRIPTION)
    return {"description": found[1]} if found else {}


def read_pairs(cursor: Cursor) -> tuple[Element, ...]:
    """Read every name-value pair that follows."""
    pairs: list[Element] = []
    while True:
        if found := cursor.match(_PAIR_WITH_ID):
            pairs.append(Element("nvpair", {"id": found[1], "name": found[2], "value": found[3]}))
        elif found := cursor.match(_PAIR_REFERENCE):
            name = {"name": found[2]} if found[2] else {}
            pairs.append(Element("nvpair", {"id-ref": found[1], **name}))
        elif found := cursor.match(_PAIR):
            pairs.append(Element("nvpair", {"name": found[1], "value": found[2]}))
        else:
            return tuple(pairs)


def read_set(cursor: Cursor, tag: str) -> Element:
    """Read one attribute list into an element called `tag`; it may be empty."""
    attributes: dict[str, str] = {}
    if found := cursor.match(_ID):
        attributes[found[1].lower()] = found[2]
        if "id-ref" in attributes:
            return Element(tag, attributes)
    if cursor.token and not cursor.token.quoted and (found := cursor.match(_SCORE)):
        attributes |= score_only(cursor, found[1])
    # Of a set's rule the score means nothing; files of old give it INFINITY.
    rules = [
        rule.with_attributes({"score": None}) if rule.get("score") == "INFINITY" else rule
        for rule in read_rules(cursor)
    ]
    return Element(tag, attributes, (*rules, *read_pairs(cursor)))


def read_sets(cursor: Cursor, names: Mapping[str, str], implicit: str = "") -> list[Element]:
    """Read the attribute lists that follow: each begins with its word out of `names`.

    A first list without a word is one of `implicit`'s.
    """
    sets: list[Element] = []
    if implicit and cursor.token and cursor.word not in names:
        first = read_set(cursor, names[implicit])
        if first.attributes or first.children:
            sets.append(first)
    while word := cursor.accept(*names):
        sets.append(read_set(cursor, names[word]))
    return sets


def expect_end(cursor: Cursor, known: tuple[str, ...]) -> None:
    """Raise `Mistake` unless the statement ends here; `known` words could have followed."""
    if cursor.token is None:
        return
    text = cursor.text
    if "=" in text:
        cursor.fail(f"{text!r} cannot stand here", allowed=", ".join(known))
    cursor.fail(
        f"{text!r} is not understood here",
        allowed=", ".join((*known, "name=value")),
        suggestion=nearest(text, known),
    )
