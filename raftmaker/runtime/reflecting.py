"""Server reflection: what services a daemon has, for tools that have no `proto/` at hand.

gRPC's own is loaded when somebody asks: it would be 3 % of what a daemon loads to start.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
import grpc.aio

NAME = "grpc.reflection.v1alpha.ServerReflection"


class _Reflection(grpc.GenericRpcHandler):
    """Becomes gRPC's own service with the first question."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._loaded: grpc.RpcMethodHandler[Any, Any] | None = None

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        if handler_call_details.method != f"/{NAME}/ServerReflectionInfo":
            return None
        if self._loaded is None:
            self._loaded = _load(self._names)
        return self._loaded


def _load(names: tuple[str, ...]) -> grpc.RpcMethodHandler[Any, Any]:
    from grpc_reflection.v1alpha import reflection, reflection_pb2

    return grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(names).ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )


def reflect(server: grpc.aio.Server, names: Iterable[str]) -> None:
    """Let a server tell that it has the services of these full names, and reflection."""
    server.add_generic_rpc_handlers((_Reflection((*names, NAME)),))
