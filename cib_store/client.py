"""How everybody else speaks to the store: reads, changes, facts, watches, history, beats."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import grpc.aio
from msgspec import Struct
from msgspec.structs import replace

from cib_store.beats import BeatSender as BeatSender
from cib_store.document.codec import LARGE_CHARACTERS, OWN_BYTES_MAX, parse
from cib_store.document.element import Element
from cib_store.document.held import AttributeValue as AttributeValue
from cib_store.membership.view import Membership as Membership
from cib_store.membership.view import MemberStatus as MemberStatus
from cib_store.messages import commands
from cib_store.messages.attributes import value_of
from cib_store.messages.facts import facts_of
from cib_store.messages.members import member_message, members_of, place_message, place_of
from cib_store.messages.outcomes import (
    origin_message,
    origin_of,
    outcome_of,
    token_message,
    version_message,
    version_of,
)
from cib_store.messages.steps import WatchStep as WatchStep
from cib_store.messages.steps import stepped
from cib_store.places import Places
from cib_store.speaker import Speaker
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.errors import HaError, NotLeader, TimedOut, Unreachable
from raftmaker.runtime.rpc import calling
from raftmaker.vocabulary.commands import (
    Body,
    CibOperation,
    Command,
    FencingProof,
    OpenClient,
    Origin,
)
from raftmaker.vocabulary.ids import BootId, ClientId, ClusterId, NodeName, Token
from raftmaker.vocabulary.members import Member, Members
from raftmaker.vocabulary.membership import Facts, LogPlace
from raftmaker.vocabulary.outcomes import CibVersion, Outcome
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire import types_pb2
from raftmaker.wire.types_pb2 import Identity

NOBODY = Origin()
_MEND = "is raftmaker-cib running there? (systemctl start raftmaker-cib)"
_AGAIN_S = 0.05
_LOOK_HOME_S = 0.2
_TIMEOUT_MS = 10_000
_TRY_MS = 3_000
_UNDER_WAY_MAX = 32
_Reply = TypeVar("_Reply")
_Call = Callable[[Speaker, float], Awaitable[_Reply]]


class Answer(Struct, frozen=True, kw_only=True):
    """What a query found, and which version and log position it saw. `facts`: when asked for."""

    elements: tuple[Element, ...]
    version: CibVersion
    index: int
    facts: Facts | None = None


class Change(Struct, frozen=True, kw_only=True):
    """One configuration change of the past; `patch` when it was asked for."""

    revision: int
    version: CibVersion
    origin: Origin
    patch: str = ""


class StoreClient:
    """Speaks to one store, or to the first of several that answers.

    With `exactly_once` (for daemons) writes run in a client session of its own and are asked again,
    at any target, until they have an outcome. Without it (for tools) a write of unknown fate raises
    `TimedOut` or `Unreachable`. Every call raises an `HaError`; a refused change is an `Outcome`.
    """

    def __init__(
        self,
        target: Target | Sequence[Target],
        identity: Identity,
        *,
        exactly_once: bool = False,
    ) -> None:
        """Name the targets; it connects when first used."""
        self._identity = identity
        self._places = Places(target if isinstance(target, Sequence) else (target,), identity)
        self._exactly_once = exactly_once
        self._client = ClientId("")
        self._sequence = 0
        self._opening = asyncio.Lock()
        self._leaves = asyncio.Event()
        self._under_way = asyncio.Semaphore(_UNDER_WAY_MAX)

    def retarget(self, targets: Sequence[Target]) -> None:
        """Speak to these from now on; connections to those that stay are kept."""
        self._places.retarget(targets)

    @property
    def is_home(self) -> bool:
        """Whether it speaks to the first target, as it does while that answers."""
        return self._places.is_home

    async def close(self) -> None:
        """End the connections; calls under way fail."""
        await self._places.close()

    async def _ask(self, call: _Call[_Reply], timeout_ms: int, *, again: bool) -> _Reply:
        """Call the current target; with `again`, go on with the others until the deadline."""
        deadline = boot_ms() + timeout_ms
        while True:
            left = deadline - boot_ms()
            place = self._places.choose()
            limit = min(left, _TRY_MS) if again and len(self._places) > 1 else left
            try:
                with calling(f"the store at {place.target}", _MEND):
                    reply = await call(place.speaker, max(limit, 1) / 1000)
            except (Unreachable, TimedOut, NotLeader):
                if not again or deadline - boot_ms() <= _AGAIN_S * 1000:
                    raise
                self._places.failed(place)
                await asyncio.sleep(_AGAIN_S)
            else:
                self._places.answered(place)
                return reply

    async def hello(self, *, timeout_ms: int = _TIMEOUT_MS) -> Identity:
        """Return who answers."""
        request = types_pb2.HelloRequest(identity=self._identity)
        reply: types_pb2.HelloReply = await self._ask(
            lambda stub, limit: stub.Hello(request, timeout=limit), timeout_ms, again=False
        )
        return reply.identity

    async def query(
        self,
        *,
        scope: str = "",
        xpath: str = "",
        no_children: bool = False,
        local: bool = False,
        facts: bool = False,
        user: str = "",
        timeout_ms: int = _TIMEOUT_MS,
    ) -> Answer:
        """Read the CIB, a section, or an XPath's matches; `local`: perhaps stale (features 4.1)."""
        level = pb.CONSISTENCY_LOCAL if local else pb.CONSISTENCY_LINEARIZABLE
        request = pb.QueryRequest(
            scope=scope,
            xpath=xpath,
            no_children=no_children,
            consistency=level,
            facts=facts,
            user=user,
        )
        reply = await self._query(request, timeout_ms)
        return Answer(
            elements=tuple(parse(xml, bytes_max=OWN_BYTES_MAX) for xml in reply.xml),
            version=version_of(reply.version),
            index=reply.index,
            facts=facts_of(reply.facts) if reply.HasField("facts") else None,
        )

    async def query_raw(self, *, timeout_ms: int = _TIMEOUT_MS) -> tuple[str, ...]:
        """Read the whole CIB as XML text, for those who only pass it on."""
        return tuple((await self._query(pb.QueryRequest(), timeout_ms)).xml)

    async def _query(self, request: pb.QueryRequest, timeout_ms: int) -> pb.QueryReply:
        reply: pb.QueryReply = await self._ask(
            lambda stub, limit: stub.Query(request, timeout=limit),
            timeout_ms,
            again=len(self._places) > 1,
        )
        return reply

    async def change(
        self,
        operations: Iterable[CibOperation],
        *,
        origin: Origin = NOBODY,
        base: CibVersion | None = None,
        rehearse: bool = False,
        token: Token | None = None,
        user: str = "",
        timeout_ms: int = _TIMEOUT_MS,
    ) -> Outcome:
        """Change the CIB: all operations or none. `path` of an operation may be any XPath.

        `base`: refused with OLD if the configuration changed since that version. `rehearse`: only
        checked. `token`: the DC's. A refusal comes as an outcome with all its reports.
        """
        request = pb.ChangeRequest(
            operations=[commands.operation_message(operation) for operation in operations],
            origin=origin_message(self._named(origin)),
            base=None if base is None else version_message(base),
            rehearse=rehearse,
            token=None if token is None else token_message(token),
            user=user,
        )

        async def attempt(client: ClientId, sequence: int) -> Outcome:
            request.client_id, request.sequence = client, sequence
            reply: pb.ChangeReply = await self._ask(
                lambda stub, limit: stub.Change(request, timeout=limit),
                timeout_ms,
                again=bool(sequence),
            )
            return outcome_of(reply.outcome)

        return await self._write(attempt, timeout_ms)

    async def record(
        self,
        body: Body,
        *,
        origin: Origin = NOBODY,
        token: Token | None = None,
        timeout_ms: int = _TIMEOUT_MS,
    ) -> Outcome:
        """Commit one fact about sessions, the DC or fencing. A refusal comes as an outcome."""
        command = Command(
            body=body,
            cluster_id=ClusterId(self._identity.cluster_id),
            generation=0,  # the store fills in the present one
            origin=self._named(origin),
            token=token,
        )

        async def attempt(client: ClientId, sequence: int) -> Outcome:
            numbered = replace(command, client_id=client, sequence=sequence)
            return await self._record(numbered, timeout_ms)

        return await self._write(attempt, timeout_ms)

    async def attributes(
        self, *, name: str = "", node: str = "", local: bool = False,
        timeout_ms: int = _TIMEOUT_MS,
    ) -> tuple[AttributeValue, ...]:  # fmt: skip
        """Read transient attributes, those that are held back or private included.

        Sorted by name and node. `local`: perhaps stale.
        """
        level = pb.CONSISTENCY_LOCAL if local else pb.CONSISTENCY_LINEARIZABLE
        request = pb.AttributesRequest(name=name, node=node, consistency=level)
        reply: pb.AttributesReply = await self._ask(
            lambda stub, limit: stub.Attributes(request, timeout=limit),
            timeout_ms,
            again=len(self._places) > 1,
        )
        return tuple(value_of(each) for each in reply.values)

    async def settle(
        self, index: int, *, everywhere: bool = False, timeout_ms: int = _TIMEOUT_MS
    ) -> tuple[str, ...]:
        """Wait until the replica, or every voter that is heard, has applied the log position.

        Returns the voters that are not heard.
        """
        request = pb.SettleRequest(index=index, everywhere=everywhere)
        reply: pb.SettleReply = await self._ask(
            lambda stub, limit: stub.Settle(request, timeout=limit), timeout_ms, again=False
        )
        return tuple(reply.absent)

    async def _record(self, command: Command, timeout_ms: int) -> Outcome:
        request = pb.RecordRequest(command=commands.command_message(command))
        again = bool(command.sequence) or isinstance(command.body, OpenClient)
        reply: pb.RecordReply = await self._ask(
            lambda stub, limit: stub.Record(request, timeout=limit), timeout_ms, again=again
        )
        return outcome_of(reply.outcome)

    async def _write(
        self, attempt: Callable[[ClientId, int], Awaitable[Outcome]], timeout_ms: int
    ) -> Outcome:
        if not self._exactly_once:
            return await attempt(ClientId(""), 0)
        async with self._under_way:
            for _ in range(2):
                client, sequence = await self._number(timeout_ms)
                outcome = await attempt(client, sequence)
                if not outcome.has("session-expired"):
                    return outcome
                if self._client == client:
                    self._client = ClientId("")
        return outcome

    async def _number(self, timeout_ms: int) -> tuple[ClientId, int]:
        async with self._opening:
            if not self._client:
                name = ClientId(f"{self._identity.program}-{os.urandom(8).hex()}")
                opening = Command(
                    body=OpenClient(name),
                    cluster_id=ClusterId(self._identity.cluster_id),
                    generation=0,
                    origin=self._named(NOBODY),
                )
                opened = await self._record(opening, timeout_ms)
                if not opened.succeeded:
                    raise NotLeader("; ".join(str(report) for report in opened.reports))
                self._client, self._sequence = name, 0
            self._sequence += 1
            return self._client, self._sequence

    def _named(self, origin: Origin) -> Origin:
        return replace(
            origin,
            node=origin.node or NodeName(self._identity.node),
            client=origin.client or self._identity.program,
        )

    async def watch(self, after: WatchStep | None = None) -> AsyncIterator[WatchStep]:
        """Yield the state after every step, beginning with the present one.

        Given the step that was seen last, go on after it. Ends with `Unreachable` or another
        `HaError` when the store ends, or when home, the first of several, is there again; then
        watch again, and it goes on at the right one.
        """
        place = self._places.choose()
        seen = after
        call = place.speaker.Watch(pb.WatchRequest(after=0 if after is None else after.index))
        self._leaves.clear()
        leaving = asyncio.ensure_future(self._end_in_time(call))
        try:
            with calling(f"the store at {place.target}", _MEND):
                async for event in call:
                    self._places.answered(place)
                    if len(event.patch) + len(event.resync) < LARGE_CHARACTERS:
                        seen = stepped(seen, event)
                    else:
                        seen = await asyncio.to_thread(stepped, seen, event)
                    yield seen
            raise Unreachable(f"the store at {place.target} ended the watch; {_MEND}")
        except HaError:
            self._places.failed(place)
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not leaving.done() or (task is not None and task.cancelling()):
                raise
            why = "home is there again"
            if self._leaves.is_set():
                why = "it lags behind"
                self._places.failed(place, lags=True)
            raise Unreachable(f"left the store at {place.target}: {why}") from None
        finally:
            leaving.cancel()

    def leave(self) -> None:
        """Have a watch that runs end, and the next one begin at another store."""
        self._leaves.set()

    async def _end_in_time(self, call: grpc.aio.Call) -> None:
        """End a watch that is to be left, or one at another store once home is connected again."""
        if self._places.is_home:
            await self._leaves.wait()
        while not self._leaves.is_set() and not self._places.may_go_home():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_HOME_S):
                    await self._leaves.wait()
        call.cancel()

    async def add_member(
        self,
        member: Member,
        *,
        two_node: bool = False,
        origin: Origin = NOBODY,
        timeout_ms: int = _TIMEOUT_MS,
    ) -> tuple[Outcome, Members]:
        """Add a member; return how it ended and the members now. A refusal comes as an outcome.

        `two_node`: let a second voter vote though there is no third. Asked again for a member that
        is there already as wanted, it succeeds and changes nothing.
        """
        request = pb.AddMemberRequest(
            member=member_message(member),
            two_node=two_node,
            origin=origin_message(self._named(origin)),
        )
        reply: pb.MembersReply = await self._ask(
            lambda stub, limit: stub.AddMember(request, timeout=limit), timeout_ms, again=True
        )
        return outcome_of(reply.outcome), members_of(reply.members)

    async def remove_member(
        self,
        name: NodeName,
        *,
        force: bool = False,
        origin: Origin = NOBODY,
        timeout_ms: int = _TIMEOUT_MS,
    ) -> tuple[Outcome, Members]:
        """Remove a member; return how it ended and the members. `force`: though it is active."""
        request = pb.RemoveMemberRequest(
            name=name, force=force, origin=origin_message(self._named(origin))
        )
        reply: pb.MembersReply = await self._ask(
            lambda stub, limit: stub.RemoveMember(request, timeout=limit), timeout_ms, again=False
        )
        return outcome_of(reply.outcome), members_of(reply.members)

    async def members(self, *, timeout_ms: int = _TIMEOUT_MS) -> Membership:
        """Return the members, and how the leader sees them."""
        reply: pb.ListMembersReply = await self._ask(
            lambda stub, limit: stub.ListMembers(pb.ListMembersRequest(), timeout=limit),
            timeout_ms,
            again=len(self._places) > 1,
        )
        return Membership(
            members=members_of(reply.members),
            status=tuple(
                MemberStatus(
                    name=NodeName(each.name),
                    heard=each.heard,
                    behind=None if each.behind < 0 else each.behind,
                    waits_for=each.waits_for,
                )
                for each in reply.status
            ),
            leader=NodeName(reply.leader),
            generation=reply.generation,
        )

    async def may_go_alone(
        self, *, timeout_ms: int = _TIMEOUT_MS
    ) -> tuple[LogPlace, NodeName, BootId]:
        """Return the place of the store's log, and whose boot a device has to end for it to go on.

        Only for its node's own controller. Raises `HaError` with the reason why it must not.
        """
        reply: pb.MayGoAloneReply = await self._ask(
            lambda stub, limit: stub.MayGoAlone(pb.MayGoAloneRequest(), timeout=limit),
            timeout_ms,
            again=False,
        )
        return place_of(reply.place), NodeName(reply.peer), BootId(reply.boot_id)

    async def go_alone(
        self, place: LogPlace, proof: FencingProof, *, timeout_ms: int = _TIMEOUT_MS
    ) -> Outcome:
        """Have the store go on without the other of two voters. Raises `HaError`: it did not."""
        request = pb.GoAloneRequest(place=place_message(place), proof=commands.proof_message(proof))
        reply: pb.GoAloneReply = await self._ask(
            lambda stub, limit: stub.GoAlone(request, timeout=limit), timeout_ms, again=False
        )
        return outcome_of(reply.outcome)

    async def history(
        self, *, limit: int = 0, before: int = 0, patches: bool = False
    ) -> tuple[Change, ...]:
        """Return configuration changes, newest first; `limit` and `before` 0: all."""
        request = pb.HistoryRequest(limit=limit, before=before, patches=patches)
        reply: pb.HistoryReply = await self._ask(
            lambda stub, timeout: stub.History(request, timeout=timeout), _TIMEOUT_MS, again=False
        )
        return tuple(
            Change(
                revision=entry.revision,
                version=version_of(entry.version),
                origin=origin_of(entry.origin),
                patch=entry.patch,
            )
            for entry in reply.entries
        )

    async def cib_at(self, revision: int) -> Element | None:
        """Return the CIB without its status after that revision; None where it is not kept."""
        request = pb.HistoryRequest(at=revision)
        reply: pb.HistoryReply = await self._ask(
            lambda stub, timeout: stub.History(request, timeout=timeout), _TIMEOUT_MS, again=False
        )
        return parse(reply.cib) if reply.cib else None

    async def status(self, *, timeout_ms: int = _TIMEOUT_MS) -> pb.StoreStatusReply:
        """Return how the replica describes itself."""
        reply: pb.StoreStatusReply = await self._ask(
            lambda stub, limit: stub.Status(pb.StoreStatusRequest(), timeout=limit),
            timeout_ms,
            again=len(self._places) > 1,
        )
        return reply
