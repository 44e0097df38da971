"""The store of one node: puts the log, the replica, proposals, liveness and history together.

It holds no rule of its own: what a command does is `apply`'s, who is lost is liveness's. Everything
here runs on the event loop; disk, snapshots and history have threads of their own.
"""

from __future__ import annotations

import asyncio

from cib_store.access.views import Views
from cib_store.apply import Outcome, State
from cib_store.dampening import Dampening
from cib_store.document.codec import render
from cib_store.document.sections import empty_cib
from cib_store.doubts import doubted
from cib_store.history import History, HistoryEntry
from cib_store.hub import Hub
from cib_store.membership.keeper import MembersKeeper
from cib_store.membership.rules import configuration_of, has_to_wait
from cib_store.membership.serving import MemberCalls
from cib_store.membership.survivor import Survivor
from cib_store.proposing.changes import Changes
from cib_store.proposing.proposer import Proposer
from cib_store.pulse import Pulse
from cib_store.raft.engine import PySyncObjLog
from cib_store.raft.log import Leadership
from cib_store.reading import Reading
from cib_store.replica import Mark, Replica
from cib_store.settling import Settling
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.daemon import Context
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.founding import marker_of
from raftmaker.runtime.identity import SOFTWARE_VERSION
from raftmaker.runtime.roster import Roster, seed_of
from raftmaker.vocabulary.commands import (
    Body,
    CheckState,
    CloseClients,
    Command,
    ControllerLost,
    CreateCluster,
    LeaderStarted,
    NodeLost,
    RenewSession,
    WriteAttributes,
)
from raftmaker.vocabulary.ids import BootId, NodeName, Term
from raftmaker.vocabulary.members import Members
from raftmaker.wire.types_pb2 import Identity

FACT_MS = 3_000
"""How long the leader tries to commit a loss or return; then it judges anew."""
GIVE_BACK_MS = 5_000
"""How long one of two voters waits at its end for the other to go on without it."""
AGAIN_S = 0.1
CLIENTS_CHECK_S = 600.0
CLIENT_IDLE_US = 24 * 3600 * 1_000_000
"""A client session that was idle for so long is ended by the leader."""


class Store:
    """One replica with all that it does of itself."""

    def __init__(self, context: Context) -> None:
        """Build the parts; nothing runs yet."""
        settings = context.settings
        self.settings, self.identity, self.log = settings, context.identity, context.log
        self.roster = Roster(settings)
        self.hub = Hub()
        self.history = History(settings.state_dir / "history.db")
        self.replica = Replica(
            self._applied, differs=self._differs, before_snapshot=self.history.write
        )
        self.engine = PySyncObjLog(
            settings.node,
            seed=configuration_of(seed_of(settings), 1),
            endpoint_of=self.roster.endpoint,
            identity=context.identity,
            directory=settings.state_dir / "raft",
            machine=self.replica,
            timings=settings.timings,
            founding=marker_of(settings.state_dir),
            on_refused=self._refused,
            compact_bytes=settings.compact_bytes,
        )
        self.proposer = Proposer(
            log=self.engine, replica=self.replica, cluster=settings.cluster, node=settings.node
        )
        self.changes = Changes(proposer=self.proposer, replica=self.replica, hub=self.hub)
        self.views = Views()
        self.reading = Reading(self.changes.tree, self.views)
        self.pulse = Pulse(
            settings=settings,
            roster=self.roster,
            boot_id=context.boot_id,
            identity=context.identity,
            keys=context.keys,
            record=self._record,
            step_down=self.engine.step_down,
            index=lambda: self.hub.index,
            log=context.log,
        )
        self.dampening = Dampening(self._write_attributes)
        self.settling = Settling(self.replica, context.identity)
        self.keeper = MembersKeeper(
            engine=self.engine, replica=self.replica, proposer=self.proposer, log=context.log
        )
        self.member_calls = MemberCalls(
            keeper=self.keeper,
            engine=self.engine,
            pulse=self.pulse,
            roster=self.roster,
            identity=context.identity,
        )
        self.survivor = self._survivor(context.boot_id)
        self._leading: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None
        self._marked = 0
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def _survivor(self, boot_id: BootId) -> Survivor:
        return Survivor(
            node=self.settings.node,
            boot_id=boot_id,
            engine=self.engine,
            replica=self.replica,
            proposer=self.proposer,
            hears=self.pulse.hears_any_of,
            log=self.log,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Take part until `stop`; fails when the engine does. `close` is the caller's."""
        await self.engine.start(self._leadership)
        assert self.engine.failure is not None
        tasks: list[asyncio.Future[object]] = [
            asyncio.ensure_future(stop.wait()),
            asyncio.ensure_future(self.pulse.run()),
            asyncio.ensure_future(self._end_idle_clients()),
        ]
        try:
            failure: asyncio.Future[object] = asyncio.ensure_future(_outlast(self.engine.failure))
            tasks += (failure, asyncio.ensure_future(_outlast(self._broken)))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
            await self._give_vote_back()
        finally:
            for task in tasks:
                task.cancel()
            self._stop_leading()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Close what calls are answered from; only once nobody is served any more."""
        await self.settling.close()
        await self.engine.close()
        self.history.close()

    async def _give_vote_back(self) -> None:
        """Of two voters, let the other one go on alone before this one ends (25.11)."""
        deadline_ms = boot_ms() + GIVE_BACK_MS
        while boot_ms() < deadline_ms:
            facts = self.replica.state.facts
            if not has_to_wait(facts, self.settings.node) or not any(
                self.hears(voter.name)
                for voter in facts.members.voters
                if voter.name != self.settings.node
            ):
                return
            await asyncio.sleep(AGAIN_S)
        self.log.warning("the other voter cannot go on alone: it did not take this one's vote")

    def _differs(self, error: HaError) -> None:
        """This replica must not go on."""
        if not self._broken.done():
            self._broken.set_exception(error)

    def _applied(self, before: State, after: State, command: Command | None) -> None:
        if command is None:
            self.hub.restart(after)
        elif after.cib is not before.cib or after.facts is not before.facts:
            self.hub.add(after)
        if after.facts.members != self.roster.members and after.facts.members.number:
            self._members_changed(after.facts.members)
        if after.facts is not before.facts and after.facts != before.facts:
            self.pulse.facts_committed(after.facts)
        if after.attributes is not before.attributes:
            self.dampening.changed(after.attributes)
        if command is not None:
            self._note(before, after, command)
        if self._leading is not None and self.replica.mark.index > self._marked:
            self._marked = self.replica.mark.index
            self._checking = asyncio.ensure_future(self._let_compare(self.replica.mark))

    def _members_changed(self, members: Members) -> None:
        # What the log says counts, whatever this node had written down before.
        self.roster.take_over(members)
        try:
            self.roster.store()
        except OSError as error:
            self.log.warning("members not written down", reason=error)

    def _refused(self, peer: NodeName, reason: str) -> None:
        self.log.warning("a peer refuses this store", peer=peer, reason=reason)

    async def _let_compare(self, mark: Mark) -> None:
        check = CheckState(index=mark.index, digest=mark.digest)
        try:
            await self.commit(check, deadline_ms=boot_ms() + FACT_MS)
        except HaError as error:
            self.log.warning("state not compared", index=mark.index, reason=error)

    def _note(self, before: State, after: State, command: Command) -> None:
        if before.cib.child("configuration") == after.cib.child("configuration"):
            return
        self.history.note(
            HistoryEntry(revision=after.index, version=after.version, origin=command.origin),
            before.cib,
            after.cib,
        )

    async def barrier(self, deadline_ms: int) -> None:
        """Return when this replica has applied everything acknowledged before the call."""
        await self.proposer.catch_up(deadline_ms=deadline_ms)

    def hears(self, voter: NodeName) -> bool:
        """Whether a voter's store was heard within the dead time."""
        heard = self.pulse.heard_ms(voter)
        return heard is not None and boot_ms() - heard < self.settings.timings.dead_ms

    async def settle(self, index: int, *, deadline_ms: int) -> tuple[NodeName, ...]:
        """Wait until every voter that is heard has applied `index`; return the others."""
        others = [peer for peer in self.roster.voters if peer.name != self.settings.node]
        return await self.settling.everywhere(
            index, others, heard=self.hears, deadline_ms=deadline_ms
        )

    async def commit(self, body: Body, *, deadline_ms: int) -> Outcome:
        """Commit a fact of the store's own, untracked: such facts are idempotent."""
        return await self.proposer.commit(self.proposer.command(body), deadline_ms=deadline_ms)

    async def _record(self, body: NodeLost | ControllerLost | RenewSession) -> None:
        try:
            outcome = await self.commit(body, deadline_ms=boot_ms() + FACT_MS)
        except HaError as error:
            self.log.warning("fact not committed", fact=body, reason=error)
            return
        reports = "; ".join(str(report) for report in outcome.reports)
        self.log.info("fact", fact=body, code=outcome.code.name, reports=reports)

    async def _write_attributes(self, body: WriteAttributes) -> None:
        try:
            await self.commit(body, deadline_ms=boot_ms() + FACT_MS)
        except HaError as error:
            self.log.warning("attribute not written", attribute=body.name, reason=error)

    def _leadership(self, now: Leadership) -> None:
        self.log.info("leadership", leader=now.leader or "nobody", term=now.term)
        self._stop_leading()
        self.dampening.lead(now.leads)
        if now.leads:
            self._leading = asyncio.ensure_future(self._lead(now.term))
            # Now, so that the renewals are in the log before anything of it can be committed.
            self.pulse.elected(doubted(self.engine.unapplied()))
        else:
            self.pulse.leadership(leads=False, term=now.term)

    def _stop_leading(self) -> None:
        if self._leading is not None:
            self._leading.cancel()
            self._leading = None

    async def _lead(self, term: Term) -> None:
        """Commit the start of the term, and the cluster's birth if need be; then judge liveness."""
        while True:
            try:
                outcome = await self._begin_term(term)
            except HaError as error:
                self.log.warning("leading not begun", term=term, reason=error)
                continue
            if outcome.succeeded:
                self.pulse.leadership(leads=True, term=term)
                break
            if outcome.has("older-generation"):
                continue  # its first entry, which was written before this one, is applied now
            reports = "; ".join(str(report) for report in outcome.reports)
            self.log.warning("leading refused", term=term, reports=reports)
            self.engine.step_down()
            return
        await self._keep_members()

    async def _keep_members(self) -> None:
        while True:
            try:
                await self.keeper.begin(seed_of(self.settings))
                break
            except HaError as error:
                self.log.warning("members not committed yet", reason=error)
                await asyncio.sleep(AGAIN_S)
        await self.keeper.keep_up()

    async def _begin_term(self, term: Term) -> Outcome:
        deadline_ms = boot_ms() + FACT_MS
        started = LeaderStarted(term, self.settings.node)
        outcome = await self.commit(started, deadline_ms=deadline_ms)
        if outcome.succeeded and not self.replica.state.facts.cluster_id:
            self.log.info("creates the cluster", cluster=self.settings.cluster)
            outcome = await self.commit(CreateCluster(self._first_cib()), deadline_ms=deadline_ms)
        return outcome

    def _first_cib(self) -> str:
        cib = empty_cib(
            {"crm_feature_set": "3.20.5", "validate-with": "pacemaker-4.0"},
            {
                "dc-version": SOFTWARE_VERSION,
                "cluster-infrastructure": "raftmaker",
                "cluster-name": self.settings.cluster_name,
            },
        )
        return render(cib)

    async def _end_idle_clients(self) -> None:
        while True:
            await asyncio.sleep(CLIENTS_CHECK_S)
            oldest = wall_us() - CLIENT_IDLE_US
            clients = self.replica.state.clients
            idle = tuple(name for name in sorted(clients) if clients[name].used_at_us < oldest)
            if idle and self._leading is not None:
                try:
                    await self.commit(CloseClients(idle), deadline_ms=boot_ms() + FACT_MS)
                except HaError as error:
                    self.log.warning("idle clients not ended", reason=error)

    def facing(self) -> Identity:
        """Return who this store is, with the generation that is committed now."""
        identity = Identity()
        identity.CopyFrom(self.identity)
        identity.generation = max(1, self.replica.state.facts.generation)
        return identity


async def _outlast(failure: asyncio.Future[None]) -> None:
    await asyncio.shield(failure)
