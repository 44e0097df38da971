"""gRPC both ways: serve a daemon's services, dial another's; identities in every call.

Every call carries the caller's `Identity` in its metadata, and the server refuses a caller of
another cluster or of a protocol too old or too new before the call reaches the service. `HaError`s
become gRPC status codes here, and come back as the same exceptions at the caller.
"""

from __future__ import annotations

import asyncio
import os
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from msgspec import Struct

from raftmaker.runtime.endpoint import (
    Credentials,
    Endpoint,
    ShowsCredentials,
    Target,
    host_and_port,
)
from raftmaker.runtime.errors import (
    CannotListen,
    HaError,
    NotLeader,
    NotPermitted,
    Refused,
    TimedOut,
    Unreachable,
)
from raftmaker.runtime.front import open_to_group
from raftmaker.runtime.identity import refusal
from raftmaker.runtime.listening import accept_only_speakers, cut_off_crowds, why_not
from raftmaker.runtime.logs import Log
from raftmaker.runtime.reflecting import reflect
from raftmaker.runtime.renewing import Renewing
from raftmaker.runtime.ways import ONE_WAY, SERVE_OPTIONS, SEVERAL_WAYS, Ways
from raftmaker.vocabulary.reports import Report
from raftmaker.wire.types_pb2 import Identity

CallContext = grpc.aio.ServicerContext[Any, Any]
"""What a service is told of one call."""
Server = grpc.aio.Server
"""What `serve` returns."""
IDENTITY_KEY = "raftmaker-identity-bin"
ANSWERED = (("raftmaker-answered", "1"),)
"""Trailing metadata of a call that a daemon has ended: it runs, whatever else does not."""
MESSAGE_BYTES_MAX = 64 * 1024 * 1024
"""What a daemon reads of a request."""
ANSWER_BYTES_MAX = 1024 * 1024 * 1024
"""What is read of a daemon's answer: a whole CIB with its status is larger than any request."""
_BROKE = "Internal error from Core"
"""What grpc.aio says, as INTERNAL, of a call whose connection broke while it began or ended."""
_OPEN_TO_ALL = ("/grpc.health.", "/grpc.reflection.")
_DIAL = [
    ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    # A peer that comes back must be found within a heartbeat or two.
    ("grpc.initial_reconnect_backoff_ms", 100),
    # Despite its name, what an attempt may take: a handshake is four times there and back.
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 300),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
]
CONNECTIONS_MAX = 512
"""At a time and listener; below the 1024 files that a process may open by default."""
CONNECTIONS_MAX_EACH = 128
"""Of one address; a node has about a dozen. What is more is cut off within `CROWDS_S`."""
CROWDS_S = 0.5
HANDSHAKE_MS = 5_000
"""Who has not shown a certificate by then is cut off: nothing else of it has been read."""
_PATH_BYTES_MAX = 107
"""Of a unix socket (unix(7)), without the byte that ends it."""
_REPLACED_S = 0.05
_SERVE = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", ANSWER_BYTES_MAX),
    *SERVE_OPTIONS,
    ("grpc.so_reuseport", 0),
    ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
    ("grpc.max_allowed_incoming_connections", CONNECTIONS_MAX),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 32 * 1024),
]

_STATUS: tuple[tuple[type[HaError], grpc.StatusCode], ...] = (
    (Unreachable, grpc.StatusCode.UNAVAILABLE),
    (NotLeader, grpc.StatusCode.ABORTED),
    (TimedOut, grpc.StatusCode.DEADLINE_EXCEEDED),
    (Refused, grpc.StatusCode.FAILED_PRECONDITION),
    (NotPermitted, grpc.StatusCode.PERMISSION_DENIED),
)


class Registers(Protocol):
    """The generated ``add_…Servicer_to_server`` of one service."""

    def __call__(self, servicer: Any, server: Any) -> None:
        """Register `servicer` with `server`."""


class Service(Struct, frozen=True, kw_only=True):
    """One service to offer: its full protobuf name, its implementation, its registration."""

    name: str
    servicer: object
    register: Registers


class _Gate(grpc.aio.ServerInterceptor):
    """Refuses callers of another cluster or protocol before their call reaches the service."""

    def __init__(self, mine: Identity) -> None:
        self._mine = mine

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or str(handler_call_details.method).startswith(_OPEN_TO_ALL):
            return handler
        reason = self._reason(handler_call_details)
        return _refusing(handler, reason) if reason else handler

    def _reason(self, details: grpc.HandlerCallDetails) -> str:
        try:
            theirs = _identity_in(details.invocation_metadata)
        except DecodeError:
            return "the caller's identity cannot be read"
        if theirs is None:
            return f"the caller sent no identity: call metadata {IDENTITY_KEY} is needed"
        return refusal(self._mine, theirs)


def _identity_in(metadata: Any) -> Identity | None:
    for key, value in metadata or ():
        if key == IDENTITY_KEY:
            identity = Identity()
            identity.ParseFromString(value if isinstance(value, bytes) else value.encode())
            return identity
    return None


def certified_names(context: CallContext) -> tuple[str, ...] | None:
    """Return the names that the caller's certificate is for; None where it has shown none."""
    proof = context.auth_context()
    if proof.get("transport_security_type") != [b"ssl"]:
        return None
    return tuple(name.decode() for name in proof.get("x509_subject_alternative_name", ()))


async def caller(context: grpc.aio.ServicerContext[Any, Any]) -> Identity:
    """Return who calls; ends the call when its certificate is for another node."""
    identity = _identity_in(context.invocation_metadata())
    assert identity is not None, "served without the gate"
    names = certified_names(context)
    if names is not None and identity.node not in names:
        await context.abort(
            grpc.StatusCode.PERMISSION_DENIED,
            f"the caller says it is {identity.node or 'no node'},"
            f" its certificate is for {', '.join(names)}",
        )
    return identity


def _refusing(handler: Any, reason: str) -> Any:
    """Return a handler of the same shape that refuses with `reason`."""

    async def refuse(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, reason)

    async def refuse_stream(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, reason)
        yield  # type: ignore[unreachable]  # makes this an async generator, as a stream needs

    makers = {
        (False, False): (grpc.unary_unary_rpc_method_handler, refuse),
        (False, True): (grpc.unary_stream_rpc_method_handler, refuse_stream),
        (True, False): (grpc.stream_unary_rpc_method_handler, refuse),
        (True, True): (grpc.stream_stream_rpc_method_handler, refuse_stream),
    }
    make, behaviour = makers[handler.request_streaming, handler.response_streaming]
    return make(behaviour, handler.request_deserializer, handler.response_serializer)


async def serve(
    services: Sequence[Service],
    *,
    identity: Identity,
    socket: Path,
    endpoints: Sequence[Endpoint] = (),
    private: bool = False,
) -> grpc.aio.Server:
    """Start serving on the unix socket (mode 0660) and the endpoints; health and reflection on.

    `private`: only this user and root can reach the socket; a `Front` serves everybody else.

    Raises `Refused` for an endpoint that is not safe, `CannotListen` where none of an endpoint's
    addresses can be had; the caller ends the daemon.
    """
    server = grpc.aio.server(options=_SERVE, interceptors=(_Gate(identity),))
    watcher = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(watcher, server)
    names = [service.name for service in services]
    for service in services:
        service.register(service.servicer, server)
        await watcher.set(service.name, health_pb2.HealthCheckResponse.SERVING)
    await watcher.set("", health_pb2.HealthCheckResponse.SERVING)
    reflect(server, [*names, health.SERVICE_NAME])
    socket.parent.mkdir(parents=True, exist_ok=True)
    if private:
        socket.parent.chmod(0o700)
    socket.unlink(missing_ok=True)
    try:
        _listen_on(server, socket)
        for endpoint in endpoints:
            _listen(server, endpoint, Log(identity.program))
    except HaError:
        await server.stop(None)  # it would be ended with the loop, when that is too late
        raise
    await server.start()
    secured = [each for one in endpoints if one.credentials for each in one.addresses]
    ports = frozenset(host_and_port(each)[1] for each in secured)
    accept_only_speakers(ports, HANDSHAKE_MS // 1000)
    if ports:
        _keep_crowds_off(server, ports)
    if private:
        socket.chmod(0o600)
    else:
        open_to_group(socket)
    return server


def _keep_crowds_off(server: grpc.aio.Server, ports: frozenset[int]) -> None:
    """Look every now and then, as long as there is the server."""
    loop, served = asyncio.get_running_loop(), weakref.ref(server)

    def look() -> None:
        if served() is not None:
            cut_off_crowds(ports, CONNECTIONS_MAX_EACH)
            loop.call_later(CROWDS_S, look)

    look()


def _listen_on(server: grpc.aio.Server, socket: Path) -> None:
    try:
        server.add_insecure_port(f"unix:{socket}")
    except RuntimeError as error:
        length = len(os.fsencode(socket))
        report = Report(
            code="cannot-listen",
            where=str(socket),
            what="this socket cannot be made",
            mend="the daemon must be allowed to write into its directory, and its path may have"
            f" {_PATH_BYTES_MAX} bytes (it has {length}): see directories.run in raftmaker.toml",
        )
        raise CannotListen(str(report)) from error


def _listen(server: grpc.aio.Server, endpoint: Endpoint, log: Log) -> None:
    _insist_on_safety(endpoint)
    failures: list[Report] = []
    for address in endpoint.addresses:
        try:
            _listen_at(server, address, endpoint.credentials)
        except RuntimeError:
            failures.append(why_not(address))
    if len(failures) == len(endpoint.addresses):
        raise CannotListen("; ".join(str(failure) for failure in failures))
    for failure in failures:
        log.warning("does not listen at one of its addresses", reason=failure)


def _listen_at(server: grpc.aio.Server, address: str, own: ShowsCredentials | None) -> None:
    if own is None:
        server.add_insecure_port(address)
        return

    given = own.now()

    def newer() -> grpc.ServerCertificateConfiguration | None:
        """Asked at every handshake; None: go on with what was given last."""
        nonlocal given
        now = own.now()
        if now is given:
            return None
        # gRPC makes a handshake's state from the last one without holding the lock under which
        # this is asked: whoever is at that now must be done before it is replaced.
        time.sleep(_REPLACED_S)
        given = now
        return _shown(now)

    credentials = grpc.dynamic_ssl_server_credentials(
        _shown(given),
        newer,  # type: ignore[arg-type]  # None is allowed, the stubs do not know it
        require_client_authentication=True,
    )
    server.add_secure_port(address, credentials)


def _shown(now: Credentials) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(now.key, now.certificate)], now.authority)


def _insist_on_safety(endpoint: Endpoint) -> None:
    if not endpoint.is_safe:
        raise Refused(
            f"{endpoint} of {endpoint.node} is beyond loopback, where both ends must prove who"
            " they are: set directories.tls in raftmaker.toml"
        )


class _Introduces:
    """Adds the caller's identity to every call; grpc.aio wants one class for each kind of call."""

    def __init__(self, identity: Identity) -> None:
        self._entry = (IDENTITY_KEY, identity.SerializeToString())

    def _call(self, continuation: Any, details: Any, request: Any) -> Any:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        metadata.add(*self._entry)
        return continuation(details._replace(metadata=metadata), request)


class _UnaryUnary(_Introduces, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        return await self._call(continuation, client_call_details, request)


class _UnaryStream(_Introduces, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        return await self._call(continuation, client_call_details, request)


class _StreamStream(_Introduces, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self, continuation: Any, client_call_details: Any, request_iterator: Any
    ) -> Any:
        return await self._call(continuation, client_call_details, request_iterator)


def introduction(identity: Identity) -> tuple[tuple[str, bytes], ...]:
    """Return the call metadata that tells who calls, for calls on a bare channel."""
    return ((IDENTITY_KEY, identity.SerializeToString()),)


def introduced(stub: Any, identity: Identity) -> Any:
    """Return the stub of a bare channel with the `introduction` put into each of its calls."""
    for name, call in vars(stub).items():
        setattr(stub, name, partial(call, metadata=introduction(identity)))
    return stub


def dial(target: Target, *, identity: Identity) -> grpc.aio.Channel:
    """Return a channel to a unix socket or a peer; it connects when first used."""
    introduces = [kind(identity) for kind in (_UnaryUnary, _UnaryStream, _StreamStream)]
    return _channel(target, introduces)


def dial_bare(target: Target) -> grpc.aio.Channel:
    """Return a channel on which each call must bring its `introduction`.

    For long streams: grpc.aio's interceptors put a task and a queue between caller and stream.
    """
    return _channel(target, ())


def is_connected(channel: grpc.aio.Channel) -> bool:
    """Tell whether a channel is connected; where it is not, a connection is attempted."""
    return channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY


def _channel(
    target: Target, interceptors: Sequence[grpc.aio.ClientInterceptor]
) -> grpc.aio.Channel:
    alone = [*_DIAL, *ONE_WAY]
    if isinstance(target, Path):
        return grpc.aio.insecure_channel(f"unix:{target}", options=alone, interceptors=interceptors)
    _insist_on_safety(target)
    if not target.others:
        return _channel_to(target.address, target, interceptors, alone)
    options = [*_DIAL, *SEVERAL_WAYS]
    return Ways([_channel_to(one, target, interceptors, options) for one in target.addresses])


def _channel_to(
    address: str,
    target: Endpoint,
    interceptors: Sequence[grpc.aio.ClientInterceptor],
    options: Sequence[tuple[str, Any]],
) -> grpc.aio.Channel:
    own = target.credentials
    if own is None:
        return grpc.aio.insecure_channel(address, options=options, interceptors=interceptors)

    def showing(now: Credentials) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(
            address,
            grpc.ssl_channel_credentials(now.authority, now.key, now.certificate),
            # The certificate is for the node, whatever address it is reached at.
            options=[*options, ("grpc.ssl_target_name_override", target.node)],
            interceptors=interceptors,
        )

    return Renewing(own, showing)


def failure_of(error: grpc.aio.AioRpcError, where: str, mend: str) -> HaError:
    """Return the exception that a caller should see for a failed call to `where`."""
    code, details = error.code(), error.details() or "no reason given"
    for kind, status in _STATUS:
        if code is status and kind is not Unreachable:
            return kind(f"{where}: {details}")
    if code is grpc.StatusCode.UNAVAILABLE and ANSWERED[0][0] in (error.trailing_metadata() or ()):
        return Unreachable(f"{where}: {details}")
    if code is grpc.StatusCode.UNAVAILABLE or details == _BROKE:
        return Unreachable(f"{where} does not answer ({details}); {mend}")
    return HaError(f"{where}: {code.name}: {details}")


@contextmanager
def calling(where: str, mend: str) -> Iterator[None]:
    """Turn a failed call inside the block into the `HaError` that stands for it."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise failure_of(error, where, mend) from None


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: HaError) -> None:
    """End a call on the server's side with the status that stands for `error`."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            await context.abort(status, str(error), ANSWERED)
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error), ANSWERED)
