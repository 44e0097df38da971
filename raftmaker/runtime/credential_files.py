"""The files of a node's credentials, and the quick proof that they are fit to be used.

The proof is a TLS handshake of the credentials with themselves, in memory: only what peers would
take passes it. It needs no parser of certificates, which costs a daemon a fifth of its start; the
one that can say what is wrong (`raftmaker.runtime.certificates`) is asked where the proof fails.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from raftmaker.runtime.endpoint import Credentials
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName

_STEPS_MAX = 8
"""Each end is asked that often at most; TLS 1.3 needs two or three."""


def read_files(directory: Path) -> Credentials:
    """Read a node's credentials, whatever is in them. Raises `Rejected` for one not there."""
    parts: dict[str, bytes] = {}
    for name in ("authority.pem", "node.pem", "node.key"):
        try:
            parts[name] = (directory / name).read_bytes()
        except OSError as error:
            raise unusable(directory / name, f"cannot be read: {error.strerror}") from None
    return Credentials(
        authority=parts["authority.pem"], certificate=parts["node.pem"], key=parts["node.key"]
    )


def unusable(path: Path, what: str) -> Rejected:
    """Return the error for credentials that cannot be used."""
    mend = "get a new certificate for this node from the cluster's authority"
    report = Report(code="bad-certificate", where=str(path), what=what, mend=mend)
    return Rejected(ExitCode.CONFIG, (report,))


def proven(directory: Path, node: NodeName) -> Credentials | None:
    """Return what is in the directory when it is fit for this node now; None where it may not be.

    Raises `Rejected` for a file that cannot be read.
    """
    before = read_files(directory)
    try:
        _shake_hands(directory, before, node)
    except (OSError, ValueError):  # ssl's errors are OSErrors; a name may be none for TLS
        return None
    # The key is read from its file only: what was proven must be what is returned.
    return before if read_files(directory) == before else None


def _shake_hands(directory: Path, credentials: Credentials, node: NodeName) -> None:
    """Let the credentials meet themselves. Raises OSError (ssl.SSLError) or ValueError."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    serving = _context(ssl.PROTOCOL_TLS_SERVER, directory, credentials)
    dialling = _context(ssl.PROTOCOL_TLS_CLIENT, directory, credentials)
    dialling.hostname_checks_common_name = False
    waiting = [
        dialling.wrap_bio(to_client, to_server, server_hostname=node),
        serving.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(_STEPS_MAX):
        for end in tuple(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
        if not waiting:
            return
    raise ValueError("the handshake does not end")


def _context(protocol: int, directory: Path, credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=credentials.authority.decode("ascii"))
    context.load_cert_chain(directory / "node.pem", directory / "node.key")
    return context
