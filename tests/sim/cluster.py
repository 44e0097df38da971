"""One simulated cluster: everything put together, run under faults, then expected to settle."""

from __future__ import annotations

from random import Random

from msgspec import Struct
from msgspec.structs import replace

from cib_store.apply import Outcome, State, apply
from raftmaker.runtime.settings import Timings
from raftmaker.vocabulary.commands import (
    AcquireDc,
    CibChange,
    Command,
    ControllerLost,
    FenceIntent,
    FenceResult,
    LeaveSession,
    NodeLost,
    OpenSession,
    RenewSession,
)
from raftmaker.vocabulary.ids import BootId, ClientId, ClusterId, NodeName, Session, Term, Token
from raftmaker.vocabulary.membership import Facts
from stonithd.fencing.setup import Setup
from tests.sim.agents import Agents
from tests.sim.beats import Beats
from tests.sim.checkers import Checkers
from tests.sim.configurations import cib_xml, device
from tests.sim.controller import Controller
from tests.sim.crashes import CrashPoints
from tests.sim.elections import Elections
from tests.sim.executor import Executor
from tests.sim.fencer import Fencer
from tests.sim.idleness import Idleness
from tests.sim.log_model import LogModel
from tests.sim.loop import MS, SECOND, Loop
from tests.sim.machine import Machine, Process
from tests.sim.nemesis import Nemesis
from tests.sim.network import Network, Streams
from tests.sim.people import Operator
from tests.sim.planted import command_let_pass, state_let_pass
from tests.sim.power import Power
from tests.sim.rules import Rules
from tests.sim.schedules import Schedules
from tests.sim.settling import Settling
from tests.sim.store import Store
from tests.sim.survivor import seed_of
from tests.sim.trace import Trace

NAMES = ("n1", "n2", "n3", "n4", "n5")
WALL_START_US = 1_700_000_000_000_000
CALM_SECONDS = 15
"""The cluster starts without faults for as long as this."""
RESIDENT_SHARE = 0.1
"""In how many seeds every decision is compared with that of a scheduler that stays."""


class Plan(Struct, frozen=True, kw_only=True):
    """What is simulated; with the same plan everything happens again."""

    seed: int
    nodes: int = 3
    minutes: float = 10.0
    fencing: bool | None = None
    """None: the seed decides."""
    rules: Rules = Rules()
    focus: tuple[str, ...] = ()
    """Faults that come more often than the others."""
    pace_ms: int = 0
    """Mean time between faults; 0: the seed decides, and faster where there is a focus."""
    late: float = 0.004
    """How many calls between daemons arrive much later than they were sent."""


class Cluster:
    """The world of one seed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rules = plan.rules
        random = Random(f"{plan.seed}/plan")
        self.has_fencing = random.random() < 0.75 if plan.fencing is None else plan.fencing
        if plan.nodes == 2 and plan.fencing is None:
            self.has_fencing = True  # without it neither goes on alone
        self.nodes = tuple(NodeName(name) for name in NAMES[: plan.nodes])
        self.is_pair = len(self.nodes) == 2
        self.cluster_id = ClusterId("simulated")
        self.generation = 2
        self.timings = Timings()
        self.dc_deadtime_ms = 8_000
        self.cib_xml = cib_xml(Random(f"{plan.seed}/cib"), self.nodes, fencing=self.has_fencing)
        self.loop = Loop()
        self.trace = Trace(self.loop)
        self.network = Network(self.loop, self._random("network"), self.nodes)
        self.streams = Streams(self.loop, self._random("streams"), self.network)
        self.agents = Agents(self.loop, self._random("agents"), self.trace)
        stays = self._random("resident").random() < RESIDENT_SHARE
        self.schedules = Schedules(self.rules, stays=stays)
        self.log = LogModel(
            loop=self.loop,
            network=self.network,
            random=self._random("log"),
            trace=self.trace,
            initial=State(),
            seed=seed_of(self.nodes, self.generation),
            apply=self._apply,
        )
        self.elections = Elections(
            self.loop,
            self.network,
            self._random("elections"),
            self.log,
            lambda replica: self.stores[replica.name].superseded(),
        )
        self.beats = Beats(self.loop, self.network, self._random("beats"), self.timings.dead_ms)
        self.beats.always_answer = not self.rules.reporter_stops_answering
        self.machines: dict[NodeName, Machine] = {}
        self.power = Power(self.loop, self._random("power"), self.trace, self.machines)
        self.crashes = CrashPoints(self._random("crashes"), self.power.crash)
        self._take_habits()
        self.stores: dict[NodeName, Store] = {}
        self.controllers: dict[NodeName, Controller] = {}
        self.executors: dict[NodeName, Executor] = {}
        self.fencers: dict[NodeName, Fencer] = {}
        self._build()
        self.checkers = Checkers(self)
        self.operator = Operator(self, self._random("operator"))
        self.nemesis = Nemesis(self, self._random("nemesis"))
        self.idleness = Idleness(self)
        self.settling = Settling(self)
        self.network.boot_of = self._boot_of
        self.network.before_change.append(self.beats.before_change)
        self.network.after_change.append(self._changed)

    def _take_habits(self) -> None:
        """Let device, agents and crashes be as the plan, or the seed, has them."""
        habits = {*self.plan.focus, *_habits(self.plan)}
        if "power-fails" in habits:
            self.power.habits.fail = 0.7
        if "quick-boots" in habits:
            self.power.habits.boot_ms = (300, 2_000)
        if "slow-agents" in habits:
            self.agents.habits.start_ms = (1_500, 5_500)
        if not self.has_fencing:
            # Without fencing an isolated node must be able to stop in time: see nemesis.py.
            self.crashes.spared = frozenset(("crmd", "lrmd"))
            self.agents.habits.fail_stop = self.agents.habits.hang = 0.0

    def _boot_of(self, node: NodeName) -> object:
        machine = self.machines[node]
        return machine.boots if machine.powered else None

    def _random(self, name: str) -> Random:
        return Random(f"{self.plan.seed}/{name}")

    def _build(self) -> None:
        for name in self.nodes:
            machine = Machine(
                name=name,
                loop=self.loop,
                network=self.network,
                random=self._random(f"machine/{name}"),
                trace=self.trace,
                agents=self.agents,
                streams=self.streams,
            )
            self.machines[name] = machine
            self.stores[name] = Store(machine, self.crashes, self)
            self.executors[name] = Executor(machine, self.crashes, self)
            self.fencers[name] = Fencer(machine, self.crashes, self.power, self)
            self.controllers[name] = Controller(machine, self.crashes, self)
            daemons: tuple[Process, ...] = (
                self.stores[name],
                self.executors[name],
                self.fencers[name],
                self.controllers[name],
            )
            machine.processes = {process.name: process for process in daemons}
            self.beats.add(self.stores[name], self.controllers[name])
            machine.before = self.beats.before_change
            machine.changed = self._changed
            machine.restart_later = self._restart_later
        self.beats.connect()

    def _changed(self) -> None:
        self.beats.after_change()
        self.elections.changed()

    def _restart_later(self, process: Process) -> None:
        """The supervisor starts a daemon again that ended."""
        machine, boots = process.machine, process.machine.boots

        def start() -> None:
            if machine.powered and machine.boots == boots and not process.up:
                process.start()

        self.loop.after(machine.random.randrange(50 * MS, 1_500 * MS), start)

    # -- what the daemons ask ------------------------------------------------------------

    def wall_us(self) -> int:
        """The wall clock; the same on all nodes."""
        return WALL_START_US + self.loop.now_us

    def _apply(self, state: State, index: int, command: Command) -> tuple[State, Outcome]:
        return apply(
            state_let_pass(self.rules, state, command),
            index,
            command_let_pass(self.rules, state, command),
        )

    def fencing_setup(self, node: NodeName) -> Setup:
        """Return devices and members as the fencer of a node sees them."""
        if not self.has_fencing:
            return Setup(members=(node,))
        members = {one.node for one in self.stores[node].facts.nodes if one.is_present} | {node}
        return Setup(
            devices=(device(self.nodes),), members=tuple(sorted(members)), fencing_timeout_ms=20_000
        )

    def voters_in(self, facts: Facts) -> tuple[NodeName, ...]:
        """Return who votes, as somebody who sees these facts knows it."""
        return tuple(one.name for one in facts.members.voters) or self.nodes

    def membership_seen(self, store: Store) -> None:
        """A store applied other facts: its node's fencer sees the members."""
        fencer = self.fencers[store.machine.name]
        name = store.machine.name
        self.network.send(
            name, name, lambda: fencer.take(lambda: fencer.configured(self.fencing_setup(name)))
        )

    # -- old messages ------------------------------------------------------------

    def replay(self, random: Random) -> None:
        """Propose something once more, or something that names what is not current."""
        leaders = [one for one in self.log.replicas.values() if one.leads and one.process.runs]
        if not leaders or not self.log.entries:
            return
        entry = random.choice(self.log.entries)
        if entry.command is None:
            return
        command = _altered(random, entry.command, self)
        self.trace("nemesis", f"replays {type(command.body).__name__}")
        leader = random.choice(leaders)
        leader.process.take(lambda: self.log.propose(leader.name, command, lambda outcome: None))

    # -- the run ------------------------------------------------------------

    def run(self) -> None:
        """Start calmly; faults for the planned time; then it has to settle. Raises `Violation`."""
        random = self._random("start")
        for machine in self.machines.values():
            self.loop.after(random.randrange(3 * SECOND), machine.power_on)
        self.loop.run_until(CALM_SECONDS * SECOND)
        self.crashes.chance = random.choice((0.0, 0.0002, 0.0005, 0.001))
        self.network.late = self.plan.late
        self.network.longest_lag_ms = 25_000 if self.has_fencing else 250
        self.idleness.begin()
        self.nemesis.start()
        self.loop.run_until(int((CALM_SECONDS + self.plan.minutes * 60) * SECOND))
        self.crashes.chance = 0.0
        self.agents.habits.calm()
        self.power.habits.calm()
        self.nemesis.stop()
        self.nemesis.calm_down()
        self.network.late = 0.0
        self.settling.run()


def _habits(plan: Plan) -> tuple[str, ...]:
    """Return what is otherwise in a third of the seeds, where nothing is in focus.

    With both a node that was fenced is back while slow actions of that graph still run elsewhere.
    """
    if plan.focus:
        return ()
    chance = Random(f"{plan.seed}/habits").random()
    slow, quick = chance < 0.25, chance < 0.15 or 0.25 <= chance < 0.35
    return (*(("slow-agents",) if slow else ()), *(("quick-boots",) if quick else ()))


def _altered(random: Random, command: Command, cluster: Cluster) -> Command:
    """A late duplicate, or the same from another cluster, generation, session, boot or term."""
    body = command.body
    facts = cluster.log.newest.state.facts
    generation = facts.generation or cluster.generation
    match random.randrange(6):
        case 0:
            return command
        case 1:
            return replace(command, cluster_id=ClusterId("another"), sequence=0)
        case 2:
            return replace(command, generation=generation - 1, sequence=0)
        case 3:
            return replace(command, client_id=ClientId("nobody"), sequence=7)
        case 4 if isinstance(body, CibChange) and command.token is not None:
            return replace(command, sequence=0, token=Token(0, 1))
        case _:
            pass
    node = random.choice(cluster.nodes)
    there = facts.of(node)
    boot = there.boot_id if there is not None else BootId("nothing")
    session = there.session if there is not None else Session(0)
    term = facts.term
    match random.randrange(3):
        case 0:
            boot = BootId(f"{node}-boot-0")
        case 1:
            session = Session(max(0, session - 1))
        case _:
            term = Term(max(0, term - 1))
    lost: NodeLost | ControllerLost = NodeLost(node=node, boot_id=boot, session=session, term=term)
    if random.random() < 0.3:
        lost = ControllerLost(node=node, boot_id=boot, session=session, term=term)
    if (
        isinstance(
            body,
            NodeLost
            | ControllerLost
            | RenewSession
            | LeaveSession
            | OpenSession
            | AcquireDc
            | FenceIntent
            | FenceResult,
        )
        and random.random() < 0.5
    ):
        return replace(command, sequence=0)
    return Command(body=lost, cluster_id=cluster.cluster_id, generation=generation)
