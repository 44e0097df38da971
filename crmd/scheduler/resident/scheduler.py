"""`Resident`: a scheduler that stays, and decides again only what a change can have changed."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.references import Index
from cib_store.model.upgrade import upgraded
from crmd.scheduler.graph import Graph
from crmd.scheduler.limits import CUT
from crmd.scheduler.pipeline import plan, read_into
from crmd.scheduler.resident.excerpt import State, excerpt, histories_of, node_states, told_apart
from crmd.scheduler.resident.layout import Layout, lay_out
from crmd.scheduler.resident.numbering import Ranks, priorities_of, ranked, takes, united, unsettled
from crmd.scheduler.resident.record import Record, is_apart, record
from crmd.scheduler.resident.staleness import View, stale
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Beside
from crmd.scheduler.status.nodes import find_state_node
from crmd.scheduler.status.reading import Readings
from raftmaker.vocabulary.reports import Report

_ROUNDS = 4
"""How often more components may turn out to be concerned before all are decided again."""


class Memory(Struct, eq=False):
    """What is kept of the last decision."""

    view: View
    rest: Record
    records: dict[str, Record]


class _Source(Struct, frozen=True):
    """A configuration as it came, and in the newest schema."""

    given: Element
    schema: str | None
    upgraded: Element
    new_schema: str | None
    layout: Layout | None


def _source_of(given: Element, schema: str | None) -> _Source:
    attributes = {} if schema is None else {"validate-with": schema}
    new = upgraded(Element("cib", attributes, (given,))).cib
    configuration = new.children[0]
    layout = lay_out(configuration, Index.of(new))
    return _Source(given, schema, configuration, new.attributes.get("validate-with"), layout)


class Resident:
    """Gives the same graph as `schedule`, from what it kept where that is enough."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._memory: Memory | None = None
        self._source: _Source | None = None
        self._states: dict[int, State] = {}
        self._readings = Readings()
        self.last_run: int | None = None
        """How many components the last decision ran through the stages; None for all."""
        self.cuts: tuple[Report, ...] = ()
        """What the last decision left out because the configuration asks for too much."""

    def graph(self, cib: Element, now: Moment) -> Graph:
        """Decide what the cluster shall do: what ``schedule(cib, now).graph`` is."""
        self.last_run, self.cuts = None, ()
        cib, layout = self._prepared(cib)
        view = self._view(cib, now, layout) if layout is not None else None
        graph = self._decided_again(view, now) if view is not None else None
        if graph is None:
            graph = self._decided_whole(cib, now, view)
        self._forget_histories(cib)
        return graph

    def _prepared(self, cib: Element) -> tuple[Element, Layout | None]:
        """Return the CIB in the newest schema, and its configuration taken apart."""
        given, schema = cib.child("configuration"), cib.attributes.get("validate-with")
        if given is None or cib.child("status") is None:
            return upgraded(cib).cib, None
        source = self._source
        if source is None or source.given is not given or source.schema != schema:
            source = self._source = _source_of(given, schema)
        children = tuple(source.upgraded if each is given else each for each in cib.children)
        attributes = dict(cib.attributes)
        if source.new_schema is not None:
            attributes["validate-with"] = source.new_schema
        return Element("cib", attributes, children), source.layout

    def _view(self, cib: Element, now: Moment, layout: Layout) -> View | None:
        states: list[State] = []
        for element in node_states(cib):
            known = self._states.get(id(element))
            if known is None or known.element is not element or known.layout is not layout:
                known = told_apart(element, layout)
                if known is None:
                    return None
            states.append(known)
        self._states = {id(state.element): state for state in states}
        run = Run(cib=excerpt(cib, layout, states, ()), now=now, index=layout.index)
        read_into(run)
        nodes = [find_state_node(run, state.element) for state in states]
        names = [node.name for node in nodes if node is not None]
        if len(set(names)) < len(states) or run.have_remote_nodes:
            return None
        if [state.element.get("uname") for state in states] != names:
            return None
        return View(
            cib=cib,
            now_s=now.epoch,
            layout=layout,
            states=states,
            conditions=run.trail.conditions,
            attributes={node.name: node.attributes for node in run.nodes},
            names=names,
        )

    def _decided_whole(self, cib: Element, now: Moment, view: View | None) -> Graph:
        index = view.layout.index if view is not None else Index.of(cib)
        run = Run(cib=cib, now=now, index=index, readings=self._readings)
        read_into(run)
        graph = plan(run)
        self.cuts = tuple(report for report in run.reports if report.code in CUT)
        self._memory = None
        if view is not None and is_apart(run):
            parted = record(run, graph, view.layout, view.states)
            if parted is not None:
                self._memory = Memory(view, *parted)
        return graph

    def _decided_again(self, view: View, now: Moment) -> Graph | None:
        """Decide with what is kept; None where that is not enough."""
        memory, self._memory = self._memory, None
        if memory is None:
            return None
        names = stale(memory.view, view, memory.records, self._readings)
        if names is None:
            return None
        for _ in range(_ROUNDS):
            kept = {
                name: known
                for name, known in memory.records.items()
                if name not in names and name in view.layout.components
            }
            part = self._run_part(view, now, names, kept)
            if part is None:
                return None
            outline, rest, fresh = part
            records = {**kept, **fresh}
            everything = list(records.values())
            ranks = ranked(priorities_of(everything), view.layout.tops)
            wrong = unsettled(everything, ranks)
            if not wrong:
                self.last_run = len(names)
                self._memory = Memory(view, rest, records)
                places = Ranks(ranks, view.layout.constraints, view.states)
                return united(outline, rest, everything, places)
            for each in wrong:
                assert each.component is not None
                names[each.component.resources[0].id] = None
        return None

    def _run_part(
        self, view: View, now: Moment, names: Collection[str], kept: dict[str, Record]
    ) -> tuple[Graph, Record, dict[str, Record]] | None:
        others, layout = list(kept.values()), view.layout
        beside = Beside(
            managed=any(known.managed for known in others), have_fencing=layout.have_fencing
        )
        run = Run(
            cib=excerpt(view.cib, layout, view.states, names),
            now=now,
            index=layout.index,
            readings=self._readings,
            beside=beside,
        )
        read_into(run)
        priorities = priorities_of(others) | run.trail.priorities
        beside.ranks = ranked(priorities, layout.tops)
        beside.takes = takes(others, beside.ranks)
        graph = plan(run)
        if not is_apart(run) or run.trail.conditions != view.conditions:
            return None
        parted = record(run, graph, layout, view.states)
        return (graph, *parted) if parted is not None else None

    def _forget_histories(self, cib: Element) -> None:
        """Let go of what is known about histories that are no more."""
        states = [histories_of(state) for state in node_states(cib)]
        if len(self._readings.known) > 2 * sum(map(len, states)):
            self._readings.keep(each for histories in states for each in histories)
