"""XML text to and from the persistent tree; the only reader of XML that may come from outside."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import Any

from lxml import etree

from cib_store.document.element import COMMENT, Element
from cib_store.document.escaping import IN_ATTRIBUTE, IN_TEXT

SMALL_CHARACTERS = 4096
"""Texts up to this size are kept with what they say: a change is read by proposer and `apply`."""
LARGE_CHARACTERS = 64 * 1024
"""From this size on a daemon reads on a thread: it must not stand still for seconds."""
DEPTH_MAX = 200
"""Deepest nesting that is read; the CIB needs about ten."""


BYTES_MAX = 48 * 1024 * 1024
"""Longest text that is read of what is asked for: below what one request may carry."""
OWN_BYTES_MAX = 1024 * 1024 * 1024
"""Longest text that is read of what a daemon of the cluster wrote. A whole CIB with its status is
larger than any change of it: 32 nodes with 5000 resources are 80 MB."""


class BadXml(ValueError):
    """The text is no XML that a CIB could hold; the message says where and why."""


def _parser() -> etree.XMLParser:
    # No entities, no DTD, no network: an entity bomb or an external entity is an error.
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=True,
        remove_blank_text=True,
        remove_pis=True,
    )


_PARSER = _parser()


_ahead: dict[str, Element] = {}
_reading = Lock()
"""One thread reads ahead at a time: two would take turns with the interpreter, and two that want
the same text (it was proposed again) would both read it."""
AHEAD_MAX = 4
"""Of so many large documents, the last ones, what was read ahead is kept."""


def parse(text: str | bytes, *, bytes_max: int | None = None) -> Element:
    """Read one XML document; raises `BadXml` with line and reason, also for one that is longer.

    `bytes_max`: `BYTES_MAX` where it is not given.
    """
    if bytes_max in (None, OWN_BYTES_MAX) and len(text) <= SMALL_CHARACTERS:
        return _parse_small(text)
    if isinstance(text, str) and len(text) > SMALL_CHARACTERS:
        done = _ahead.get(text)
        if done is not None:
            return done
    return _parse(text, bytes_max)


def read_ahead(text: str) -> None:
    """Read a large document on any thread, with all that is kept of it, for `parse` to find.

    It takes seconds for thousands of resources, for which a daemon must not stand still. Text that
    is no XML is left to `parse`. It is kept until `forget_ahead`, or until there are newer ones.
    """
    if len(text) <= SMALL_CHARACTERS:
        return
    with _reading:
        if text in _ahead:
            return
        try:
            element = _parse(text)
        except BadXml:
            return
        # What is asked for once is kept with the elements.
        _ = element.names, element.digest, element.is_twinless, render(element, indent=0)
        _ahead[text] = element
        for oldest in list(_ahead)[:-AHEAD_MAX]:
            _ahead.pop(oldest, None)


def forget_ahead(text: str) -> None:
    """Forget what was read ahead of a text that is done with."""
    if len(text) > SMALL_CHARACTERS:
        _ahead.pop(text, None)


def _parse(text: str | bytes, bytes_max: int | None = None) -> Element:
    data = text.encode() if isinstance(text, str) else text
    most = BYTES_MAX if bytes_max is None else bytes_max
    if len(data) > most:
        raise BadXml(f"{len(data)} bytes of XML: at most {most} are read")
    # A parser has a lock: what is small must not wait for what a thread reads.
    parser = _PARSER if len(data) <= SMALL_CHARACTERS else _parser()
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise BadXml(f"not well-formed XML: {error.msg}") from None
    except ValueError as error:
        raise BadXml(f"not readable as XML: {error}") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # lxml-stubs: never None
        raise BadXml("a document type declaration is not allowed")
    return _element(root, str(root.tag), 0)


_parse_small = lru_cache(maxsize=512)(_parse)


def _element(node: Any, tag: str, depth: int) -> Element:
    if depth > DEPTH_MAX:
        raise BadXml(f"line {node.sourceline}: nested deeper than {DEPTH_MAX} elements")
    children = []
    below: Any
    for below in node:
        its_tag = below.tag
        if isinstance(its_tag, str):
            children.append(_element(below, its_tag, depth + 1))
        elif its_tag is etree.Comment:
            children.append(Element(COMMENT, text=below.text or ""))
        else:  # an entity reference
            raise BadXml(f"line {below.sourceline}: an entity reference is not allowed")
    text = (node.text or "").strip()
    # By its items: to ask the library for each attribute by name takes several times as long.
    return Element(tag, dict(node.items()), tuple(children), text)


def tree_of(text: str) -> etree._ElementTree:
    """Return what `render` wrote as lxml has it."""
    return etree.fromstring(text.encode(), _parser()).getroottree()


def render(element: Element, *, indent: int = 2) -> str:
    """Write the tree as XML text, one element a line; `indent` 0 writes it on a single line."""
    if not indent:
        return _line(element)
    parts: list[str] = []
    _render(element, parts, "", " " * indent, "\n")
    return "".join(parts)


def _line(element: Element) -> str:
    """Write on a single line; the text of small elements is kept with them."""
    if element.line:
        return element.line
    if element.tag == COMMENT or not element.children:
        parts: list[str] = []
        _render(element, parts, "", "", "")
        return "".join(parts)
    start = f"<{element.tag}{_attributes(element)}>{element.text.translate(IN_TEXT)}"
    below = "".join([_line(child) for child in element.children])
    text = f"{start}{below}</{element.tag}>"
    if len(text) <= SMALL_CHARACTERS:
        element.keep_line(text)
    return text


def _attributes(element: Element) -> str:
    return "".join(
        [f' {name}="{value.translate(IN_ATTRIBUTE)}"' for name, value in element.attributes.items()]
    )


def _render(element: Element, parts: list[str], margin: str, step: str, newline: str) -> None:
    if element.tag == COMMENT:
        parts.append(f"{margin}<!--{element.text}-->{newline}")
        return
    attributes = _attributes(element)
    if not element.children:
        if element.text:
            parts.append(
                f"{margin}<{element.tag}{attributes}>{element.text.translate(IN_TEXT)}</{element.tag}>"
            )
        else:
            parts.append(f"{margin}<{element.tag}{attributes}/>")
        parts.append(newline)
        return
    parts.append(f"{margin}<{element.tag}{attributes}>{element.text.translate(IN_TEXT)}{newline}")
    for child in element.children:
        _render(child, parts, margin + step, step, newline)
    parts.append(f"{margin}</{element.tag}>{newline}")
