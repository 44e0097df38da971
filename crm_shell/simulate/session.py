"""One simulation from beginning to end: what is read, decided, carried out and said."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from msgspec import Struct, field

from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.model.dates import Moment, parse_moment
from cib_store.model.upgrade import upgraded
from cib_store.model.values import parse_integer
from crm_shell.simulate import xml_output
from crm_shell.simulate.changes_text import summary_lines
from crm_shell.simulate.dot_text import dot_lines
from crm_shell.simulate.execution import Rehearsal, event_text, execute
from crm_shell.simulate.injections import Injections, inject, note_text
from crm_shell.status import cluster_xml
from crm_shell.status.cluster_text import counts, status_text
from crm_shell.status.details_text import attribute_lines, failcount_lines
from crmd.scheduler.graph_xml import graph_xml
from crmd.scheduler.limits import CUT
from crmd.scheduler.pipeline import decide, read_cluster
from crmd.scheduler.schedule import Schedule
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.codes import ExitCode


class Format(Enum):
    """How the answer is written."""

    TEXT = "text"
    XML = "xml"
    JSON = "json"


class Wishes(Struct, frozen=True, kw_only=True):
    """Everything that somebody asked for."""

    format: Format = Format.TEXT
    request: str = "crm_simulate"
    quiet: bool = False
    run: bool = False
    simulate: bool = False
    attributes: bool = False
    failcounts: bool = False
    scores: bool = False
    utilization: bool = False
    all_actions: bool = False
    date: str | None = None
    injections: Injections = field(default_factory=Injections)
    op_fail: tuple[str, ...] = ()
    save_input: Path | None = None
    save_output: Path | None = None
    save_graph: Path | None = None
    save_dot: Path | None = None


class Session:
    """One simulation. `say` and `complain` take lines for standard output and error."""

    def __init__(
        self, wishes: Wishes, say: Callable[[str], None], complain: Callable[[str], None]
    ) -> None:
        self.wishes = wishes
        self._say = say
        self._complain = complain
        self._printed = False
        self._parts: list[Element] = []

    def simulate(self, cib: Element) -> ExitCode:
        """Run the whole simulation."""
        code = self._simulate(cib)
        name = self.wishes.request
        message = "OK" if code is ExitCode.OK else code.name
        if self.wishes.format is Format.XML:
            self._say(xml_output.as_xml(name, tuple(self._parts), code=code, message=message))
        elif self.wishes.format is Format.JSON:
            self._say(xml_output.as_json(name, tuple(self._parts), code=code, message=message))
        return code

    def _simulate(self, cib: Element) -> ExitCode:
        wishes = self.wishes
        new = upgraded(cib)
        for report in new.reports:
            self._complain(str(report))
        cib = new.cib
        run = self._read(cib)
        if not wishes.quiet:
            self._show_warnings(run)
            self._show_status("Current cluster status", run, pending=True)
        if wishes.injections.are_there:
            cib = self._inject(run, cib)
            run = self._read(cib)
        if wishes.save_input is not None:
            wishes.save_input.write_text(render(cib), encoding="utf-8")
        if not (wishes.run or wishes.simulate):
            return ExitCode.OK
        schedule = decide(run, pictured=wishes.save_dot is not None)
        for report in schedule.reports:
            if report.code in CUT:
                self._complain(str(report))
        self._show_decision(schedule)
        self._save(schedule)
        if wishes.simulate:
            self._rehearse(run, cib, schedule)
        return ExitCode.OK

    def _read(self, cib: Element, *, quietly: bool = False) -> Run:
        return read_cluster(
            cib,
            self._now(cib),
            show_scores=self.wishes.scores and not quietly,
            show_utilization=self.wishes.utilization and not quietly,
            sanitized=True,
        )

    def _now(self, cib: Element) -> Moment:
        """The time to decide for: asked for, recorded in the CIB, or now."""
        asked = self.wishes.date
        if asked is not None:
            self._line(f"Setting effective cluster time: {asked}")
            return parse_moment(asked) or Moment(int(time.time()))
        recorded = parse_integer(cib.attributes.get("execution-date"))
        if recorded is None:
            return Moment(int(time.time()))
        try:
            when = datetime.fromtimestamp(recorded, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        except (ValueError, OverflowError, OSError):
            self._complain(f"/cib/@execution-date: {recorded} is no time (the present is taken)")
            return Moment(int(time.time()))
        self._line(f"Using the original execution date of: {when}")
        return Moment(recorded)

    def _line(self, *lines: str) -> None:
        """Say lines that quiet and structured output leave out."""
        if self.wishes.format is Format.TEXT and not self.wishes.quiet:
            for line in lines:
                self._say(line)

    def _block(self, *lines: str) -> None:
        """Say a block, a blank line before all but the first."""
        if self._printed:
            self._line("")
        self._printed = True
        self._line(*lines)

    def _show_status(self, title: str, run: Run, *, pending: bool = False) -> None:
        tag = "cluster_status" if pending else "revised_cluster_status"
        parts = list(cluster_xml.status_elements(run))
        self._block(f"{title}:", *status_text(run, pending=pending))
        if self.wishes.attributes:
            if lines := list(attribute_lines(run)):
                self._block(*lines)
            parts += cluster_xml.attribute_elements(run, run.nodes)
        if self.wishes.failcounts:
            self._block(*failcount_lines(run))
            parts.append(cluster_xml.failcount_elements(run, run.nodes))
            parts += cluster_xml.failure_elements(run.failed)
        self._parts.append(Element(tag, {}, tuple(parts)))

    def _show_warnings(self, run: Run) -> None:
        if run.maintenance_mode:
            self._block(
                "",
                "              *** Resource management is DISABLED ***",
                "  The cluster will not attempt to start, stop or recover services",
            )
        total, disabled, blocked = counts(run)
        if disabled or blocked:
            self._block(
                f"{disabled} of {total} resource instances DISABLED and "
                f"{blocked} BLOCKED from further action due to failure"
            )

    def _inject(self, run: Run, cib: Element) -> Element:
        done = inject(run, cib, self.wishes.injections, when=int(time.time()))
        lines = [note_text(note) for note in done.notes]
        self._block("Performing Requested Modifications:", *lines)
        self._parts.append(Element("modifications", {}, tuple(done.notes)))
        for error in done.errors:
            self._complain(error)
        return done.cib

    def _show_decision(self, schedule: Schedule) -> None:
        wishes = self.wishes
        title = {
            (True, True): "Assignment Scores and Utilization Information",
            (True, False): "Assignment Scores",
            (False, True): "Utilization Information",
        }.get((wishes.scores, wishes.utilization))
        if title is not None:
            lines = [f"  * {line}" for line in schedule.score_lines]
            if wishes.scores:
                lines = [*schedule.notices, *lines]
            self._block(f"{title}:", *lines)
            elements = tuple(xml_output.score_elements(schedule.score_lines))
            tag = "allocations" if wishes.scores else "utilizations"
            if wishes.scores and wishes.utilization:
                tag = "allocations_utilizations"
            self._parts.append(Element(tag, {}, elements))
            if wishes.quiet and wishes.format is Format.TEXT:
                self._say_quietly(title, schedule)
        self._block("Transition Summary:", *summary_lines(schedule))
        self._parts.append(xml_output.decision_element(schedule))

    def _say_quietly(self, title: str, schedule: Schedule) -> None:
        """Scores asked for quietly come without title and bullets."""
        bare = self.wishes.scores
        if not bare:
            self._say(f"{title}:")
        for line in schedule.score_lines:
            self._say(line if bare else f"  * {line}")

    def _save(self, schedule: Schedule) -> None:
        wishes = self.wishes
        if wishes.save_graph is not None:
            wishes.save_graph.write_text(graph_xml(schedule.graph), encoding="utf-8")
        if wishes.save_dot is not None:
            lines = dot_lines(schedule, all_actions=wishes.all_actions)
            wishes.save_dot.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _rehearse(self, run: Run, cib: Element, schedule: Schedule) -> None:
        wishes = self.wishes
        rehearsal: Rehearsal = execute(
            run, cib, schedule.graph, when=int(time.time()), failures=wishes.op_fail
        )
        self._block("Executing Cluster Transition:", *map(event_text, rehearsal.events))
        events = tuple(event for event in rehearsal.events if event.tag != "info")
        self._parts.append(Element("transition", {}, events))
        if not wishes.quiet:
            self._show_status("Revised Cluster Status", self._read(rehearsal.cib, quietly=True))
        if wishes.save_output is not None:
            wishes.save_output.write_text(render(rehearsal.cib), encoding="utf-8")
