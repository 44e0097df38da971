"""The simulated world itself: the log model is a Raft, and the checkers can fail."""

from __future__ import annotations

from random import Random

import pytest

from cib_store.apply import Outcome, State
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Command, OpenClient
from raftmaker.vocabulary.ids import ClientId, ClusterId, NodeName
from tests.sim.agents import Agents
from tests.sim.checkers import Violation
from tests.sim.cluster import Cluster, Plan
from tests.sim.elections import Elections
from tests.sim.log_model import LogModel
from tests.sim.loop import MS, SECOND, Loop
from tests.sim.machine import Machine, Process
from tests.sim.network import Network, Streams
from tests.sim.survivor import seed_of
from tests.sim.trace import Trace

A, B, C = NODES = tuple(NodeName(name) for name in "abc")


class Quiet(Process):
    """A process that only holds a replica."""

    def on_start(self) -> None:
        """Hold."""


class World:
    """Three replicas and nothing else; a command is known by its client id."""

    def __init__(self, seed: int) -> None:
        self.loop = Loop()
        trace = Trace(self.loop)
        self.network = Network(self.loop, Random(seed), NODES)
        self.log = LogModel(
            loop=self.loop,
            network=self.network,
            random=Random(seed),
            trace=trace,
            initial=State(),
            seed=seed_of(NODES, 1),
            apply=self._apply,
        )
        self.elections = Elections(self.loop, self.network, Random(seed), self.log)
        self.network.after_change.append(self.elections.changed)
        self.committed: list[str] = []
        streams = Streams(self.loop, Random(seed), self.network)
        agents = Agents(self.loop, Random(seed), trace)
        for name in NODES:
            machine = Machine(
                name=name,
                loop=self.loop,
                network=self.network,
                random=Random(seed),
                trace=trace,
                agents=agents,
                streams=streams,
            )
            process = Quiet(machine, "cib_store")
            self.log.add(process)
            process.start()
        self.elections.changed()
        self.loop.run_until(2 * SECOND)

    def _apply(self, state: State, index: int, command: Command) -> tuple[State, Outcome]:
        self.committed.append(command.body.client_id)  # type: ignore[union-attr]  # all are OpenClient
        return state, Outcome(code=ExitCode.OK, index=index)

    @property
    def leader(self) -> NodeName:
        """The one that leads in the highest term."""
        leading = [one for one in self.log.replicas.values() if one.leads]
        return max(leading, key=lambda one: one.term).name

    def propose(self, at: NodeName, name: str) -> list[Outcome | None]:
        """Propose; the list gets the answer."""
        answers: list[Outcome | None] = []
        command = Command(body=OpenClient(ClientId(name)), cluster_id=ClusterId("x"), generation=1)
        self.log.propose(at, command, answers.append)
        return answers

    def isolate(self, node: NodeName, *, up: bool = False) -> None:
        """Cut a node off, or mend that."""
        self.network.change([link for link in self.network.links if node in link], up=up)


@pytest.mark.quick
def test_every_replica_applies_the_same() -> None:
    world = World(1)
    answers = [world.propose(name, f"from-{name}") for name in NODES]
    world.loop.run_until(20 * SECOND)
    assert sorted(world.committed) == ["from-a", "from-b", "from-c"]
    assert [len(one) for one in answers] == [1, 1, 1]
    assert {replica.applied for replica in world.log.replicas.values()} == {len(world.log.entries)}


@pytest.mark.quick
def test_a_leader_without_a_majority_commits_nothing() -> None:
    world = World(2)
    old = world.leader
    world.isolate(old)
    answers = world.propose(old, "lost")
    world.loop.run_until(world.loop.now_us + 200 * MS)
    assert world.log.replicas[old].leads, "it does not know yet"
    world.loop.run_until(world.loop.now_us + 3 * SECOND)
    assert world.leader != old
    assert answers == [None], "its fate is unknown"
    kept = world.propose(world.leader, "kept")
    world.isolate(old, up=True)
    world.loop.run_until(world.loop.now_us + 3 * SECOND)
    assert world.committed == ["kept"]
    assert kept[0] is not None


@pytest.mark.quick
def test_an_entry_that_a_majority_holds_survives_its_leader() -> None:
    """The next leader commits it though its proposer was never told."""
    found = 0
    for seed in range(1, 40):
        world = World(seed)
        old = world.leader
        answers = world.propose(old, "survivor")
        world.loop.run_until(world.loop.now_us + 600)
        world.isolate(old)
        world.loop.run_until(world.loop.now_us + 5 * SECOND)
        if answers == [None] and world.committed == ["survivor"]:
            found += 1
    assert found > 0


@pytest.mark.quick
def test_what_does_not_settle_is_noticed() -> None:
    """A device that always fails, and a machine that stays off, never settle."""
    cluster = Cluster(Plan(seed=1, minutes=0.2, fencing=True, focus=("isolate",)))
    cluster.power.habits.boot_ms = (10_000_000, 10_000_001)
    cluster.nemesis.calm_down = lambda: cluster.power.crash(cluster.nodes[0])  # type: ignore[method-assign]  # the fault is to stay
    with pytest.raises(Violation, match="settles"):
        cluster.run()


@pytest.mark.quick
def test_a_second_active_place_is_noticed() -> None:
    cluster = Cluster(Plan(seed=1))
    cluster.agents.habits.calm()
    for node in cluster.nodes[:2]:
        cluster.agents.fork(node, "a", "start", lambda code: None)
    with pytest.raises(Violation, match="active-once"):
        cluster.loop.run_until(3 * SECOND)
