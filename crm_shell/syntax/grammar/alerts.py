"""Alerts: agent, attributes, what to select, recipients (features 30.36, section 19)."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.syntax.cursor import Cursor
from crm_shell.syntax.grammar.nvsets import expect_end, read_description, read_set

_SETS = {"attributes": "instance_attributes", "meta": "meta_attributes"}
_SELECTORS = ("nodes", "fencing", "resources", "attributes")


def read_alert(cursor: Cursor) -> Element:
    """Read what follows ``alert``."""
    attributes = {"id": cursor.identifier("alert"), "path": cursor.take("the agent's path").text}
    attributes |= read_description(cursor)
    children: list[Element] = []
    while cursor.token:
        if word := cursor.accept(*_SETS):
            children.append(read_set(cursor, _SETS[word]))
        elif cursor.accept("select"):
            children.append(_select(cursor))
        elif cursor.accept("to"):
            children.append(_recipient(cursor))
        else:
            expect_end(cursor, (*_SETS, "select", "to"))
    return Element("alert", attributes, tuple(children))


def _select(cursor: Cursor) -> Element:
    chosen: list[Element] = []
    while word := cursor.accept(*_SELECTORS):
        names: list[Element] = []
        if word == "attributes" and cursor.accept("{"):
            while not cursor.accept("}"):
                names.append(Element("attribute", {"name": cursor.take("'}'").text}))
        chosen.append(Element(f"select_{word}", {}, tuple(names)))
    if not chosen:
        cursor.fail("'select' needs what to select", allowed=", ".join(_SELECTORS))
    return Element("select", {}, tuple(chosen))


def _recipient(cursor: Cursor) -> Element:
    braced = bool(cursor.accept("{"))
    attributes = {"value": cursor.take("a recipient").text} | read_description(cursor)
    sets: list[Element] = []
    # Outside braces a following list is the recipient's too: so the shell always read it.
    while word := cursor.accept(*_SETS):
        sets.append(read_set(cursor, _SETS[word]))
    if braced and not cursor.accept("}"):
        cursor.fail("the recipient's '{' is never closed", allowed="}, attributes, meta")
    return Element("recipient", attributes, tuple(sets))
