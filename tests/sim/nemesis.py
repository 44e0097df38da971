"""What goes wrong, and when: drawn from the seed, one fault after another, several at a time.

In a cluster without fencing an isolated node must be able to stop its resources in time, for that
is what the majority counts on (protocols, Without quorum). There nothing stops or kills the
controller and executor while their machine lives; whole machines still die.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from raftmaker.vocabulary.ids import NodeName
from tests.sim.loop import MS, SECOND
from tests.sim.machine import Process
from tests.sim.network import Link

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster

Fault = Callable[[], None]
DEAF_LEADER = "deaf-leader"
"""A leader that hears nobody from when it proposes a loss: only where the plan focuses on it."""


class Nemesis:
    """Brings faults until told to stop; `stop` mends what it broke."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self._cluster = cluster
        self._random = random
        self._active = False
        self.counts: dict[str, int] = {}
        self._mean_ms = random.choice((1_500, 3_000, 6_000, 12_000))
        always: list[tuple[int, str, Fault]] = [
            (8, "isolate", self._isolate),
            (6, "one-way", self._one_way),
            (6, "cut-link", self._cut_link),
            (4, "partition", self._partition),
            (3, "slow", self._slow),
            (3, "lossy", self._lossy),
            (6, "crash-machine", self._crash_machine),
            (2, "crash-member", self._crash_member),
            (6, "crash-store", lambda: self._crash_one("cib_store")),
            (4, "crash-fencer", lambda: self._crash_one("stonithd")),
            (4, "pause-store", lambda: self._pause_one("cib_store")),
            (2, "pause-fencer", lambda: self._pause_one("stonithd")),
            (5, "election", self._election),
            (3, "service-dies", self._service_dies),
            (4, "replay", self._replay),
            (1, "outage", self._outage),
            (5, "operator", self._operator),
            (1, "leave", self._leave),
        ]
        fenced: list[tuple[int, str, Fault]] = [
            (8, "crash-controller", lambda: self._crash_one("crmd")),
            (5, "crash-executor", lambda: self._crash_one("lrmd")),
            (6, "pause-controller", lambda: self._pause_one("crmd")),
            (3, "pause-executor", lambda: self._pause_one("lrmd")),
            (5, "pause-node", self._pause_node),
            (1, "stall-all", self._stall_all),
        ]
        self._faults = always + (fenced if cluster.has_fencing else [])
        focus = cluster.plan.focus
        if focus or cluster.plan.pace_ms:
            self._mean_ms = cluster.plan.pace_ms or 700
        self._weights = [weight * (20 if name in focus else 1) for weight, name, _ in self._faults]

    def start(self) -> None:
        """Begin."""
        self._active = True
        self._next()

    def stop(self) -> None:
        """Bring no more faults, and mend the network."""
        self._active = False
        self._cluster.network.heal()

    def _next(self) -> None:
        wait_us = int(self._random.expovariate(1 / (self._mean_ms * MS))) + 1
        self._cluster.loop.after(wait_us, self._strike)

    def _strike(self) -> None:
        if not self._active:
            return
        _, name, fault = self._random.choices(self._faults, self._weights)[0]
        self.counts[name] = self.counts.get(name, 0) + 1
        self._cluster.trace("nemesis", name)
        fault()
        self._next()

    # -- network ------------------------------------------------------------

    def _node(self) -> NodeName:
        return self._random.choice(self._cluster.nodes)

    def _span_us(self) -> int:
        """Mostly about the dead time, sometimes much longer."""
        longest = self._random.choice((400, 900, 2_500, 8_000, 30_000))
        return self._random.randrange(50 * MS, longest * MS)

    def _cut(self, links: list[Link]) -> None:
        network = self._cluster.network
        network.change(links, up=False)
        self._cluster.loop.after(
            self._span_us(), lambda: network.change(links, up=True) if self._active else None
        )

    def _isolate(self) -> None:
        node = self._node()
        self._cut([link for link in self._cluster.network.links if node in link])

    def _one_way(self) -> None:
        node, end = self._node(), self._random.randrange(2)
        self._cut([link for link in self._cluster.network.links if link[end] == node])

    def _cut_link(self) -> None:
        one, other = self._random.sample(self._cluster.nodes, 2)
        links = [(one, other)]
        if self._random.random() < 0.7:
            links.append((other, one))
        self._cut(links)

    def loss_proposed(self, leader: NodeName) -> None:
        """Let a leader's entry go out and nothing come in, where the plan asks for it.

        The next leader has the loss in its log, and the node may be heard again by then.
        """
        if self._active and DEAF_LEADER in self._cluster.plan.focus:
            self._cut([link for link in self._cluster.network.links if link[1] == leader])

    def _partition(self) -> None:
        size = self._random.randrange(1, len(self._cluster.nodes))
        group = set(self._random.sample(self._cluster.nodes, size))
        self._cut(
            [
                link
                for link in self._cluster.network.links
                if (link[0] in group) != (link[1] in group)
            ]
        )

    def _slow(self) -> None:
        node, delay_us = self._node(), self._random.randrange(5 * MS, 350 * MS)
        self._disturb(node, delay_us=delay_us)

    def _lossy(self) -> None:
        self._disturb(self._node(), loss=self._random.uniform(0.02, 0.4))

    def _disturb(
        self, node: NodeName, *, delay_us: int | None = None, loss: float | None = None
    ) -> None:
        network = self._cluster.network
        links = [link for link in network.links if node in link]
        network.change(links, delay_us=delay_us, loss=loss)

        def mend() -> None:
            if self._active:
                network.change(links, delay_us=400, loss=0.0)

        self._cluster.loop.after(self._span_us(), mend)

    # -- processes and machines ------------------------------------------------------------

    def _process(self, name: str) -> Process:
        return self._cluster.machines[self._node()].processes[name]

    def _crash_one(self, name: str) -> None:
        process = self._process(name)
        if process.up:
            process.crash()
            process.machine.restart_later(process)

    def _pause(self, processes: list[Process], span_us: int) -> None:
        for process in processes:
            process.pause()
            self._cluster.loop.after(span_us, process.resume)

    def _pause_one(self, name: str) -> None:
        self._pause([self._process(name)], self._span_us())

    def _pause_node(self) -> None:
        self._pause(list(self._cluster.machines[self._node()].processes.values()), self._span_us())

    def _stall_all(self) -> None:
        """Every machine stands still, as virtual ones do, and each goes on in its own time."""
        longest = self._random.choice((300, 900, 2_500))
        for machine in self._cluster.machines.values():
            span_us = self._random.randrange(100 * MS, longest * MS)
            self._pause(list(machine.processes.values()), span_us)

    def _crash_machine(self) -> None:
        self._cluster.power.crash(self._node())

    def _crash_member(self) -> None:
        lease = self._cluster.log.newest.state.facts.dc
        others = [one for one in self._cluster.nodes if lease is None or one != lease.node]
        self._cluster.power.crash(self._random.choice(others))

    def _outage(self) -> None:
        for node in self._cluster.nodes:
            self._cluster.power.crash(node)

    def _election(self) -> None:
        self._cluster.elections.force()

    def _service_dies(self) -> None:
        active = sorted(self._cluster.agents.active)
        if active:
            self._cluster.agents.fail(*self._random.choice(active))

    # -- people and old messages ------------------------------------------------------------

    def _replay(self) -> None:
        """Propose once more what was committed long ago, or what another cluster would send."""
        self._cluster.replay(self._random)

    def _operator(self) -> None:
        self._cluster.operator.act()

    def _leave(self) -> None:
        self._cluster.operator.leave(self._node())

    def calm_down(self) -> None:
        """End every pause; what is down comes back."""
        for machine in self._cluster.machines.values():
            for process in machine.processes.values():
                process.resume()
            if not machine.powered:
                self._cluster.loop.after(1 * SECOND, partial(_boot, machine))


def _boot(machine: object) -> None:
    from tests.sim.machine import Machine

    assert isinstance(machine, Machine)
    if not machine.powered:
        machine.power_on()
