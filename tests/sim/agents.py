"""Fake resource agents: what really runs where. The checkers judge by this, not by any daemon.

An action takes a while. A start makes the resource active at some moment before it ends, a stop
makes it inactive at some moment; either may fail or hang. What an agent started goes on running
when daemons die, and ends when the machine does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.ids import NodeName
from tests.sim.loop import MS, Handle, Loop
from tests.sim.trace import Trace

Place = tuple[NodeName, str]


@dataclass(kw_only=True)
class Habits:
    """How agents behave in a seed; chances are per action, times in milliseconds."""

    start_ms: tuple[int, int] = (30, 1_200)
    stop_ms: tuple[int, int] = (30, 900)
    monitor_ms: tuple[int, int] = (5, 120)
    fail_start: float = 0.01
    fail_stop: float = 0.004
    fail_monitor: float = 0.002
    hang: float = 0.002

    def chance_of_failure(self, operation: str) -> float:
        """Return how often an operation fails."""
        chances = {"start": self.fail_start, "stop": self.fail_stop}
        return chances.get(operation, self.fail_monitor)

    def calm(self) -> None:
        """Nothing fails any more."""
        self.fail_start = self.fail_stop = self.fail_monitor = self.hang = 0.0


@dataclass(kw_only=True, eq=False)
class Run:
    """One agent process. `code` is set when it ended by itself; `ended` is called at its end."""

    node: NodeName
    resource: str
    operation: str
    ended: Callable[[OcfCode], None] | None
    code: OcfCode | None = None
    killed: bool = False
    handles: list[Handle] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """The process is there."""
        return self.code is None and not self.killed


class Agents:
    """Everything that agents started, over all nodes."""

    def __init__(self, loop: Loop, random: Random, trace: Trace) -> None:
        self._loop = loop
        self._random = random
        self._trace = trace
        self.habits = Habits()
        self.active: set[Place] = set()
        self.runs: dict[Place, list[Run]] = {}
        self.on_active: list[Callable[[NodeName, str], None]] = []
        self.on_inactive: list[Callable[[NodeName, str], None]] = []
        self.on_fork: list[Callable[[Run], None]] = []
        self.forked = 0

    def fork(
        self, node: NodeName, resource: str, operation: str, ended: Callable[[OcfCode], None]
    ) -> Run:
        """Run an agent; `ended` gets its exit code, unless it is killed or its machine dies."""
        run = Run(node=node, resource=resource, operation=operation, ended=ended)
        self.forked += 1
        for hook in self.on_fork:
            hook(run)
        self.runs.setdefault((node, resource), []).append(run)
        random, habits = self._random, self.habits
        bounds = {"start": habits.start_ms, "stop": habits.stop_ms}.get(
            operation, habits.monitor_ms
        )
        took_us = random.randrange(bounds[0] * MS, bounds[1] * MS)
        effect_us = random.randrange(1, took_us)
        hangs = random.random() < habits.hang
        failed = random.random() < habits.chance_of_failure(operation)
        if operation == "start" and (not (failed or hangs) or random.random() < 0.5):
            self._later(run, effect_us, lambda: self._activate(node, resource))
        if operation == "stop" and not (failed or hangs):
            self._later(run, effect_us, lambda: self._deactivate(node, resource))
        if hangs:
            self._trace(f"{node}/agent", f"{resource} {operation} hangs")
        else:
            self._later(run, took_us, lambda: self._end(run, self._code(run, failed)))
        return run

    def _code(self, run: Run, failed: bool) -> OcfCode:
        if failed:
            return OcfCode.ERROR
        if run.operation in ("start", "stop"):
            return OcfCode.OK
        return OcfCode.OK if (run.node, run.resource) in self.active else OcfCode.NOT_RUNNING

    def _later(self, run: Run, delay_us: int, act: Callable[[], None]) -> None:
        run.handles.append(self._loop.after(delay_us, act))

    def _end(self, run: Run, code: OcfCode) -> None:
        run.code = code
        self._forget(run)
        if run.ended is not None:
            run.ended(code)

    def _forget(self, run: Run) -> None:
        for handle in run.handles:
            handle.cancel()
        place = (run.node, run.resource)
        left = [other for other in self.runs.get(place, ()) if other is not run]
        if left:
            self.runs[place] = left
        else:
            self.runs.pop(place, None)

    def kill(self, run: Run) -> None:
        """Kill its process group: what it did until now stays."""
        if run.alive:
            run.killed = True
            self._forget(run)

    def fail(self, node: NodeName, resource: str) -> None:
        """The service dies by itself."""
        if (node, resource) in self.active:
            self._trace(f"{node}/service", f"{resource} died")
            self._deactivate(node, resource)

    def node_died(self, node: NodeName) -> None:
        """The machine lost its power: all processes are gone."""
        for place in [place for place in self.runs if place[0] == node]:
            for run in list(self.runs[place]):
                self.kill(run)
        for place in sorted(place for place in self.active if place[0] == node):
            self._deactivate(*place)

    def _activate(self, node: NodeName, resource: str) -> None:
        if (node, resource) not in self.active:
            self.active.add((node, resource))
            self._trace(f"{node}/service", f"{resource} ACTIVE")
            for hook in self.on_active:
                hook(node, resource)

    def _deactivate(self, node: NodeName, resource: str) -> None:
        if (node, resource) in self.active:
            self.active.discard((node, resource))
            self._trace(f"{node}/service", f"{resource} inactive")
            for hook in self.on_inactive:
                hook(node, resource)

    def places(self, resource: str) -> list[NodeName]:
        """Return where a resource is active, sorted."""
        return sorted(node for node, name in self.active if name == resource)
