"""The listener: few connections at a time, a rate, a deadline for each step, and no parsing before
the proof.

What a stranger can make it do: a TLS handshake, reading 32 bytes, one digest. At most
`CONNECTIONS_MAX` are served at once and `PER_SECOND` begin in a second; others wait in the kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

from google.protobuf.message import DecodeError
from msgspec import Struct

from crm_shell.enrolment.channel import (
    REQUEST_BYTES_MAX,
    BrokenOff,
    part,
    read_exactly,
    read_part,
)
from crm_shell.enrolment.records import Record, Verdict
from crm_shell.enrolment.token import ID_BYTES, PROOF_BYTES
from raftmaker.runtime.logs import Log
from raftmaker.wire.enrolment_pb2 import EnrolReply, EnrolRequest

CONNECTIONS_MAX = 8
PER_SECOND = 10.0
HANDSHAKE_S = 5.0
PROOF_S = 5.0
REQUEST_S = 10.0
_BACKLOG = 16
_BUFFER_BYTES = 32 * 1024
_WRONG_PROOF_DELAY_S = 1.0

Judge = Callable[[bytes, bytes], tuple[Verdict, Record | None]]
"""(token id, secret) -> what is to be said, and the token's record where it is welcome."""
Enrol = Callable[[Record, EnrolRequest], Awaitable[EnrolReply]]
"""Carry out a request that a token was proven for; never raises for what a user can do wrong."""


class Enrolment(Struct, frozen=True, kw_only=True):
    """What the listener needs to serve a connection."""

    authority: bytes
    judge: Judge
    enrol: Enrol
    log: Log


def listen(address: tuple[str, int]) -> socket.socket:
    """Bind a listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


async def serve(listener: socket.socket, context: ssl.SSLContext, enrolment: Enrolment) -> None:
    """Serve connections until cancelled."""
    loop = asyncio.get_running_loop()
    places = asyncio.Semaphore(CONNECTIONS_MAX)
    serving: set[asyncio.Task[None]] = set()
    try:
        while True:
            await places.acquire()
            connection, peer = await loop.sock_accept(listener)
            task = asyncio.create_task(_serve_one(connection, str(peer[0]), context, enrolment))
            serving.add(task)
            task.add_done_callback(serving.discard)
            task.add_done_callback(lambda _: places.release())
            await asyncio.sleep(1 / PER_SECOND)
    finally:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        listener.close()


async def _serve_one(
    connection: socket.socket, peer: str, context: ssl.SSLContext, enrolment: Enrolment
) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_BUFFER_BYTES)
    try:
        transport, protocol = await loop.connect_accepted_socket(
            lambda: asyncio.StreamReaderProtocol(reader),
            connection,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_S,
            ssl_shutdown_timeout=1.0,
        )
    except (OSError, ConnectionError):
        connection.close()
        return
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    try:
        await _converse(reader, writer, peer, enrolment)
    except (BrokenOff, TimeoutError, OSError) as error:
        enrolment.log.info("enrolment broken off", peer=peer, reason=error or "too slow")
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 2)


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, enrolment: Enrolment
) -> None:
    writer.write(part(enrolment.authority))
    async with asyncio.timeout(PROOF_S):
        proof = await read_exactly(reader, PROOF_BYTES)
    verdict, record = enrolment.judge(proof[:ID_BYTES], proof[ID_BYTES:])
    if record is None or verdict is not Verdict.WELCOME:
        enrolment.log.warning("token refused", peer=peer, reason=verdict.value)
        await asyncio.sleep(_WRONG_PROOF_DELAY_S)
        writer.write(b"\0" + part(verdict.value.encode()))
        await writer.drain()
        return
    writer.write(b"\1")
    async with asyncio.timeout(REQUEST_S):
        content = await read_part(reader, REQUEST_BYTES_MAX)
    try:
        request = EnrolRequest.FromString(content)
    except DecodeError:
        raise BrokenOff("the request cannot be read") from None
    reply = await enrolment.enrol(record, request)
    writer.write(part(reply.SerializeToString()))
    await writer.drain()
