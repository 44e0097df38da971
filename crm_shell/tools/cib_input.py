"""What the tools that take a CIB share: XML from text, file or standard input, and digests."""

from __future__ import annotations

import argparse
import sys
from hashlib import md5
from pathlib import Path

from cib_store.document.codec import BadXml, parse, render
from cib_store.document.element import Element
from crm_shell.tools.frame import ToolFailed, ToolParser
from raftmaker.runtime.saved_files import bytes_of
from raftmaker.vocabulary.codes import ExitCode


def add_input(parser: ToolParser) -> None:
    """Add the options that name the input (features 4.11)."""
    parser.value("-x", "--xml-file", dest="xml_file", text="read XML from this file")
    parser.value("-X", "--xml-text", dest="xml_text", text="the XML itself")
    parser.flag("-p", "--xml-pipe", dest="xml_pipe", text="read XML from standard input")


def given_xml(options: argparse.Namespace) -> Element | None:
    """Return the input, if there is any. Raises `ToolFailed`."""
    if sum(bool(each) for each in (options.xml_text, options.xml_file, options.xml_pipe)) > 1:
        raise ToolFailed(
            "give XML once: --xml-text, --xml-file or --xml-pipe", ExitCode.USAGE
        )  # fmt: skip
    if options.xml_text:
        return parsed(options.xml_text)
    if options.xml_file:
        return read_xml(options.xml_file)
    return parsed(sys.stdin.buffer.read()) if options.xml_pipe else None


def read_xml(name: str) -> Element:
    """Return the XML in a file; ``-`` is standard input. Raises `ToolFailed`."""
    if name == "-":
        return parsed(sys.stdin.buffer.read())
    try:
        return parsed(bytes_of(Path(name)), name)
    except OSError as error:
        raise ToolFailed(f"{name}: {error.strerror}", ExitCode.NOINPUT) from None


def parsed(text: str | bytes, name: str = "") -> Element:
    """Return the element that the text is. Raises `ToolFailed`."""
    try:
        return parse(text)
    except BadXml as error:
        where = f"{name}: " if name else ""
        raise ToolFailed(f"Couldn't parse input: {where}{error}", ExitCode.DATAERR) from None


def stored_digest(cib: Element) -> str:
    """Return the MD5 of the CIB as it is kept on disk: indented, without its status (4.9)."""
    kept = tuple(Element("status") if each.tag == "status" else each for each in cib.children)
    return _md5(render(cib.with_children(kept)))


def versioned_digest(xml: Element) -> str:
    """Return the MD5 of everything that two versions can differ in, on one line (4.9)."""
    return _md5(render(_sorted(xml), indent=0))


def _sorted(element: Element) -> Element:
    attributes = dict(sorted(element.attributes.items()))
    children = tuple(_sorted(child) for child in element.children)
    return Element(element.tag, attributes, children, element.text)


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
