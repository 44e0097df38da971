"""Events, effects and state of the transition engine.

Invariant: an action begins once, when all its inputs are done, and none begins after an abort of
higher priority than its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from crmd.scheduler.graph import Graph, GraphAction


class Progress(Enum):
    """How far an action is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Ending(Enum):
    """Why a graph is over (features 16.34)."""

    COMPLETE = "complete"
    ABORTED = "aborted"
    """Something happened for which it was not made; another graph is to be computed."""
    TERMINATED = "terminated"
    """What is left can never begin: a loop, or inputs that failed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may run at once; None is no limit (features 2.31-2.33)."""

    batch: int | None = None
    jobs_per_node: int | None = None
    """Of a node that `jobs_of_node` does not name."""
    jobs_of_node: Mapping[str, int] = field(default_factory=dict)
    migrations_per_node: int | None = None


@dataclass(frozen=True, slots=True)
class Abort:
    """Stop beginning actions whose synapse has a lower priority (features 16.32)."""

    priority: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionState:
    """One graph and how far it is. Mappings are never changed in place."""

    number: int
    graph: Graph
    actions: Mapping[int, GraphAction]
    limits: Limits = Limits()
    cluster_delay_ms: int = 60_000
    progress: Mapping[int, Progress] = field(default_factory=dict)
    missing: Mapping[int, int] = field(default_factory=dict)
    """Per waiting action: how many of its inputs are not done."""
    dependents: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    ready: tuple[int, ...] = ()
    """Waiting actions whose inputs are all done, by descending priority."""
    running: Mapping[int, int | None] = field(default_factory=dict)
    """Running actions and their deadlines (boot-time clock, ms); None: no deadline."""
    abort: Abort | None = None
    ending: Ending | None = None

    @property
    def done_count(self) -> int:
        """Actions that are over."""
        return (
            len(self.progress)
            - len(self.running)
            - sum(one is Progress.WAITING for one in self.progress.values())
        )

    @property
    def deadline_ms(self) -> int | None:
        """The earliest deadline of a running action."""
        return min((at for at in self.running.values() if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Begun:
    """The graph may begin."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class ActionDone:
    """An action has ended as expected."""

    at_ms: int
    action: int


@dataclass(frozen=True, slots=True)
class ActionFailed:
    """An action has ended otherwise."""

    at_ms: int
    action: int
    reason: str


@dataclass(frozen=True, slots=True)
class NodeGone:
    """What runs on the node will never end."""

    at_ms: int
    node: str


@dataclass(frozen=True, slots=True)
class Aborted:
    """Something happened for which the graph was not made."""

    at_ms: int
    priority: int
    reason: str


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """Look for actions that ran out of time."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class LimitsChanged:
    """More or less may run at once from here on; what runs goes on."""

    at_ms: int
    limits: Limits


Event = Begun | ActionDone | ActionFailed | NodeGone | Aborted | DeadlinePassed | LimitsChanged


@dataclass(frozen=True, slots=True)
class StartAction:
    """Carry out the action; ends with ActionDone or ActionFailed. Never a pseudo event."""

    action: GraphAction


@dataclass(frozen=True, slots=True)
class TransitionEnded:
    """The graph is over; nothing of it runs any more."""

    ending: Ending
    reason: str


Effect = StartAction | TransitionEnded
