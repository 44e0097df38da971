"""Heartbeats: real ones while anything changes, folded into link state while nothing does.

A *stream* carries the beats of one daemon to one voter. After three answered beats in a row over an
undisturbed link it is *folded*: no events any more, since every further beat would say the same
and be answered the same. Whoever is about to judge by beats first gets the newest one that would
have come (`flush`). Any disturbance unfolds: the newest beat is given, and real ones follow.
A voter's ticks are folded likewise while all its streams are folded or long dead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cib_store.liveness import BeatHeard, Daemon, Silence
from raftmaker.runtime.freshness import Freshness
from raftmaker.vocabulary.ids import BootId, NodeName, Session
from tests.sim.loop import MS, SECOND, Loop
from tests.sim.machine import Process
from tests.sim.network import Network

if TYPE_CHECKING:
    from random import Random

    from tests.sim.controller import Controller
    from tests.sim.store import Store

PERIOD_US = 100 * MS
FOLD_AFTER = 3
FOLDED_DELAY_US = 40 * MS
FLUSH_US = 300 * MS
LAZY_MS = 250
"""A folded controller hears of its contact when what it knows is this old."""


class Stream:
    """The beats of one daemon to one voter."""

    def __init__(self, sender: Process, daemon: Daemon, voter: Store) -> None:
        self.sender = sender
        self.daemon = daemon
        self.voter = voter
        self.folded = False
        self.good = 0
        self.dead_since_us: int | None = 0
        """Since when nothing comes; None: something does."""
        self.heard_sent_us = -1
        """When the newest beat was sent that the voter's core has been given."""
        self.answered_us = -1
        """When the newest beat was sent that the voter answered."""
        self.incarnation = 0

    @property
    def node(self) -> NodeName:
        """The sender's node."""
        return self.sender.machine.name

    def __repr__(self) -> str:
        return f"{self.sender.label}->{self.voter.machine.name}"


class Beats:
    """All streams of a cluster."""

    def __init__(self, loop: Loop, network: Network, random: Random, dead_ms: int) -> None:
        self._loop = loop
        self._network = network
        self._random = random
        self._dead_us = dead_ms * MS
        self.voters: dict[NodeName, Store] = {}
        self.controllers: dict[NodeName, Controller] = {}
        self._streams: dict[Process, list[Stream]] = {}
        self._into: dict[NodeName, list[Stream]] = {}
        self._phase_us: dict[Process, int] = {}
        self._beating: set[Process] = set()
        self._fresh: dict[NodeName, Freshness] = {}
        self._voters: dict[NodeName, tuple[NodeName, ...]] = {}
        """Whose answers count for a controller."""
        self._before_us: dict[NodeName, int] = {}
        """Its contact until others voted."""
        self._told_ms: dict[NodeName, int] = {}
        self._session: dict[NodeName, tuple[BootId, Session]] = {}
        self._arrived_us: dict[tuple[NodeName, NodeName], int] = {}
        self._gap_us: dict[tuple[NodeName, NodeName], int] = {}
        self.always_answer = False
        """Planted: a voter answers whatever it reported."""
        self.real = 0

    def add(self, store: Store, controller: Controller) -> None:
        """Add a node; all are added before anything starts."""
        name = store.machine.name
        self.voters[name] = store
        self.controllers[name] = controller

    def connect(self) -> None:
        """Make the streams between all that were added."""
        for name in self.voters:
            for sender, daemon in (
                (self.voters[name], Daemon.STORE),
                (self.controllers[name], Daemon.CONTROLLER),
            ):
                streams = [Stream(sender, daemon, voter) for voter in self.voters.values()]
                self._streams[sender] = streams
                self._phase_us[sender] = self._random.randrange(PERIOD_US)
                for stream in streams:
                    self._into.setdefault(stream.voter.machine.name, []).append(stream)

    # -- what the senders do ------------------------------------------------------------

    def started(self, sender: Process) -> None:
        """A sender started: nothing it sent before counts."""
        for stream in self._streams[sender]:
            self._unfold(stream)
            stream.answered_us = -1
            stream.incarnation = sender.incarnation
        for stream in self._into[sender.machine.name] if sender in self.voters.values() else ():
            # A voter that starts anew has heard nobody.
            self._unfold_silently(stream)
            self._arrived_us.pop((sender.machine.name, stream.node), None)
        if sender is self.controllers[sender.machine.name]:
            self._before_us.pop(sender.machine.name, None)
            self._voters.pop(sender.machine.name, None)
            self._forget_contact(sender.machine.name)
        self._beat_on(sender)

    def _forget_contact(self, node: NodeName) -> None:
        self._fresh[node] = Freshness(voters=self._voters.get(node, tuple(self.voters)))
        self._told_ms[node] = -1

    def _beat_on(self, sender: Process) -> None:
        if sender in self._beating:
            return
        self._beating.add(sender)
        now_us, phase_us = self._loop.now_us, self._phase_us[sender]
        rounds = (now_us - phase_us) // PERIOD_US + 1
        self._loop.at(phase_us + rounds * PERIOD_US, lambda: self._beat(sender))

    def _beat(self, sender: Process) -> None:
        self._beating.discard(sender)
        if not sender.runs:
            return  # goes on when it is resumed or started
        open_streams = [stream for stream in self._streams[sender] if not stream.folded]
        if not open_streams:
            return
        for stream in open_streams:
            self._send(stream)
        self._beat_on(sender)

    def _send(self, stream: Stream) -> None:
        self.real += 1
        network, now_us = self._network, self._loop.now_us
        source, target = stream.node, stream.voter.machine.name
        boot, session = stream.sender.machine.boot_id, self._session_of(stream)
        incarnation = stream.sender.incarnation
        clock_us = stream.sender.machine.at_ms * MS
        silences = stream.sender.silences() if stream.daemon is Daemon.STORE else ()  # type: ignore[attr-defined]  # a Store's

        def arrive() -> None:
            voter = stream.voter
            if voter.up:
                self._arrived(stream, self._loop.now_us)
                voter.take(
                    lambda: self._given(
                        stream, now_us, clock_us, incarnation, boot, session, silences
                    )
                )

        network.send(source, target, arrive)

    def _session_of(self, stream: Stream) -> Session:
        return stream.sender.session()  # type: ignore[attr-defined, no-any-return]  # both daemons have it

    def _given(
        self,
        stream: Stream,
        sent_us: int,
        sent_clock_us: int,
        incarnation: int,
        boot: BootId,
        session: Session,
        silences: tuple[Silence, ...],
    ) -> None:
        """The voter takes a real beat; it answers, or not."""
        voter = stream.voter
        if stream.dead_since_us is not None:
            stream.dead_since_us = None
            voter.stir()
        answered = voter.hear(
            BeatHeard(
                at_ms=voter.at_ms,
                node=stream.node,
                boot_id=boot,
                daemon=stream.daemon,
                session=session,
                sent_us=sent_clock_us,
                silences=silences,
            )
        )
        answered = answered or (self.always_answer and stream.daemon is Daemon.CONTROLLER)
        stream.heard_sent_us = max(stream.heard_sent_us, sent_us)
        if not answered or stream.sender.incarnation != incarnation:
            stream.good = 0
            return
        stream.answered_us = max(stream.answered_us, sent_us)

        def back() -> None:
            sender = stream.sender
            if sender.incarnation == incarnation:
                sender.take(lambda: self._acknowledged(stream, sent_us, session))

        self._network.send(voter.machine.name, stream.node, back)

    def _acknowledged(self, stream: Stream, sent_us: int, session: Session) -> None:
        stream.good += 1
        if stream.daemon is Daemon.CONTROLLER:
            self._contact(stream, sent_us, session, self._loop.now_us)
        if stream.good >= FOLD_AFTER and self._may_fold(stream, sent_us):
            stream.folded = True

    def _may_fold(self, stream: Stream, sent_us: int) -> bool:
        return (
            self._loop.now_us - sent_us < 5 * FOLDED_DELAY_US
            and stream.sender.runs
            and stream.voter.runs
            and self._plain(stream.node, stream.voter.machine.name)
            and stream.voter.may_fold(stream.node)
            and (
                stream.daemon is Daemon.CONTROLLER or stream.sender.is_quiet()  # type: ignore[attr-defined]  # a Store's
            )
        )

    def _plain(self, one: NodeName, other: NodeName) -> bool:
        if one == other:
            return True
        links = self._network.links
        return all(
            link.up and link.loss == 0 and link.delay_us <= FOLDED_DELAY_US
            for link in (links[one, other], links[other, one])
        )

    # -- contact ------------------------------------------------------------

    def _contact(self, stream: Stream, sent_us: int, session: Session, arrived_us: int) -> None:
        """The controller learns that a voter answered a beat of its present session."""
        node, voter = stream.node, stream.voter.machine.name
        controller = self.controllers[node]
        if session != controller.session():
            return
        fresh = self._fresh[node]
        self._fresh[node] = fresh = fresh.answered(voter, controller.machine.at_ms_of(sent_us))
        newest = fresh.majority_ms
        if newest is not None and newest > self._told_ms[node]:
            self._told_ms[node] = newest
            arrived_ms = controller.machine.at_ms_of(arrived_us)
            controller.guarded(lambda: controller.beats_answered(newest, arrived_ms))

    def voters_changed(self, node: NodeName, voters: tuple[NodeName, ...]) -> None:
        """A controller sees that others vote: later answers of those of before prove nothing.

        What they answered until then does, since the voters re-arm their silences.
        """
        if voters != self._voters.get(node, tuple(self.voters)):
            before_us = self.answered_us(node)
            if before_us is not None:
                self._before_us[node] = before_us
            self._voters[node] = voters
            self.session_changed(node)

    def session_changed(self, node: NodeName) -> None:
        """The controller has another session: answers to the beats of the old one prove nothing."""
        self._forget_contact(node)
        for stream in self._streams[self.controllers[node]]:
            self._unfold(stream)

    def refresh(self, controller: Controller) -> None:
        """Tell a controller the contact that folded beats have proven by now."""
        node = controller.machine.name
        told = self._told_ms.get(node, -1)
        if told >= 0 and controller.machine.at_ms - told < LAZY_MS:
            return
        for stream in self._streams[controller]:
            if stream.folded:
                self._catch_up(stream)

    # -- folding ------------------------------------------------------------

    def _newest_us(self, stream: Stream, margin_us: int) -> int:
        """When the newest beat was sent that had `margin_us` to travel."""
        phase_us = self._phase_us[stream.sender]
        return (self._loop.now_us - margin_us - phase_us) // PERIOD_US * PERIOD_US + phase_us

    def _catch_up(self, stream: Stream) -> None:
        """Give a folded stream's newest beat to the voter, and its answer to the sender."""
        source, target = stream.node, stream.voter.machine.name
        there_us = 2 * self._network.delay_us(source, target)
        back_us = 2 * self._network.delay_us(target, source)
        sent_us = self._newest_us(stream, there_us)
        if sent_us > stream.heard_sent_us:
            stream.heard_sent_us = sent_us
            arrived_us = sent_us + there_us
            self._arrived(stream, arrived_us)
            voter = stream.voter
            age_ms = (self._loop.now_us - arrived_us) // MS
            answered = voter.hear(
                BeatHeard(
                    at_ms=voter.at_ms - age_ms,
                    node=source,
                    boot_id=stream.sender.machine.boot_id,
                    daemon=stream.daemon,
                    session=self._session_of(stream),
                    sent_us=stream.sender.machine.at_ms_of(sent_us) * MS,
                    silences=(
                        stream.sender.silences()  # type: ignore[attr-defined]  # a Store's
                        if stream.daemon is Daemon.STORE
                        else ()
                    ),
                )
            )
            if not answered and not self.always_answer:
                # A fact came in between: what was folded before it counts up to the last flush.
                stream.folded, stream.good = False, 0
                self._beat_on(stream.sender)
                return
            stream.answered_us = sent_us
        if stream.daemon is Daemon.CONTROLLER:
            answered_us = self._newest_us(stream, there_us + back_us)
            arrived_us = answered_us + there_us + back_us
            self._contact(stream, answered_us, self._session_of(stream), arrived_us)

    def _unfold(self, stream: Stream) -> None:
        stream.good = 0
        if not stream.folded:
            return
        self._catch_up(stream)
        stream.folded = False
        self._beat_on(stream.sender)

    def _unfold_silently(self, stream: Stream) -> None:
        stream.folded, stream.good = False, 0

    def flush_into(self, voter: Store) -> None:
        """Give a voter the newest beats of folded streams, well before it would miss them."""
        old_us = self._loop.now_us - FLUSH_US
        for stream in self._into[voter.machine.name]:
            if stream.folded and stream.heard_sent_us < old_us:
                self._catch_up(stream)

    def unfold_into(self, voter: Store, node: NodeName | None = None) -> None:
        """The voter may answer otherwise from now on (about `node`)."""
        for stream in self._into[voter.machine.name]:
            if node is None or stream.node == node:
                self._unfold(stream)

    def unfold_from(self, sender: Process) -> None:
        """The sender's beats say something else from now on."""
        for stream in self._streams[sender]:
            self._unfold(stream)

    def all_quiet(self, voter: Store) -> bool:
        """Whether every stream into the voter is folded, or dead for two seconds."""
        now_us = self._loop.now_us
        for stream in self._into[voter.machine.name]:
            if stream.folded:
                continue
            dead_us = stream.dead_since_us
            if dead_us is None or now_us - dead_us < 2 * SECOND:
                return False
        return True

    def before_change(self, nodes: frozenset[NodeName]) -> None:
        """Links or processes of `nodes` are about to change: give what was folded until now."""
        for streams in self._streams.values():
            for stream in streams:
                if stream.folded and (stream.node in nodes or stream.voter.machine.name in nodes):
                    self._catch_up(stream)

    def after_change(self) -> None:
        """The network or a process has changed."""
        now_us = self._loop.now_us
        for sender, streams in self._streams.items():
            for stream in streams:
                voter = stream.voter
                up = self._network.up(stream.node, voter.machine.name)
                flows = sender.runs and up
                plain = flows and voter.runs and self._plain(stream.node, voter.machine.name)
                if stream.folded and not plain:
                    stream.folded, stream.good = False, 0
                    voter.stir()
                if not flows and stream.dead_since_us is None:
                    stream.dead_since_us = now_us
                    voter.stir()
                if not flows:
                    stream.good = 0
            if sender.runs and any(not stream.folded for stream in streams):
                self._beat_on(sender)

    # -- the truth, for the checkers ------------------------------------------------------------

    def _arrived(self, stream: Stream, at_us: int) -> None:
        key = (stream.voter.machine.name, stream.node)
        last_us = self._arrived_us.get(key, stream.voter.started_us)
        if at_us - last_us >= self._dead_us:
            self._gap_us[key] = at_us
        self._arrived_us[key] = max(at_us, last_us)

    def answered_us(self, node: NodeName) -> int | None:
        """When the newest beat of the node's controller was sent that a majority answered."""
        controller = self.controllers[node]
        voters = self._voters.get(node, tuple(self.voters))
        sent = []
        for stream in self._streams[controller]:
            if stream.voter.machine.name not in voters:
                continue
            if stream.folded:
                margin_us = 2 * self._network.delay_us(node, stream.voter.machine.name)
                sent.append(max(stream.answered_us, self._newest_us(stream, margin_us)))
            elif stream.answered_us >= 0:
                sent.append(stream.answered_us)
        majority = len(voters) // 2 + 1
        before_us = self._before_us.get(node)
        if len(sent) < majority:
            return before_us
        return max(sorted(sent, reverse=True)[majority - 1], before_us or 0)

    def voter_died(self, voter: NodeName) -> None:
        """A voter ends: what was silent to it at this moment, it may have reported."""
        for node in self.voters:
            if self.is_silent(voter, node):
                self._gap_us[voter, node] = self._loop.now_us

    def last_heard_us(self, voter: NodeName, node: NodeName) -> int:
        """When a voter last heard any daemon of a node."""
        if any(stream.folded for stream in self._into[voter] if stream.node == node):
            return self._loop.now_us
        return self._arrived_us.get((voter, node), self.voters[voter].started_us)

    def is_silent(self, voter: NodeName, node: NodeName) -> bool:
        """Whether a voter has heard nothing of a node for the dead time, in its milliseconds."""
        return self._loop.now_us - self.last_heard_us(voter, node) > self._dead_us - MS

    def silent_since(self, node: NodeName, begin_us: int) -> list[NodeName]:
        """Return the voters that heard nothing of a node for a dead time, at some time since then.

        Their reports stand until the node has another session.
        """
        silent = []
        for voter in self.voters:
            gap_us = self._gap_us.get((voter, node))
            recent = gap_us is not None and gap_us >= begin_us
            if recent or self.is_silent(voter, node):
                silent.append(voter)
        return sorted(silent)
