"""What a run decided about each component, kept so that a later decision need not run it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from crmd.scheduler.graph import Graph, GraphAction
from crmd.scheduler.limits import is_cut
from crmd.scheduler.output.graph import graph_action
from crmd.scheduler.resident.excerpt import State
from crmd.scheduler.resident.layout import Component, Layout
from crmd.scheduler.state.action import Action
from crmd.scheduler.state.node import condition
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Choice, Place, Stage, Take
from crmd.scheduler.status.reading import Readings

Number = int
"""Of an action among those of one record, the oldest 0."""


class Made(Struct, frozen=True):
    """One action of the graph; `top`: the outermost resource that it was collected with."""

    number: Number
    top: str | None
    action: GraphAction
    inputs: tuple[Number, ...]
    shared: tuple[str, ...]
    """Keys of the inputs that belong to no resource, such as fencing."""


class Record(Struct, eq=False, kw_only=True):
    """The decision about one component, or (without one) about what belongs to none."""

    component: Component | None
    spans: list[tuple[Place, int]] = field(default_factory=list)
    """Places, and how many actions were first asked for there; together they number all."""
    made: list[Made] = field(default_factory=list)
    absent: dict[Number, GraphAction] = field(default_factory=dict)
    """Inputs that are not in the graph."""
    keys: dict[str, Number] = field(default_factory=dict)
    """What belongs to no resource, by key."""
    feeds: list[tuple[str, Number]] = field(default_factory=list)
    """Actions that something which belongs to no resource waits for."""
    steps: dict[str, list[Take | Choice]] = field(default_factory=dict)
    late: list[Choice] = field(default_factory=list)
    nodes: set[str] = field(default_factory=set)
    """Nodes that matter, so that their loss may change the decision."""
    managed: bool = False
    timely: bool = False
    priorities: dict[str, int] = field(default_factory=dict)
    outlived: str | None = None
    """A node that was lost since, and did not matter."""

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing at all is to be done."""
        return not self.made


def is_apart(run: Run) -> bool:
    """Whether nothing ties the resources of a run but what its layout knows."""
    return not (
        run.have_remote_nodes
        or run.unfencing_enabled
        or run.shutdown_lock
        or run.priority_fencing_ms
        or run.placement_strategy != "default"
        or run.options.text("node-health-strategy").lower() != "none"
        or run.trail.moved_late
        or is_cut(run)
        or any(rsc.removed for rsc in run.resources)
        or any(condition(node) != run.trail.conditions.get(node.name) for node in run.nodes)
    )


def record(
    run: Run, graph: Graph, layout: Layout, states: Sequence[State]
) -> tuple[Record, dict[str, Record]] | None:
    """Part a run's decision by component; None where it cannot be parted."""
    rest = Record(component=None)
    records = {
        layout.of_name[rsc.id]: Record(component=layout.components[layout.of_name[rsc.id]])
        for rsc in run.resources
    }
    owners: list[tuple[Record, Number]] = []
    counts: dict[int, int] = {}
    for action in run.actions:
        owner = _owner(action, layout, records, rest)
        number = counts.get(id(owner), 0)
        counts[id(owner)] = number + 1
        owners.append((owner, number))
        if owner.spans and owner.spans[-1][0] == action.place:
            owner.spans[-1] = (action.place, owner.spans[-1][1] + 1)
        else:
            owner.spans.append((action.place, 1))
        if owner is rest:
            owner.keys[action.key] = number
        elif action.node is not None:
            owner.nodes.add(action.node.name)
    if not _note_graph(run, graph, owners, rest):
        return None
    for top in run.resources:
        _note_trail(run, top, records[layout.of_name[top.id]])
    _note_histories(run.readings, states, records)
    return rest, records


def _owner(action: Action, layout: Layout, records: dict[str, Record], rest: Record) -> Record:
    if action.rsc is not None:
        return records[layout.of_name[action.rsc.outermost.id]]
    place = action.place
    if place[0] == Stage.CONSTRAINTS:
        return records[layout.of_constraint[str(place[1])]]
    return rest


def _note_graph(run: Run, graph: Graph, owners: list[tuple[Record, Number]], rest: Record) -> bool:
    for at, action in enumerate(graph.actions):
        owner, number = owners[action.id - 1]
        source = run.actions[action.id - 1]
        inputs: list[Number] = []
        shared: list[str] = []
        for id_ in action.inputs:
            other, first = owners[id_ - 1]
            if other is owner:
                inputs.append(first)
            elif other is rest:
                shared.append(run.actions[id_ - 1].key)
            elif owner is rest:
                other.feeds.append((source.key, first))
            else:
                return False
        by_resource = at < run.collected_by_resource and source.rsc is not None
        top = source.rsc.outermost.id if by_resource and source.rsc is not None else None
        owner.made.append(Made(number, top, action, tuple(inputs), tuple(shared)))
    for action in graph.absent:
        owner, number = owners[action.id - 1]
        owner.absent[number] = action
    present = {made.number for made in rest.made} | set(rest.absent)
    for number in rest.keys.values():
        if number not in present:
            source = next(
                a for a, o in zip(run.actions, owners, strict=True) if o == (rest, number)
            )
            rest.absent[number] = graph_action(run, source, ())
    return True


def _note_trail(run: Run, top: Resource, into: Record) -> None:
    trail = run.trail
    events = trail.steps.get(top.id)
    if events:
        into.steps[top.id] = events
    into.late += trail.late.get(top.id, [])
    into.nodes.update(trail.relied.get(top.id, ()))
    into.timely = into.timely or top.id in trail.timely
    into.priorities[top.id] = trail.priorities[top.id]
    into.managed = into.managed or _is_managed(top)


def _is_managed(rsc: Resource) -> bool:
    return rsc.managed or any(map(_is_managed, rsc.children))


def _note_histories(
    readings: Readings, states: Iterable[State], records: dict[str, Record]
) -> None:
    for state in states:
        for component, known in records.items():
            histories = state.by_component.get(component, ())
            if not all(readings.of(each).gist.is_absent for each in histories):
                known.nodes.add(state.element.get("uname"))
