"""The snapshot file of one voter: written, sent to those who are behind, and received.

It stands in the place of PySyncObj's ``Serializer``, which syncs nothing, and puts what it receives
in the place of the good file before anybody has looked at it. Invariant: the file of that name is
always whole and on disk, and the journal is shortened only after that (raft.md, hazards 2 and 3).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from pysyncobj.config import SERIALIZER_STATE

from cib_store.raft import snapshot as snapshots
from cib_store.raft.files import Files, replace_file
from cib_store.raft.records import Entry
from cib_store.raft.snapshot import Snapshot
from raftmaker.runtime.errors import Rejected

PART_BYTES = 64 * 1024
RECEIVED_BYTES_MAX = 1024 * 1024 * 1024
logger = logging.getLogger(__name__)

Part = tuple[bytes, bool, bool]
"""Bytes, whether it is the first part, whether it is the last; the last one is empty."""


class SnapshotStore:
    """Names and shapes of the methods are PySyncObj's. Writing may have a thread of its own."""

    def __init__(
        self,
        path: Path,
        *,
        files: Files,
        state: Callable[[], Callable[[], bytes]],
        applied: Callable[[], int],
        configuration: Callable[[int], bytes] = lambda index: b"",
        wake: Callable[[], None] | None = None,
    ) -> None:
        """`state` returns what writes the machine's state of now, `applied` the last entry in it.

        `configuration` returns who takes part in the log after an entry. With `wake` a snapshot is
        written on a thread, which calls it at the end.
        """
        self._path = path
        self._files = files
        self._state = state
        self._applied = applied
        self._configuration = configuration
        self._wake = wake
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="raft-snapshot")
        self._writing: Future[None] | None = None
        self._finished: tuple[int, int] | None = None
        self._sending: dict[object, tuple[bytes, int]] = {}
        self._received: bytearray | None = None

    def exists(self) -> bool:
        """Tell whether there is a snapshot on disk."""
        return self._files.exists(self._path)

    @property
    def is_busy(self) -> bool:
        """One is being written, or it was not asked yet how that ended."""
        return self._writing is not None or self._finished is not None

    def load(self) -> Snapshot | None:
        """Return the snapshot on disk, None where there is none. Raises `Rejected` on damage."""
        if not self.exists():
            return None
        return snapshots.decode(self._files.read(self._path), self._path)

    def serialize(self, data: tuple[object, Entry, Entry, object], first_kept: int) -> None:
        """Write a snapshot of now; `first_kept` is the entry that the journal will begin with."""
        _, last, before, _ = data
        head = Snapshot(
            before=before, last=last, state=b"", configuration=self._configuration(last[1])
        )
        work = partial(self._write, head, self._state(), first_kept)
        if self._wake is None:
            work()
            return
        self._writing = self._thread.submit(work)
        self._writing.add_done_callback(lambda _: self._wake and self._wake())

    def _write(self, head: Snapshot, state: Callable[[], bytes], first_kept: int) -> None:
        try:
            content = replace(head, state=state())
            replace_file(self._files, self._path, snapshots.encode(content))
        except OSError as error:
            logger.warning("cannot write the snapshot %s: %s", self._path, error)
            self._finished = (SERIALIZER_STATE.FAILED, first_kept)
        else:
            self._finished = (SERIALIZER_STATE.SUCCESS, first_kept)

    def checkSerializing(self) -> tuple[int, int | None]:
        """Tell how it goes, and once how the last writing ended."""
        if self._writing is not None:
            if not self._writing.done():
                return SERIALIZER_STATE.SERIALIZING, None
            writing, self._writing = self._writing, None
            writing.result()
        finished, self._finished = self._finished, None
        if finished is not None and finished[0] == SERIALIZER_STATE.SUCCESS:
            self._sending.clear()
        return finished or (SERIALIZER_STATE.NOT_SERIALIZING, None)

    def close(self) -> None:
        """Let a snapshot that is being written be finished."""
        self._thread.shutdown(wait=True)

    def getTransmissionData(self, peer: object) -> Part | None:
        """Return the next part for a peer; None: ask again later."""
        if self._finished is not None or self._writing is not None:
            return None
        if peer not in self._sending:
            self._sending[peer] = (self._files.read(self._path), 0)
        content, sent = self._sending[peer]
        part = content[sent : sent + PART_BYTES]
        self._sending[peer] = (content, sent + len(part))
        if not part:
            del self._sending[peer]
        return part, sent == 0, not part

    def cancelTransmisstion(self, peer: object) -> None:
        """Begin again from the first part when the peer is back."""
        self._sending.pop(peer, None)

    def setTransmissionData(self, part: Part | None) -> bool:
        """Take in a part; tell whether a snapshot newer than what is applied is now in place."""
        if part is None:
            return False
        data, first, last = part
        if self._writing is not None:  # this node's own, to the same place: ask again after it
            self._received = None
            return False
        if first:
            self._received = bytearray()
        if self._received is None or len(self._received) + len(data) > RECEIVED_BYTES_MAX:
            self._received = None
            return False
        self._received += data
        if not last:
            return False
        content, self._received = bytes(self._received), None
        return self._install(content)

    def _install(self, content: bytes) -> bool:
        try:
            snapshot = snapshots.decode(content, self._path)
        except Rejected:
            # Parts of it were lost with a stream: the leader sends it again.
            logger.warning("a snapshot arrived incomplete")
            return False
        if snapshot.index <= self._applied():
            # Late: going back to it would drop entries that were acknowledged since.
            return False
        replace_file(self._files, self._path, content)
        return True
