"""Putting the decisions about all components together into one graph.

An action takes the next number when it is first asked for. Each record has the places in the order
of work where that happened; sorted, those of all records give every action its number.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from crmd.scheduler.graph import Graph, GraphAction
from crmd.scheduler.resident.excerpt import State
from crmd.scheduler.resident.record import Made, Record
from crmd.scheduler.state.trail import Choice, Place, Stage, Take


class Ranks(Struct, frozen=True):
    """Where resources, constraints and histories stand, so that places can be compared."""

    resources: dict[str, int]
    constraints: dict[str, int]
    states: Sequence[State]

    def key(self, place: Place) -> tuple[int, ...]:
        """Return a place with names replaced by where they stand."""
        match place:
            case (Stage.HISTORIES, int(turn), int(state), str(history)):
                return Stage.HISTORIES, turn, state, self.states[state].ranks[history]
            case (Stage.CHANGES, int(node), int(state), str(history)):
                return Stage.CHANGES, node, self.states[state].ranks[history]
            case (Stage.CONSTRAINTS, str(constraint)):
                return Stage.CONSTRAINTS, self.constraints[constraint]
            case (Stage.PROBES | Stage.FENCING as stage, int(node), str(rsc)):
                return stage, node, self.resources[rsc]
            case (Stage.INTERNAL | Stage.ACTIONS | Stage.GRAPH as stage, str(rsc)):
                return stage, self.resources[rsc]
            case (Stage.ORDERINGS, *where):
                return Stage.ORDERINGS, *self.key(tuple(where))
            case _:
                return tuple(int(part) for part in place)


def priorities_of(records: Sequence[Record]) -> dict[str, int]:
    """Return the priority of each outermost resource."""
    return {name: value for record in records for name, value in record.priorities.items()}


def ranked(priorities: dict[str, int], tops: dict[str, int]) -> dict[str, int]:
    """Return where each outermost resource stands in the order of placement."""
    ordered = sorted(priorities, key=lambda name: (-priorities[name], tops[name]))
    return {name: at for at, name in enumerate(ordered)}


def unsettled(records: Sequence[Record], ranks: dict[str, int]) -> list[Record]:
    """Return the records whose placement was decided by another fullness of the nodes."""
    steps = [
        (ranks[name], at, events)
        for at, record in enumerate(records)
        for name, events in record.steps.items()
    ]
    steps.sort(key=lambda step: step[0])
    counts: dict[str, int] = {}
    wrong: dict[int, None] = {}
    for _, at, events in steps:
        for event in events:
            match event:
                case Take(node, by):
                    counts[node] = counts.get(node, 0) + by
                case Choice():
                    if not event.holds(counts):
                        wrong.setdefault(at)
    for at, record in enumerate(records):
        if not all(choice.holds(counts) for choice in record.late):
            wrong.setdefault(at)
    return [records[at] for at in wrong]


def takes(records: Sequence[Record], ranks: dict[str, int]) -> list[tuple[int, Take]]:
    """Return what these resources take of the nodes, in the order of placement."""
    found = [
        (ranks[name], event)
        for record in records
        for name, events in record.steps.items()
        for event in events
        if isinstance(event, Take)
    ]
    found.sort(key=lambda step: step[0])
    return found


def united(outline: Graph, rest: Record, records: Sequence[Record], ranks: Ranks) -> Graph:
    """Return the whole graph; `outline` says how it is to be carried out."""
    everything = (rest, *records)
    numbers = _numbered(everything, ranks)
    fed: dict[int, list[int]] = {}
    for record, own in zip(records, numbers[1:], strict=True):
        for key, number in record.feeds:
            fed.setdefault(rest.keys[key], []).append(own[number])
    found: list[tuple[tuple[int, int, int], GraphAction]] = []
    absent: dict[int, GraphAction] = {}
    for record, own in zip(everything, numbers, strict=True):
        for at, made in enumerate(record.made):
            inputs = [own[number] for number in made.inputs]
            inputs += [numbers[0][rest.keys[key]] for key in made.shared]
            if record is rest:
                inputs += fed.get(made.number, ())
            number = own[made.number]
            action = replace(made.action, id=number, inputs=tuple(sorted(inputs)))
            found.append((_collected(made, at, number, ranks), action))
        for number, action in record.absent.items():
            absent[own[number]] = replace(action, id=own[number])
    found.sort(key=lambda one: one[0])
    actions = tuple(action for _, action in found)
    needed = {id_ for action in actions for id_ in action.inputs}
    needed -= {action.id for action in actions}
    return replace(outline, actions=actions, absent=tuple(absent[id_] for id_ in sorted(needed)))


def _numbered(records: Sequence[Record], ranks: Ranks) -> list[list[int]]:
    spans = [
        (ranks.key(place), at, count)
        for at, record in enumerate(records)
        for place, count in record.spans
    ]
    spans.sort()
    numbers: list[list[int]] = [[] for _ in records]
    following = 1
    for _, at, count in spans:
        numbers[at].extend(range(following, following + count))
        following += count
    return numbers


def _collected(made: Made, at: int, number: int, ranks: Ranks) -> tuple[int, int, int]:
    """Resources come first, one after the other; then what is left, the newest first."""
    if made.top is not None:
        return 0, ranks.resources[made.top], at
    return 1, -number, 0
