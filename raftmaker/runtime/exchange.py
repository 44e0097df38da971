"""One node's part in exchanging the cluster's authority: whom it trusts, which key it shows.

``authority.pem`` alone says where the exchange stands, and is replaced as a whole:

    old            at rest
    old, new       both are trusted, the old one issues
    new, old       both are trusted, the new one issues
    new            at rest again

A change is signed by an authority that the node trusts, so nobody without such a key can change
that, whoever he is. It may add an authority only when that is younger than all that are trusted:
then no message of a former exchange can bring an old one back. A new key waits in ``…key.next``
until the certificate for it is there; the certificate decides which of the two keys is the one.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from raftmaker.runtime.certificates import (
    create_request,
    names_in,
    request_for,
    was_issued_by,
)
from raftmaker.runtime.private_file import write_lasting, write_private
from raftmaker.vocabulary.ids import ClusterId, NodeName

_PURPOSE = b"raftmaker authorities\0"
AUTHORITIES_MAX = 4
"""More are never trusted at a time: each one is a way in."""


def signature_of(authorities: bytes, cluster: ClusterId, key: bytes) -> bytes:
    """Sign the content of an ``authority.pem`` with an authority's key (PEM)."""
    signer = serialization.load_pem_private_key(key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    return signer.sign(_signed(authorities, cluster), ec.ECDSA(hashes.SHA256()))


def _signed(authorities: bytes, cluster: ClusterId) -> bytes:
    return _PURPOSE + cluster.encode() + b"\0" + authorities


def refusal_of_trust(
    *, now: bytes, wanted: bytes, signature: bytes, cluster: ClusterId, own: bytes
) -> str:
    """Return why a node must not go over from authorities `now` to those `wanted`; "" if it may.

    `own`: the certificate that the node shows (all as PEM). Pure.
    """
    try:
        trusted = x509.load_pem_x509_certificates(now)
        asked = x509.load_pem_x509_certificates(wanted)
        mine = x509.load_pem_x509_certificate(own)
    except ValueError:
        return "what was sent, or what is trusted here, is no certificate"
    if not any(_is_signed_by(each, signature, wanted, cluster) for each in trusted):
        return "the change is not signed by an authority that this node trusts"
    if len(asked) > AUTHORITIES_MAX:
        return f"{len(asked)} authorities at a time are too many"
    youngest = max(each.not_valid_before_utc for each in trusted)
    added = [each for each in asked if each not in trusted]
    if any(each.not_valid_before_utc <= youngest for each in added):
        return "it brings back an authority that is older than what is trusted: it is out of date"
    if not any(was_issued_by(mine, each) for each in asked):
        return "this node's own certificate would not be trusted any more: it needs a new one first"
    return ""


def _is_signed_by(
    authority: x509.Certificate, signature: bytes, content: bytes, cluster: ClusterId
) -> bool:
    key = authority.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, _signed(content, cluster), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def key_of(directory: Path, name: str, certificate: bytes) -> bytes | None:
    """Return the key of a certificate: ``NAME.key``, or the one that waits beside it; else None."""
    wanted = x509.load_pem_x509_certificate(certificate).public_key()
    for path in (directory / f"{name}.key", directory / f"{name}.key.next"):
        try:
            content = path.read_bytes()
            if serialization.load_pem_private_key(content, None).public_key() == wanted:
                return content
        except (OSError, ValueError, TypeError):
            continue
    return None


def take_authorities(directory: Path, authorities: bytes, key: bytes) -> None:
    """Write down whom this node trusts, and the key that it was given (empty: none).

    The caller has checked them (`refusal_of_trust`). Raises OSError, ValueError for a foreign key.
    """
    known = x509.load_pem_x509_certificates(authorities)
    if key:
        public = serialization.load_pem_private_key(key, None).public_key()
        if all(each.public_key() != public for each in known):
            raise ValueError("the key belongs to none of the authorities")
        if key != key_of(directory, "authority", authorities):
            write_private(directory / "authority.key.next", key)
    write_lasting(directory / "authority.pem", authorities, 0o644)
    _settle(directory, "authority", authorities)


def new_request(directory: Path, node: NodeName) -> bytes:
    """Return the request for a new key; the same key until its certificate was taken."""
    path = directory / "node.key.next"
    try:
        return request_for(path.read_bytes(), node).request
    except (OSError, ValueError):
        made = create_request(node)
        write_private(path, made.key)
        return made.request


def take_certificate(directory: Path, node: NodeName, certificate: bytes) -> str:
    """Show this certificate from now on; return why not, "" when it is done. Raises OSError."""
    try:
        authorities = x509.load_pem_x509_certificates((directory / "authority.pem").read_bytes())
        given = x509.load_pem_x509_certificate(certificate)
    except ValueError:
        return "what was sent is no certificate"
    if not was_issued_by(given, authorities[0]):
        return "it was not issued by the authority that issues now"
    if names_in(given) != (node,):
        return f"it is not for {node}"
    if key_of(directory, "node", certificate) is None:
        return "it is not for the key of this node's last request: ask again"
    write_lasting(directory / "node.pem", certificate, 0o644)
    _settle(directory, "node", certificate)
    return ""


def _settle(directory: Path, name: str, certificate: bytes) -> None:
    """Let the key that waited take its place, once the first certificate is the one for it."""
    waiting = directory / f"{name}.key.next"
    if not waiting.exists():
        return
    wanted = x509.load_pem_x509_certificate(certificate).public_key()
    if serialization.load_pem_private_key(waiting.read_bytes(), None).public_key() == wanted:
        waiting.replace(directory / f"{name}.key")
