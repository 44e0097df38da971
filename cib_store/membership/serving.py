"""The calls that change or list the members: carried out here by a leader, else passed on to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec.structs import replace

from cib_store.membership.keeper import MembersKeeper
from cib_store.messages.members import member_of, members_message
from cib_store.messages.outcomes import origin_of, outcome_message
from cib_store.pulse import Pulse
from cib_store.raft.log import ReplicatedLog
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError, NotLeader, TimedOut, Unreachable
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.rpc import calling, dial
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.outcomes import Outcome
from raftmaker.vocabulary.reports import Report
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire import store_pb2_grpc
from raftmaker.wire.types_pb2 import Identity

_Reply = TypeVar("_Reply")
_Passed = Callable[[store_pb2_grpc.StoreStub, float], Awaitable[_Reply]]
AGAIN_S = 0.1
LIST_MS = 2_000
"""How long a list waits for the leader before this replica answers with what it knows."""


class MemberCalls:
    """Answers AddMember, RemoveMember and ListMembers; raises an `HaError` that ends the call."""

    def __init__(
        self,
        *,
        keeper: MembersKeeper,
        engine: ReplicatedLog,
        pulse: Pulse,
        roster: Roster,
        identity: Identity,
    ) -> None:
        """`identity`: who passes a call on."""
        self._keeper, self._engine, self._pulse = keeper, engine, pulse
        self._roster, self._identity = roster, identity

    async def add(self, request: pb.AddMemberRequest, deadline_ms: int) -> pb.MembersReply:
        """Add a member."""
        try:
            member = member_of(request.member)
        except KeyError:
            report = Report(code="bad-request", what="the member has no kind that is known")
            return self._reply(Outcome(code=ExitCode.USAGE, reports=(report,)))

        async def here() -> pb.MembersReply:
            outcome = await self._keeper.add(
                replace(member, learner=False, store_id=""),
                two_node=request.two_node,
                origin=origin_of(request.origin),
                deadline_ms=deadline_ms,
            )
            return self._reply(outcome)

        return await self._at_leader(
            here, lambda stub, left: stub.AddMember(request, timeout=left), deadline_ms
        )

    async def remove(self, request: pb.RemoveMemberRequest, deadline_ms: int) -> pb.MembersReply:
        """Remove a member."""

        async def here() -> pb.MembersReply:
            outcome = await self._keeper.remove(
                NodeName(request.name),
                force=request.force,
                origin=origin_of(request.origin),
                deadline_ms=deadline_ms,
            )
            return self._reply(outcome)

        return await self._at_leader(
            here, lambda stub, left: stub.RemoveMember(request, timeout=left), deadline_ms
        )

    async def list(self, request: pb.ListMembersRequest, deadline_ms: int) -> pb.ListMembersReply:
        """List the members, as the leader sees them if one answers soon."""

        async def here() -> pb.ListMembersReply:
            return self._listed()

        limit = min(deadline_ms, boot_ms() + LIST_MS)
        try:
            return await self._at_leader(
                here, lambda stub, left: stub.ListMembers(request, timeout=left), limit
            )
        except HaError:
            return self._listed()

    def _reply(self, outcome: Outcome) -> pb.MembersReply:
        return pb.MembersReply(
            outcome=outcome_message(outcome), members=members_message(self._keeper.members)
        )

    def _listed(self) -> pb.ListMembersReply:
        members = self._keeper.members
        waiting = self._keeper.waiting()
        behind = {peer.name: peer.behind for peer in self._engine.peers()}
        status = []
        for member in members.members:
            lacks = behind.get(member.name)
            status.append(
                pb.MemberStatus(
                    name=member.name,
                    heard=self._pulse.hears(member.name),
                    behind=-1 if lacks is None else lacks,
                    waits_for=waiting.get(member.name, ""),
                )
            )
        return pb.ListMembersReply(
            members=members_message(members),
            status=status,
            leader=self._engine.status().leadership.leader,
            generation=self._engine.configuration().generation,
        )

    async def _at_leader(
        self,
        here: Callable[[], Awaitable[_Reply]],
        passed: _Passed[_Reply],
        deadline_ms: int,
    ) -> _Reply:
        """Answer here while this store leads, else have the leader answer; again until then."""
        while True:
            leadership = self._engine.status().leadership
            left = deadline_ms - boot_ms()
            if left <= 0:
                raise NotLeader("no leader was found in time: nothing was changed")
            try:
                if leadership.leads:
                    return await here()
                if leadership.leader:
                    return await self._pass_on(leadership.leader, passed, left)
            except (NotLeader, Unreachable):
                pass
            except TimedOut:
                if deadline_ms - boot_ms() <= 0:
                    raise
            await asyncio.sleep(AGAIN_S)

    async def _pass_on(self, leader: NodeName, passed: _Passed[_Reply], left_ms: int) -> _Reply:
        try:
            endpoint = self._roster.peer(leader).store
        except KeyError:
            raise NotLeader(f"{leader} leads, and is not known here yet") from None
        async with dial(endpoint, identity=self._identity) as channel:
            with calling(f"the store of {leader}, which leads", "it may come back"):
                return await passed(store_pb2_grpc.StoreStub(channel), left_ms / 1000)
