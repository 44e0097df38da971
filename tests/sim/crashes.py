"""Crash points: before every effect that a daemon carries out it may end, or its whole node."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from raftmaker.vocabulary.ids import NodeName
from tests.sim.loop import MS
from tests.sim.machine import Crash, Process


class CrashPoints:
    """Throws the dice at each effect. `chance` is per effect; 0 once the faults are over."""

    def __init__(self, random: Random, crash_node: Callable[[NodeName], None]) -> None:
        self._random = random
        self._crash_node = crash_node
        self.chance = 0.0
        self.pause_share = 0.3
        """Of the hits, how many stop the process instead, in the middle of its effects."""
        self.pause_ms = (20, 4_000)
        self.node_share = 0.15
        """Of these crashes, how many take the whole node."""
        self.spared: frozenset[str] = frozenset()
        """Daemons that go on."""
        self.crashes = 0
        self.points = 0

    def point(self, process: Process) -> None:
        """End the process here, perhaps: what follows is never carried out. Raises `Crash`.

        Or stop it here: the caller sees `paused` and carries out the rest when it goes on.
        """
        self.points += 1
        if not self.chance or process.name in self.spared:
            return
        if self._random.random() >= self.chance:
            return
        self.crashes += 1
        if self._random.random() < self.pause_share:
            process.pause()
            process.machine.loop.after(
                self._random.randrange(self.pause_ms[0] * MS, self.pause_ms[1] * MS),
                process.resume,
            )
            return
        if self._random.random() < self.node_share:
            self._crash_node(process.machine.name)
        raise Crash
