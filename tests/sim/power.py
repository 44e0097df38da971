"""The fake fencing device: switches machines off for real, fails, is slow, or lies about failing.

It never reports a success that did not happen: no cluster can be safe against such a device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from raftmaker.vocabulary.ids import NodeName
from tests.sim.loop import MS, SECOND, Handle, Loop
from tests.sim.machine import Machine
from tests.sim.trace import Trace


@dataclass(kw_only=True)
class PowerHabits:
    """How the device behaves; chances per request, times in milliseconds."""

    took_ms: tuple[int, int] = (200, 3_000)
    fail: float = 0.15
    """It reports a failure; in half of these cases it has switched the machine off all the same."""
    slow: float = 0.05
    """It takes up to a minute."""
    boot_ms: tuple[int, int] = (1_500, 15_000)

    def calm(self) -> None:
        """It works."""
        self.fail = self.slow = 0.0


class PowerRun:
    """One request to the device; killing the agent does not call the device back."""

    def __init__(self) -> None:
        self.handle: Handle | None = None

    def kill(self) -> None:
        """Nobody waits for the answer any more."""
        if self.handle is not None:
            self.handle.cancel()


class Power:
    """The device, and the habit of machines to boot again when they were switched off."""

    def __init__(
        self, loop: Loop, random: Random, trace: Trace, machines: dict[NodeName, Machine]
    ) -> None:
        self._loop = loop
        self._random = random
        self._trace = trace
        self._machines = machines
        self.habits = PowerHabits()
        self.switched = 0

    def request(self, action: str, target: NodeName, ended: Callable[[int], None]) -> PowerRun:
        """Ask for off, reboot or on; `ended` gets the agent's exit code."""
        random, habits = self._random, self.habits
        took_us = random.randrange(habits.took_ms[0] * MS, habits.took_ms[1] * MS)
        if random.random() < habits.slow:
            took_us = random.randrange(5 * SECOND, 60 * SECOND)
        fails = random.random() < habits.fail
        run = PowerRun()
        self._trace("power", f"{action} {target} asked" + (", will fail" if fails else ""))
        if action in ("off", "reboot") and (not fails or random.random() < 0.5):
            self._loop.after(random.randrange(1, took_us), lambda: self._off(target))
        if action == "on" and not fails:
            self._loop.after(random.randrange(1, took_us), lambda: self._on(target))
        run.handle = self._loop.after(took_us, lambda: ended(1 if fails else 0))
        return run

    def _off(self, target: NodeName) -> None:
        self.switched += 1
        self._trace("power", f"{target} switched off")
        self.crash(target)

    def _on(self, target: NodeName) -> None:
        if not self._machines[target].powered:
            self._machines[target].power_on()

    def crash(self, target: NodeName) -> None:
        """The machine loses its power, and boots after a while."""
        machine = self._machines[target]
        machine.power_off()
        boots = machine.boots

        def boot() -> None:
            if not machine.powered and machine.boots == boots:
                machine.power_on()

        self._loop.after(
            self._random.randrange(self.habits.boot_ms[0] * MS, self.habits.boot_ms[1] * MS), boot
        )
