"""The cluster's key, which signs the datagrams of heartbeats (protocols, Liveness).

``cluster.key`` lies beside the certificates, mode 0600, the same on every node: one key a line, 64
hexadecimal digits each. The first signs, each is accepted; so a key is changed by adding the new
one everywhere as the last line, then moving it to the top, then removing the old one.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from msgspec import Struct

from raftmaker.runtime.errors import Rejected, Report
from raftmaker.runtime.private_file import write_private
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ClusterId

FILE = "cluster.key"
KEY_BYTES = 32


class ClusterKeys(Struct, frozen=True):
    """The keys of the cluster; the first signs. Never printed."""

    keys: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse a value that could sign nothing."""
        assert self.keys, "there is at least one key"

    def __repr__(self) -> str:
        return "ClusterKeys(...)"


def create_cluster_key() -> bytes:
    """Make the key of a new cluster."""
    return os.urandom(KEY_BYTES)


def store_cluster_key(directory: Path, key: bytes) -> None:
    """Write ``cluster.key`` with this one key into a node's TLS directory."""
    assert len(key) == KEY_BYTES
    directory.mkdir(parents=True, exist_ok=True)
    write_private(directory / FILE, key.hex().encode() + b"\n")


def read_cluster_keys(directory: Path) -> ClusterKeys | None:
    """Read ``cluster.key``; None where there is none. Raises `Rejected` for one that is unfit."""
    path = directory / FILE
    try:
        text = path.read_text("ascii")
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _unfit(path, f"cannot be read: {error}", "it must be readable by root") from None
    if stat.S_IMODE(mode) & 0o077:
        raise _unfit(path, "may be read by others than its owner", f"chmod 600 {path}")
    keys = tuple(_key_of(line) for line in text.split())
    if not keys or None in keys:
        mend = f"each line must be {2 * KEY_BYTES} hexadecimal digits; copy it from another node"
        raise _unfit(path, "holds no key" if not keys else "holds a line that is no key", mend)
    return ClusterKeys(tuple(key for key in keys if key is not None))


def loopback_keys(cluster: ClusterId) -> ClusterKeys:
    """Return what signs on one machine without certificates: it tells clusters apart, no more."""
    return ClusterKeys((hashlib.sha256(b"raftmaker loopback " + cluster.encode()).digest(),))


def _key_of(line: str) -> bytes | None:
    try:
        key = bytes.fromhex(line)
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None


def _unfit(path: Path, what: str, mend: str) -> Rejected:
    report = Report(code="bad-cluster-key", where=str(path), what=what, mend=mend)
    return Rejected(ExitCode.CONFIG, (report,))
