"""The journal of the Raft engine: checksummed records, on disk before anything depends on them.

Invariant: what `sync` has returned for is on disk; a record that is not whole can only be the
unsynced tail, and is dropped at start. Anything else that does not check is damage, which refuses
to start.

One file: an 8-byte magic, then records of ``length, crc32, index, term, command``. The term and the
vote are in a second small file, replaced atomically, synced before the call returns. The shape of
the class is PySyncObj's ``Journal`` (its ``createJournal`` is pointed here).
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

from cib_store.raft.files import Files, replace_file
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.vocabulary.codes import ExitCode

Entry = tuple[bytes, int, int]
"""As PySyncObj has it: command, index, term."""

MAGIC = b"RMJRNL01"
_HEAD = struct.Struct("<IIQQ")
RECORD_BYTES_MAX = 128 * 1024 * 1024


def damaged(path: Path, what: str) -> Rejected:
    """Return the refusal to start from a damaged file, with the command that mends it."""
    mend = "restore the file, or remove this node's store directory to refill it from its peers"
    report = Report(code="damaged-store", where=str(path), what=what, mend=mend)
    return Rejected(ExitCode.DATAERR, (report,))


def _record(entry: Entry) -> bytes:
    command, index, term = entry
    body = _HEAD.pack(len(command), 0, index, term)[8:] + command
    return struct.pack("<II", len(command), zlib.crc32(body)) + body


class Journal:
    """Entries from the last snapshot on, in memory and on disk."""

    def __init__(self, path: str, files: Files | None = None) -> None:
        """Open or create the file. Raises `Rejected` when it is damaged."""
        self._path = Path(path)
        self._files = files or Files()
        self._votes_path = self._path.with_name(self._path.name + ".vote")
        self._entries: list[Entry] = []
        self._offsets: list[int] = []
        self._dirty = False
        self._meta: dict[str, int | str | None] = self._read_votes()
        self._stored_meta = dict(self._meta)
        if not self._files.exists(self._path):
            if self._meta:
                raise damaged(self._path, "is missing although this node has voted")
            replace_file(self._files, self._path, MAGIC)
        self._end = self._load()
        self._file = self._files.open(self._path)
        self._files.truncate(self._file, self._end)

    def _load(self) -> int:
        data = self._files.read(self._path)
        if not data.startswith(MAGIC):
            raise damaged(self._path, "does not begin as a journal does")
        offset = len(MAGIC)
        while (entry := self._entry_at(data, offset)) is not None:
            if self._entries and entry[1] != self._entries[-1][1] + 1:
                raise damaged(self._path, f"index {entry[1]} follows {self._entries[-1][1]}")
            self._entries.append(entry)
            self._offsets.append(offset)
            offset += _HEAD.size + len(entry[0])
        if self._whole_record_after(data, offset):
            raise damaged(self._path, f"the record at byte {offset} fails its checksum")
        return offset

    @staticmethod
    def _entry_at(data: bytes, offset: int) -> Entry | None:
        if offset + _HEAD.size > len(data):
            return None
        length, checksum, index, term = _HEAD.unpack_from(data, offset)
        end = offset + _HEAD.size + length
        if length > RECORD_BYTES_MAX or end > len(data):
            return None
        if zlib.crc32(data[offset + 8 : end]) != checksum:
            return None
        return data[offset + _HEAD.size : end], index, term

    def _whole_record_after(self, data: bytes, offset: int) -> bool:
        """Tell damage from a torn tail: after a torn record nothing whole can follow."""
        last = self.last_index
        for start in range(offset + 1, len(data) - _HEAD.size + 1):
            index = _HEAD.unpack_from(data, start)[2]
            # Only what could follow is worth a checksum.
            if last < index <= last + len(data) and self._entry_at(data, start) is not None:
                return True
        return False

    def _read_votes(self) -> dict[str, int | str | None]:
        try:
            text = self._files.read(self._votes_path)
        except FileNotFoundError:
            return {}
        try:
            checksum, body = text.split(b" ", 1)
            if int(checksum, 16) != zlib.crc32(body):
                raise damaged(self._votes_path, "fails its checksum")
            meta: dict[str, int | str | None] = json.loads(body)
        except ValueError:
            raise damaged(self._votes_path, "is not readable") from None
        return meta

    def _write_votes(self) -> None:
        body = json.dumps(self._meta, sort_keys=True).encode()
        replace_file(self._files, self._votes_path, b"%08x %s" % (zlib.crc32(body), body))
        self._stored_meta = dict(self._meta)

    # What the engine calls; names and shapes are PySyncObj's.

    def add(self, command: bytes, idx: int, term: int) -> None:
        """Append one entry; it is on disk after the next `sync`."""
        entry = (bytes(command), idx, term)
        record = _record(entry)
        self._files.write(self._file, record, self._end)
        self._entries.append(entry)
        self._offsets.append(self._end)
        self._end += len(record)
        self._dirty = True

    def sync(self) -> None:
        """Wait until every entry added is on disk; costs nothing when all of them are."""
        if self._dirty:
            self._files.sync(self._file)
            self._dirty = False

    def clear(self) -> None:
        """Forget every entry; the caller adds the snapshot's two at once (see `reset`)."""
        self._rewrite([])

    def reset(self, entries: list[Entry]) -> None:
        """Hold exactly `entries`, on disk, in one step."""
        self._rewrite(entries)

    def deleteEntriesFrom(self, entryFrom: int) -> None:
        """Drop the entries from this position (not index) on."""
        if entryFrom >= len(self._entries):
            return
        self._end = self._offsets[entryFrom]
        del self._entries[entryFrom:]
        del self._offsets[entryFrom:]
        self._files.truncate(self._file, self._end)
        self._dirty = True

    def deleteEntriesTo(self, entryTo: int) -> None:
        """Drop the entries before this position (not index); whole or not at all."""
        if entryTo > 0:
            self._rewrite(self._entries[entryTo:])

    def _rewrite(self, entries: list[Entry]) -> None:
        records = [_record(entry) for entry in entries]
        replace_file(self._files, self._path, MAGIC + b"".join(records))
        self._files.close(self._file)
        self._file = self._files.open(self._path)
        self._entries = list(entries)
        self._offsets = []
        self._end = len(MAGIC)
        for record in records:
            self._offsets.append(self._end)
            self._end += len(record)
        self._dirty = False

    def __getitem__(self, item: int | slice) -> Entry | list[Entry]:
        return self._entries[item]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._end

    @property
    def last_index(self) -> int:
        """Index of the last entry held, 0 when none is."""
        return self._entries[-1][1] if self._entries else 0

    def term_at(self, index: int) -> int | None:
        """Return the term of the entry `index`, or None where it is not held."""
        if not self._entries:
            return None
        position = index - self._entries[0][1]
        return self._entries[position][2] if 0 <= position < len(self._entries) else None

    def setRaftCommitIndex(self, raftCommitIndex: int) -> None:
        """Remember it; stored once a second, since it only saves work after a restart."""
        self._meta["commit"] = raftCommitIndex

    def getRaftCommitIndex(self) -> int:
        """Return what was stored, never beyond the last entry held."""
        stored = self._meta.get("commit")
        last = self._entries[-1][1] if self._entries else 1
        return min(stored if isinstance(stored, int) else 1, last)

    def setCurrentTerm(self, term: int, votedForNodeId: str | None) -> None:
        """Store term and vote; on disk on return, so before any message that shows them."""
        self._meta["term"] = term
        self._meta["vote"] = votedForNodeId
        self._write_votes()

    def getCurrentTerm(self) -> int:
        """Return the stored term."""
        term = self._meta.get("term")
        return term if isinstance(term, int) else 0

    def getVotedForNodeId(self) -> str | None:
        """Return whom this node voted for in that term."""
        vote = self._meta.get("vote")
        return vote if isinstance(vote, str) else None

    def onOneSecondTimer(self) -> None:
        """Store the commit index."""
        if self._meta != self._stored_meta:
            self.sync()
            self._write_votes()

    def flush(self) -> None:
        """The same as `sync`."""
        self.sync()

    def _destroy(self) -> None:
        self.sync()
        self._files.close(self._file)
