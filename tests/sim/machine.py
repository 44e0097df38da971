"""Machines and their daemons: power, boots, crashes, pauses, timers, calls between daemons."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from random import Random
from typing import TYPE_CHECKING

from raftmaker.vocabulary.ids import BootId, NodeName
from tests.sim.loop import MS, Handle, Loop
from tests.sim.network import Network, Streams
from tests.sim.trace import Trace

if TYPE_CHECKING:
    from tests.sim.agents import Agents


class Crash(Exception):
    """The process ends here, in the middle of carrying out effects."""


class Process:
    """One daemon: runs, is paused (SIGSTOP, a stall), or is down. Subclasses hold its core.

    What reaches a paused process waits in its inbox, due timers too; on going on it takes both in
    a random order, as an event loop may, each kind in its own order.
    """

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.name = name
        self.up = False
        self.incarnation = 0
        self.paused = False
        self._inbox: list[Callable[[], None]] = []
        self._timers: dict[Hashable, Handle] = {}
        self.started_us = 0

    @property
    def label(self) -> str:
        """Its name in the trace."""
        return f"{self.machine.name}/{self.name}"

    @property
    def runs(self) -> bool:
        """Up and not paused."""
        return self.up and not self.paused

    @property
    def at_ms(self) -> int:
        """The boot-time clock of its machine."""
        return self.machine.at_ms

    # -- life ------------------------------------------------------------

    def start(self) -> None:
        """Start with empty memory; the subclass's `on_start` builds its core."""
        assert not self.up
        self.up, self.paused = True, False
        self.incarnation += 1
        self.started_us = self.machine.loop.now_us
        self.machine.trace(self.label, f"started #{self.incarnation}")
        self.take(self.on_start)
        self.machine.changed()

    def crash(self) -> None:
        """End at once: memory, inbox and timers are gone."""
        if not self.up:
            return
        self.machine.before(frozenset((self.machine.name,)))
        self.up, self.paused = False, False
        self._inbox.clear()
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        self.machine.trace(self.label, "crashed")
        self.on_crash()
        self.machine.changed()

    def pause(self) -> None:
        """Stop running without ending."""
        if self.runs:
            self.machine.before(frozenset((self.machine.name,)))
            self.paused = True
            self.machine.trace(self.label, "paused")
            self.machine.changed()

    def resume(self) -> None:
        """Go on, with everything that came meanwhile."""
        if not self.up or not self.paused:
            return
        self.machine.before(frozenset((self.machine.name,)))
        self.paused = False
        self.machine.trace(self.label, f"resumed, {len(self._inbox)} waiting")
        inbox, self._inbox = self._inbox, []
        for call in inbox:
            self.take(call)
        self.machine.changed()

    def on_start(self) -> None:
        """Build the core and take up work."""
        raise AssertionError("a process has an on_start")

    def on_crash(self) -> None:
        """Forget what lived in memory."""

    def refresh(self) -> None:
        """Take in what has come unnoticed (folded heartbeats) before anything else."""

    # -- input ------------------------------------------------------------

    def take(self, call: Callable[[], None]) -> None:
        """Let the process do `call` now, when it goes on, or never if it is down."""
        if not self.up:
            return
        if self.paused:
            self._inbox.append(call)
            return
        self.refresh()
        if self.runs:
            self.guarded(call)
        elif self.up:  # stopped by what the refresh brought
            self._inbox.append(call)

    def guarded(self, call: Callable[[], None]) -> None:
        """Make the call; when the process ends in it, its supervisor starts it again."""
        try:
            call()
        except Crash:
            self.crash()
            self.machine.restart_later(self)

    def first_on_resume(self, call: Callable[[], None]) -> None:
        """Take `call` before anything that waits: the process was stopped in the middle of it."""
        self._inbox.insert(0, call)

    def exit(self) -> None:
        """The process ends by its own decision; its supervisor starts it again."""
        raise Crash

    def set_timer(self, name: Hashable, at_ms: int, call: Callable[[], None]) -> None:
        """Take `call` when the machine's clock shows `at_ms`; replaces the timer of that name."""
        self.cancel_timer(name)
        incarnation = self.incarnation

        def fire() -> None:
            if self.incarnation != incarnation or self._timers.get(name) is not handle:
                return
            if self.paused:
                self._on_paused_timer(run)
            else:
                self.take(run)

        def run() -> None:
            # Cancelled or replaced while it waited, or by the refresh just now: it is not due.
            if self._timers.get(name) is handle:
                del self._timers[name]
                call()

        handle = self.machine.loop.at(self.machine.at_us_of(at_ms), fire)
        self._timers[name] = handle

    def _on_paused_timer(self, run: Callable[[], None]) -> None:
        if self.machine.random.random() < 0.5:
            self._inbox.insert(0, run)
        else:
            self._inbox.append(run)

    def cancel_timer(self, name: Hashable) -> None:
        """The timer is no longer wanted."""
        handle = self._timers.pop(name, None)
        if handle is not None:
            handle.cancel()

    def later(self, delay_ms: int, call: Callable[[], None]) -> None:
        """Take `call` after a while, unless the process has ended by then."""
        incarnation = self.incarnation
        self.machine.loop.after(
            delay_ms * MS, lambda: self.take(call) if self.incarnation == incarnation else None
        )

    # -- calls ------------------------------------------------------------

    def call(
        self,
        target: Process,
        handle: Callable[[Callable[[object], None]], None],
        *,
        answered: Callable[[object], None],
        failed: Callable[[str], None],
        timeout_ms: int,
    ) -> None:
        """Ask another process. Exactly one of `answered` and `failed` is called, unless this one
        ends. A failure says nothing about whether `handle` ran, or will still run."""
        machine, network = self.machine, self.machine.network
        source, other = machine.name, target.machine.name
        incarnation = self.incarnation
        done = False

        def finish(act: Callable[[], None]) -> None:
            nonlocal done
            if done or self.incarnation != incarnation or not self.up:
                return
            done = True
            deadline.cancel()
            self.take(act)

        def reply(value: object) -> None:
            network.send(other, source, lambda: finish(lambda: answered(value)))

        def arrive() -> None:
            if not target.up:
                # Nobody listens: the connection is refused, or its node is off and says nothing.
                if target.machine.powered:
                    network.send(other, source, lambda: finish(lambda: failed("refused")))
                return
            target.take(lambda: handle(reply))

        deadline = machine.loop.after(
            timeout_ms * MS, lambda: finish(lambda: failed("deadline exceeded"))
        )
        if source != other:
            network.call(source, other, arrive)
            return
        # One connection over a unix socket: what is asked first is heard first, and what is on its
        # way when the machine loses its power is gone.
        boots = machine.boots
        key = (self.name, incarnation, target.name, other, boots)
        machine.streams.send(
            key,
            source,
            other,
            lambda: arrive() if machine.boots == boots else None,
            lag_us=network.lag_us(),
        )


class Machine:
    """One computer: its power, its boot id and clock, its daemons, what its agents have running."""

    def __init__(
        self,
        *,
        name: NodeName,
        loop: Loop,
        network: Network,
        random: Random,
        trace: Trace,
        agents: Agents,
        streams: Streams,
    ) -> None:
        self.name = name
        self.loop = loop
        self.network = network
        self.random = random
        self.trace = trace
        self.agents = agents
        self.streams = streams
        self.powered = False
        self.boots = 0
        self.boot_id = BootId("")
        self._booted_us = 0
        self._clock_base_us = 0
        self.processes: dict[str, Process] = {}
        self.before: Callable[[frozenset[NodeName]], None] = lambda nodes: None
        self.changed: Callable[[], None] = lambda: None
        self.restart_later: Callable[[Process], None] = lambda process: None

    @property
    def at_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds: starts anew, and elsewhere, with every boot."""
        return self.loop.now_us - self._booted_us + self._clock_base_us

    @property
    def at_ms(self) -> int:
        """CLOCK_BOOTTIME in milliseconds."""
        return self.at_us // MS

    def at_ms_of(self, at_us: int) -> int:
        """Return what this machine's clock shows at a time of the simulation."""
        return (at_us - self._booted_us + self._clock_base_us) // MS

    def at_us_of(self, at_ms: int) -> int:
        """Return the simulation's time when this machine's clock shows `at_ms`."""
        return at_ms * MS - self._clock_base_us + self._booted_us

    def power_on(self) -> None:
        """Boot: a new boot id, empty run directories, every daemon started in a random order."""
        assert not self.powered
        self.before(frozenset((self.name,)))
        self.powered = True
        self.boots += 1
        self.boot_id = BootId(f"{self.name}-boot-{self.boots}")
        self._booted_us = self.loop.now_us
        self._clock_base_us = self.random.randrange(5_000, 500_000) * MS
        self.trace(self.name, f"powered on, {self.boot_id}")
        for process in self.processes.values():
            self.loop.after(
                self.random.randrange(10 * MS, 800 * MS), self._starter(process, self.boots)
            )
        self.changed()

    def _starter(self, process: Process, boots: int) -> Callable[[], None]:
        def start() -> None:
            if self.powered and self.boots == boots and not process.up:
                process.start()

        return start

    def power_off(self) -> None:
        """Everything on it ends at this moment, stopped processes too."""
        if not self.powered:
            return
        self.before(frozenset((self.name,)))
        self.powered = False
        self.trace(self.name, "powered off")
        self.agents.node_died(self.name)
        for process in self.processes.values():
            process.crash()
        self.changed()
