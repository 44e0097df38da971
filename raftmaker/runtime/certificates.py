"""The cluster's own authority and its nodes' certificates: who may speak over the network.

One authority a cluster signs one certificate a node; the node's name is its only DNS name, and both
ends of every connection check it (mutual TLS). Files: ``authority.pem``, ``node.pem`` and
``node.key`` in a node's TLS directory, ``authority.key`` only where certificates are issued. Keys
are readable by their owner alone. While an authority is exchanged ``authority.pem`` holds the new
one and the old one, and both are trusted.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct
from msgspec.structs import replace

from raftmaker.runtime.credential_files import read_files, unusable
from raftmaker.runtime.endpoint import Credentials
from raftmaker.runtime.private_file import write_private
from raftmaker.vocabulary.ids import ClusterId, NodeName

AUTHORITY_DAYS = 3650
NODE_DAYS = 365
_CLOCK_SKEW = timedelta(hours=1)


class KeyPair(Struct, frozen=True, kw_only=True):
    """A certificate and its private key, both as PEM."""

    certificate: bytes
    key: bytes


def create_authority(cluster: ClusterId, now: datetime) -> KeyPair:
    """Make the authority of a new cluster."""
    key = ec.generate_private_key(ec.SECP256R1())
    # Two authorities of one cluster have to differ in name: an issuer is looked for by it.
    common_name = f"raftmaker {secrets.token_hex(8)} {cluster}"[:64]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    certificate = builder.sign(key, hashes.SHA256())
    return KeyPair(
        certificate=certificate.public_bytes(serialization.Encoding.PEM), key=_private(key)
    )


def issue(
    authority: KeyPair,
    node: NodeName,
    now: datetime,
    days: int = NODE_DAYS,
    *,
    is_remote: bool = False,
) -> KeyPair:
    """Make the key and the certificate of a node, for both ends of a connection.

    `is_remote`: for being called alone, as `certify` says.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certify(authority, key.public_key(), node, now, days, is_remote=is_remote)
    return KeyPair(certificate=certificate, key=_private(key))


class CertificateRequest(Struct, frozen=True, kw_only=True):
    """A node's new key, which never leaves it, and the request that asks to certify it (PEM)."""

    request: bytes
    key: bytes


def create_request(node: NodeName) -> CertificateRequest:
    """Make a key, and a request for its certificate."""
    return request_for(_private(ec.generate_private_key(ec.SECP256R1())), node)


def request_for(key: bytes, node: NodeName) -> CertificateRequest:
    """Make a request for a key that is there. Raises ValueError for one that is no key of ours."""
    own = serialization.load_pem_private_key(key, None)
    if not isinstance(own, ec.EllipticCurvePrivateKey):
        raise ValueError("is no elliptic-curve key")
    request = x509.CertificateSigningRequestBuilder().subject_name(_named(node))
    signed = request.sign(own, hashes.SHA256())
    return CertificateRequest(request=signed.public_bytes(serialization.Encoding.PEM), key=key)


def certify(
    authority: KeyPair,
    request: bytes,
    node: NodeName,
    now: datetime,
    days: int = NODE_DAYS,
    *,
    is_remote: bool = False,
) -> bytes:
    """Certify the key in a request for `node`, whatever names the request holds.

    `is_remote`: it is good for being called alone, so that a remote node can call no member.

    Raises ValueError for a request that is not whole, or not signed with the key in it.
    """
    return _certify(authority, _requested_key(request), node, now, days, is_remote=is_remote)


def requested_key_digest(request: bytes) -> str:
    """Return the SHA-256 digest of the key in a request. Raises ValueError as `certify` does."""
    key = _requested_key(request).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(key).hexdigest()


def _requested_key(request: bytes) -> ec.EllipticCurvePublicKey:
    asked = x509.load_pem_x509_csr(request)
    key = asked.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not asked.is_signature_valid:
        raise ValueError("the certificate request is not signed with its elliptic-curve key")
    return key


def fingerprint(certificate: bytes) -> bytes:
    """Return the SHA-256 digest of a certificate (the first one, when there are several)."""
    return x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256())


def expires_at(certificate: bytes) -> datetime:
    """Return until when a certificate is good."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _certify(
    authority: KeyPair,
    key: ec.EllipticCurvePublicKey,
    node: NodeName,
    now: datetime,
    days: int,
    *,
    is_remote: bool = False,
) -> bytes:
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    signer = serialization.load_pem_private_key(authority.key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH]
    if not is_remote:
        purposes.append(ExtendedKeyUsageOID.CLIENT_AUTH)
    builder = (
        _builder(_named(node), issuer.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(node)]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _named(node: NodeName) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node[:64])])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # A peer's clock may be behind: the certificate is good a little before it was made.
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def store_authority(directory: Path, authority: KeyPair) -> None:
    """Write the authority where certificates are issued from; the key with mode 0600."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "authority.pem").write_bytes(authority.certificate)
    write_private(directory / "authority.key", authority.key)


def store_credentials(directory: Path, authority: bytes, node: KeyPair) -> None:
    """Write a node's credentials; the key with mode 0600."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "authority.pem").write_bytes(authority)
    (directory / "node.pem").write_bytes(node.certificate)
    write_private(directory / "node.key", node.key)


def read_credentials(directory: Path, node: NodeName, now: datetime) -> Credentials:
    """Read a node's credentials and check them. Raises `Rejected` with what is wrong."""
    credentials = read_files(directory)
    waiting = directory / "node.key.next"
    if not _fits(credentials) and waiting.exists():
        # The certificate was exchanged, and nobody came to put its key in place (see exchange).
        credentials = replace(credentials, key=waiting.read_bytes())
    _check(credentials, directory, node, now)
    return credentials


def _fits(credentials: Credentials) -> bool:
    try:
        key = serialization.load_pem_private_key(credentials.key, None)
        shown = x509.load_pem_x509_certificate(credentials.certificate)
    except (ValueError, TypeError):
        return False
    return key.public_key() == shown.public_key()


def _check(credentials: Credentials, directory: Path, node: NodeName, now: datetime) -> None:
    path = directory / "node.pem"
    try:
        authorities = x509.load_pem_x509_certificates(credentials.authority)
        mine = x509.load_pem_x509_certificate(credentials.certificate)
        key = serialization.load_pem_private_key(credentials.key, None)
    except (ValueError, TypeError) as error:
        raise unusable(directory, f"holds something that is no PEM: {error}") from None
    if not any(was_issued_by(mine, authority) for authority in authorities):
        raise unusable(path, "was not issued by the authority beside it")
    if key.public_key() != mine.public_key():
        raise unusable(directory / "node.key", "does not belong to the certificate beside it")
    if node not in names_in(mine):
        raise unusable(path, f"is for {', '.join(names_in(mine))}, this node is {node}")
    if not mine.not_valid_before_utc <= now <= mine.not_valid_after_utc:
        raise unusable(path, f"is valid only until {mine.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")


def was_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether an authority signed a certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names that a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.value.get_values_for_type(x509.DNSName))
