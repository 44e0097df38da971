"""This node's credentials as they are now: files that are exchanged are taken up by themselves.

Every handshake and every call to a peer asks `now`. Files that do not fit each other, or are not
whole yet, change nothing: what was good goes on, and the log says why.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from raftmaker.runtime.credential_files import proven
from raftmaker.runtime.endpoint import Credentials
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.ids import NodeName

LOOK_S = 0.5
"""How often the files are looked at, at most."""
_FILES = ("authority.pem", "node.pem", "node.key", "node.key.next")


class Keyring:
    """The credentials in a directory; handshakes ask from threads of gRPC's own."""

    def __init__(self, directory: Path, node: NodeName) -> None:
        """Read them. Raises `Rejected` where they are unfit."""
        self._directory, self._node = directory, node
        self._lock = threading.Lock()
        self._log = Log("certificates")
        self._seen = self._stamp()
        self._looked_s = time.monotonic()
        self._current = _fit(directory, node)

    def now(self) -> Credentials:
        """Return the newest that are fit; the same object until they change."""
        with self._lock:
            if time.monotonic() - self._looked_s >= LOOK_S:
                self._look()
            return self._current

    def _look(self) -> None:
        self._looked_s = time.monotonic()
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            found = _fit(self._directory, self._node)
        except HaError as error:
            self._log.warning("certificates are not taken up", reason=error)
            return
        if found != self._current:
            self._current = found
            self._log.info("certificates are taken up", directory=self._directory)

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp_of(self._directory / name) for name in _FILES)


def _fit(directory: Path, node: NodeName) -> Credentials:
    """Return credentials that may be used. Raises `Rejected` with what is wrong with them."""
    found = proven(directory, node)
    if found is not None:
        return found
    # Here and not above: a good certificate needs no parser, and loading it takes 80 ms.
    from raftmaker.runtime.certificates import read_credentials

    return read_credentials(directory, node, datetime.now(UTC))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_ino, state.st_size
