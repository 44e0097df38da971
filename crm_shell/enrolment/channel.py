"""Enrolment on the wire: TLS 1.3, then fixed and length-prefixed parts in one order.

    server  4 bytes: length, then the authority's certificate (PEM)
    client  a token's id and secret, 32 bytes (token.PROOF_BYTES)
    server  1 byte: 1 go on, 0 refused; refused: a length and the reason (UTF-8), and the end
    client  4 bytes: length, then an EnrolRequest
    server  4 bytes: length, then an EnrolReply

The client sends its proof only to whoever holds a certificate of the authority that the token
names; it shows none itself, as it has none yet.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

REQUEST_BYTES_MAX = 16 * 1024
REPLY_BYTES_MAX = 1024 * 1024
REASON_BYTES_MAX = 1024
_LENGTH_BYTES = 4


class BrokenOff(Exception):
    """The other side ended the conversation, or does not keep to it."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the server's TLS. Raises OSError (ssl.SSLError is one) for files that are unfit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    # No session outlives its connection, so nothing is kept for a stranger.
    context.num_tickets = 0
    return context


def client_context() -> ssl.SSLContext:
    """Return the client's TLS; `joining` checks the certificate, right after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def read_part(reader: asyncio.StreamReader, most: int) -> bytes:
    """Read one length-prefixed part. Raises `BrokenOff`, also for one that is too long."""
    length = int.from_bytes(await read_exactly(reader, _LENGTH_BYTES), "big")
    if length > most:
        raise BrokenOff(f"a part of {length} bytes was announced, {most} are allowed")
    return await read_exactly(reader, length)


async def read_exactly(reader: asyncio.StreamReader, count: int) -> bytes:
    """Read so many bytes. Raises `BrokenOff`."""
    try:
        return await reader.readexactly(count)
    except asyncio.IncompleteReadError:
        raise BrokenOff("the other side ended the connection") from None
    except OSError as error:
        raise BrokenOff(f"the connection broke: {error.strerror or error}") from None


def part(content: bytes) -> bytes:
    """Return a length-prefixed part."""
    return len(content).to_bytes(_LENGTH_BYTES, "big") + content
