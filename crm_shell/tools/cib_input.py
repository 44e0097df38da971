"""What the tools that take a CIB share: XML from text, file or standard input, and digests."""

from __future__ import annotations

import argparse
import sys
from hashlib import md5
from pathlib import Path

from msgspec import Struct

from cib_store.document.codec import BadXml, parse, render
from cib_store.document.element import Element
from crm_shell.tools.frame import ToolFailed, ToolParser
from raftmaker.runtime.saved_files import bytes_of
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.reports import Report


def add_input(parser: ToolParser) -> None:
    """Add the options that name the input (features 4.11)."""
    parser.value("-x", "--xml-file", dest="xml_file", text="read XML from this file")
    parser.value("-X", "--xml-text", dest="xml_text", text="the XML itself")
    parser.flag("-p", "--xml-pipe", dest="xml_pipe", text="read XML from standard input")


class Given(Struct, frozen=True):
    """What a tool was given: the element, the text that it was read from, and that one's name."""

    element: Element
    text: bytes
    name: str = ""

    def told(self, reports: tuple[Report, ...]) -> list[str]:
        """Return reports as lines, with the file and line that each is about (features 4.20)."""
        # Here, as it loads the schema, which is needed for what is wrong alone.
        from cib_store.schema.relaxng import lines

        found = zip(lines(self.text, reports), reports, strict=True)
        return [f"{self._place(line)}{report}" for line, report in found]

    def _place(self, line: int) -> str:
        if not line:
            return ""
        return f"{self.name}:{line}: " if self.name else f"line {line}: "


def given_xml(options: argparse.Namespace) -> Given | None:
    """Return the input, if there is any. Raises `ToolFailed`."""
    if sum(bool(each) for each in (options.xml_text, options.xml_file, options.xml_pipe)) > 1:
        raise ToolFailed(
            "give XML once: --xml-text, --xml-file or --xml-pipe", ExitCode.USAGE
        )  # fmt: skip
    if options.xml_text:
        return Given(parsed(options.xml_text), options.xml_text.encode())
    if options.xml_file:
        text = _bytes(options.xml_file)
        return Given(parsed(text, options.xml_file), text, options.xml_file)
    if options.xml_pipe:
        text = sys.stdin.buffer.read()
        return Given(parsed(text), text)
    return None


def read_xml(name: str) -> Element:
    """Return the XML in a file; ``-`` is standard input. Raises `ToolFailed`."""
    return parsed(_bytes(name), "" if name == "-" else name)


def _bytes(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return bytes_of(Path(name))
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
