"""``crm_simulate``: what the cluster would do with a CIB (features section 27)."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cib_store.document.codec import BadXml, parse
from cib_store.document.element import Element
from cib_store.model.dates import Moment, parse_moment
from cib_store.model.values import parse_integer
from crm_shell.simulate.changes_text import summary_lines
from crm_shell.simulate.dot_text import dot_lines
from crm_shell.simulate.execution import execute
from crm_shell.simulate.status_text import counts, status_text
from crmd.scheduler.graph_xml import graph_xml
from crmd.scheduler.pipeline import decide, read_cluster
from crmd.scheduler.schedule import Schedule
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.codes import ExitCode

RECURSION_LIMIT = 100_000
"""Chains of orders are followed recursively; large clusters have long ones."""


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="crm_simulate", description="Simulate the cluster's response to events."
    )
    parser.add_argument("-x", "--xml-file", metavar="FILE", help="read the CIB from this file")
    parser.add_argument("-p", "--xml-pipe", action="store_true", help="read it from stdin")
    parser.add_argument("-S", "--simulate", action="store_true", help="simulate the transition")
    parser.add_argument("-R", "--run", action="store_true", help="process the input only")
    parser.add_argument("-Q", "--quiet", action="store_true", help="show only what is asked for")
    parser.add_argument("-s", "--show-scores", action="store_true", help="show scores")
    parser.add_argument("-D", "--save-dotfile", metavar="FILE", help="save the graph as dot")
    parser.add_argument("-G", "--save-graph", metavar="FILE", help="save the graph as XML")
    parser.add_argument("-a", "--all-actions", action="store_true", help="all actions in the dot")
    parser.add_argument("-t", "--set-datetime", metavar="DATE", help="pretend it is this time")
    return parser.parse_args(argv)


class Session:
    """One simulation: the options, and where the lines go."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.printed = False

    def say(self, *lines: str) -> None:
        """Print lines."""
        for line in lines:
            sys.stdout.write(line + "\n")

    def now(self, cib: Element) -> Moment:
        """The time to decide for: asked for, recorded in the CIB, or now."""
        asked = self.options.set_datetime
        if asked is not None:
            if not self.options.quiet:
                self.say(f"Setting effective cluster time: {asked}")
            return parse_moment(asked) or Moment(int(time.time()))
        recorded = parse_integer(cib.attributes.get("execution-date"))
        if recorded is None:
            return Moment(int(time.time()))
        when = datetime.fromtimestamp(recorded, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        if not self.options.quiet:
            self.say(f"Using the original execution date of: {when}")
        return Moment(recorded)

    def spacer(self) -> None:
        """Separate blocks by a blank line."""
        if self.printed:
            self.say("")
        self.printed = True

    def show_status(self, title: str, run: Run, *, pending: bool = False) -> None:
        """Show nodes and resources."""
        self.spacer()
        self.say(f"{title}:", *status_text(run, pending=pending))

    def simulate(self, cib: Element) -> int:
        """Run the whole simulation."""
        options = self.options
        run = read_cluster(cib, self.now(cib), show_scores=options.show_scores, sanitized=True)
        if not options.quiet:
            self._show_warnings(run)
            self.show_status("Current cluster status", run, pending=True)
        if not (options.run or options.simulate):
            return ExitCode.OK
        schedule = decide(run)
        self._show_decision(schedule)
        self._save(schedule)
        if options.simulate:
            rehearsal = execute(run, cib, schedule.graph, when=int(time.time()))
            if not options.quiet:
                self.spacer()
                self.say("Executing Cluster Transition:", *rehearsal.lines)
                revised = read_cluster(rehearsal.cib, self.now(rehearsal.cib))
                self.show_status("Revised Cluster Status", revised)
        return ExitCode.OK

    def _show_warnings(self, run: Run) -> None:
        if run.maintenance_mode:
            self.spacer()
            self.say(
                "",
                "              *** Resource management is DISABLED ***",
                "  The cluster will not attempt to start, stop or recover services",
            )
        total, disabled, blocked = counts(run)
        if disabled or blocked:
            self.spacer()
            self.say(
                f"{disabled} of {total} resource instances DISABLED and "
                f"{blocked} BLOCKED from further action due to failure"
            )

    def _show_decision(self, schedule: Schedule) -> None:
        if self.options.show_scores and self.options.quiet:
            self.say(*schedule.score_lines)
        elif self.options.show_scores:
            self.spacer()
            self.say("Assignment Scores:", *(f"  * {line}" for line in schedule.score_lines))
        if not self.options.quiet:
            self.spacer()
            self.say("Transition Summary:", *summary_lines(schedule))

    def _save(self, schedule: Schedule) -> None:
        options = self.options
        if options.save_graph is not None:
            Path(options.save_graph).write_text(graph_xml(schedule.graph), encoding="utf-8")
        if options.save_dotfile is not None:
            lines = dot_lines(schedule, all_actions=options.all_actions)
            text = "\n".join(lines) + "\n"
            Path(options.save_dotfile).write_text(text, encoding="utf-8")


def _read(options: argparse.Namespace) -> Element:
    if options.xml_pipe or options.xml_file in (None, "-"):
        return parse(sys.stdin.buffer.read())
    return parse(Path(options.xml_file).read_bytes())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    options = _arguments(argv)
    sys.setrecursionlimit(RECURSION_LIMIT)
    try:
        cib = _read(options)
    except OSError as error:
        sys.stderr.write(f"crm_simulate: cannot read {error.filename}: {error.strerror}\n")
        return ExitCode.NOINPUT
    except BadXml as error:
        sys.stderr.write(f"crm_simulate: {options.xml_file or 'stdin'}: {error}\n")
        return ExitCode.DATAERR
    return Session(options).simulate(cib)


if __name__ == "__main__":
    sys.exit(main())
