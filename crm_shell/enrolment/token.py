"""A join token as text: made, read, and refused with a reason when it was not copied whole."""

from __future__ import annotations

import base64
import hashlib
import secrets
import zlib
from enum import Enum

from google.protobuf.message import DecodeError
from msgspec import Struct

from raftmaker.runtime.endpoint import is_address
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.wire import enrolment_pb2 as wire

PREFIX = "raftmaker1-"
"""Tells a token from any other text, and its format's version."""
ID_BYTES = 8
SECRET_BYTES = 24
DIGEST_BYTES = 32
_CHECK_BYTES = 4
_TEXT_MAX = 4096


class Role(Enum):
    """What part a host is to take in the cluster."""

    VOTER = "voter"
    WITNESS = "witness"
    FOLLOWER = "follower"
    REMOTE = "remote node"


ROLES = {
    Role.VOTER: wire.ENROLMENT_ROLE_VOTER,
    Role.WITNESS: wire.ENROLMENT_ROLE_WITNESS,
    Role.FOLLOWER: wire.ENROLMENT_ROLE_FOLLOWER,
    Role.REMOTE: wire.ENROLMENT_ROLE_REMOTE,
}
ROLE_OF = {number: role for role, number in ROLES.items()}


class Token(Struct, frozen=True, kw_only=True):
    """The right to join a cluster once. `authority` is its certificate's SHA-256 digest."""

    cluster: ClusterId
    cluster_name: str
    node: NodeName
    addresses: tuple[str, ...]
    authority: bytes
    id: bytes
    secret: bytes
    role: Role = Role.VOTER

    def __repr__(self) -> str:
        """Name it without its secret."""
        return f"Token({self.id.hex()} for {self.node})"

    @property
    def proof(self) -> bytes:
        """What is sent to prove it: fixed in length, so that it needs no parsing."""
        return self.id + self.secret


PROOF_BYTES = ID_BYTES + SECRET_BYTES


def new_secret() -> tuple[bytes, bytes]:
    """Return a token's id and its secret, both random."""
    return secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES)


def digest_of(secret: bytes) -> bytes:
    """Return what is kept of a secret; it is random and long, so a plain digest tells nothing."""
    return hashlib.sha256(b"raftmaker join token\0" + secret).digest()


def encode(token: Token) -> str:
    """Return the token as one word without characters that a shell would take apart."""
    content = wire.JoinToken(
        cluster_id=token.cluster,
        cluster_name=token.cluster_name,
        node=token.node,
        addresses=token.addresses,
        authority=token.authority,
        id=token.id,
        secret=token.secret,
        role=ROLES[token.role],
    ).SerializeToString()
    checked = zlib.crc32(content).to_bytes(_CHECK_BYTES, "big") + content
    return PREFIX + base64.urlsafe_b64encode(checked).decode().rstrip("=")


def decode(text: str) -> Token:
    """Read a token. Raises `Rejected` with what is wrong with it."""
    word = "".join(text.split())
    if not word.startswith(PREFIX):
        raise _unfit("is no join token", f"a token begins with {PREFIX}")
    body = word.removeprefix(PREFIX)
    if len(body) > _TEXT_MAX:
        raise _unfit("is longer than any join token", "copy it again")
    try:
        # A lone last letter makes no byte: the check below finds that something is missing.
        whole = body[: len(body) - (len(body) % 4 == 1)]
        checked = base64.b64decode(whole + "=" * (-len(whole) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise _unfit("holds characters that no join token has", "copy it again") from None
    content = checked[_CHECK_BYTES:]
    if zlib.crc32(content).to_bytes(_CHECK_BYTES, "big") != checked[:_CHECK_BYTES]:
        raise _unfit("was not copied whole", "copy it again, from the first letter to the last")
    return _token(content)


def _token(content: bytes) -> Token:
    message = wire.JoinToken()
    try:
        message.ParseFromString(content)
    except DecodeError:
        raise _unfit("cannot be read", "make it with the same version of Raftmaker") from None
    role = ROLE_OF.get(message.role)
    lengths = (len(message.authority), len(message.id), len(message.secret))
    if (
        role is None
        or lengths != (DIGEST_BYTES, ID_BYTES, SECRET_BYTES)
        or not all((message.cluster_id, message.node, *message.addresses))
        or not message.addresses
        or not all(map(is_address, message.addresses))
    ):
        raise _unfit("lacks something", "make it with the same version of Raftmaker")
    return Token(
        cluster=ClusterId(message.cluster_id),
        cluster_name=message.cluster_name,
        node=NodeName(message.node),
        addresses=tuple(message.addresses),
        authority=message.authority,
        id=message.id,
        secret=message.secret,
        role=role,
    )


def _unfit(what: str, mend: str) -> Rejected:
    report = Report(code="bad-token", where="the token", what=what, mend=mend)
    return Rejected(ExitCode.DATAERR, (report,))
