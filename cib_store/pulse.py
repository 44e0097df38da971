"""Drives the voter's liveness: beats in and out, ticks, and the facts that the leader proposes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from cib_store.beat_sockets import listen
from cib_store.beats import BeatSender
from cib_store.liveness import (
    Acknowledge,
    BeatHeard,
    Daemon,
    Elected,
    Event,
    FactsCommitted,
    LeadershipChanged,
    PeerReports,
    Propose,
    Silence,
    StepDown,
    Ticked,
    Voter,
    VotersChanged,
    next_silence_ms,
    silences,
    step,
)
from cib_store.liveness.admission import Admission
from cib_store.messages.beats import DAEMONS, silence_messages, silences_of
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.cluster_key import ClusterKeys
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.logs import Log
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.settings import Settings
from raftmaker.vocabulary.commands import ControllerLost, NodeLost, RenewSession
from raftmaker.vocabulary.ids import BootId, NodeName, Session, Term
from raftmaker.vocabulary.membership import Facts
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire.types_pb2 import Identity

Recorder = Callable[[NodeLost | ControllerLost | RenewSession], Awaitable[None]]


class Pulse:
    """One voter's liveness and its own store's beats to the other voters."""

    def __init__(
        self,
        *,
        settings: Settings,
        roster: Roster,
        boot_id: BootId,
        identity: Identity,
        keys: ClusterKeys | None,
        record: Recorder,
        step_down: Callable[[], None],
        index: Callable[[], int],
        log: Log,
    ) -> None:
        """`record` commits a fact; `step_down` makes this store cease to lead; `index`: how far
        watches were told, for the answers to beats.

        `keys` sign the datagrams; without them beats come by streams alone.
        """
        timings = settings.timings
        self._node, self._boot_id = settings.node, boot_id
        self._heartbeat_ms = timings.heartbeat_ms
        self._state = Voter(
            me=settings.node,
            voters=tuple(peer.name for peer in roster.voters),
            started_ms=boot_ms(),
            dead_ms=timings.dead_ms,
            dead_max_ms=timings.dead_max_ms,
            stall_ms=timings.stall_ms,
            tick_ms=max(10, timings.heartbeat_ms // 2),
        )
        self._roster = roster
        self._endpoint, self._keys = settings.me.store, keys
        self._admission = Admission()
        self._wake = asyncio.Event()
        self._record, self._step_down, self._log = record, step_down, log
        self._index = index
        self._proposals: set[asyncio.Task[None]] = set()
        self._heard_ms: dict[NodeName, int] = {}
        self._daemon_heard_ms: dict[NodeName, int] = {}
        others = self._others()
        self._sender = BeatSender(others, identity, pb.DAEMON_KIND_STORE, self._answered, keys)
        roster.on_change(self._members_changed)

    def _others(self) -> dict[NodeName, Endpoint]:
        return {peer.name: peer.store for peer in self._roster.voters if peer.name != self._node}

    def _members_changed(self) -> None:
        self._sender.follow(self._others())
        voters = tuple(peer.name for peer in self._roster.voters)
        self._handle(VotersChanged(boot_ms(), voters))

    def hears(self, node: NodeName) -> bool:
        """Tell whether a node's store was heard within the dead time; this one always is."""
        heard = self._heard_ms.get(node)
        alive = heard is not None and boot_ms() - heard < self._state.dead_ms
        return node == self._node or alive

    def hears_any_of(self, node: NodeName) -> bool:
        """Tell whether one of a node's daemons was heard within the dead time."""
        heard = self._daemon_heard_ms.get(node)
        return heard is not None and boot_ms() - heard < self._state.dead_ms

    def _answered(self, voter: NodeName, sent_ms: int, index: int) -> None:
        # A store needs no freshness of its own: Raft tells it whether it leads.
        return

    def heard_ms(self, voter: NodeName) -> int | None:
        """Return when a voter's store was last heard, in boot-time ms; None: never."""
        return self._heard_ms.get(voter)

    def facts_committed(self, facts: Facts) -> None:
        """Tell that this replica applied new facts."""
        self._handle(FactsCommitted(boot_ms(), facts))

    def elected(self, doubted: tuple[NodeLost | ControllerLost, ...]) -> None:
        """Tell that this store was elected, and which losses it found in its log (`Elected`)."""
        if doubted:
            self._log.warning("losses of earlier leaders in the log", facts=doubted)
        self._handle(Elected(boot_ms(), doubted))

    def leadership(self, *, leads: bool, term: Term) -> None:
        """Tell that this store began to lead, its start committed, or ceased to."""
        self._handle(LeadershipChanged(boot_ms(), leads, term))

    def introduced(self, identity: Identity) -> None:
        """A daemon that has proven its node opened a stream: its boot's datagrams count now."""
        boot_id = BootId(identity.boot_id)
        self._admission = self._admission.introduced(NodeName(identity.node), boot_id)

    def beat(self, identity: Identity, beat: pb.Beat, *, by_stream: bool) -> bool:
        """Take a daemon's beat; return whether to answer it."""
        daemon = DAEMONS.get(beat.daemon)
        if daemon is None or not identity.node:
            return False
        now, node, boot_id = boot_ms(), NodeName(identity.node), BootId(identity.boot_id)
        sent_us = beat.sent_at_us
        if not self._admission.admits(node, boot_id, daemon, sent_us, again=by_stream):
            return False
        self._admission = self._admission.admitted(node, daemon, sent_us)
        self._daemon_heard_ms[node] = now
        if daemon is Daemon.STORE:
            self._heard_ms[node] = now
        heard = BeatHeard(
            at_ms=now,
            node=node,
            boot_id=boot_id,
            daemon=daemon,
            session=Session(beat.session),
            sent_us=sent_us,
            silences=silences_of(beat.silences),
            is_behind=beat.members < self._roster.members.number,
        )
        return self._handle(heard)

    async def run(self) -> None:
        """Tick and beat until cancelled."""
        self._sender.start()
        sockets = []
        if self._keys is not None:
            sockets = await listen(
                self._endpoint, self._keys, self._node, self._datagram, self._index, self._log
            )  # fmt: skip
        beat_due = boot_ms()
        try:
            while True:
                now = boot_ms()
                if now >= beat_due:
                    self._beat(now)
                    beat_due = now + self._heartbeat_ms
                self._tick(now)
                await self._rest(beat_due)
        finally:
            for each in sockets:
                each.close()
            await self._sender.close()

    def _datagram(self, beat: pb.Beat) -> bool:
        return self.beat(beat.identity, beat, by_stream=False)

    def _tick(self, now: int) -> None:
        before = self._state.reports
        self._handle(Ticked(now))
        if self._state.reports != before:
            self._beat(now)  # at once: a leader waits for the reports of a majority

    async def _rest(self, beat_due: int) -> None:
        """Sleep until the next tick or beat, a silence that falls due, or a report of a peer."""
        now = boot_ms()
        due = [now + self._state.tick_ms, beat_due]
        silence = next_silence_ms(self._state, now)
        if silence is not None:
            due.append(silence)
        self._wake.clear()
        # A timer of its own: `wait_for` makes a task each time, which is much for an idle store.
        wait_s = max(1, min(due) - now) / 1000
        timer = asyncio.get_running_loop().call_later(wait_s, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    def _beat(self, now: int) -> None:
        facts = self._state.facts.of(self._node)
        current = facts is not None and facts.boot_id == self._boot_id
        session = facts.session if facts is not None and current else Session(0)
        own = BeatHeard(
            at_ms=now,
            node=self._node,
            boot_id=self._boot_id,
            daemon=Daemon.STORE,
            session=session,
            sent_us=now * 1000,
            silences=silences(self._state),
        )
        self._handle(own)
        reports = silence_messages(silences(self._state))
        self._sender.send(session, now, reports, members=self._roster.members.number)

    def _handle(self, event: Event) -> bool:
        before, peers = self._state.reports, self._state.peers
        self._state, effects = step(self._state, event)
        if isinstance(event, BeatHeard) and event.silences != _reported(peers, event.node):
            self._wake.set()
        if self._state.reports != before:
            reported = [f"{one.node}:{one.session}" for one in silences(self._state)]
            self._log.info("silences", reported=",".join(reported) or "none")
        acknowledged = False
        for effect in effects:
            match effect:
                case Acknowledge():
                    acknowledged = True
                case Propose():
                    self._log.warning("liveness proposes", fact=effect.body)
                    task = asyncio.ensure_future(self._record(effect.body))
                    self._proposals.add(task)
                    task.add_done_callback(self._proposals.discard)
                case StepDown():
                    lost = ",".join(effect.seeming_lost)
                    self._log.warning("steps down: a majority seems lost", voters=lost)
                    self._step_down()
        return acknowledged


def _reported(peers: Mapping[NodeName, PeerReports], node: NodeName) -> tuple[Silence, ...]:
    return peers[node].silences if node in peers else ()
