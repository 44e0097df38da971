"""The stub of one store: what a program calls often goes over one stream, where that is offered."""

from __future__ import annotations

from functools import partial
from typing import Any

from raftmaker.runtime.conversation import Conversation, NotOffered
from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.rpc import dial_bare, introduced, is_connected
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire import store_pb2_grpc
from raftmaker.wire.types_pb2 import Identity

CALLS_ALONE = 2
"""A tool makes no more calls than that; who makes more is worth a stream."""


class Speaker(store_pb2_grpc.StoreStub):
    """A stub with its own connection; every call introduces the caller."""

    def __init__(self, target: Target, identity: Identity) -> None:
        """It connects when first used."""
        self._channel = dial_bare(target)
        alone = introduced(store_pb2_grpc.StoreStub(self._channel), identity)
        self.__dict__.update(vars(alone))
        self.Query = partial(self._call, "query", alone.Query)
        self.Change = partial(self._call, "change", alone.Change)
        self.Record = partial(self._call, "record", alone.Record)
        self._calls = 0
        self._is_offered = True
        self._conversation = Conversation(alone.Converse, lambda asks: pb.Asks(asks=asks))

    async def _call(self, kind: str, alone: Any, request: Any, *, timeout: float) -> Any:
        self._calls += 1
        if self._calls > CALLS_ALONE and self._is_offered:
            timeout_ms = max(1, int(timeout * 1000))

            def ask(number: int) -> pb.Ask:
                return pb.Ask(number=number, timeout_ms=timeout_ms, **{kind: request})

            try:
                return await self._conversation.ask(ask, timeout)
            except NotOffered:  # by an older store: nothing was executed
                self._is_offered = False
        return await alone(request, timeout=timeout)

    def is_connected(self) -> bool:
        """Tell whether the store is connected; where it is not, a connection is attempted."""
        return is_connected(self._channel)

    async def close(self) -> None:
        """End the connection; calls under way fail."""
        await self._conversation.close()
        await self._channel.close()
