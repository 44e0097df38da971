"""The journal of the Raft engine: checksummed records, on disk before anything depends on them.

Invariant: entries up to `synced_index` are on disk. At start a record that is not whole, and all
after it, is dropped if it had not been synced: a disk may write a later record of a batch first.
One that had been is damage, which refuses to start. Each record says how far the journal was on
disk when it was written, and the file of votes how far it was committed; that tells them apart,
and for the last ones, of which nothing speaks yet, how they are broken (see `records`).

The engine never waits for the disk: entries are held in memory at once, and written and synced on
a thread (see `disk`). Whoever depends on the disk compares `synced_index`, or for term and vote
`votes_are_stored`, once the thread says that something was synced.

One file: an 8-byte magic, then records. Term, vote and commit index are in a second small file,
replaced atomically. Neither is mapped into memory, so a full disk is an error and no signal. The
shape of the class is PySyncObj's ``Journal`` (its ``createJournal`` is pointed here).
"""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from cib_store.raft import records
from cib_store.raft.disk import Disk, Operation
from cib_store.raft.files import Files, replace_file
from cib_store.raft.records import Entry
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.runtime.founding import REPAIR
from raftmaker.vocabulary.codes import ExitCode

DAMAGED = "damaged-store"
MAGIC = b"RMJRNL02"
SLOW_S = 0.05


def damaged(path: Path, what: str) -> Rejected:
    """Return the refusal to start from a damaged file, with the command that mends it."""
    mend = f"restore the file, or run '{REPAIR}' on this node: its peers refill it"
    report = Report(code=DAMAGED, where=str(path), what=what, mend=mend)
    return Rejected(ExitCode.DATAERR, (report,))


def _store_again(files: Files, handle: int, content: bytes) -> None:
    """Put on disk what was read, and no more, before anything depends on it.

    The process before may have been killed between a write and its sync, or have ended because a
    sync failed: then what can be read is not what is on disk, and only writing it again helps.
    """
    files.write(handle, content, 0)
    files.truncate(handle, len(content))
    files.sync(handle)


class _File:
    """The file as the disk's thread has it."""

    def __init__(self, files: Files, path: Path, content: bytes, last: int) -> None:
        """Open it; `content` is what is good of it, up to the entry `last`."""
        self._files, self._path = files, path
        self._handle = files.open(path)
        _store_again(files, self._handle, content)
        self._written = self._on_disk = last
        self._dirty = False

    def write(self, offset: int, entry: Entry) -> None:
        """Write one record; doing it again does no harm."""
        self._dirty, self._written = True, entry[1]
        self._files.write(self._handle, records.encode(entry, self._on_disk), offset)

    def cut(self, end: int, last: int) -> None:
        """Drop everything from the byte `end` on: what is after the entry `last`.

        On disk at once: else what was dropped could stand behind what is written next.
        """
        self._written, self._on_disk = last, min(self._on_disk, last)
        self._files.truncate(self._handle, end)
        self._files.sync(self._handle)

    def replace(self, entries: Sequence[Entry]) -> None:
        """Hold these entries alone, wholly or not at all."""
        last = entries[-1][1] if entries else 0
        encoded = (records.encode(entry, last) for entry in entries)
        replace_file(self._files, self._path, MAGIC + b"".join(encoded))
        self._files.close(self._handle)
        self._handle = self._files.open(self._path)
        self._written = self._on_disk = last
        self._dirty = False

    def sync(self) -> None:
        """Make it durable."""
        if self._dirty:
            self._files.sync(self._handle)
            self._dirty = False
        self._on_disk = self._written

    def close(self) -> None:
        """Give the handle back."""
        self._files.close(self._handle)


class Journal:
    """Entries from the last snapshot on, in memory and on disk."""

    def __init__(self, path: str, files: Files | None = None) -> None:
        """Open or create the file. Raises `Rejected` when it is damaged."""
        self._path = Path(path)
        self._files = files or Files()
        self._votes_path = self._path.with_name(self._path.name + ".vote")
        self._entries: list[Entry] = []
        self._offsets: list[int] = []
        self._meta: dict[str, int | str | None] = self._read_votes()
        self._stored_meta = dict(self._meta)
        if not self._files.exists(self._path):
            if self._meta:
                raise damaged(self._path, "is missing although this node has voted")
            replace_file(self._files, self._path, MAGIC)
        content = self._files.read(self._path)
        self._end = self._load(content)
        self._file = _File(self._files, self._path, content[: self._end], self.last_index)
        # Names too: the snapshot's among them.
        self._files.sync_directory(self._path.parent)
        self._disk = Disk(self._file.sync)
        self._pending: list[Operation] = []
        self._marks: deque[tuple[int, int]] = deque()
        self._votes_batch = 0
        self._voted_at: float | None = None
        self.votes_took_s = 0.0
        """How long it took to store the last term and vote, where that was long; else 0."""
        self._synced = self.last_index

    def _load(self, data: bytes) -> int:
        if not data.startswith(MAGIC):
            raise damaged(self._path, "does not begin as a journal of this version does")
        offset = len(MAGIC)
        while (found := records.decode(data, offset)) is not None:
            entry = found[0]
            if self._entries and entry[1] != self._entries[-1][1] + 1:
                raise damaged(self._path, f"index {entry[1]} follows {self._entries[-1][1]}")
            self._entries.append(entry)
            self._offsets.append(offset)
            offset += records.size_of(entry)
        was_on_disk = max(self._committed_before(), self._on_disk_by(data, offset))
        if was_on_disk > self.last_index or records.was_whole(data, offset):
            what = f"the record at byte {offset} fails its checksum"
            if offset == len(data):
                what = f"ends after entry {self.last_index}, and had {was_on_disk}"
            raise damaged(self._path, what)
        return offset

    def _committed_before(self) -> int:
        """Return how far the log was committed. The first entry need not have been on disk."""
        commit = self._meta.get("commit")
        return commit if isinstance(commit, int) and commit > 1 else 0

    def _on_disk_by(self, data: bytes, offset: int) -> int:
        """Return how far the journal was on disk, as the whole records after `offset` say."""
        last, reached = self.last_index, 0
        for start in range(offset + 1, len(data) - records.HEAD.size + 1):
            index, _, on_disk = records.HEAD.unpack_from(data, start)[2:]
            # Only what could follow and says something is worth a checksum.
            follows = last < index <= last + len(data)
            if follows and on_disk > reached and records.decode(data, start) is not None:
                reached = on_disk
        return reached

    def _read_votes(self) -> dict[str, int | str | None]:
        try:
            text = self._files.read(self._votes_path)
        except FileNotFoundError:
            return {}
        handle = self._files.open(self._votes_path)
        _store_again(self._files, handle, text)
        self._files.close(handle)
        try:
            checksum, body = text.split(b" ", 1)
            if int(checksum, 16) != zlib.crc32(body):
                raise damaged(self._votes_path, "fails its checksum")
            meta: dict[str, int | str | None] = json.loads(body)
        except ValueError:
            raise damaged(self._votes_path, "is not readable") from None
        return meta

    # What the engine asks of the disk.

    def start(self, notify: Callable[[], None]) -> None:
        """From now on write on a thread; `notify` is called on it when `settle` has news."""
        self._disk.start(notify)

    def submit(self) -> bool:
        """Hand everything that changed to the disk; never waits once `start` was called.

        Tells whether there was anything.
        """
        if not self._pending:
            return False
        operations, self._pending = self._pending, []
        batch = self._disk.ask(operations)
        self._marks.append((batch, self.last_index))
        if self._votes_batch < 0:
            self._votes_batch = batch
        return True

    @property
    def has_news(self) -> bool:
        """Whether something waits to be handed over, or `settle` would say something new."""
        done = bool(self._marks) and self._marks[0][0] <= self._disk.done
        return done or bool(self._pending) or self._disk.failure is not None

    def settle(self) -> bool:
        """Take note of what is on disk by now; tell whether `synced_index` or the votes moved on.

        Raises OSError when the disk has failed: the daemon must end.
        """
        if self._disk.failure is not None:
            raise self._disk.failure
        moved = False
        while self._marks and self._marks[0][0] <= self._disk.done:
            self._synced = max(self._synced, self._marks.popleft()[1])
            moved = True
        if self._voted_at is not None and self.votes_are_stored:
            took, self._voted_at = self._disk.now() - self._voted_at, None
            self.votes_took_s = took if took > SLOW_S else 0.0
        return moved

    @property
    def synced_index(self) -> int:
        """The last entry that is on disk, with all before it."""
        return self._synced

    @property
    def votes_are_stored(self) -> bool:
        """The term and vote that this node acts by are on disk."""
        return 0 <= self._votes_batch <= self._disk.done

    @property
    def is_full(self) -> bool:
        """The disk has no room: what is added stays in memory until there is."""
        return self._disk.is_full

    def stuck_s(self) -> float:
        """Return for how long the disk has got nowhere with what was asked; 0 when idle."""
        return self._disk.stuck_s()

    def sync(self, limit_s: float | None = None) -> None:
        """Wait until everything is on disk, or so long: see `synced_index` then."""
        self.submit()
        self._disk.wait(limit_s)
        self.settle()

    # What the engine calls; names and shapes are PySyncObj's.

    def add(self, command: bytes, idx: int, term: int) -> None:
        """Append one entry, in memory at once and on disk some time after the next `submit`."""
        entry = (bytes(command), idx, term)
        self._pending.append(partial(self._file.write, self._end, entry))
        self._entries.append(entry)
        self._offsets.append(self._end)
        self._end += records.size_of(entry)

    def clear(self) -> None:
        """Forget every entry; the caller adds the snapshot's two at once (see `reset`)."""
        self.reset([])

    def reset(self, entries: list[Entry]) -> None:
        """Hold exactly `entries`, written in one step; none counts as synced before."""
        self._rewrite(entries)
        self._cap_synced(0)

    def deleteEntriesFrom(self, entryFrom: int) -> None:
        """Drop the entries from this position (not index) on."""
        if entryFrom >= len(self._entries):
            return
        self._end = self._offsets[entryFrom]
        del self._entries[entryFrom:]
        del self._offsets[entryFrom:]
        self._pending.append(partial(self._file.cut, self._end, self.last_index))
        self._cap_synced(self.last_index)

    def _cap_synced(self, last: int) -> None:
        """Nothing beyond `last` counts as synced, nor when an older batch comes to disk."""
        self._synced = min(self._synced, last)
        self._marks = deque((batch, min(index, last)) for batch, index in self._marks)

    def deleteEntriesTo(self, entryTo: int) -> None:
        """Drop the entries before this position (not index); whole or not at all."""
        if entryTo > 0:
            self._rewrite(self._entries[entryTo:])

    def _rewrite(self, entries: list[Entry]) -> None:
        self._pending.append(partial(self._file.replace, tuple(entries)))
        self._entries = list(entries)
        self._offsets = []
        self._end = len(MAGIC)
        for entry in entries:
            self._offsets.append(self._end)
            self._end += records.size_of(entry)

    def __getitem__(self, item: int | slice) -> Entry | list[Entry]:
        return self._entries[item]

    def __len__(self) -> int:
        return len(self._entries)

    def first_of_term(self, index: int, *, after: int) -> int:
        """Return the first entry of the term that `index` has, of those beyond `after`."""
        term = self.term_at(index)
        while term is not None and index - 1 > after and self.term_at(index - 1) == term:
            index -= 1
        return index

    def batch_from(self, index: int, bytes_max: int) -> list[Entry]:
        """Return the entries from `index` on that are no more than `bytes_max`; at least one."""
        start = index - self._entries[0][1]
        end, size = start, 0
        while end < len(self._entries):
            size += len(self._entries[end][0])
            if size > bytes_max and end > start:
                break
            end += 1
        return self._entries[start:end]

    def first_large(self, after: int, bytes_min: int) -> Entry | None:
        """Return the first entry after this index that has so many bytes, if there is one."""
        start = max(0, after + 1 - self._entries[0][1]) if self._entries else 0
        for position in range(start, len(self._entries)):
            if len(self._entries[position][0]) >= bytes_min:
                return self._entries[position]
        return None

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._end

    @property
    def first_index(self) -> int:
        """Index of the first entry held, 0 when none is."""
        return self._entries[0][1] if self._entries else 0

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
        """Hold term and vote; see `votes_are_stored` before a message that depends on them."""
        self._meta["term"] = term
        self._meta["vote"] = votedForNodeId
        self._write_votes()
        self._votes_batch = -1  # not handed over yet
        self._voted_at = self._disk.now()

    def _write_votes(self) -> None:
        body = json.dumps(self._meta, sort_keys=True).encode()
        content = b"%08x %s" % (zlib.crc32(body), body)
        self._pending.append(partial(replace_file, self._files, self._votes_path, content))
        self._stored_meta = dict(self._meta)

    def getCurrentTerm(self) -> int:
        """Return the term held."""
        term = self._meta.get("term")
        return term if isinstance(term, int) else 0

    def getVotedForNodeId(self) -> str | None:
        """Return whom this node voted for in that term."""
        vote = self._meta.get("vote")
        return vote if isinstance(vote, str) else None

    def onOneSecondTimer(self) -> None:
        """Store the commit index."""
        if self._meta != self._stored_meta:
            self._write_votes()

    def flush(self) -> None:
        """The same as `sync`."""
        self.sync()

    def _destroy(self) -> None:
        self.submit()
        self._disk.end()
        self._file.close()
