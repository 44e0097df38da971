"""The store daemon of the simulation: a replica of the log, watches, and a voter's liveness."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from cib_store.liveness import (
    Acknowledge,
    BeatHeard,
    Daemon,
    Effect,
    Elected,
    FactsCommitted,
    LeadershipChanged,
    Propose,
    Silence,
    StepDown,
    Ticked,
    Voter,
    VotersChanged,
    silences,
    step,
)
from raftmaker.vocabulary.commands import (
    Body,
    Command,
    ControllerLost,
    CreateCluster,
    LeaderStarted,
    NodeLost,
    Origin,
)
from raftmaker.vocabulary.ids import NodeName, Session, Term
from raftmaker.vocabulary.membership import Facts
from raftmaker.vocabulary.outcomes import Outcome
from tests.sim.crashes import CrashPoints
from tests.sim.log_model import Applied, Replica
from tests.sim.loop import MS, SECOND, Handle
from tests.sim.machine import Machine, Process
from tests.sim.store_client import StoreClient, Watched
from tests.sim.survivor import Survivor

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster

QUIET_US = 1 * SECOND
_ANSWERED = Acknowledge()
_Told = FactsCommitted | Elected | LeadershipChanged | VotersChanged | Ticked


class Store(Process):
    """One node's cib_store."""

    def __init__(self, machine: Machine, crashes: CrashPoints, cluster: Cluster) -> None:
        super().__init__(machine, "cib_store")
        self._crashes = crashes
        self._cluster = cluster
        self.replica: Replica = cluster.log.add(self)
        self.replica.on_applied = self._applied
        self.replica.on_leadership = self._leadership
        self.voter: Voter = Voter(me=machine.name, voters=cluster.nodes, started_ms=0)
        self._facts = Facts()
        self._watchers: list[StoreClient] = []
        self._stirred_us = 0
        self._tick: Handle | None = None
        self._leads_in: Term | None = None
        self.survivor = Survivor(self, cluster)

    # -- life ------------------------------------------------------------

    def on_start(self) -> None:
        """Replay what this replica knows to be committed; judge anew who lives."""
        timings = self._cluster.timings
        self.voter = Voter(
            me=self.machine.name,
            voters=self._cluster.nodes,
            started_ms=self.at_ms,
            dead_ms=timings.dead_ms,
            stall_ms=timings.stall_ms,
        )
        self._watchers, self._leads_in = [], None
        self._facts = Facts()
        self._see(self._cluster.log.applied[self.replica.applied])
        self._tick = None
        self.stir()
        self._cluster.beats.started(self)
        self._cluster.elections.changed()

    def on_crash(self) -> None:
        """The log is on disk; watches break."""
        self._cluster.beats.voter_died(self.machine.name)
        self._cluster.log.crashed(self.replica)
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        for watcher in list(self._watchers):
            watcher.lost(self)

    def superseded(self) -> None:
        """The cluster goes on in another generation: begin anew, with nothing."""

        def begin_anew() -> None:
            if self.replica.store_id == store_id:
                self.machine.trace(self.label, "begins anew")
                self._cluster.log.set_aside(self.replica)
                self.exit()

        store_id = self.replica.store_id
        self.take(begin_anew)

    @property
    def serves(self) -> bool:
        """Whether it has anything that could be watched."""
        return self.replica.founder or self.replica.applied > 0

    @property
    def is_leading(self) -> bool:
        """Whether it leads and its term has begun."""
        return self._leads_in is not None and self.replica.leads

    @property
    def generation(self) -> int:
        """The generation by what it has applied; before that the one that was founded."""
        return self._facts.generation or self._cluster.generation

    # -- the log ------------------------------------------------------------

    def propose(self, command: Command, reply: Callable[[object], None]) -> None:
        """Commit a command; the answer is its outcome, or None when its fate is unknown."""
        self._crashes.point(self)
        if self.paused:
            self.first_on_resume(lambda: self.propose(command, reply))
            return
        self._cluster.log.propose(self.machine.name, command, reply)

    def _propose_own(self, body: Body) -> None:
        command = Command(
            body=body,
            cluster_id=self._cluster.cluster_id,
            generation=self.generation,
            origin=Origin(
                node=self.machine.name, client="cib_store", at_us=self._cluster.wall_us()
            ),
        )

        def ended(outcome: Outcome | None) -> None:
            if isinstance(body, LeaderStarted) and outcome is not None:
                self._leading(body.term)

        self._cluster.log.propose(self.machine.name, command, ended)

    def _leadership(self, term: Term, leads: bool) -> None:
        if leads:
            self.take(lambda: self._lead(term))
        elif self._leads_in is not None:
            self._leads_in = None
            self.take(lambda: self._liveness(LeadershipChanged(self.at_ms, False, term)))

    def _lead(self, term: Term) -> None:
        if not self.replica.leads or self.replica.term != term:
            return
        self._propose_own(LeaderStarted(term=term, leader=self.machine.name))
        if not self._facts.cluster_id:
            self._propose_own(CreateCluster(cib=self._cluster.cib_xml))
        if self._cluster.rules.new_leader_doubts_losses:
            bodies = [entry.command.body for entry in self.replica.unapplied() if entry.command]
            losses = (one for one in bodies if isinstance(one, NodeLost | ControllerLost))
            self._liveness(Elected(self.at_ms, tuple(dict.fromkeys(losses))))

    def _leading(self, term: Term) -> None:
        if self.replica.leads and self.replica.term == term:
            self._leads_in = term
            self.stir()
            self._liveness(LeadershipChanged(self.at_ms, True, term))
            if self._cluster.is_pair:
                self.survivor.begin()

    def _applied(self, applied: Applied) -> None:
        if self.up:
            self._see(applied)

    def _see(self, applied: Applied) -> None:
        state = applied.state
        if state.facts is not self._facts:
            changed = [one.node for one in state.facts.nodes if self._facts.of(one.node) != one]
            self.stir()
            for node in changed:
                self._cluster.beats.unfold_into(self, node)
            before = self.session()
            self._facts = state.facts
            self._liveness(FactsCommitted(self.at_ms, state.facts))
            voters = self._cluster.voters_in(state.facts)
            if voters != self.voter.voters:
                self._liveness(VotersChanged(self.at_ms, voters))
            if self.session() != before:
                self._cluster.beats.unfold_from(self)
            self._cluster.membership_seen(self)
        if applied.index and self._watchers:
            watched = Watched(applied.index, state.cib, state.facts)
            for watcher in self._watchers:
                watcher.step(watched, watcher.connection)

    # -- watches ------------------------------------------------------------

    def watch(self, watcher: StoreClient) -> None:
        """Send where it stands now, then every further step."""
        self._watchers.append(watcher)
        applied = self._cluster.log.applied[self.replica.applied]
        watcher.step(
            Watched(applied.index, applied.state.cib, applied.state.facts), watcher.connection
        )

    def unwatch(self, watcher: StoreClient) -> None:
        """End a watch."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    @property
    def facts(self) -> Facts:
        """The facts that this replica has applied."""
        return self._facts

    # -- liveness ------------------------------------------------------------

    def session(self) -> Session:
        """The session that its beats name."""
        mine = self._facts.of(self.machine.name)
        if mine is None or mine.boot_id != self.machine.boot_id:
            return Session(0)
        return mine.session

    def silences(self) -> tuple[Silence, ...]:
        """The reports that its beats carry."""
        return silences(self.voter)

    def hear(self, beat: BeatHeard) -> bool:
        """Take a beat; tell whether it is answered."""
        self.voter, effects = step(self.voter, beat)
        if beat.daemon is Daemon.STORE and not self._cluster.rules.both_daemons_silent:
            heard = self.voter.heard.get(beat.node)
            if heard is not None:
                without = {**self.voter.heard, beat.node: replace(heard, store_ms=None)}
                self.voter = replace(self.voter, heard=without)
        return _ANSWERED in effects

    def _liveness(self, event: _Told) -> None:
        before = self.voter.reports
        self.voter, effects = self._stepped(event)
        if self.voter.reports != before:
            self.stir()
            self._cluster.trace(self.label, f"reports {_readable(self.voter)}")
            for node in sorted(before.keys() | self.voter.reports.keys()):
                if before.get(node) != self.voter.reports.get(node):
                    self._cluster.beats.unfold_into(self, node)
            self._cluster.beats.unfold_from(self)
        if effects:
            self.stir()
        for effect in effects:
            if isinstance(effect, Propose):  # judged now: it may be stopped before it is made
                self._cluster.checkers.loss_proposed(self, effect.body)
        self._carry(effects)

    def _stepped(self, event: _Told) -> tuple[Voter, tuple[Effect, ...]]:
        """Step the core; broken rules let it count itself alone, or forget what it heard."""
        rules, voter = self._cluster.rules, self.voter
        if isinstance(event, LeadershipChanged) and not rules.new_leader_hears_itself:
            long_ago = {node.node: self.at_ms - 3 * voter.dead_ms for node in voter.facts.nodes}
            voter = replace(voter, heard={}, armed_ms=long_ago)
        stepped, effects = step(voter, event)
        deaf = any(isinstance(effect, StepDown) for effect in effects)
        alone = not rules.majority_reports or (deaf and not rules.minority_steps_down)
        if isinstance(event, Ticked) and alone:
            stepped, effects = step(replace(voter, voters=(voter.me,)), event)
            stepped = replace(stepped, voters=voter.voters)
        return stepped, effects

    def _carry(self, effects: tuple[Effect, ...]) -> None:
        for number, effect in enumerate(effects):
            self._crashes.point(self)
            if self.paused:
                self.first_on_resume(partial(self._carry, effects[number:]))
                return
            match effect:
                case Acknowledge():
                    pass
                case Propose(body):
                    if self.replica.leads:
                        self._propose_own(body)
                        self._cluster.nemesis.loss_proposed(self.machine.name)
                case StepDown():
                    self._cluster.log.step_down(self.replica)
                    self._cluster.elections.changed()
                case _:
                    assert_never(effect)

    def may_fold(self, node: NodeName) -> bool:
        """Whether it will go on answering the beats of a node."""
        return node not in self.voter.reports

    def is_quiet(self) -> bool:
        """Whether its own beats have said the same for a while."""
        return self.machine.loop.now_us - self._stirred_us >= QUIET_US

    def stir(self) -> None:
        """Something happened that ticks may notice: tick for real for a while."""
        self._stirred_us = self.machine.loop.now_us
        if self._tick is None and self.up:
            period_us = self.voter.tick_ms * MS
            if self.voter.ticked_ms is not None:
                # Ticks were folded: the last of them was on time.
                last_ms = max(self.voter.ticked_ms, self.at_ms - self.voter.tick_ms)
                self.voter = replace(self.voter, ticked_ms=last_ms)
            self._tick = self.machine.loop.after(period_us, self._tick_due)

    def pause(self) -> None:
        """Stop; ticks that were folded were on time until now, and are late from now on."""
        if self.runs:
            self.stir()
        super().pause()

    def _tick_due(self) -> None:
        if not self.paused:
            self._tick = None
            self.take(self._ticked)
        elif self._cluster.rules.stall_rearms:
            # The loop drains its input before the tick (protocols, Liveness).
            self.take(self._tick_after_input)
        else:
            self.first_on_resume(self._late_tick)

    def _tick_after_input(self) -> None:
        self._tick = self.machine.loop.after(0, lambda: self.take(self._late_tick))

    def _late_tick(self) -> None:
        self._tick = None
        if not self._cluster.rules.stall_rearms:
            self.voter = replace(self.voter, ticked_ms=self.at_ms - self.voter.tick_ms)
        self._ticked()

    def _ticked(self) -> None:
        self._cluster.beats.flush_into(self)
        self._liveness(Ticked(self.at_ms))
        if not self.up or self._tick is not None:
            return
        if self.is_quiet() and self._cluster.beats.all_quiet(self):
            return
        self._tick = self.machine.loop.after(self.voter.tick_ms * MS, self._tick_due)


def _readable(voter: Voter) -> str:
    return ", ".join(
        f"{one.node}#{one.session}{'' if one.node_silent else ' controller'}"
        f"{' heard again' if one.heard_again else ''}"
        for one in voter.reports.values()
    )
