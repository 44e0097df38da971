"""The cluster's own authority and its nodes' certificates: who may speak over the network.

One authority a cluster signs one certificate a node; the node's name is its only DNS name, and both
ends of every connection check it (mutual TLS). Files: ``authority.pem``, ``node.pem`` and
``node.key`` in a node's TLS directory, ``authority.key`` only where certificates are issued. Keys
are readable by their owner alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from raftmaker.runtime.endpoint import Credentials
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.runtime.private_file import write_private
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ClusterId, NodeName

AUTHORITY_DAYS = 3650
NODE_DAYS = 365
_CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A certificate and its private key, both as PEM."""

    certificate: bytes
    key: bytes


def create_authority(cluster: ClusterId, now: datetime) -> KeyPair:
    """Make the authority of a new cluster."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"raftmaker {cluster}"[:64])])
    builder = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def issue(authority: KeyPair, node: NodeName, now: datetime, days: int = NODE_DAYS) -> KeyPair:
    """Make the certificate of a node, for both ends of a connection."""
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    signer = serialization.load_pem_private_key(authority.key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node[:64])])
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _builder(name, issuer.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(node)]), critical=False)
    )
    return _pair(builder.sign(signer, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
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


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    return KeyPair(
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
        key=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
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
    parts: dict[str, bytes] = {}
    for name in ("authority.pem", "node.pem", "node.key"):
        try:
            parts[name] = (directory / name).read_bytes()
        except OSError as error:
            raise _unusable(directory / name, f"cannot be read: {error.strerror}") from None
    credentials = Credentials(
        authority=parts["authority.pem"], certificate=parts["node.pem"], key=parts["node.key"]
    )
    _check(credentials, directory, node, now)
    return credentials


def _check(credentials: Credentials, directory: Path, node: NodeName, now: datetime) -> None:
    path = directory / "node.pem"
    try:
        authority = x509.load_pem_x509_certificate(credentials.authority)
        mine = x509.load_pem_x509_certificate(credentials.certificate)
        key = serialization.load_pem_private_key(credentials.key, None)
    except (ValueError, TypeError) as error:
        raise _unusable(directory, f"holds something that is no PEM: {error}") from None
    try:
        mine.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        raise _unusable(path, "was not issued by the authority beside it") from None
    if key.public_key() != mine.public_key():
        raise _unusable(directory / "node.key", "does not belong to the certificate beside it")
    if node not in names_in(mine):
        raise _unusable(path, f"is for {', '.join(names_in(mine))}, this node is {node}")
    if not mine.not_valid_before_utc <= now <= mine.not_valid_after_utc:
        raise _unusable(path, f"is valid only until {mine.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names that a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.value.get_values_for_type(x509.DNSName))


def _unusable(path: Path, what: str) -> Rejected:
    mend = "get a new certificate for this node from the cluster's authority"
    report = Report(code="bad-certificate", where=str(path), what=what, mend=mend)
    return Rejected(ExitCode.CONFIG, (report,))
