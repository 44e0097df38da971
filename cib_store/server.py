"""The store's gRPC service (proto/store.proto): turns calls into reads, changes and followings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import Any, TypeVar

import grpc
import grpc.aio
from msgspec.structs import replace

from cib_store.access.caller import Caller
from cib_store.access.past import Past
from cib_store.access.permissions import is_enabled
from cib_store.access.views import Sight, binding, facts_seen
from cib_store.apply.attributes import Attributes, values
from cib_store.callers import Callers
from cib_store.document.element import Element
from cib_store.messages import commands
from cib_store.messages.attributes import value_message
from cib_store.messages.facts import facts_message
from cib_store.messages.members import place_message, place_of
from cib_store.messages.outcomes import (
    origin_message,
    origin_of,
    outcome_message,
    token_of,
    version_message,
    version_of,
)
from cib_store.proposing.changes import ChangeOrder, plain_origin
from cib_store.reading import Asked
from cib_store.store import Store
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.conversation import CallEnded, Turn, converse
from raftmaker.runtime.errors import HaError, NotPermitted, Rejected
from raftmaker.runtime.rpc import Service, abort
from raftmaker.runtime.rpc import caller as identity_of
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    Body,
    CheckState,
    CibChange,
    CreateCluster,
    Origin,
    SetMembers,
)
from raftmaker.vocabulary.ids import ClientId, NodeName
from raftmaker.vocabulary.outcomes import Outcome
from raftmaker.vocabulary.reports import Report
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire import store_pb2_grpc, types_pb2

_Reply = TypeVar("_Reply")
_Context = grpc.aio.ServicerContext[Any, Any]
PATIENCE_MS = 10_000
"""How long a call without a deadline of its own is tried."""


def _deadline_ms(context: _Context) -> int:
    left = context.time_remaining()
    # A little early, so that the caller hears the reason and not only that its time is up.
    patience = PATIENCE_MS if left is None else min(60_000, int(left * 950))
    return boot_ms() + patience


class StoreServicer(store_pb2_grpc.StoreServicer):
    """Serves one replica."""

    def __init__(self, store: Store, callers: Callers) -> None:
        """Serve this store; `callers` says who calls."""
        self._store, self._callers = store, callers

    async def Hello(
        self, request: types_pb2.HelloRequest, context: _Context
    ) -> types_pb2.HelloReply:
        """Answer a handshake; the gate has compared identities."""
        return types_pb2.HelloReply(identity=self._store.facing())

    async def Query(self, request: pb.QueryRequest, context: _Context) -> pb.QueryReply:
        """Read, after a barrier unless a stale answer will do."""
        try:
            if request.consistency != pb.CONSISTENCY_LOCAL:
                await self._store.barrier(_deadline_ms(context))
            state = self._store.replica.state
            view = await self._view(state.cib, context, request.user)
            asked = Asked(scope=request.scope, xpath=request.xpath, no_children=request.no_children)
            texts = await self._store.reading.texts(state.cib, view, asked)
        except HaError as error:
            await abort(context, error)
            raise
        return pb.QueryReply(
            xml=texts,
            version=version_message(state.version),
            index=state.index,
            facts=facts_message(facts_seen(state, view)) if request.facts else None,
        )

    async def _view(self, cib: Element, context: _Context, user: str = "") -> Element:
        """Return what the caller may see of the CIB. Raises `NotPermitted`."""
        if not is_enabled(cib.child("configuration")):
            return cib
        caller = await self._callers.of(context)
        return await self._store.reading.view(cib, await self._callers.acting_for(caller, user))

    async def Change(self, request: pb.ChangeRequest, context: _Context) -> pb.ChangeReply:
        """Change the CIB; refusals are outcomes."""
        try:
            caller = await self._callers.of(context)
            order = _order_of(request, await self._callers.acting_for(caller, request.user))
            outcome = await self._store.changes.carry_out(order, deadline_ms=_deadline_ms(context))
        except Rejected as error:
            outcome = Outcome(code=error.exit_code, reports=error.reports)
        except HaError as error:
            await abort(context, error)
            raise
        return pb.ChangeReply(outcome=outcome_message(outcome))

    async def Record(self, request: pb.RecordRequest, context: _Context) -> pb.RecordReply:
        """Commit a fact, or a daemon's resolved change of the status; nothing else of the CIB."""
        message = pb.Command()
        message.CopyFrom(request.command)
        message.format = message.format or commands.FORMAT
        try:
            command = commands.command_of(message)
        except commands.BadCommand as error:
            return pb.RecordReply(outcome=outcome_message(_bad_request(str(error))))
        await self._insist_on_right(context, command.body)
        resolved = isinstance(command.body, CibChange) and command.body.status
        own = CibChange | CreateCluster | CheckState | SetMembers
        if isinstance(command.body, own) and not resolved:
            wrong = _bad_request(
                "changes of the configuration go by Change; some are the store's own"
            )
            return pb.RecordReply(outcome=outcome_message(wrong))
        filled = self._store.proposer.command(
            command.body,
            origin=command.origin,
            token=command.token,
            client_id=command.client_id,
            sequence=command.sequence,
        )
        try:
            outcome = await self._store.proposer.once(filled, deadline_ms=_deadline_ms(context))
        except HaError as error:
            await abort(context, error)
            raise
        return pb.RecordReply(outcome=outcome_message(outcome))

    async def Converse(self, request_iterator: AsyncIterator[pb.Asks], context: _Context) -> None:
        """Serve queries, changes and records over one stream."""

        async def write(answers: list[pb.Answer]) -> None:
            await context.write(pb.Answers(answers=answers))

        asked = (list(message.asks) async for message in request_iterator)
        await converse(asked, partial(self._answer, context), write)

    async def _answer(self, stream: _Context, ask: pb.Ask) -> pb.Answer:
        context: Any = Turn(stream, ask.timeout_ms)
        try:
            match ask.WhichOneof("call"):
                case "query":
                    return pb.Answer(number=ask.number, query=await self.Query(ask.query, context))
                case "change":
                    changed = await self.Change(ask.change, context)
                    return pb.Answer(number=ask.number, change=changed)
                case "record":
                    recorded = await self.Record(ask.record, context)
                    return pb.Answer(number=ask.number, record=recorded)
                case _:
                    code, details = grpc.StatusCode.UNIMPLEMENTED, "no such call"
        except CallEnded as error:
            code, details = error.code, error.details
        except Exception as error:  # noqa: BLE001  # as gRPC does of a call of its own
            self._store.log.error("a call failed", reason=repr(error))
            code, details = grpc.StatusCode.UNKNOWN, repr(error)
        return pb.Answer(
            number=ask.number, failure=pb.CallFailure(status=code.value[0], details=details)
        )

    async def Attributes(
        self, request: pb.AttributesRequest, context: _Context
    ) -> pb.AttributesReply:
        """Read transient attributes, those that wait or are private included."""
        try:
            if request.consistency != pb.CONSISTENCY_LOCAL:
                await self._store.barrier(_deadline_ms(context))
        except HaError as error:
            await abort(context, error)
            raise
        state = self._store.replica.state
        try:
            view = await self._view(state.cib, context)
        except NotPermitted as error:
            await abort(context, error)
            raise
        is_whole = view.child("status") is state.cib.child("status")
        held = state.attributes if is_whole else {}
        found = [
            value
            for value in values(Attributes(view, held))
            if request.name in ("", value.name) and request.node in ("", value.node)
        ]
        found.sort(key=lambda value: (value.name, value.node))
        return pb.AttributesReply(values=[value_message(value) for value in found])

    async def Settle(self, request: pb.SettleRequest, context: _Context) -> pb.SettleReply:
        """Wait until a change is in place."""
        deadline_ms = _deadline_ms(context)
        absent: tuple[NodeName, ...] = ()
        try:
            if request.everywhere:
                absent = await self._store.settle(request.index, deadline_ms=deadline_ms)
            else:
                await self._store.settling.here(request.index, deadline_ms=deadline_ms)
        except HaError as error:
            await abort(context, error)
            raise
        return pb.SettleReply(absent=absent)

    async def Watch(
        self, request: pb.WatchRequest, context: _Context
    ) -> AsyncIterator[pb.WatchEvent]:
        """Follow what this replica applies."""
        caller = await self._callers.of(context)
        sight = None if caller.is_exempt else Sight(self._store.views, caller)
        try:
            async for step in self._store.hub.follow(request.after, sight):
                yield pb.WatchEvent(
                    index=step.index,
                    resync=step.resync,
                    patch=step.patch,
                    facts=None if step.facts is None else facts_message(step.facts),
                )
        except HaError as error:
            await abort(context, error)

    async def Heartbeat(
        self, request_iterator: AsyncIterator[pb.Beat], context: _Context
    ) -> AsyncIterator[pb.BeatAck]:
        """Take a daemon's beats and answer those that count."""
        identity = await identity_of(context)
        await self._insist_on_right(context)
        voter = str(self._store.settings.node)
        self._store.pulse.introduced(identity)
        async for beat in request_iterator:
            if self._store.pulse.beat(identity, beat, by_stream=True):
                index = self._store.hub.index
                yield pb.BeatAck(sent_at_us=beat.sent_at_us, voter=voter, index=index)

    async def _insist_on_right(self, context: _Context, body: Body | None = None) -> None:
        """End the call unless root or a daemon calls: facts are theirs, attributes are status."""
        caller = await self._callers.of(context)
        if caller.is_exempt:
            return
        cib = self._store.replica.state.cib
        if not await self._store.reading.may_record(cib, caller, body):
            await abort(context, NotPermitted("only the cluster's daemons and root may do this"))

    async def History(self, request: pb.HistoryRequest, context: _Context) -> pb.HistoryReply:
        """List configuration changes, or return the configuration as it was after one."""
        cib = self._store.replica.state.cib
        permissions = None
        if is_enabled(cib.child("configuration")):
            permissions = binding(cib, await self._callers.of(context))
        store = self._store
        history = Past(store.history, store.views, permissions, store.reading.aside)
        try:
            if request.at:
                return pb.HistoryReply(cib=await history.at(request.at))
            entries = await history.entries(
                limit=request.limit, before=request.before, patches=request.patches
            )
        except HaError as error:
            await abort(context, error)
            raise
        return pb.HistoryReply(
            entries=[
                pb.HistoryEntry(
                    revision=entry.revision,
                    version=version_message(entry.version),
                    origin=origin_message(entry.origin),
                    patch=entry.patch,
                )
                for entry in entries
            ]
        )

    async def Status(
        self, request: pb.StoreStatusRequest, context: _Context
    ) -> pb.StoreStatusReply:
        """Describe this replica."""
        store = self._store
        now, status = boot_ms(), store.engine.status()
        voters: list[pb.VoterStatus] = []
        for peer in store.roster.voters:
            heard = now if peer.name == store.settings.node else store.pulse.heard_ms(peer.name)
            silent = -1 if heard is None else (now - heard) * 1000
            alive = store.pulse.hears(peer.name)
            voters.append(pb.VoterStatus(node=peer.name, heard=alive, silent_us=silent))
        waits = store.survivor.why_it_waits()
        return pb.StoreStatusReply(
            identity=store.facing(),
            leads=status.leadership.leads,
            leader=status.leadership.leader,
            term=status.leadership.term,
            applied=status.applied,
            committed=status.committed,
            quorate=status.quorate,
            voters=voters,
            version=version_message(store.replica.state.version),
            waits_for="" if waits is None else waits.what,
            mend="" if waits is None else waits.mend,
        )

    async def AddMember(self, request: pb.AddMemberRequest, context: _Context) -> pb.MembersReply:
        """Add a member of the cluster."""
        await self._insist_on_right(context)
        call = self._store.member_calls.add(request, _deadline_ms(context))
        return await _answered(call, context)

    async def RemoveMember(
        self, request: pb.RemoveMemberRequest, context: _Context
    ) -> pb.MembersReply:
        """Remove a member of the cluster."""
        await self._insist_on_right(context)
        call = self._store.member_calls.remove(request, _deadline_ms(context))
        return await _answered(call, context)

    async def ListMembers(
        self, request: pb.ListMembersRequest, context: _Context
    ) -> pb.ListMembersReply:
        """List the members of the cluster."""
        call = self._store.member_calls.list(request, _deadline_ms(context))
        return await _answered(call, context)

    async def MayGoAlone(
        self, request: pb.MayGoAloneRequest, context: _Context
    ) -> pb.MayGoAloneReply:
        """Say whether fencing the other of two voters would let this replica go on."""
        await self._insist_on_own(context)
        try:
            place, peer = self._store.survivor.may()
        except HaError as error:
            await abort(context, error)
            raise
        return pb.MayGoAloneReply(place=place_message(place), peer=peer.node, boot_id=peer.boot_id)

    async def GoAlone(self, request: pb.GoAloneRequest, context: _Context) -> pb.GoAloneReply:
        """Go on without the other of two voters."""
        await self._insist_on_own(context)
        call = self._store.survivor.go_alone(
            place_of(request.place), commands.proof_of(request.proof)
        )
        return pb.GoAloneReply(outcome=outcome_message(await _answered(call, context)))

    async def _insist_on_own(self, context: _Context) -> None:
        """End the call unless a daemon of this very node calls: only it knows what it did."""
        await self._insist_on_right(context)
        if (await identity_of(context)).node != self._store.settings.node:
            await abort(context, NotPermitted("only this node's own controller may do this"))


async def _answered(call: Awaitable[_Reply], context: _Context) -> _Reply:
    """Return what a call returns, or end it with the status that stands for its failure."""
    try:
        return await call
    except HaError as error:
        await abort(context, error)
        raise


def _order_of(request: pb.ChangeRequest, caller: Caller) -> ChangeOrder:
    """Read a change. Raises `Rejected` for one that is none."""
    try:
        operations = tuple(commands.operation_of(operation) for operation in request.operations)
    except commands.BadCommand as error:
        raise Rejected(ExitCode.USAGE, _bad_request(str(error)).reports) from None
    if not operations:
        raise Rejected(ExitCode.USAGE, _bad_request("the change holds no operation").reports)
    return ChangeOrder(
        operations=operations,
        origin=plain_origin(_proven(origin_of(request.origin), caller), operations),
        caller=caller,
        base=version_of(request.base) if request.HasField("base") else None,
        rehearse=request.rehearse,
        token=token_of(request.token) if request.HasField("token") else None,
        client_id=ClientId(request.client_id),
        sequence=request.sequence,
    )


def _proven(origin: Origin, caller: Caller) -> Origin:
    """Return the origin with what is known of the caller in the place of what it says."""
    node = NodeName(caller.node)
    if caller.is_exempt:
        return replace(origin, node=node or origin.node)
    return replace(origin, user=caller.user, node=node, at_us=0)


def _bad_request(what: str) -> Outcome:
    report = Report(code="bad-request", what=what, mend="see proto/store.proto")
    return Outcome(code=ExitCode.USAGE, reports=(report,))


def service_of(servicer: StoreServicer) -> Service:
    """Return what `serve` needs."""
    return Service(
        name="raftmaker.v1.Store",
        servicer=servicer,
        register=store_pb2_grpc.add_StoreServicer_to_server,
    )
