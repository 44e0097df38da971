"""The RELAX NG form of the schema: made from the tables that changes are checked by.

``python -m cib_store.schema.relaxng`` writes `pacemaker-4.0.rng` anew. The file is for whole
documents, off the path of changes, and for other people's tools (xmllint --relaxng).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lxml import etree

from cib_store.document.codec import render
from cib_store.document.element import COMMENT, Element
from cib_store.document.sections import REQUIRED
from cib_store.schema.values import ATTRIBUTES, COUNT, ID_PATTERN, PATH, PATH_PATTERN, SCORE
from cib_store.schema.vocabulary import NAMES_FROM_ELSEWHERE, SHAPES
from raftmaker.vocabulary.reports import Report

FILE = Path(__file__).with_name("pacemaker-4.0.rng")
_NAMESPACE = "http://relaxng.org/ns/structure/1.0"
_TYPES = "http://www.w3.org/2001/XMLSchema-datatypes"
_HEAD = """<!-- Made of the tables in cib_store/schema: python -m cib_store.schema.relaxng -->
"""


def grammar() -> str:
    """Return the schema as RELAX NG."""
    root = Element("ref", {"name": "configuration"})
    defines = tuple(_define(tag) for tag in sorted(SHAPES))
    top = Element(
        "grammar",
        {"xmlns": _NAMESPACE, "datatypeLibrary": _TYPES},
        (Element("start", {}, (root,)), *defines),
    )
    return _HEAD + render(top)


def _define(tag: str) -> Element:
    content = (*_attributes(tag), *_children(tag))
    body = content or (Element("empty"),)
    return Element("define", {"name": tag}, (Element("element", {"name": tag}, body),))


def _attributes(tag: str) -> Iterator[Element]:
    shape = SHAPES[tag]
    references = "id-ref" in shape.allowed
    for name in sorted(shape.allowed):
        attribute = Element("attribute", {"name": name}, (_value(tag, name),))
        is_needed = name in shape.required and not references
        yield attribute if is_needed else Element("optional", {}, (attribute,))


def _value(tag: str, name: str) -> Element:
    kind = ATTRIBUTES.get((tag, name))
    if name == "id":
        free = tag in NAMES_FROM_ELSEWHERE
        return _pattern(r"[\s\S]*\S[\s\S]*" if free else ID_PATTERN)
    if kind is SCORE:
        return _pattern(r"[+\-]?(INFINITY|[0-9]+)")
    if kind is COUNT:
        return _pattern("[0-9]+")
    if kind is PATH:
        return _pattern(PATH_PATTERN)
    if kind is not None and kind.words:
        return _pattern("|".join(_any_case(word) for word in kind.words))
    return Element("text")


def _any_case(word: str) -> str:
    letters = (f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in word)
    return "".join("\\-" if letter == "-" else letter for letter in letters)


def _pattern(expression: str) -> Element:
    limit = Element("param", {"name": "pattern"}, (), expression)
    return Element("data", {"type": "string"}, (limit,))


def _children(tag: str) -> Iterator[Element]:
    allowed = sorted(child for child in SHAPES[tag].children if child in SHAPES)
    if tag == "configuration":
        parts = tuple(_section(name) for name in allowed)
        yield Element("interleave", {}, parts)
    elif allowed:
        references = tuple(Element("ref", {"name": name}) for name in allowed)
        yield Element("zeroOrMore", {}, (Element("choice", {}, references),))


def _section(name: str) -> Element:
    reference = Element("ref", {"name": name})
    return reference if name in REQUIRED else Element("optional", {}, (reference,))


_STEP = re.compile(r"""(?:[^/\['"]|\[(?:[^\]'"]|'[^']*'|"[^"]*")*\])+""")


@cache
def _schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.fromstring(FILE.read_bytes()))


def is_valid(configuration: Element) -> bool:
    """Tell whether the schema accepts a configuration."""
    return bool(_schema().validate(etree.fromstring(render(_without_comments(configuration)))))


def _without_comments(element: Element) -> Element:
    children = tuple(_without_comments(child) for child in element.children if child.tag != COMMENT)
    return Element(element.tag, element.attributes, children, element.text)


def lines(text: bytes, reports: tuple[Report, ...]) -> tuple[int, ...]:
    """Return the line in which what each report is about begins; 0 where that is not known.

    The text may be of a part: what stands nearest to the report's place from below is taken.
    """
    try:
        tree = etree.ElementTree(etree.fromstring(text, etree.XMLParser(resolve_entities=False)))
    except etree.XMLSyntaxError:
        return tuple(0 for _ in reports)
    return tuple(_line(tree, report.where) for report in reports)


def _line(tree: etree._ElementTree, where: str) -> int:
    if not where.startswith("/"):
        return 0
    steps = _STEP.findall(where)
    for start in range(len(steps)):
        try:
            found = tree.xpath("//" + "/".join(steps[start:]))
        except etree.XPathError:
            return 0
        first = found[0] if isinstance(found, list) and found else None
        line = first.sourceline if isinstance(first, etree._Element) else 0
        if isinstance(line, int) and line:
            return line
    return 0


if __name__ == "__main__":
    FILE.write_text(grammar(), "utf-8")
