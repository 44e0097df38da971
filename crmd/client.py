"""How tools and the other nodes' controllers speak to a controller."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import grpc
from msgspec import Struct

from crmd import codec
from crmd.explanation_codec import explanations_of
from crmd.fsa.effects import (
    JoinAccepted,
    ReportProgress,
    SendCancel,
    SendForget,
    SendJoin,
    SendOrder,
)
from crmd.scheduler.explaining.values import Explanation
from crmd.transition.throttle import NodeLoad
from lrmd.codec import inventory_of, token_of
from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.rpc import dial, failure_of
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire import controller_pb2 as pb
from raftmaker.wire import controller_pb2_grpc, executor_pb2, types_pb2
from raftmaker.wire.types_pb2 import Identity

_Reply = TypeVar("_Reply")
_MEND = "is raftmaker-crmd running there? (systemctl start raftmaker-crmd)"
_QUICK_S = 10.0
_CLEANUP_S = 120.0
_EXPLAIN_S = 60.0
_FENCING_S = 900.0


class FenceNodeAnswer(Struct, frozen=True, kw_only=True):
    """How the wish to fence a node ended. Only `confirmed` says that it is down."""

    confirmed: bool
    devices: tuple[str, ...] = ()
    reason: str = ""


class ControllerClient:
    """One controller. Every call raises `Unreachable`, `Refused`, `TimedOut` or another `HaError`.

    `Refused` means that nothing was done; after the others it is not known.
    """

    def __init__(self, target: Target, *, identity: Identity) -> None:
        """Name the unix socket or the peer; it connects when first used."""
        self._where = f"the controller at {target}"
        self._channel = dial(target, identity=identity)
        self._stub = controller_pb2_grpc.ControllerStub(self._channel)
        self._identity = identity

    async def close(self) -> None:
        """End the connection; calls under way fail."""
        await self._channel.close()

    async def hello(self) -> Identity:
        """Return who answers."""
        request = types_pb2.HelloRequest(identity=self._identity)
        reply = await self._ask(self._stub.Hello(request, timeout=_QUICK_S))
        identity: Identity = reply.identity
        return identity

    async def keep_secret(self, resource: str, parameter: str, value: str | None) -> None:
        """Have a peer keep a secret of a resource; None: remove it (features 27.31)."""
        request = executor_pb2.KeepSecretRequest(
            resource=resource, parameter=parameter, value=value
        )
        await self._ask(self._stub.KeepSecret(request, timeout=_QUICK_S))

    async def join(self, effect: SendJoin, *, timeout_s: float) -> JoinAccepted:
        """Ask a member to join; return what runs and waits there."""
        request = codec.join_request(effect)
        request.dc.CopyFrom(self._identity)
        reply = await self._ask(self._stub.Join(request, timeout=timeout_s))
        inventory = inventory_of(reply.executor)
        load = codec.load_of(reply.load) if reply.HasField("load") else None
        return JoinAccepted(call=0, inventory=inventory, number=reply.number, load=load)

    async def report_load(self, load: NodeLoad) -> None:
        """Tell the DC how loaded this node is."""
        request = pb.LoadReport(load=codec.load_message(load))
        await self._ask(self._stub.ReportLoad(request, timeout=_QUICK_S))

    async def order(self, effect: SendOrder | SendCancel | SendForget, *, timeout_s: float) -> int:
        """Give an order to a member; return the executor's call id, 0 where there is none."""
        match effect:
            case SendOrder():
                order = codec.order_request(effect)
                reply = await self._ask(self._stub.Order(order, timeout=timeout_s))
                return int(reply.call_id)
            case SendCancel():
                cancel = codec.cancel_request(effect)
                await self._ask(self._stub.CancelOrder(cancel, timeout=timeout_s))
            case SendForget():
                forget = codec.forget_request(effect)
                await self._ask(self._stub.ForgetOrder(forget, timeout=timeout_s))
        return 0

    async def progress(
        self, *, once: bool = False, node: str = ""
    ) -> AsyncIterator[ReportProgress]:
        """Follow what the controller does; the first value comes at once.

        `node`: another one's controller, which this one asks.
        """
        try:
            async for message in self._stub.Progress(pb.ProgressRequest(once=once, node=node)):
                yield _progress_of(message)
        except grpc.aio.AioRpcError as error:
            raise failure_of(error, self._where, _MEND) from None

    async def fence_node(
        self,
        target: NodeName,
        action: str,
        *,
        reason: str = "",
        timeout_ms: int = 0,
        delay_ms: int = 0,
        client: str = "",
        origin: NodeName | None = None,
    ) -> FenceNodeAnswer:
        """Have a node fenced (off or reboot) or unfenced (on) by the DC; answers when it is over.

        `delay_ms` below 0 switches off the devices' delays too (features 17.32). `client` and
        `origin`: who asks on which node, for the history.
        """
        request = pb.FenceNodeRequest(
            target=target,
            action=action,
            origin=types_pb2.Origin(message=reason, client=client, node=origin or ""),
            timeout_ms=timeout_ms,
            delay_ms=delay_ms,
        )
        limit_s = _FENCING_S + (timeout_ms + max(0, delay_ms)) / 1000
        return await self._fencing(self._stub.FenceNode(request, timeout=limit_s))

    async def confirm_down(self, target: NodeName, *, reason: str = "") -> FenceNodeAnswer:
        """Vouch that a node is down; refused for a node that is heard."""
        request = pb.ConfirmDownRequest(target=target, origin=types_pb2.Origin(message=reason))
        return await self._fencing(self._stub.ConfirmDown(request, timeout=_QUICK_S))

    async def _fencing(self, call: Awaitable[pb.FenceNodeReply]) -> FenceNodeAnswer:
        reply = await self._ask(call)
        return FenceNodeAnswer(
            confirmed=reply.confirmed, devices=tuple(reply.devices), reason=reply.reason
        )

    async def cleanup(
        self,
        *,
        resource: str = "",
        node: str = "",
        operation: str = "",
        interval_ms: int = 0,
        refresh: bool = False,
    ) -> tuple[str, ...]:
        """Forget failures, or with `refresh` all history; return a line a resource and node."""
        request = pb.CleanupRequest(
            resource=resource,
            node=node,
            operation=operation,
            interval_ms=interval_ms,
            refresh=refresh,
        )
        reply = await self._ask(self._stub.Cleanup(request, timeout=_CLEANUP_S))
        return tuple(reply.cleaned)

    async def fail_resource(self, resource: str, node: NodeName) -> None:
        """Have a resource count as failed on a node; returns when that node has taken it."""
        request = pb.FailResourceRequest(resource=resource, node=node)
        await self._ask(self._stub.FailResource(request, timeout=_QUICK_S))

    async def explain(self, resource: str, node: str = "") -> tuple[Explanation, ...]:
        """Say why a resource is where it is; empty where there is no such resource."""
        request = pb.ExplainRequest(resource=resource, node=node)
        return explanations_of(await self._ask(self._stub.Explain(request, timeout=_EXPLAIN_S)))

    async def leave(self) -> None:
        """Have the node leave; returns when that is announced, follow `progress` for the rest."""
        await self._ask(self._stub.Leave(pb.LeaveRequest(), timeout=_QUICK_S))

    async def _ask(self, call: Awaitable[_Reply]) -> _Reply:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            failure: HaError = failure_of(error, self._where, _MEND)
            raise failure from None


def _progress_of(message: pb.ProgressReply) -> ReportProgress:
    return ReportProgress(
        state=message.state,
        dc=message.dc,
        token=token_of(message.token),
        quorate=message.quorate,
        actions_total=message.actions_total,
        actions_done=message.actions_done,
        running=tuple(message.running),
        settled_index=message.settled_index,
        transition=message.transition,
    )
