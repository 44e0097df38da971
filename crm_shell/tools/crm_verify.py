"""``crm_verify``: everything that is wrong with a configuration, at once (features 27.24)."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from cib_store.document.codec import BadXml, parse, render
from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.upgrade import upgraded
from cib_store.schema import faults, warnings
from cib_store.schema.relaxng import is_valid, lines
from crm_shell.tools.frame import ToolParser, complain, exclusive, run_tool
from crmd.scheduler.pipeline import schedule
from raftmaker.client import Cluster
from raftmaker.runtime.saved_files import bytes_of
from raftmaker.vocabulary.codes import ExitCode

_SOURCES = ("live_check", "xml_file", "xml_text", "xml_pipe")
_RECURSION_LIMIT = 100_000


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("crm_verify", "check a cluster configuration for errors")
    parser.flag("-L", "--live-check", dest="live_check", text="what the cluster has now")
    parser.value("-x", "--xml-file", dest="xml_file", text="read the CIB from this file")
    parser.value("-X", "--xml-text", dest="xml_text", text="the XML itself")
    parser.flag("-p", "--xml-pipe", dest="xml_pipe", text="read the CIB from standard input")
    parser.value("-S", "--save-xml", dest="save_xml", text="write what was checked to this file")
    parser.flag("-q", "--quiet", dest="quiet", text="only the exit code")
    options = parser.parse_args()
    source = exclusive(parser, options, _SOURCES)
    file = os.environ.get("CIB_file")  # noqa: SIM112  # Pacemaker's spelling
    if not source:
        parser.error("say what to check: --live-check, --xml-file FILE, --xml-pipe, --xml-text XML")
    if source == "live_check" and not file:

        async def body(cluster: Cluster) -> int:
            return _verify((await cluster.cib()).document, options)

        return run_tool("crm_verify", options.config, body)
    try:
        text = _text(source, file, options)
        return _verify(parse(text), options, text.encode() if isinstance(text, str) else text)
    except OSError as error:
        complain("crm_verify", f"{error.filename}: {error.strerror}")
        return int(ExitCode.NOINPUT)
    except BadXml as error:
        complain("crm_verify", str(error))
        return int(ExitCode.DATAERR)


def _text(source: str, file: str | None, options: argparse.Namespace) -> str | bytes:
    match source:
        case "xml_text":
            return str(options.xml_text)
        case "xml_pipe":
            return sys.stdin.buffer.read()
        case _:
            return bytes_of(Path(options.xml_file or file or ""))


def _verify(given: Element, options: argparse.Namespace, source: bytes = b"") -> int:
    if given.tag != "cib":
        complain("crm_verify", f"<{given.tag}> is no CIB: the document must be a <cib>")
        return int(ExitCode.DATAERR)
    found = errors_in(given, source)
    is_wrong = bool(found)
    found += doubts_in(given, is_wrong=is_wrong)
    if not options.quiet and (is_wrong or options.verbose):
        for line in found:
            complain("crm_verify", line)
    if options.save_xml:
        try:
            Path(options.save_xml).write_text(render(given), encoding="utf-8")
        except OSError as error:
            complain("crm_verify", f"{options.save_xml}: {error.strerror}")
            return int(ExitCode.CANTCREAT)
    if is_wrong:
        if not options.quiet:
            complain("crm_verify", "Errors found during check: config not valid")
        return int(ExitCode.CONFIG)
    if found and not (options.quiet or options.verbose):
        text = "Warnings found during check: config may not be valid; -V shows them"
        complain("crm_verify", text)
    return int(ExitCode.OK)


def errors_in(given: Element, text: bytes = b"") -> list[str]:
    """Return what is wrong, with the line where the text has it (features 4.20)."""
    new = upgraded(given).cib
    wrong = faults(new)
    places = lines(text, wrong) if text else tuple(0 for _ in wrong)
    found = [
        f"error: {f'line {place}: ' if place else ''}{each}"
        for place, each in zip(places, wrong, strict=True)
    ]
    configuration = new.child("configuration")
    if not found and configuration is not None and not is_valid(configuration):
        found.append("error: the configuration does not conform to the schema")
    return found


def doubts_in(given: Element, *, is_wrong: bool) -> list[str]:
    """Return what is allowed and probably not meant; the scheduler judges only what is valid."""
    # The scheduler follows chains of constraints, which may be longer than Python's limit.
    sys.setrecursionlimit(_RECURSION_LIMIT)
    new = upgraded(given)
    told = [str(each) for each in (*new.reports, *warnings(new.cib))]
    if not is_wrong:
        told += map(str, schedule(new.cib, Moment(int(time.time()))).reports)
    return [f"warning: {line}" for line in dict.fromkeys(told)]
