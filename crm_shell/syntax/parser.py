"""Configuration text into statements; every mistake of the text is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from cib_store.document.element import COMMENT, Element
from crm_shell.syntax.cursor import Cursor
from crm_shell.syntax.faults import Fault, Mistake, nearest
from crm_shell.syntax.grammar import access, alerts, constraints, options, resources
from crm_shell.syntax.lexer import Line, Token, read_lines
from crm_shell.syntax.xml import read_xml


class Statement(Struct, frozen=True, kw_only=True):
    """One statement: its word, the loose element that it defines, and where it stands.

    For ``monitor`` the element is an ``op`` with the attribute ``rsc``.
    """

    keyword: str
    element: Element
    line: int


class Parsed(Struct, frozen=True, kw_only=True):
    """What a text says, and all that is wrong with it."""

    statements: tuple[Statement, ...]
    faults: tuple[Fault, ...]
    faulty_words: frozenset[str] = frozenset()
    """The words of faulty statements: what they would have defined is not "missing"."""


_READERS: Mapping[str, Callable[[Cursor], Element]] = {
    "node": options.read_node,
    "primitive": lambda cursor: resources.read_primitive(cursor, "primitive"),
    "rsc_template": lambda cursor: resources.read_primitive(cursor, "template"),
    "group": resources.read_group,
    "clone": lambda cursor: resources.read_clone(cursor, promotable=False),
    "ms": lambda cursor: resources.read_clone(cursor, promotable=True),
    "master": lambda cursor: resources.read_clone(cursor, promotable=True),
    "bundle": resources.read_bundle,
    "monitor": resources.read_monitor,
    "location": constraints.read_location,
    "colocation": constraints.read_colocation,
    "collocation": constraints.read_colocation,
    "order": constraints.read_order,
    "rsc_ticket": constraints.read_ticket,
    "property": lambda cursor: options.read_options(cursor, "cluster_property_set"),
    "rsc_defaults": lambda cursor: _defaults(cursor, "rsc_defaults"),
    "op_defaults": lambda cursor: _defaults(cursor, "op_defaults"),
    "tag": options.read_tag,
    "fencing_topology": options.read_topology,
    "fencing-topology": options.read_topology,
    "role": access.read_role,
    "acl_target": lambda cursor: access.read_target(cursor, "acl_target"),
    "acl_group": lambda cursor: access.read_target(cursor, "acl_group"),
    "user": lambda cursor: access.read_target(cursor, "acl_target"),
    "alert": alerts.read_alert,
    "xml": read_xml,
}
KEYWORDS = tuple(sorted(_READERS))
"""Every word that may begin a statement."""

_IGNORED = ("commit", "bye", "quit", "exit", "end", "up", "configure")
"""Words that files made for ``crm < file`` may hold; a file is one change anyway."""


def _defaults(cursor: Cursor, tag: str) -> Element:
    return Element(tag, {}, (options.read_options(cursor, "meta_attributes"),))


def parse(text: str) -> Parsed:
    """Read configuration text. What stands in faulty statements is left out."""
    lines, faults = read_lines(text)
    return _parsed(lines, list(faults))


def _parsed(lines: Sequence[Line], found: list[Fault]) -> Parsed:
    statements: list[Statement] = []
    faulty: set[str] = set()
    for line in lines:
        try:
            statement = _statement(line)
        except Mistake as mistake:
            found.append(mistake.fault)
            faulty.update(token.text for token in line.tokens)
        else:
            if statement is not None:
                statements.append(statement)
    found.sort(key=lambda fault: (fault.line, fault.column))
    return Parsed(statements=tuple(statements), faults=tuple(found), faulty_words=frozenset(faulty))


def parse_words(words: Sequence[str]) -> Parsed:
    """Read one statement that the caller's shell has split into words already."""
    tokens: list[Token] = []
    column = 1
    for word in words:
        tokens.append(Token(word, 1, column))
        column += len(word) + 1
    return _parsed((Line(tokens=tuple(tokens)),), [])


def _statement(line: Line) -> Statement | None:
    cursor = Cursor(line.tokens)
    first = cursor.take("a statement")
    keyword = first.text.lower()
    if keyword in _IGNORED and len(line.tokens) == 1:
        return None
    reader = _READERS.get(keyword)
    if reader is None:
        cursor.fail(
            f"{first.text!r} begins no statement",
            allowed=", ".join(KEYWORDS),
            suggestion=nearest(keyword, KEYWORDS),
            token=first,
        )
    element = _with_comments(reader(cursor), line.comments)
    return Statement(keyword=keyword, element=element, line=first.line)


def _with_comments(element: Element, comments: tuple[str, ...]) -> Element:
    if not comments:
        return element
    notes = tuple(Element(COMMENT, text=comment_text(comment)) for comment in comments)
    if element.tag in ("rsc_defaults", "op_defaults") and element.children:
        first = element.children[0]
        return element.with_children(
            (first.with_children(notes + first.children), *element.children[1:])
        )
    return element.with_children(notes + element.children)


def comment_text(comment: str) -> str:
    """Return `comment` as an XML comment may hold it: no double hyphen, none at the end."""
    while "--" in comment:
        comment = comment.replace("--", "- -")
    return comment + " " if comment.endswith("-") else comment
