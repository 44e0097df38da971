"""Resource sets: ``a b ( c d ) [ e f ] g:Promoted sequential=… require-all=…`` (features 30.30)."""

from __future__ import annotations

import re

from msgspec import Struct, field

from cib_store.document.element import Element
from crm_shell.syntax.cursor import Cursor
from crm_shell.syntax.lexer import Token
from crm_shell.syntax.words import ACTIONS, ROLES, modern_role

_CLOSING = {"(": ")", "[": "]"}
_FLAG = re.compile(r"(sequential|require-all)=(\w+)", re.IGNORECASE)
_TRUE, _FALSE = ("true", "yes", "on", "y", "1"), ("false", "no", "off", "n", "0")


class _Collector(Struct):
    """The set that is being read and those that are complete."""

    qualifier: str
    done: list[Element] = field(default_factory=list)
    members: list[Element] = field(default_factory=list)
    value: str = ""
    flags: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        if not self.members:
            return
        attributes = {
            name: self.flags[name]
            for name in ("require-all", "sequential")
            if self.flags.get(name) == "false"
        }
        if self.value:
            attributes[self.qualifier] = self.value
        self.done.append(Element("resource_set", attributes, tuple(self.members)))
        self.members, self.value = [], ""


def read_resource_sets(cursor: Cursor, qualifier: str, end: str = "") -> tuple[Element, ...]:
    """Read resource sets up to `end` (or the statement's end); `qualifier`: role or action.

    Another role or action begins another set.
    """
    collector = _Collector(qualifier)
    opened: Token | None = None
    while True:
        if end and cursor.accept(end):
            break
        if not end and cursor.token is None:
            break
        token = cursor.take(f"'{end}'")
        for part in _split(token):
            opened = _part(cursor, collector, part, opened)
    if opened is not None:
        cursor.fail(f"this {opened.text!r} is never closed", token=opened)
    collector.close()
    if not collector.done:
        cursor.fail("a resource set needs at least one resource")
    return tuple(collector.done)


def _split(token: Token) -> list[Token]:
    """Part brackets that stick to a resource."""
    if token.quoted or len(token.text) < 2:
        return [token]
    pieces = [piece for piece in re.split(r"([()\[\]])", token.text) if piece]
    parts, column = [], token.column
    for piece in pieces:
        parts.append(Token(piece, token.line, column))
        column += len(piece)
    return parts


def _part(
    cursor: Cursor, collector: _Collector, token: Token, opened: Token | None
) -> Token | None:
    if token.text in _CLOSING:
        if opened is not None:
            cursor.fail("resource sets do not nest", token=token)
        collector.close()
        collector.flags = {"sequential": "false"}
        if token.text == "[":
            collector.flags["require-all"] = "false"
        return token
    if token.text in _CLOSING.values():
        if opened is None or _CLOSING[opened.text] != token.text:
            cursor.fail(f"{token.text!r} closes nothing", token=token)
        if not collector.members:
            cursor.fail("a resource set needs at least one resource", token=token)
        collector.close()
        collector.flags = {}
        return None
    if token.text == "_rsc_set_":  # crmsh's word for "a set, though it looks like a pair"
        return opened
    if "=" in token.text:
        _flag(cursor, collector, token)
        return opened
    _member(cursor, collector, token)
    return opened


def _flag(cursor: Cursor, collector: _Collector, token: Token) -> None:
    found = _FLAG.fullmatch(token.text)
    if found is None or found[2].lower() not in (*_TRUE, *_FALSE):
        cursor.fail(
            f"{token.text!r} is no attribute of a resource set",
            allowed="sequential=true|false, require-all=true|false",
            token=token,
        )
    collector.flags[found[1].lower()] = "true" if found[2].lower() in _TRUE else "false"


def _member(cursor: Cursor, collector: _Collector, token: Token) -> None:
    resource, colon, text = token.text.partition(":")
    value = ""
    if colon and collector.qualifier == "action":
        value = cursor.choice(token, text, ACTIONS, "action")
    elif colon:
        value = cursor.choice(token, modern_role(text), ROLES, "role")
    if value != collector.value:
        collector.close()
        collector.value = value
    collector.members.append(Element("resource_ref", {"id": resource}))
