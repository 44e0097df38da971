"""``crm_mon``: the cluster's status, once or again and again (features 27.1-27.5)."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import sys
import time
from pathlib import Path

from cib_store.document.codec import BadXml, parse
from crm_shell.commands.session import Session
from crm_shell.commands.status import now_text, status_now
from crm_shell.console import Console
from crm_shell.status.build import build
from crm_shell.status.data import data_of
from crm_shell.status.model import Status
from crm_shell.status.text import Shown, render
from crm_shell.status.xml import elements, framed
from crm_shell.tools.code_text import text_of
from crm_shell.tools.frame import ToolFailed, ToolParser, complain, run_tool, write
from raftmaker.client import Cluster
from raftmaker.client.offline import offline_file
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode

_FENCING = ("fencing-failed", "fencing-pending", "fencing-succeeded")
_SECTIONS = ("summary", "nodes", "resources", "failures", "attributes", "failcounts", "bans",
             "counts", "dc", "fencing", *_FENCING, "maint-mode", "operations", "options", "stack",
             "tickets", "times")  # fmt: skip
_DEFAULT = ("summary", "nodes", "resources", "failures", "fencing-failed", "fencing-pending")
_HISTORY = {"0": (), "1": _FENCING[:2], "2": _FENCING, "3": _FENCING}
"""What each level of --fence-history shows (features 27.4)."""


def _parser() -> ToolParser:
    parser = ToolParser("crm_mon", "show the cluster's status")
    parser.flag("-1", "--one-shot", dest="once", text="show it once and exit")
    parser.value("-i", "--interval", dest="interval", text="seconds between looks", default="5")
    parser.value("-I", "--include", dest="include", text=f"sections: {', '.join(_SECTIONS)}")
    parser.value("-U", "--exclude", dest="exclude", text="sections to leave out")
    parser.value("--output-as", dest="output_as", text="text, console, xml, json or none")
    parser.value("--output-to", dest="output_to", text="file for the answer")
    parser.flag("-X", "--as-xml", dest="as_xml", text="the older form of --output-as=xml")
    parser.value("-x", "--xml-file", dest="xml_file", text="show this CIB instead of the cluster")
    parser.value("--node", dest="node", text="only this node, or those of a tag")
    parser.value("--resource", dest="resource", text="only this resource, or those of a tag")
    for short, name, text in (
        ("-n", "group-by-node", "resources under their node"),
        ("-r", "inactive", "also what does not run"),
        ("-f", "failcounts", "fail counts"),
        ("-o", "operations", "operation history"),
        ("-t", "timing-details", "with times"),
        ("-c", "tickets", "tickets"),
        ("-A", "show-node-attributes", "node attributes"),
        ("-D", "hide-headers", "without the summary"),
        ("-R", "show-detail", "more details"),
        ("-b", "brief", "short"),
        ("-j", "pending", "accepted: pending operations are always shown"),
        ("-s", "simple-status", "one line, for monitoring"),
        ("-Q", "quiet", ""),
    ):
        parser.flag(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    parser.add_argument("-m", "--fence-history", nargs="?", const="2", metavar="LEVEL",
                        help="fencings: 0 none, 1 failed and pending ones, 2 also those that"
                             " succeeded, 3 all that are remembered")  # fmt: skip
    parser.add_argument("-L", "--neg-locations", nargs="?", const="", metavar="PREFIX")
    return parser


def main() -> int:
    """Run the tool and return its exit code."""
    parser = _parser()
    options = parser.parse_args()
    options.output_as = "xml" if options.as_xml else options.output_as or "text"
    if options.output_as not in ("text", "console", "xml", "json", "none"):
        parser.error(f"unknown output {options.output_as!r}: text, console, xml, json or none")
    try:
        float(options.interval.rstrip("s"))
    except ValueError:
        parser.error(f"{options.interval!r} is no number of seconds")
    shown = _shown(parser, options)
    file = options.xml_file or offline_file(os.environ, options.config)
    if file:
        return _offline(str(file), shown, options)

    async def body(cluster: Cluster) -> int:
        return await _watch(cluster, shown, options)

    return run_tool("crm_mon", options.config, body)


def _shown(parser: ToolParser, options: argparse.Namespace) -> Shown:
    wanted = set(_DEFAULT)
    if options.fence_history is not None:
        if options.fence_history not in _HISTORY:
            parser.error(f"--fence-history: {options.fence_history!r} is none of 0, 1, 2, 3")
        wanted = (wanted - {*_FENCING}) | {*_HISTORY[options.fence_history]}
    for names, adding in ((options.include, True), (options.exclude, False)):
        for name in (names or "").split(","):
            base = name.partition(":")[0]
            if base in ("all", "default") and adding:
                wanted = set(_SECTIONS if base == "all" else _DEFAULT)
            elif base in ("none", "all"):
                wanted = set()
            elif base == "fencing":
                wanted = wanted | {*_FENCING} if adding else wanted - {*_FENCING}
            elif base and base not in _SECTIONS:
                parser.error(f"unknown section {base!r}; there are: {', '.join(_SECTIONS)}")
            elif base:
                (wanted.add if adding else wanted.discard)(base)
    return Shown(
        summary="summary" in wanted,
        nodes="nodes" in wanted,
        resources="resources" in wanted,
        failures="failures" in wanted,
        inactive=options.inactive,
        by_node=options.group_by_node,
        attributes=options.show_node_attributes or "attributes" in wanted,
        fail_counts=options.failcounts or "failcounts" in wanted,
        bans=options.neg_locations is not None or "bans" in wanted,
        headers=not options.hide_headers,
        failed_fencings="fencing-failed" in wanted,
        pending_fencings="fencing-pending" in wanted,
        succeeded_fencings="fencing-succeeded" in wanted,
        whole_history=options.fence_history == "3",
        detail=options.show_detail,
    )


def _offline(file: str, shown: Shown, options: argparse.Namespace) -> int:
    try:
        status = build(parse(Path(file).read_bytes()), now=int(time.time()))
    except OSError as error:
        complain("crm_mon", f"{file}: {error.strerror}")
        return int(ExitCode.NOINPUT)
    except BadXml as error:
        complain("crm_mon", f"{file}: {error}")
        return int(ExitCode.DATAERR)
    _show(status, shown, options, "")
    return 0


async def _watch(cluster: Cluster, shown: Shown, options: argparse.Namespace) -> int:
    session = Session(console=Console(colour=False), config=options.config, program="crm_mon")
    once = options.once or options.output_as in ("xml", "json") or not sys.stdout.isatty()
    try:
        while True:
            try:
                status = await status_now(session)
            except HaError as error:
                if options.output_as != "xml":
                    raise
                write(_failure_xml(error))
                return int(error.exit_code)
            if not once:
                sys.stdout.write("\x1b[2J\x1b[H")
            _show(status, shown, options, session.cluster.settings.node)
            if once:
                return 0
            await asyncio.sleep(float(options.interval.rstrip("s")))
    finally:
        await session.close()


def _request() -> str:
    return " ".join(["crm_mon", *(shlex.quote(word) for word in sys.argv[1:])])


def _failure_xml(error: HaError) -> str:
    text = text_of(error.exit_code)
    return framed(_request(), (), code=int(error.exit_code), message=text, errors=(str(error),))


def _show(status: Status, shown: Shown, options: argparse.Namespace, node: str) -> None:
    status = _filtered(status, options)
    match options.output_as:
        case "xml":
            text = framed(_request(), elements(status, now=now_text(node)))
        case "json":
            text = json.dumps(data_of(status), indent=2, ensure_ascii=False)
        case "none":
            return
        case _ if options.simple_status:
            text = _one_line(status)
        case _:
            text = render(status, shown, now=now_text(node))
    if options.output_to and options.output_to != "-":
        try:
            Path(options.output_to).write_text(text + "\n", "utf-8")
        except OSError as error:
            raise ToolFailed(f"{options.output_to}: {error.strerror}", ExitCode.CANTCREAT) from None
        return
    write(text)


def _one_line(status: Status) -> str:
    bad = [each.name for each in status.nodes if not each.online]
    if not status.dc or bad or status.failed_actions:
        words = [f"offline: {' '.join(bad)}"] if bad else []
        words += ["no DC"] if not status.dc else []
        words += [f"{len(status.failed_actions)} failed actions"] if status.failed_actions else []
        return f"CLUSTER WARN: {', '.join(words)}"
    return (
        f"CLUSTER OK: {len(status.nodes)} nodes online,"
        f" {status.instances} resource instances configured"
    )


def _filtered(status: Status, options: argparse.Namespace) -> Status:
    from dataclasses import replace

    tags = status.cluster.tags
    if options.node:
        names = (options.node, *tags.get(options.node, ()))
        nodes = tuple(each for each in status.nodes if {each.name, each.id} & set(names))
        fencings = tuple(each for each in status.fencings if each.target in names)
        status = replace(status, nodes=nodes, fencings=fencings)
    if options.resource:
        names = (options.resource, *tags.get(options.resource, ()))
        parts = (top.part(name) for name in names for top in status.resources)
        resources = {id(part): part for part in parts if part is not None}
        status = replace(status, resources=tuple(resources.values()))
    return status
