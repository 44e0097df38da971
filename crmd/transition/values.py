"""Events, effects and state of the transition engine.

Invariant: an action begins once, when all its inputs are done, and none begins after an abort of
higher priority than its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

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


class Limits(Struct, frozen=True):
    """How much may run at once; None is no limit (features 2.31-2.33)."""

    batch: int | None = None
    jobs_per_node: int | None = None
    """Of a node that `jobs_of_node` does not name."""
    jobs_of_node: Mapping[str, int] = field(default_factory=dict)
    migrations_per_node: int | None = None


class Abort(Struct, frozen=True):
    """Stop beginning actions whose synapse has a lower priority (features 16.32)."""

    priority: int
    reason: str


class TransitionState(Struct, frozen=True, kw_only=True):
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


class Begun(Struct, frozen=True):
    """The graph may begin."""

    at_ms: int


class ActionDone(Struct, frozen=True):
    """An action has ended as expected."""

    at_ms: int
    action: int


class ActionFailed(Struct, frozen=True):
    """An action has ended otherwise."""

    at_ms: int
    action: int
    reason: str


class NodeGone(Struct, frozen=True):
    """What runs on the node will never end."""

    at_ms: int
    node: str


class Aborted(Struct, frozen=True):
    """Something happened for which the graph was not made."""

    at_ms: int
    priority: int
    reason: str


class DeadlinePassed(Struct, frozen=True):
    """Look for actions that ran out of time."""

    at_ms: int


class LimitsChanged(Struct, frozen=True):
    """More or less may run at once from here on; what runs goes on."""

    at_ms: int
    limits: Limits


Event = Begun | ActionDone | ActionFailed | NodeGone | Aborted | DeadlinePassed | LimitsChanged


class StartAction(Struct, frozen=True):
    """Carry out the action; ends with ActionDone or ActionFailed. Never a pseudo event."""

    action: GraphAction


class TransitionEnded(Struct, frozen=True):
    """The graph is over; nothing of it runs any more."""

    ending: Ending
    reason: str


Effect = StartAction | TransitionEnded
