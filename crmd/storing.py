"""The connection to the store: commits, the watch, and the beats by which the node is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from cib_store.client import BeatSender, StoreClient
from crmd.fsa import effects, events
from crmd.lagging import Lag
from crmd.runner import Runner
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.cluster_key import ClusterKeys
from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.errors import HaError, Refused, Rejected
from raftmaker.runtime.freshness import Freshness
from raftmaker.runtime.logs import Log
from raftmaker.runtime.outage import Outage
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.settings import Settings
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange, FencingProof, Origin
from raftmaker.vocabulary.ids import BootId, NodeName, Session
from raftmaker.vocabulary.membership import LogPlace
from raftmaker.vocabulary.outcomes import Outcome
from raftmaker.wire import store_pb2
from raftmaker.wire.types_pb2 import Identity

_AGAIN_S = 0.1
_RECORD_MS = 3_000
_ALONE_MS = 5_000
Take = Callable[[events.Event], None]


class Storing:
    """Commits what the core records; asked again, at any voter, until the outcome is known."""

    def __init__(self, roster: Roster, identity: Identity) -> None:
        """Connect when first used."""
        self._client = StoreClient(roster.stores, identity, exactly_once=True)
        self._own = StoreClient(roster.stores[0], identity)
        roster.on_change(lambda: self._client.retarget(roster.stores))

    async def record(self, effect: effects.Record) -> tuple[ExitCode | None, int]:
        """Commit; return the code (None: not known whether it is) and the log position."""
        try:
            outcome = await self._commit(effect)
        except (Refused, Rejected) as error:
            return error.exit_code, 0
        except HaError:
            return None, 0
        return outcome.code, outcome.index

    async def _commit(self, effect: effects.Record) -> Outcome:
        body, token = effect.body, effect.token
        origin = Origin(node=effect.about or NodeName(""), at_us=wall_us())
        if isinstance(body, CibChange) and not body.status:
            # The configuration's changes are checked and kept in the history, whoever makes them.
            return await self._client.change(
                body.operations, token=token, origin=origin, timeout_ms=_RECORD_MS
            )
        return await self._client.record(body, token=token, origin=origin, timeout_ms=_RECORD_MS)

    async def may_go_alone(self) -> tuple[LogPlace, NodeName, BootId]:
        """Ask this node's own store, and no other. Raises `HaError` with the reason against it."""
        return await self._own.may_go_alone(timeout_ms=_RECORD_MS)

    async def go_alone(self, place: LogPlace, proof: FencingProof) -> None:
        """Have this node's own store go on alone. Raises `HaError`: it is not known to have."""
        dated = replace(proof, at_us=wall_us())
        outcome = await self._own.go_alone(place, dated, timeout_ms=_ALONE_MS)
        if not outcome.succeeded:
            raise Rejected(outcome.code, outcome.reports)

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()
        await self._own.close()


class Watching:
    """Follows the CIB and the facts, at this node's store or another voter's."""

    def __init__(self, roster: Roster, identity: Identity, take: Take, log: Log) -> None:
        """Tell `take` of every step; call `run` to begin."""
        self._client = StoreClient(roster.stores, identity)
        self._roster = roster
        roster.on_change(lambda: self._client.retarget(roster.stores))
        self._take = take
        self._log = log
        self._outage = Outage(log, "store is watched again", "store cannot be watched")
        self._lag = Lag()

    def told(self, index: int) -> None:
        """A voter's watches have got so far; one here that stays behind is left for another's."""
        now = boot_ms()
        self._lag = self._lag.told(index, now)
        if self._lag.is_too_long(now):
            self._log.warning(
                "the store that is watched lags behind the voters: another one is watched",
                seen=self._lag.seen,
                awaited=self._lag.awaited,
            )
            self._lag = self._lag.left(now)
            self._client.leave()

    async def run(self) -> None:
        """Follow until cancelled."""
        seen = None
        while True:
            try:
                async for step in self._client.watch(seen):
                    seen = step
                    self._outage.over()
                    self._lag = self._lag.saw(step.index, boot_ms())
                    self._roster.follow(step.facts.members)
                    self._take(
                        events.StoreChanged(
                            at_ms=boot_ms(), index=step.index, cib=step.cib, facts=step.facts
                        )
                    )
            except HaError as error:
                self._outage.on(error)
            self._take(events.StoreLost(at_ms=boot_ms()))
            await asyncio.sleep(_AGAIN_S)


class Beating:
    """Sends this controller's beats and tells the core which of them a majority answered."""

    def __init__(
        self,
        settings: Settings,
        roster: Roster,
        identity: Identity,
        boot_id: BootId,
        runner: Runner,
        watching: Watching,
        keys: ClusterKeys | None,
    ) -> None:
        """Call `run` to begin."""
        self._watching = watching
        self._node, self._boot_id = settings.node, boot_id
        self._interval_ms = settings.timings.heartbeat_ms
        self._settings, self._roster = settings, roster
        self._voters = tuple(peer.name for peer in roster.voters)
        self._runner = runner
        self._session, self._session_since_ms = Session(0), 0
        self._freshness = Freshness(voters=self._voters)
        self._sender = BeatSender(
            self._targets(), identity, store_pb2.DAEMON_KIND_CONTROLLER, self._answered, keys
        )
        roster.on_change(self._members_changed)

    def _targets(self) -> dict[NodeName, Target]:
        own = self._settings.socket("cib")
        return {
            peer.name: own if peer.name == self._node else peer.store
            for peer in self._roster.voters
        }

    def _members_changed(self) -> None:
        """Others vote: only answers to beats from now on prove contact to a majority of them."""
        self._sender.follow(self._targets())
        self._voters = tuple(peer.name for peer in self._roster.voters)
        self._session_since_ms = boot_ms()
        self._freshness = Freshness(voters=self._voters)

    async def run(self) -> None:
        """Beat until cancelled."""
        self._sender.start()
        try:
            while True:
                session, now = self._current_session(), boot_ms()
                if session != self._session:
                    # Answers to beats of an older session prove nothing about this one.
                    self._session, self._session_since_ms = session, now
                    self._freshness = Freshness(voters=self._voters)
                self._sender.send(session, now, members=self._roster.members.number)
                await asyncio.sleep(self._interval_ms / 1000)
        finally:
            await self._sender.close()

    def _current_session(self) -> Session:
        facts = self._runner.state.view.facts.of(self._node)
        mine = facts is not None and facts.boot_id == self._boot_id
        return facts.session if facts is not None and mine else Session(0)

    def _answered(self, voter: NodeName, sent_ms: int, index: int) -> None:
        self._watching.told(index)
        if sent_ms < self._session_since_ms:
            return
        before = self._freshness.majority_ms
        self._freshness = self._freshness.answered(voter, sent_ms)
        now = self._freshness.majority_ms
        if now is not None and now != before:
            self._runner.take(events.BeatsAnswered(at_ms=boot_ms(), sent_at_ms=now))
