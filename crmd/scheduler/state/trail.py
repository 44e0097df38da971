"""What a run leaves behind about how it came to its decision, so that a later run can build on it.

Every action has the `Place` in the order of work where it was first asked for: the numbering rule
says that numbers follow these places. Beside that: which resources the clock mattered for, which
nodes a placement could not have done without, and where it was decided by how full the nodes are.
Names stand for nodes and resources, as the objects are those of one run.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from msgspec import Struct, field


class Stage(IntEnum):
    """The stages that register actions or record orders, in the order of work."""

    NODES = 1
    HISTORIES = 2
    CONSTRAINTS = 3
    CRITERIA = 4
    INTERNAL = 5
    CHANGES = 6
    PROBES = 7
    REMOVED = 8
    ACTIONS = 9
    FENCING = 10
    ORDERINGS = 11
    GRAPH = 12


Place = tuple[int | str, ...]
"""A `Stage`, then how far it had come: indices of nodes, ids of resources and constraints.

``NODES, state`` · ``HISTORIES, pass, state, history`` · ``CONSTRAINTS, constraint`` ·
``INTERNAL, resource`` · ``CHANGES, node, state, history`` · ``PROBES, node, resource`` ·
``ACTIONS, resource`` · ``FENCING, node[, resource]`` · ``ORDERINGS, place of the order`` ·
``GRAPH, resource``.
"""

Condition = tuple[bool | int, ...]
"""All that decides what may happen on a node (`node.condition`)."""

AFTERWARDS: Final = ""
"""The step of whatever is asked of the nodes' fullness when all resources are placed."""


class Take(Struct, frozen=True):
    """One resource more (or, -1, less) was given to a node."""

    node: str
    by: int


class Choice(Struct, frozen=True):
    """Nodes that scored the same, in the order in which their fullness put them.

    Only the first place counts, unless `whole`.
    """

    order: tuple[str, ...]
    preferred: str | None
    whole: bool

    def holds(self, counts: dict[str, int]) -> bool:
        """Whether the nodes would be put in that order if they were as full as `counts` says."""

        def key(name: str) -> tuple[int, bool, str]:
            return counts.get(name, 0), name != self.preferred, name

        if self.whole:
            return sorted(self.order, key=key) == list(self.order)
        return min(self.order, key=key) == self.order[0]


class Trail(Struct, eq=False):
    """Written while a run goes on."""

    place: Place = ()
    timely: dict[str, None] = field(default_factory=dict)
    """Outermost resources about which something was decided by the clock."""
    step: str = AFTERWARDS
    """The outermost resource that is being placed."""
    steps: dict[str, list[Take | Choice]] = field(default_factory=dict)
    late: dict[str, list[Choice]] = field(default_factory=dict)
    """Choices that were made when all was placed, by the outermost resource concerned."""
    moved_late: bool = False
    """Something was even given to a node, or taken from one, then."""
    relied: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By outermost resource: nodes without which its placement might be another."""

    priorities: dict[str, int] = field(default_factory=dict)
    """Of the outermost resources, as the order of placement has them."""
    conditions: dict[str, Condition] = field(default_factory=dict)
    """Of each node by name, before any history was read."""

    def note_take(self, take: Take) -> None:
        """Record what was given to a node or taken from it."""
        if self.step:
            self.steps.setdefault(self.step, []).append(take)
        else:
            self.moved_late = True

    def note_choice(self, about: str, choice: Choice) -> None:
        """Record what the fullness of nodes decided about an outermost resource."""
        if self.step:
            self.steps.setdefault(self.step, []).append(choice)
        else:
            self.late.setdefault(about, []).append(choice)


class Beside(Struct, eq=False, kw_only=True):
    """Resources that a run leaves out, as far as they matter to those that are in it."""

    managed: bool
    """Some of them are managed."""
    have_fencing: bool
    ranks: dict[str, int] = field(default_factory=dict)
    """Place of every outermost resource in the order of placement."""
    takes: list[tuple[int, Take]] = field(default_factory=list)
    """What they take of the nodes, by the rank of the step."""
    taken: int = 0

    def until(self, step: str | None) -> list[Take]:
        """Return what has been taken since the last time, before the step (None: in the end)."""
        first, rank = self.taken, self.ranks[step] if step is not None else None
        while self.taken < len(self.takes) and (rank is None or self.takes[self.taken][0] < rank):
            self.taken += 1
        return [take for _, take in self.takes[first : self.taken]]
