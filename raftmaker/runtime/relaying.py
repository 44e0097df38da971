"""Calls made for somebody else: taken at a socket as bytes, and made elsewhere in their name.

A remote node has no store, controller or fencer. What its tools ask is taken here as it comes, and
is made by a member (features 22.5), on whose word the store knows for which node that is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio

from raftmaker.runtime.rpc import ANSWERED, CallContext, Service, introduction
from raftmaker.vocabulary.relayed import (
    RELAYED,
    SERVICES,
    CallStatus,
    RelayedAnswer,
    RelayedCall,
)
from raftmaker.wire.types_pb2 import Identity

BEHALF_KEY = "raftmaker-remote-node-bin"
"""The call metadata that names the remote node for which a member calls."""
Channel = grpc.aio.Channel
"""A connection to a daemon."""
Ask = Callable[[RelayedCall], AsyncIterator[RelayedAnswer]]
_STATUS = {status.value[0]: status for status in grpc.StatusCode}


class _Taken(grpc.GenericRpcHandler):
    """Takes every call of the relayed services without decoding it."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = str(handler_call_details.method)
        relayed = RELAYED.get(method)
        if relayed is None and method.split("/")[1] not in SERVICES:
            return None

        async def one(request: bytes, context: CallContext) -> bytes:
            found = b""
            async for message in self._answers(method, request, context):
                found = message
            return found

        async def many(request: bytes, context: CallContext) -> AsyncIterator[bytes]:
            async for message in self._answers(method, request, context):
                yield message

        async def refused(_: object, context: CallContext) -> AsyncIterator[bytes]:
            async for message in self._answers(method, b"", context):
                yield message

        if relayed is None:  # whichever kind of call it is: nothing of it is read
            return grpc.stream_stream_rpc_method_handler(refused)
        if relayed.follows:
            return grpc.unary_stream_rpc_method_handler(many)
        return grpc.unary_unary_rpc_method_handler(one)

    async def _answers(
        self, method: str, request: bytes, context: CallContext
    ) -> AsyncIterator[bytes]:
        left = context.time_remaining()
        timeout_ms = 0 if left is None else max(1, int(left * 1000))
        call = RelayedCall(number=0, method=method, request=request, timeout_ms=timeout_ms)
        async for answer in self._ask(call):
            if answer.message is not None:
                yield answer.message
            if answer.status:
                status = _STATUS.get(answer.status, grpc.StatusCode.UNKNOWN)
                await context.abort(status, answer.details, ANSWERED)


def relayed_services(ask: Ask) -> list[Service]:
    """Return what `serve` needs to take the calls of tools: `ask` has each of them made."""

    def register(servicer: Any, server: Any) -> None:
        server.add_generic_rpc_handlers((servicer,))

    def none(servicer: Any, server: Any) -> None:
        """One handler takes the calls of all services."""

    handler = _Taken(ask)
    return [
        Service(name=name, servicer=handler, register=none if index else register)
        for index, name in enumerate(SERVICES)
    ]


async def made(
    channel: grpc.aio.Channel, call: RelayedCall, timeout_s: float | None, *, node: str,
    identity: Identity,
) -> AsyncIterator[RelayedAnswer]:  # fmt: skip
    """Make a call in the name of a remote node; yield its answers, the end as the last."""
    options: dict[str, Any] = {
        "timeout": timeout_s,
        "metadata": (*introduction(identity), (BEHALF_KEY, node.encode())),
    }
    number = call.number
    try:
        if RELAYED[call.method].follows:
            follow: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
            follow = channel.unary_stream(call.method)
            async for message in follow(call.request, **options):
                yield RelayedAnswer(number=number, message=message)
            yield RelayedAnswer(number=number, status=CallStatus.OK)
        else:
            ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
            ask = channel.unary_unary(call.method)
            message = await ask(call.request, **options)
            yield RelayedAnswer(number=number, message=message, status=CallStatus.OK)
    except grpc.aio.AioRpcError as error:
        code, details = error.code().value[0], error.details() or "no reason given"
        yield RelayedAnswer(number=number, status=code, details=details)


def behalf(context: CallContext) -> str:
    """Return the remote node for which the caller says it calls; empty: for itself."""
    for key, value in context.invocation_metadata() or ():
        if key == BEHALF_KEY:
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return ""
