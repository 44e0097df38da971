"""``crm_simulate``: what the cluster would do with a CIB (features 27.19 to 27.22)."""

from __future__ import annotations

import argparse
import contextlib
import gc
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cib_store.document.codec import BadXml, parse
from cib_store.document.element import Element
from cib_store.model.dates import Moment, parse_moment
from cib_store.model.upgrade import upgraded
from crm_shell.simulate.injections import Injections
from crm_shell.simulate.session import Format, Session, Wishes
from crm_shell.tools.frame import ToolParser, complain, run_tool, write
from crmd.scheduler.pipeline import schedule
from raftmaker.runtime.saved_files import FILE_BYTES_MAX, bytes_of
from raftmaker.vocabulary.codes import ExitCode

if TYPE_CHECKING:
    from raftmaker.client import Cluster

PROGRAM = "crm_simulate"
RECURSION_LIMIT = 100_000
"""Chains of orders are followed recursively; large clusters have long ones."""

_SUMMARY = """Simulate the cluster's response to events.

An OPSPEC is RESOURCE_TASK_INTERVAL@NODE=CODE, with the interval in milliseconds:
web_monitor_20000@node1=7 makes the monitor of web on node1 say that it does not run."""


def _parser() -> ToolParser:
    parser = ToolParser(PROGRAM, _SUMMARY)
    parser.flag("-R", "--run", dest="run", text="decide, and show what would be done")
    parser.flag("-S", "--simulate", dest="simulate", text="decide, carry out, show the new status")
    parser.flag("-X", "--in-place", dest="in_place", text="like -S; the result goes into the input")
    parser.flag("-Q", "--quiet", dest="quiet", text="show only what is asked for")
    parser.flag("-A", "--show-attrs", dest="attributes", text="show attributes of nodes")
    parser.flag("-c", "--show-failcounts", dest="failcounts", text="show failures")
    parser.flag("-s", "--show-scores", dest="scores", text="show scores")
    parser.flag("-U", "--show-utilization", dest="utilization", text="show utilization")
    parser.flag("-j", "--pending", dest="pending", text=argparse.SUPPRESS)
    parser.flag("-a", "--all-actions", dest="all_actions", text="optional actions in the dot file")
    parser.flag("-L", "--live-check", dest="live", text="take the CIB of the running cluster")
    parser.flag("-p", "--xml-pipe", dest="pipe", text="take the CIB from standard input")
    parser.value("-x", "--xml-file", dest="file", text="take the CIB from a file")
    parser.value("-t", "--set-datetime", dest="date", text="pretend it is this time")
    parser.value("-I", "--save-input", dest="save_input", text="save the CIB that is decided for")
    parser.value("-O", "--save-output", dest="save_output", text="save the CIB afterwards")
    parser.value("-G", "--save-graph", dest="save_graph", text="save the graph as XML")
    parser.value("-D", "--save-dotfile", dest="save_dot", text="save the graph as a dot file")
    parser.value("-P", "--profile", dest="profile", text="time every XML file of a folder")
    parser.value("-N", "--repeat", dest="repeat", text="with -P: how often each", default="1")
    parser.value("-w", "--watchdog", dest="watchdog", text="whether there is a watchdog")
    parser.value("--quorum", dest="quorum", text="whether there is quorum (also -q VALUE)")
    parser.value("--output-as", dest="format", text="text, xml or json", default="text")
    parser.value("--output-to", dest="output", text="write to this file")
    for short, long, text in (
        ("-u", "node-up", "a node comes online"),
        ("-d", "node-down", "a node leaves"),
        ("-f", "node-fail", "a node fails"),
        ("-g", "ticket-grant", "a ticket is granted"),
        ("-r", "ticket-revoke", "a ticket is revoked"),
        ("-b", "ticket-standby", "a ticket goes to standby"),
        ("-e", "ticket-activate", "a ticket becomes active"),
        ("-i", "op-inject", "an operation has had this result (OPSPEC)"),
        ("-F", "op-fail", "an operation fails in the simulation (OPSPEC)"),
    ):
        dest = long.replace("-", "_")
        parser.add_argument(
            short, f"--{long}", dest=dest, action="append", default=[], metavar="VALUE", help=text
        )
    return parser


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


def _wishes(options: argparse.Namespace, request: str) -> Wishes:
    output = options.file if options.in_place else options.save_output
    return Wishes(
        format=Format(options.format),
        request=request,
        quiet=options.quiet,
        run=options.run,
        simulate=options.simulate or options.in_place,
        attributes=options.attributes,
        failcounts=options.failcounts,
        scores=options.scores,
        utilization=options.utilization,
        all_actions=options.all_actions,
        date=options.date,
        injections=Injections(
            quorum=options.quorum,
            watchdog=options.watchdog,
            node_up=tuple(options.node_up),
            node_down=tuple(options.node_down),
            node_fail=tuple(options.node_fail),
            ticket_grant=tuple(options.ticket_grant),
            ticket_revoke=tuple(options.ticket_revoke),
            ticket_standby=tuple(options.ticket_standby),
            ticket_activate=tuple(options.ticket_activate),
            op_inject=tuple(options.op_inject),
        ),
        op_fail=tuple(options.op_fail),
        save_input=_path(options.save_input),
        save_output=_path(output),
        save_graph=_path(options.save_graph),
        save_dot=_path(options.save_dot),
    )


def _with_quorum(argv: Sequence[str]) -> list[str]:
    """``-q`` takes a value and means quorum; ``-Q`` is quiet."""
    return ["--quorum" if word == "-q" else word for word in argv]


def _profile(options: argparse.Namespace) -> int:
    """Time the decision for every input of a folder, all in this process (features 27.22)."""
    repeat = int(options.repeat) if options.repeat.isdigit() else 1
    folder = Path(options.profile)
    files = sorted((*folder.glob("*.xml"), *folder.glob("*.bz2")))
    if not files:
        complain(PROGRAM, f"{folder}: no XML files there, nor scheduler inputs (.bz2)")
        return ExitCode.NOINPUT
    now = parse_moment(options.date) if options.date is not None else None
    write("Timings:")
    for file in files:
        start = time.process_time()
        try:
            cib = upgraded(parse(bytes_of(file))).cib
        except (OSError, BadXml) as error:
            complain(PROGRAM, f"{file}: {error}")
            continue
        with _uncollected():
            for _ in range(repeat):
                schedule(cib, now or Moment(int(time.time())))
        write(f"  * Testing {file} ... {time.process_time() - start:.2f} secs")
    return ExitCode.OK


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Leave garbage alone: there is little, and looking for it takes a sixth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(options: argparse.Namespace) -> Element:
    if options.pipe or options.file in (None, "-"):
        return parse(sys.stdin.buffer.read(), bytes_max=FILE_BYTES_MAX)
    return parse(bytes_of(Path(options.file)), bytes_max=FILE_BYTES_MAX)


def _simulate(cib: Element, wishes: Wishes) -> int:
    if cib.tag != "cib":
        complain(PROGRAM, f"the document is no CIB: its root is <{cib.tag}>, not <cib>")
        return ExitCode.DATAERR
    session = Session(wishes, write, _complain)
    return session.simulate(cib)


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    options = parser.parse_args(_with_quorum(words))
    if options.format not in {one.value for one in Format}:
        parser.error(f"--output-as: {options.format!r} is none of text, xml, json")
    sys.setrecursionlimit(RECURSION_LIMIT)
    if options.profile is not None:
        return _profile(options)
    wishes = _wishes(options, shlex.join((PROGRAM, *words)))
    with _uncollected():
        return _simulated(options, wishes)


def _simulated(options: argparse.Namespace, wishes: Wishes) -> int:
    try:
        if options.output not in (None, "-"):
            with (
                Path(options.output).open("w", encoding="utf-8") as stream,
                contextlib.redirect_stdout(stream),
            ):
                return _from_source(options, wishes)
        return _from_source(options, wishes)
    except OSError as error:
        complain(PROGRAM, f"{error.filename}: {error.strerror}")
        return ExitCode.CANTCREAT


def _from_source(options: argparse.Namespace, wishes: Wishes) -> int:
    if options.live:
        return run_tool(PROGRAM, options.config, lambda cluster: _live(cluster, wishes))
    try:
        cib = _read(options)
    except OSError as error:
        complain(PROGRAM, f"cannot read {error.filename}: {error.strerror}")
        return ExitCode.NOINPUT
    except BadXml as error:
        complain(PROGRAM, f"{options.file or 'standard input'}: {error}")
        return ExitCode.DATAERR
    return _simulate(cib, wishes)


async def _live(cluster: Cluster, wishes: Wishes) -> int:
    """Simulate with the CIB that the local store has now."""
    return _simulate((await cluster.cib(local=True)).document, wishes)


if __name__ == "__main__":
    sys.exit(main())
