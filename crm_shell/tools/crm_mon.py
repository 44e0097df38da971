"""``crm_mon``: the cluster's status, once or again and again (features 27.1-27.5, 29.6)."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from cib_store.document.codec import BadXml, parse
from cib_store.model.values import parse_duration_ms
from crm_shell.commands.session import Session
from crm_shell.commands.status import now_text, status_now
from crm_shell.console import Console
from crm_shell.status.build import build
from crm_shell.status.data import data_of
from crm_shell.status.html import page
from crm_shell.status.model import Status
from crm_shell.status.sections import (
    DEFAULT,
    EVERYTHING,
    FENCE_HISTORY,
    FENCING,
    NAMES,
    UnknownSection,
    chosen,
)
from crm_shell.status.text import Shown, one_line, render
from crm_shell.status.xml import elements, framed
from crm_shell.tools.code_text import text_of
from crm_shell.tools.frame import ToolFailed, ToolParser, complain, run_tool, write
from crm_shell.tools.monitoring import background
from crm_shell.tools.monitoring.watching import Watcher
from raftmaker.client import Cluster
from raftmaker.client.offline import offline_file
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode

_OUTPUTS = ("text", "console", "html", "xml", "json", "none")
_ADDED = (
    ("-f", "failcounts", "failcounts", "how often what failed"),
    ("-o", "operations", "operations", "what ran on each node"),
    ("-t", "timing-details", "operations", "the same, with when and how long"),
    ("-c", "tickets", "tickets", "tickets of this site"),
    ("-A", "show-node-attributes", "attributes", "attributes of nodes"),
)
"""Flags that add a section: (short, long, section, text)."""


class _Step(argparse.Action):
    """Gather --include and --exclude in their order."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object,
        option_string: str | None = None,
    ) -> None:  # fmt: skip
        namespace.steps = [*namespace.steps, (str(values), self.const)]


def _parser() -> ToolParser:
    parser = ToolParser("crm_mon", "show the cluster's status")
    parser.flag("-1", "--one-shot", dest="once", text="show it once and exit")
    parser.value("-i", "--interval", dest="interval", text="time between looks", default="5")
    for short, name, adding in (("-I", "--include", True), ("-U", "--exclude", False)):
        what = f"to {'show' if adding else 'leave out'}: {', '.join(NAMES)}, or list"
        parser.add_argument(short, name, dest="steps", action=_Step, const=adding, default=[],
                            metavar="SECTIONS", help=what)  # fmt: skip
    parser.value("--output-as", dest="output_as", text=", ".join(_OUTPUTS))
    parser.value("--output-to", dest="output_to", text="file for the answer")
    parser.flag("-X", "--as-xml", dest="as_xml", text="the older form of --output-as=xml")
    parser.value("-h", "--as-html", dest="as_html", text="the older form of --output-as=html"
                 " --output-to=FILE")  # fmt: skip
    parser.flag("-w", "--web-cgi", dest="web_cgi", text="the older form of --output-as=html"
                " --html-cgi")  # fmt: skip
    parser.flag("--html-cgi", dest="html_cgi", text="with headers for a web server")
    parser.value("--html-stylesheet", dest="html_stylesheet", text="address of a style sheet")
    parser.value("--html-title", dest="html_title", text="title of the page")
    parser.value("-x", "--xml-file", dest="xml_file", text="show this CIB instead of the cluster")
    parser.value("--node", dest="node", text="only this node, or those of a tag")
    parser.value("--resource", dest="resource", text="only this resource, or those of a tag")
    for short, name, _, text in _ADDED:
        parser.flag(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    for short, name, text in (
        ("-n", "group-by-node", "resources under their node"),
        ("-r", "inactive", "also what does not run"),
        ("-D", "hide-headers", "without the summary"),
        ("-R", "show-detail", "ids, each instance of a clone, more about failures"),
        ("-b", "brief", "how many resources of an agent run where"),
        ("-j", "pending", "accepted: pending operations are always shown"),
        ("-s", "simple-status", "one line, for monitoring"),
        ("-N", "disable-ncurses", "the older form of --output-as=text"),
        ("-Q", "quiet", "accepted"),
        ("-d", "daemonize", "go on in the background; needs --output-to or --external-agent"),
        ("-W", "watch-fencing", "with --external-agent: run it on fencings too"),
    ):
        parser.flag(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    parser.flag("--show-description", dest="show_description", text="descriptions of resources")
    parser.value("-p", "--pid-file", dest="pid_file", text="where the daemon writes its pid")
    parser.value("-E", "--external-agent", dest="external_agent",
                 text="program to run on each result of an operation")  # fmt: skip
    parser.value("-e", "--external-recipient", dest="external_recipient",
                 text="what it finds in CRM_notify_recipient")  # fmt: skip
    parser.add_argument("-m", "--fence-history", nargs="?", const="2", metavar="LEVEL",
                        help="fencings: 0 none, 1 failed and pending ones, 2 also those that"
                             " succeeded, 3 all that are remembered")  # fmt: skip
    parser.add_argument("-L", "--neg-locations", nargs="?", const="", metavar="PREFIX",
                        help="what keeps resources away from nodes")  # fmt: skip
    return parser


def main() -> int:
    """Run the tool and return its exit code."""
    parser = _parser()
    options = parser.parse_args()
    _settle_output(parser, options)
    interval_ms = parse_duration_ms(options.interval)
    if not interval_ms or interval_ms < 0:
        parser.error(f"--interval: {options.interval!r} is no time above 0 (5, 500ms, PT1M)")
    options.interval_s = interval_ms / 1000
    if any(names in ("list", "help") for names, _ in options.steps):
        write("\n".join(NAMES))
        return 0
    shown = _shown(parser, options)
    if options.daemonize and not (options.output_to or options.external_agent):
        parser.error("--daemonize needs --output-to FILE or --external-agent PROGRAM")
    file = options.xml_file or offline_file(os.environ, options.config)
    if file:
        return _offline(str(file), shown, options)

    async def body(cluster: Cluster) -> int:
        return await _watch(shown, options)

    if options.daemonize:
        return background.detached(
            "crm_mon", options.pid_file, lambda: run_tool("crm_mon", options.config, body)
        )
    return run_tool("crm_mon", options.config, body)


def _settle_output(parser: ToolParser, options: argparse.Namespace) -> None:
    """Turn the older forms into the newer ones, and refuse what fits no output."""
    if options.as_html:
        options.output_as, options.output_to = "html", options.as_html
    if options.web_cgi or parser.prog.endswith(".cgi"):
        options.output_as, options.html_cgi, options.once = "html", True, True
    options.output_as = "xml" if options.as_xml else options.output_as or "text"
    if options.output_as not in _OUTPUTS:
        parser.error(f"unknown output {options.output_as!r}; there are: {', '.join(_OUTPUTS)}")
    html = (options.html_cgi, options.html_stylesheet, options.html_title)
    if any(html) and options.output_as != "html":
        parser.error("--html-cgi, --html-stylesheet and --html-title need --output-as=html")


def _shown(parser: ToolParser, options: argparse.Namespace) -> Shown:
    default = EVERYTHING if options.output_as in ("xml", "html", "json") else DEFAULT
    start = default
    if options.fence_history is not None:
        if options.fence_history not in FENCE_HISTORY:
            parser.error(f"--fence-history: {options.fence_history!r} is none of 0, 1, 2, 3")
        start = (start - {*FENCING}) | {*FENCE_HISTORY[options.fence_history]}
    start |= {section for _, name, section, _ in _ADDED if getattr(options, name.replace("-", "_"))}
    if options.neg_locations is not None:
        start |= {"bans"}
    try:
        choice = chosen(default, options.steps, start)
    except UnknownSection as error:
        parser.error(str(error))
    return Shown(
        sections=choice.sections,
        bans_prefix=choice.bans_prefix or options.neg_locations or "",
        inactive=options.inactive,
        by_node=options.group_by_node,
        headers=not options.hide_headers,
        whole_history=options.fence_history == "3",
        detail=options.show_detail,
        brief=options.brief,
        timing=options.timing_details,
        descriptions=options.show_description,
    )


def _offline(file: str, shown: Shown, options: argparse.Namespace) -> int:
    try:
        status = build(parse(Path(file).read_bytes()), now=int(time.time()))
        return _show(status, shown, options, "")
    except ToolFailed as error:
        complain("crm_mon", str(error))
        return int(error.code)
    except OSError as error:
        complain("crm_mon", f"{file}: {error.strerror}")
        return int(ExitCode.NOINPUT)
    except BadXml as error:
        complain("crm_mon", f"{file}: {error}")
        return int(ExitCode.DATAERR)


async def _watch(shown: Shown, options: argparse.Namespace) -> int:
    session = Session(console=Console(colour=False), config=options.config, program="crm_mon")
    ends = options.once or options.simple_status or options.output_as in ("xml", "json")
    lasts = options.daemonize or options.external_agent or (not ends and sys.stdout.isatty())
    watcher = Watcher(session, options)
    try:
        while True:
            try:
                status = await status_now(session)
            except HaError as error:
                if options.output_as == "xml":
                    write(_failure_xml(error))
                    return int(error.exit_code)
                if not options.daemonize:
                    raise
                complain("crm_mon", str(error))
                await watcher.pause()
                continue
            if lasts and sys.stdout.isatty() and not options.output_to:
                sys.stdout.write("\x1b[2J\x1b[H")
            code = _show(status, shown, options, session.cluster.settings.node)
            if not lasts:
                return code
            await watcher.follow()
    finally:
        await session.close()


def _request() -> str:
    return " ".join(["crm_mon", *(shlex.quote(word) for word in sys.argv[1:])])


def _failure_xml(error: HaError) -> str:
    text = text_of(error.exit_code)
    return framed(_request(), (), code=int(error.exit_code), message=text, errors=(str(error),))


def _show(status: Status, shown: Shown, options: argparse.Namespace, node: str) -> int:
    """Print the status; return the exit code, which is of use with --simple-status alone."""
    status = _filtered(status, options)
    if options.simple_status:
        text = one_line(status)
        _put(text, options)
        return int(ExitCode.OK if text.startswith("CLUSTER OK") else ExitCode.ERROR)
    now = now_text(node)
    match options.output_as:
        case "xml":
            prefix = shown.bans_prefix
            told = elements(status, now=now, sections=shown.sections, bans_prefix=prefix)
            text = framed(_request(), told)
        case "json":
            text = json.dumps(data_of(status), indent=2, ensure_ascii=False)
        case "html":
            text = _html(render(status, shown, now=now), options)
        case "none":
            return 0
        case _:
            text = render(status, shown, now=now)
    _put(text, options)
    return 0


def _html(text: str, options: argparse.Namespace) -> str:
    html = page(
        text,
        title=options.html_title or "Cluster Status",
        stylesheet=options.html_stylesheet or "",
        refresh_s=0 if options.once and not options.html_cgi else options.interval_s,
    )
    return f"Content-Type: text/html\n\n{html}" if options.html_cgi else html


def _put(text: str, options: argparse.Namespace) -> None:
    if not options.output_to or options.output_to == "-":
        if not options.daemonize:
            write(text)
        return
    target = Path(options.output_to)
    try:
        # Whoever reads meanwhile finds the old or the new answer whole.
        part = target.with_name(f".{target.name}.{os.getpid()}")
        part.write_text(text + "\n", "utf-8")
        part.replace(target)
    except OSError as error:
        raise ToolFailed(f"{options.output_to}: {error.strerror}", ExitCode.CANTCREAT) from None


def _filtered(status: Status, options: argparse.Namespace) -> Status:
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
