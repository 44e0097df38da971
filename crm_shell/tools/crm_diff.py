"""``crm_diff``: compare two XML files, or apply a difference to one (features 27.28, 4.18)."""

from __future__ import annotations

import argparse

from cib_store.document.element import Element
from cib_store.document.patchset import apply_patchset, difference
from cib_store.document.refusal import Refusal
from cib_store.document.version import version_of, with_version
from crm_shell.tools.cib_input import parsed, read_xml, versioned_digest
from crm_shell.tools.frame import ToolFailed, ToolParser, complain, write
from crm_shell.xml_text import xml_lines
from raftmaker.vocabulary.codes import ExitCode

DIFFERS = ExitCode.ERROR
"""What it ends with when the two differ, as diff(1) does."""


def main() -> int:
    """Run the tool: 0 no difference, or the patch was applied; 1 they differ; others failures."""
    parser = ToolParser("crm_diff", "compare two XML files, or apply a difference to one")
    parser.value("-o", "--original", dest="original", text="file to compare, or to apply to")
    parser.value("-O", "--original-string", dest="original_text", text="the same, as text")
    parser.value("-n", "--new", dest="new", text="file to compare with")
    parser.value("-N", "--new-string", dest="new_text", text="the same, as text")
    parser.value("-p", "--patch", dest="patch", text="apply this difference to the original")
    parser.flag("-s", "--stdin", dest="stdin", text="read the new (or the patch) from stdin")
    parser.flag("-c", "--cib", dest="cib", text="compare as CIBs: with versions and a digest")
    parser.flag("-u", "--no-version", dest="no_version", text="leave versions out")
    options = parser.parse_args()
    try:
        return _run(options)
    except ToolFailed as error:
        complain("crm_diff", str(error))
        return int(error.code)


def _run(options: argparse.Namespace) -> int:
    if options.cib and options.no_version:
        raise ToolFailed("-c compares versions, -u leaves them out: give one", ExitCode.USAGE)
    old = _one(options.original, options.original_text, "-o or -O: the original")
    if options.patch or (options.stdin and not (options.new or options.new_text)):
        return _apply(old, read_xml(options.patch or "-"), options)
    if options.stdin:
        raise ToolFailed("give the new once: -n, -N or -s", ExitCode.USAGE)
    new = _one(options.new, options.new_text, "-n or -N: the new, or -p: a patch")
    return _compare(old, new, options)


def _one(file: str | None, text: str | None, what: str) -> Element:
    if bool(file) == bool(text):
        raise ToolFailed(f"give once {what}", ExitCode.USAGE)
    return read_xml(file) if file else parsed(text or "")


def _compare(old: Element, new: Element, options: argparse.Namespace) -> int:
    if old.tag != new.tag:
        raise ToolFailed(f"<{old.tag}> and <{new.tag}> cannot be compared", ExitCode.DATAERR)
    if options.no_version:
        new = with_version(new, version_of(old)) if old.tag == "cib" else new
    found = difference(old, new)
    changes = tuple(found.each("change"))
    if not changes:
        return 0
    if options.no_version or old.tag != "cib":
        found = found.with_children(changes)
    if options.cib:
        found = found.with_attributes({"digest": versioned_digest(new)})
    write("\n".join(xml_lines(found)))
    return int(DIFFERS)


def _apply(old: Element, patch: Element, options: argparse.Namespace) -> int:
    version = patch.child("version")
    source = version.child("source") if version is not None else None
    if source is not None and not options.no_version and version_of(source) != version_of(old):
        raise ToolFailed(
            f"the patch is for version {version_of(source)}, the original is {version_of(old)}",
            ExitCode.OLD,
        )
    new = apply_patchset(old, patch)
    if isinstance(new, Refusal):
        raise ToolFailed("\n".join(str(each) for each in new.reports), new.code)
    digest = patch.get("digest")
    if digest and digest != versioned_digest(new):
        raise ToolFailed("the result is not what the patch was made of", ExitCode.DIGEST)
    write("\n".join(xml_lines(new)))
    return 0
