"""Carries out changes of the members on the leader, and keeps them up while this store leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cib_store.document.refusal import Refusal
from cib_store.membership.rules import added, configuration_of, removed, upkeep, waits_for
from cib_store.messages.commands import encode
from cib_store.proposing.proposer import Proposer
from cib_store.raft.log import ReplicatedLog
from cib_store.replica import Replica
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError, NotLeader, Rejected, TimedOut
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Origin, SetMembers
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import Member, Members
from raftmaker.vocabulary.outcomes import Outcome

UPKEEP_S = 0.5
AGAIN_S = 0.1
COMMIT_MS = 3_000


class MembersKeeper:
    """Changes the members. Everything but reading needs that this store leads."""

    def __init__(
        self, *, engine: ReplicatedLog, replica: Replica, proposer: Proposer, log: Log
    ) -> None:
        """Nothing runs before `keep_up`."""
        self._engine, self._replica = engine, replica
        self._proposer, self._log = proposer, log
        self._changing = asyncio.Lock()

    @property
    def members(self) -> Members:
        """The members as they are committed."""
        return self._replica.state.facts.members

    async def add(
        self, member: Member, *, two_node: bool, origin: Origin, deadline_ms: int
    ) -> Outcome:
        """Add a member. Raises `NotLeader` where this store does not lead, `TimedOut`."""
        return await self._change(
            lambda members: added(members, member, two_node=two_node), origin, deadline_ms
        )

    async def remove(
        self, name: NodeName, *, force: bool, origin: Origin, deadline_ms: int
    ) -> Outcome:
        """Remove a member; this store's own removal is left to the next leader (`NotLeader`)."""

        def without(members: Members) -> Members | Refusal:
            return removed(members, name, self._replica.state.facts, force=force)

        if name == self._engine.status().leadership.leader and not isinstance(
            without(self.members), Refusal
        ):
            self._log.info("gives up leading: it is to be removed", member=name)
            self._engine.step_down(abstain=True)
            raise NotLeader("this store leads and is to go: another must lead first")
        outcome = await self._change(without, origin, deadline_ms)
        while outcome.succeeded and self.members.of(name) is not None:
            outcome = await self._change(without, origin, deadline_ms)
        return outcome

    async def _change(
        self,
        wanted_of: Callable[[Members], Members | Refusal],
        origin: Origin,
        deadline_ms: int,
    ) -> Outcome:
        while True:
            state = self._replica.state
            wanted = wanted_of(state.facts.members)
            if isinstance(wanted, Refusal):
                return Outcome(
                    code=wanted.code,
                    reports=wanted.reports,
                    version=state.version,
                    index=state.index,
                )
            if wanted == state.facts.members:
                return Outcome(code=ExitCode.OK, version=state.version, index=state.index)
            try:
                return await self._commit(wanted, origin)
            except (Rejected, TimedOut) as error:
                # Refused now, or its fate unknown: what is committed by then decides.
                if boot_ms() >= deadline_ms:
                    raise
                self._log.info("members not changed yet", reason=error)
                await asyncio.sleep(AGAIN_S)

    async def _commit(self, wanted: Members, origin: Origin) -> Outcome:
        async with self._changing:
            generation = max(1, self._replica.state.facts.generation)
            command = self._proposer.command(SetMembers(wanted), origin=origin)
            outcome = await self._engine.reconfigure(
                configuration_of(wanted, generation), encode(command), timeout_ms=COMMIT_MS
            )
        assert isinstance(outcome, Outcome)
        return outcome

    async def begin(self, seed: Members) -> None:
        """Commit the members that the settings name, when none are committed yet."""
        if self.members.number:
            return
        await self._change(
            lambda members: members if members.number else _first(seed),
            Origin(message="the members that founded the cluster"),
            boot_ms() + COMMIT_MS,
        )

    async def keep_up(self) -> None:
        """Demote, write down and promote while this store leads; until cancelled."""
        while True:
            await asyncio.sleep(UPKEEP_S)
            members = self.members
            facts = self._replica.state.facts
            wanted = upkeep(members, self._engine.peers(), facts) if members.number else None
            if wanted is None:
                continue
            leader = self._engine.status().leadership.leader
            me = wanted.of(leader)
            if me is None or not me.votes:
                self._log.info("gives up leading: its node left", member=leader)
                self._engine.step_down(abstain=True)
                continue
            try:
                await self._commit(wanted, Origin(message="upkeep of the members"))
            except HaError as error:
                self._log.info("members not kept up yet", reason=error)
                continue
            self._log.info("members", number=wanted.number, changed=_changed(members, wanted))

    def waiting(self) -> dict[NodeName, str]:
        """Return for every learner why it does not vote yet."""
        peers = {peer.name: peer for peer in self._engine.peers()}
        return {
            member.name: waits_for(self.members, peers.get(member.name), self._replica.state.facts)
            for member in self.members.members
            if member.learner
        }


def _first(seed: Members) -> Members:
    return Members(number=1, members=seed.members, two_node=len(seed.voters) == 2)


def _changed(before: Members, after: Members) -> str:
    told = []
    for member in after.members:
        old = before.of(member.name)
        if old != member:
            state = "learner" if member.learner else member.kind.value
            told.append(f"{member.name}: {state} {member.store_id}".rstrip())
    return ", ".join(told)
