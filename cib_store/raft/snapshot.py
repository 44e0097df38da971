"""Snapshots of the Raft engine: one checksummed file, replaced atomically.

A snapshot holds the state after the entry `last`, that entry, and the one before it: PySyncObj
wants the journal to begin with these two.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from msgspec import Struct

from cib_store.raft.journal import Journal, damaged
from cib_store.raft.records import Entry

MAGIC = b"RMSNAP01"
_CHECK = struct.Struct("<I")
_PART = struct.Struct("<QQQ")


class Snapshot(Struct, frozen=True, kw_only=True):
    """The state after `last`; `before` is the entry before that.

    `configuration`: who takes part in the log from there on, as bytes; empty: not written down.
    """

    before: Entry
    last: Entry
    state: bytes
    configuration: bytes = b""

    @property
    def index(self) -> int:
        """The last entry that is inside."""
        return self.last[1]


def encode(snapshot: Snapshot) -> bytes:
    """Return the file's content."""
    body = b"".join(
        _PART.pack(len(command), index, term) + command
        for command, index, term in (
            snapshot.before,
            snapshot.last,
            (snapshot.state, 0, 0),
            (snapshot.configuration, 0, 0),
        )
    )
    return MAGIC + _CHECK.pack(zlib.crc32(body)) + body


def decode(data: bytes, path: Path) -> Snapshot:
    """Read a file's content; `path` is for the message. Raises `Rejected` when it is damaged."""
    start = len(MAGIC) + _CHECK.size
    if not data.startswith(MAGIC) or len(data) < start:
        raise damaged(path, "does not begin as a snapshot does")
    if zlib.crc32(data[start:]) != _CHECK.unpack_from(data, len(MAGIC))[0]:
        raise damaged(path, "fails its checksum")
    parts: list[Entry] = []
    while start < len(data) and len(parts) < 4:
        if len(data) - start < _PART.size:
            break
        length, index, term = _PART.unpack_from(data, start)
        start += _PART.size
        parts.append((data[start : start + length], index, term))
        start += length
    if len(parts) < 3 or start != len(data):
        raise damaged(path, "has not the parts of a snapshot")
    # Snapshots of before had three parts.
    configuration = parts[3][0] if len(parts) > 3 else b""
    return Snapshot(before=parts[0], last=parts[1], state=parts[2][0], configuration=configuration)


def line_up(snapshot: Snapshot | None, journal: Journal, path: Path) -> None:
    """Make the journal begin where the snapshot ends, keeping every newer entry that follows it.

    A crash between writing a snapshot and shortening the journal leaves a journal that begins
    earlier: PySyncObj would throw it away as a whole, acknowledged entries included (hazard 2).
    """
    first = journal[0] if len(journal) else None
    if snapshot is None:
        if isinstance(first, tuple) and first[1] > 1:
            raise damaged(path, f"is missing, but the journal begins at entry {first[1]}")
        return
    if isinstance(first, tuple) and first[1] > snapshot.before[1]:
        # Entries are missing in between: those after the gap must not be thrown away.
        gap = f"ends at entry {snapshot.index}, but the journal begins at entry {first[1]}"
        raise damaged(path, gap)
    keeps = all(
        journal.term_at(index) == term for _, index, term in (snapshot.before, snapshot.last)
    )
    if not keeps:
        journal.reset([snapshot.before, snapshot.last])
    elif isinstance(first, tuple):
        journal.deleteEntriesTo(snapshot.before[1] - first[1])
