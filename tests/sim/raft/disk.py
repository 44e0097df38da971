"""The disk of one voter: what was not synced may be lost, whole, in part or out of order.

A crash may come before or after any call. A process that is killed loses nothing that was written,
since the kernel goes on; a machine that loses its power keeps what was synced, and of the rest what
chance gives: writes and truncations in order up to a torn one, or any of their sectors, and names
(created, renamed) in order up to some point. After a sync that failed, what was not on disk never
will be, though the next sync succeeds: that is what Linux does.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from cib_store.raft.files import Files

SECTOR = 512


class PowerLost(BaseException):
    """The voter ends here; not an `Exception`, so that nothing in the engine can outlive it."""


@dataclass(slots=True)
class Write:
    """Bytes put at an offset, or (no bytes) the file cut there."""

    offset: int
    data: bytes | None


@dataclass(slots=True)
class Inode:
    """One file: what a reader sees, what is on disk, and what was done in between."""

    content: bytearray = field(default_factory=bytearray)
    synced: bytearray = field(default_factory=bytearray)
    since: list[Write] = field(default_factory=list)
    doomed: list[Write] = field(default_factory=list)
    """Written before a sync that failed: read back until the machine ends, and then gone."""

    def do(self, write: Write) -> None:
        """Change what a reader sees."""
        _do(self.content, write)
        self.since.append(write)

    def safe_bytes(self) -> int:
        """How many bytes from the start are certain to survive."""
        unsafe = (write.offset for write in (*self.since, *self.doomed))
        return min(unsafe, default=len(self.content))

    def sync(self) -> None:
        """Put what was written since the last sync on disk."""
        for write in self.since:
            _do(self.synced, write)
        self.since = []
        if self.synced == self.content:
            self.doomed = []  # written again since

    def settle(self, content: bytearray) -> None:
        """What is there is on disk, all of it."""
        self.content, self.synced = content, bytearray(content)
        self.since, self.doomed = [], []


def _do(content: bytearray, write: Write) -> None:
    if write.data is None:
        del content[write.offset :]
        return
    gap = write.offset - len(content)
    if gap > 0:
        content.extend(bytes(gap))
    content[write.offset : write.offset + len(write.data)] = write.data


class SimulatedFiles(Files):
    """What the engine writes to. `lies` and `fails` are looked at before every call."""

    def __init__(self, random: Random) -> None:
        """Begin with an empty disk."""
        self._random = random
        self._names: dict[Path, Inode] = {}
        self._synced_names: dict[Path, Inode] = {}
        self._name_changes: list[dict[Path, Inode]] = []
        self._handles: dict[int, Inode] = {}
        self.calls = 0
        self.crash_at: int | None = None
        """Lose power or be killed at the call of this number."""
        self.fails: Callable[[str], int | None] = lambda call: None
        """Say with which error number a call fails."""
        self.has_failed = False
        """A call has failed since the process began."""
        self.syncs = True
        """Planted: nothing that was synced is on disk."""

    def _call(self, name: str) -> None:
        self.calls += 1
        if self.crash_at is not None and self.calls >= self.crash_at:
            raise PowerLost(name)
        failure = self.fails(name)
        if failure is not None:
            self.has_failed = True
            raise OSError(failure, name)

    # What the engine calls.

    def exists(self, path: Path) -> bool:
        return path in self._names

    def read(self, path: Path) -> bytes:
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return bytes(self._names[path].content)

    def open(self, path: Path, *, create: bool = False) -> int:
        self._call("create" if create else "open")
        if create:
            self._names[path] = Inode()
            self._name_changes.append(dict(self._names))
        elif path not in self._names:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        handle = len(self._handles) + 3
        self._handles[handle] = self._names[path]
        return handle

    def write(self, handle: int, data: bytes, offset: int) -> None:
        taken = bytes(data)
        try:
            self._call("write")
        except (OSError, PowerLost):
            # A full disk and a dying machine take a part.
            taken = taken[: self._random.randrange(len(taken) + 1)]
            self._handles[handle].do(Write(offset, taken))
            raise
        self._handles[handle].do(Write(offset, taken))

    def truncate(self, handle: int, size: int) -> None:
        inode = self._handles[handle]
        if size == len(inode.content):
            return
        self._call("truncate")
        if size > len(inode.content):
            inode.do(Write(len(inode.content), bytes(size - len(inode.content))))
        else:
            inode.do(Write(size, None))

    def sync(self, handle: int) -> None:
        inode = self._handles[handle]
        try:
            self._call("sync")
        except OSError:
            inode.doomed += inode.since
            inode.since = []
            raise
        if self.syncs:
            inode.sync()

    def close(self, handle: int) -> None:
        self._handles.pop(handle, None)

    def rename(self, source: Path, target: Path) -> None:
        self._call("rename")
        self._names[target] = self._names.pop(source)
        self._name_changes.append(dict(self._names))

    def sync_directory(self, directory: Path) -> None:
        self._call("sync_directory")
        if self.syncs:
            self._synced_names, self._name_changes = dict(self._names), []

    # What the world does.

    def safe_bytes(self, path: Path) -> int:
        """How many bytes of the file are certain to survive a loss of power."""
        inode = self._names.get(path)
        if inode is None or self._synced_names.get(path) is not inode:
            return 0
        return inode.safe_bytes()

    def end_process(self) -> None:
        """The process is gone; the kernel keeps what was written."""
        self._handles.clear()
        self.crash_at = None
        self.has_failed = False

    def lose_power(self) -> None:
        """Keep what was synced, and of the rest what chance gives."""
        self.end_process()
        states = [self._synced_names, *self._name_changes]
        self._names = dict(self._random.choice(states))
        self._synced_names, self._name_changes = dict(self._names), []
        for inode in self._names.values():
            inode.settle(self._left_of(inode))

    def _left_of(self, inode: Inode) -> bytearray:
        random = self._random
        left = bytearray(inode.synced)
        kind = random.choice(("nothing", "all", "torn", "sectors"))
        if kind == "all" and not inode.doomed:
            return bytearray(inode.content)
        if kind == "torn" and inode.since:
            whole = random.randrange(len(inode.since))
            for write in inode.since[:whole]:
                _do(left, write)
            torn = inode.since[whole]
            if torn.data:
                _do(left, Write(torn.offset, torn.data[: random.randrange(len(torn.data))]))
        if kind == "sectors":
            for write in inode.since:
                self._do_some_sectors(left, write)
        return left

    def _do_some_sectors(self, left: bytearray, write: Write) -> None:
        if write.data is None:
            if self._random.random() < 0.5:
                _do(left, write)
            return
        start, end = write.offset, write.offset + len(write.data)
        while start < end:
            stop = min(end, (start // SECTOR + 1) * SECTOR)
            if self._random.random() < 0.5:
                piece = write.data[start - write.offset : stop - write.offset]
                _do(left, Write(start, piece))
            start = stop

    def what_is_safe(self) -> SimulatedFiles:
        """Return a disk with what is certain to survive of this one."""
        safe = SimulatedFiles(Random(0))
        for path, inode in self._synced_names.items():
            safe.put(path, bytes(inode.synced[: inode.safe_bytes()]))
        return safe

    def paths(self) -> list[Path]:
        """Return the files there are."""
        return sorted(self._names)

    def flip_bit(self, path: Path) -> bytes:
        """Damage a file where it was synced; return what it was before."""
        inode = self._names[path]
        good = bytes(inode.content)
        place = self._random.randrange(len(good))
        inode.content[place] ^= 1 << self._random.randrange(8)
        inode.settle(inode.content)
        return good

    def put(self, path: Path, content: bytes) -> None:
        """Put content in the place of a file, on disk."""
        self._names[path] = Inode()
        self._names[path].settle(bytearray(content))
        self._synced_names[path] = self._names[path]
