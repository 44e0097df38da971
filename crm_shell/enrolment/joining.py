"""The new host's side: find the node that made the token, be sure it is that, ask, be answered."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from cryptography import x509
from google.protobuf.message import DecodeError

from crm_shell.enrolment.channel import (
    REASON_BYTES_MAX,
    REPLY_BYTES_MAX,
    BrokenOff,
    client_context,
    part,
    read_exactly,
    read_part,
)
from crm_shell.enrolment.token import Token
from raftmaker.runtime.certificates import fingerprint, names_in, was_issued_by
from raftmaker.runtime.errors import HaError, Rejected, Report, TimedOut, Unreachable
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.wire.enrolment_pb2 import EnrolReply, EnrolRequest

_CONNECT_S = 5.0
_ANSWER_S = 60.0
_AUTHORITY_BYTES_MAX = 16 * 1024
_ROUNDS = 3

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class NotThem(HaError):
    """Whoever answers is not the cluster that the token is for; nothing was told to it."""

    exit_code = ExitCode.NOPERM


async def enrol(token: Token, request: EnrolRequest) -> EnrolReply:
    """Ask to join. Raises `Unreachable`, `NotThem`, or `Rejected` with the cluster's reason."""
    failures: dict[str, str] = {}
    for round_number in range(_ROUNDS):
        for address in token.addresses:
            try:
                async with _connected(address) as (reader, writer):
                    async with asyncio.timeout(_ANSWER_S):
                        return await _ask(token, request, reader, writer)
            except TimeoutError:
                raise TimedOut(f"{address} does not answer in time; the same token works") from None
            except (_NoConnection, BrokenOff) as error:
                failures[address] = str(error)
        if round_number + 1 < _ROUNDS:
            await asyncio.sleep(1)
    tried = "; ".join(f"{address}: {reason}" for address, reason in failures.items())
    raise Unreachable(
        f"{token.node} takes no token now ({tried}): it listens only while a token is valid, so"
        f" make a new one there with 'crm cluster token'; or else open the port on {token.node}"
    )


class _NoConnection(Exception):
    """One address cannot be reached."""


@asynccontextmanager
async def _connected(address: str) -> AsyncIterator[Streams]:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(
                host.strip("[]"), int(port), ssl=client_context()
            )
    except ssl.SSLError as error:
        raise _NoConnection(f"no TLS: {error.reason}") from None
    except TimeoutError:
        raise _NoConnection("no answer") from None
    except OSError as error:
        raise _NoConnection(error.strerror or str(error)) from None
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 1)


async def _ask(
    token: Token, request: EnrolRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> EnrolReply:
    authority = await read_part(reader, _AUTHORITY_BYTES_MAX)
    shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
    insist_on_identity(token, authority, shown.getpeercert(binary_form=True) or b"")
    writer.write(token.proof)
    if await read_exactly(reader, 1) != b"\1":
        reason = (await read_part(reader, REASON_BYTES_MAX)).decode(errors="replace")
        raise _refused(ExitCode.NOPERM, reason, "make a new one with 'crm cluster token'")
    writer.write(part(request.SerializeToString()))
    content = await read_part(reader, REPLY_BYTES_MAX)
    try:
        reply = EnrolReply.FromString(content)
    except DecodeError:
        raise BrokenOff("its answer cannot be read") from None
    if reply.code:
        raise _refused(_exit_code(reply.code), reply.reason, "")
    return reply


def insist_on_identity(token: Token, authority: bytes, shown: bytes) -> None:
    """Check who answers: the token's node, by the token's authority. Raises `NotThem`.

    `authority`: PEM as it was sent; `shown`: the certificate (DER) whose key the other end has
    proven in the handshake.
    """
    try:
        if fingerprint(authority) != token.authority:
            raise NotThem(
                f"whoever answers for {token.node} has another cluster's authority than the token"
                " names: somebody is between, or the authority was exchanged; make a new token"
            )
        issuer = x509.load_pem_x509_certificate(authority)
        theirs = x509.load_der_x509_certificate(shown)
    except ValueError as error:
        raise NotThem(f"whoever answers for {token.node} shows no certificate: {error}") from None
    if not was_issued_by(theirs, issuer) or token.node not in names_in(theirs):
        raise NotThem(f"whoever answers shows no certificate of {token.node}: nothing was told")
    now = datetime.now(UTC)
    if not theirs.not_valid_before_utc <= now <= theirs.not_valid_after_utc:
        raise NotThem(
            f"the certificate of {token.node} is good from {theirs.not_valid_before_utc:%F %R} to"
            f" {theirs.not_valid_after_utc:%F %R} UTC, and here it is {now:%F %R}: set the clock,"
            f" or renew it there with 'crm cluster rotate-certificates'"
        )


def _exit_code(number: int) -> ExitCode:
    try:
        return ExitCode(number)
    except ValueError:
        return ExitCode.ERROR


def _refused(code: ExitCode, what: str, mend: str) -> Rejected:
    return Rejected(code, (Report(code="not-enrolled", what=what, mend=mend),))
