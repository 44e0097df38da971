"""The controller's gRPC service, on the node's unix socket and for its peers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc.aio

from cib_store.document.element import Element
from crmd import codec
from crmd.client import ControllerClient, FenceNodeAnswer
from crmd.explaining import Explaining
from crmd.explanation_codec import explain_reply
from crmd.fsa import effects, events
from crmd.guarding import is_guarded, refusal, without_names
from crmd.peers import Peers
from crmd.remoting import Remoting
from crmd.runner import Runner
from crmd.throttling import Throttling
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.errors import HaError, NotLeader, NotPermitted, Refused
from raftmaker.runtime.rpc import Service, abort, caller, certified_names
from raftmaker.runtime.secrets import NoSecret, Secrets
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire import controller_pb2 as pb
from raftmaker.wire import controller_pb2_grpc, executor_pb2, types_pb2
from raftmaker.wire.types_pb2 import Identity

_Context = grpc.aio.ServicerContext[Any, Any]
_Wanted = TypeVar("_Wanted")
_Reply = TypeVar("_Reply")


class ControllerServicer(controller_pb2_grpc.ControllerServicer):
    """Turns calls into events, and answers into replies."""

    def __init__(
        self,
        *,
        runner: Runner,
        peers: Peers,
        explaining: Explaining,
        throttling: Throttling,
        remoting: Remoting,
        identity: Identity,
        secrets: Secrets,
        trusting: bool,
    ) -> None:
        """Serve this core. `trusting`: on a socket that root and the daemons alone reach."""
        self._trusting = trusting
        self._secrets = secrets
        self._runner = runner
        self._explaining = explaining
        self._throttling = throttling
        self._remoting = remoting
        self._peers = peers
        self._identity = identity

    def _is_bound(self, context: _Context) -> bool:
        """Tell whether rules of access control may bind the caller."""
        return is_guarded(self._cib) and not self._trusting and not self._is_member(context)

    def _is_member(self, context: _Context) -> bool:
        """Tell whether another node calls: over the network, where it has shown who it is."""
        names, members = certified_names(context), self._runner.state.view.facts.members
        is_known = names is None or any(members.of(NodeName(one)) is not None for one in names)
        return is_known and not context.peer().startswith("unix")

    @property
    def _cib(self) -> Element | None:
        return self._runner.state.view.cib

    async def Hello(
        self, request: types_pb2.HelloRequest, context: _Context
    ) -> types_pb2.HelloReply:
        """Tell who answers; the gate has looked at the caller already."""
        return types_pb2.HelloReply(identity=self._identity)

    async def Join(self, request: pb.JoinRequest, context: _Context) -> pb.JoinReply:
        """Join the calling DC."""
        dc = (await caller(context)).node
        answer = await self._ask(
            context,
            lambda call: codec.join_requested(request, at_ms=boot_ms(), call=call, dc=dc),
            effects.JoinAccepted,
        )
        return pb.JoinReply(
            identity=self._identity,
            executor=codec.inventory_message(answer.inventory),
            number=answer.number,
            load=codec.load_message(self._throttling.load),
        )

    async def ReportLoad(self, request: pb.LoadReport, context: _Context) -> pb.LoadReportReply:
        """Take a member's load into account, should this node be DC."""
        node = NodeName((await caller(context)).node)
        if not self._is_member(context):
            await abort(context, NotPermitted("the loads of nodes come from their controllers"))
        load = codec.load_of(request.load)
        self._runner.take(events.LoadReported(at_ms=boot_ms(), node=node, load=load))
        return pb.LoadReportReply()

    async def Order(self, request: pb.OrderRequest, context: _Context) -> pb.OrderReply:
        """Run an operation here, or on a remote node that is reached from here."""
        if request.remote_node:
            order = codec.order_received(request, at_ms=boot_ms(), call=0)
            asked = self._remoting.order(NodeName(request.remote_node), order)
            return pb.OrderReply(call_id=await _for_remote(context, asked))
        answer = await self._ask(
            context,
            lambda call: codec.order_received(request, at_ms=boot_ms(), call=call),
            effects.OrderTaken,
        )
        return pb.OrderReply(call_id=answer.call_id)

    async def CancelOrder(
        self, request: executor_pb2.CancelRequest, context: _Context
    ) -> executor_pb2.CancelReply:
        """End a recurring operation here, or on a remote node."""
        if request.remote_node:
            order = codec.cancel_received(request, at_ms=boot_ms(), call=0)
            asked = self._remoting.cancel(NodeName(request.remote_node), order)
            return executor_pb2.CancelReply(found=await _for_remote(context, asked))
        answer = await self._ask(
            context,
            lambda call: codec.cancel_received(request, at_ms=boot_ms(), call=call),
            effects.Ended,
        )
        return executor_pb2.CancelReply(found=answer.found)

    async def ForgetOrder(
        self, request: executor_pb2.ForgetRequest, context: _Context
    ) -> executor_pb2.ForgetReply:
        """Forget a resource here, or on a remote node."""
        if request.remote_node:
            order = codec.forget_received(request, at_ms=boot_ms(), call=0)
            asked = self._remoting.forget(NodeName(request.remote_node), order)
            return executor_pb2.ForgetReply(found=await _for_remote(context, asked))
        answer = await self._ask(
            context,
            lambda call: codec.forget_received(request, at_ms=boot_ms(), call=call),
            effects.Ended,
        )
        return executor_pb2.ForgetReply(found=answer.found)

    async def Progress(
        self, request: pb.ProgressRequest, context: _Context
    ) -> AsyncIterator[pb.ProgressReply]:
        """Follow what the controller does; a slow follower skips what is outdated."""
        node = NodeName(request.node)
        try:
            own = not node or node == self._identity.node
            elsewhere = None if own else self._peers.controller(node).progress(once=request.once)
            async for progress in elsewhere or self._runner.progress():
                told = without_names(progress) if self._is_bound(context) else progress
                yield codec.progress_message(told)
                if request.once:
                    return
        except HaError as error:
            await abort(context, error)

    async def FenceNode(self, request: pb.FenceNodeRequest, context: _Context) -> pb.FenceNodeReply:
        """Have a node fenced, by the DC."""
        if self._is_bound(context):
            await abort(context, refusal("fences nodes"))

        def made(call: int) -> events.FenceNodeRequested:
            return events.FenceNodeRequested(
                at_ms=boot_ms(),
                call=call,
                target=NodeName(request.target),
                action=request.action,
                reason=request.origin.message,
                timeout_ms=request.timeout_ms,
                delay_ms=request.delay_ms,
                client=request.origin.client,
                origin=NodeName(request.origin.node),
            )

        async def forwarded(dc: ControllerClient) -> pb.FenceNodeReply:
            return _fence_reply(
                await dc.fence_node(
                    NodeName(request.target),
                    request.action,
                    reason=request.origin.message,
                    timeout_ms=request.timeout_ms,
                    delay_ms=request.delay_ms,
                    client=request.origin.client,
                    origin=NodeName(request.origin.node),
                )
            )

        return await self._ask_dc(
            context, made, forwarded, effects.FencingAnswered, answered=_fence_reply
        )

    async def ConfirmDown(
        self, request: pb.ConfirmDownRequest, context: _Context
    ) -> pb.FenceNodeReply:
        """Take somebody's word that a node is down."""
        if self._is_bound(context):
            await abort(context, refusal("takes a word that a node is down"))

        def made(call: int) -> events.ConfirmDownRequested:
            return events.ConfirmDownRequested(
                at_ms=boot_ms(),
                call=call,
                target=NodeName(request.target),
                reason=request.origin.message,
            )

        async def forwarded(dc: ControllerClient) -> pb.FenceNodeReply:
            target = NodeName(request.target)
            return _fence_reply(await dc.confirm_down(target, reason=request.origin.message))

        return await self._ask_dc(
            context, made, forwarded, effects.FencingAnswered, answered=_fence_reply
        )

    async def Cleanup(self, request: pb.CleanupRequest, context: _Context) -> pb.CleanupReply:
        """Forget failures or history, cluster-wide."""
        if self._is_bound(context):
            await abort(context, refusal("forgets failures and histories"))

        def made(call: int) -> events.CleanupRequested:
            return events.CleanupRequested(
                at_ms=boot_ms(),
                call=call,
                resource=request.resource,
                node=request.node,
                operation=request.operation,
                interval_ms=request.interval_ms,
                refresh=request.refresh,
            )

        async def forwarded(dc: ControllerClient) -> pb.CleanupReply:
            cleaned = await dc.cleanup(
                resource=request.resource,
                node=request.node,
                operation=request.operation,
                interval_ms=request.interval_ms,
                refresh=request.refresh,
            )
            return pb.CleanupReply(cleaned=cleaned)

        return await self._ask_dc(
            context,
            made,
            forwarded,
            effects.Cleaned,
            answered=lambda answer: pb.CleanupReply(cleaned=answer.lines),
        )

    async def FailResource(
        self, request: pb.FailResourceRequest, context: _Context
    ) -> pb.FailResourceReply:
        """Have a resource count as failed on a node, by the DC (features 27.7)."""
        if self._is_bound(context):
            await abort(context, refusal("has resources fail"))

        def made(call: int) -> events.FailRequested:
            return events.FailRequested(
                at_ms=boot_ms(), call=call, resource=request.resource, node=NodeName(request.node)
            )

        async def forwarded(dc: ControllerClient) -> pb.FailResourceReply:
            await dc.fail_resource(request.resource, NodeName(request.node))
            return pb.FailResourceReply()

        return await self._ask_dc(
            context,
            made,
            forwarded,
            effects.FailureOrdered,
            answered=lambda _: pb.FailResourceReply(),
        )

    async def Explain(self, request: pb.ExplainRequest, context: _Context) -> pb.ExplainReply:
        """Say why a resource is where it is."""
        try:
            if self._is_bound(context):
                raise refusal("explains")
            found = await self._explaining.explain(self._cib, request.resource, request.node)
            return explain_reply(found)
        except HaError as error:
            await abort(context, error)
            raise

    async def KeepSecret(
        self, request: executor_pb2.KeepSecretRequest, context: _Context
    ) -> executor_pb2.KeepSecretReply:
        """Keep a secret for a peer; who is on this node has the right to the files, or not."""
        try:
            if not self._is_member(context):
                raise NotPermitted("secrets come from peers; cibsecret sets those of this node")
            value = request.value if request.HasField("value") else None
            self._secrets.take(request.resource, request.parameter, value)
        except HaError as error:
            await abort(context, error)
            raise
        except (NoSecret, OSError) as error:
            await abort(context, HaError(str(error)))
            raise
        return executor_pb2.KeepSecretReply(identity=self._identity)

    async def Leave(self, request: pb.LeaveRequest, context: _Context) -> pb.LeaveReply:
        """Begin to leave."""
        if self._is_bound(context):
            await abort(context, refusal("leaves the cluster"))
        await self._ask(
            context,
            lambda call: events.LeaveRequested(
                at_ms=boot_ms(), call=call, now_s=wall_us() // 1_000_000
            ),
            effects.LeaveBegun,
        )
        return pb.LeaveReply()

    async def _ask(
        self, context: _Context, made: Callable[[int], events.Event], wanted: type[_Wanted]
    ) -> _Wanted:
        """Give the core an event that has an answer; a refusal ends the call."""
        try:
            answer = await self._runner.ask(made)
            if isinstance(answer, effects.Refused):
                raise _refusal(answer)
            assert isinstance(answer, wanted), answer
            return answer
        except HaError as error:
            await abort(context, error)
            raise

    async def _ask_dc(
        self,
        context: _Context,
        made: Callable[[int], events.Event],
        forwarded: Callable[[ControllerClient], Awaitable[_Reply]],
        wanted: type[_Wanted],
        *,
        answered: Callable[[_Wanted], _Reply],
    ) -> _Reply:
        """Like `_ask`, for what only the DC does: another node asks the DC for its caller."""
        try:
            answer = await self._runner.ask(made)
            if isinstance(answer, effects.Refused):
                raise _refusal(answer)
            if isinstance(answer, effects.Forward):
                return await forwarded(self._peers.controller(answer.node))
            assert isinstance(answer, wanted), answer
            return answered(answer)
        except HaError as error:
            await abort(context, error)
            raise


async def _for_remote(context: _Context, asked: Awaitable[_Reply]) -> _Reply:
    try:
        return await asked
    except HaError as error:
        await abort(context, error)
        raise


def _fence_reply(answer: effects.FencingAnswered | FenceNodeAnswer) -> pb.FenceNodeReply:
    return pb.FenceNodeReply(
        confirmed=answer.confirmed, devices=answer.devices, reason=answer.reason
    )


def _refusal(answer: effects.Refused) -> HaError:
    match answer.code:
        case ExitCode.TEMPFAIL:
            return Refused(answer.reason)
        case ExitCode.NO_DC:
            return NotLeader(answer.reason)
        case _:
            return HaError(answer.reason)


def service_of(servicer: ControllerServicer) -> Service:
    """Return what `serve` needs to offer it."""
    return Service(
        name="raftmaker.v1.Controller",
        servicer=servicer,
        register=controller_pb2_grpc.add_ControllerServicer_to_server,
    )
