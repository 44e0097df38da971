"""The newest configuration changes: who, when, why and the patch (on disk, beside the state).

Every `BODY_ENTRIES` the whole configuration is kept too, so that any revision can be made again.

Not part of the replicated state: each replica notes what it applies, so a replica that was brought
up by a snapshot lacks what the snapshot skipped. Losing the file loses nothing else.

Changes are written together, `WRITE_S` after the first of them, before anybody reads, and before a
snapshot of the log: what a crash takes from here is applied again from the log, and noted again.
Of a burst only the newest are written, which are all that would be kept.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from cib_store.document.codec import parse, render
from cib_store.document.element import Element
from cib_store.document.patchset import apply_patchset, difference
from cib_store.document.refusal import Refusal
from raftmaker.runtime.errors import Unreachable
from raftmaker.vocabulary.commands import Origin
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.outcomes import CibVersion

ENTRIES_MAX = 1000
BYTES_MAX = 16 * 1024 * 1024
TRIM_ENTRIES = 100
"""How many entries more than the limit may be there before the oldest are deleted."""
BODY_ENTRIES = 64
WRITE_S = 60.0
"""Rarely: finding the differences of a full burst takes about a second of the processor."""
_FORMAT = 2
_ROOM_BYTES = 64 * 1024
"""With less room than this SQLite cannot open a file with a log of its own."""
_COLUMNS = "revision, admin_epoch, epoch, num_updates, node, client, user, message, at_us"
_Result = TypeVar("_Result")


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One configuration change; `revision` is its log position and its name."""

    revision: int
    version: CibVersion
    origin: Origin
    patch: str = ""


_Noted = tuple[HistoryEntry, Element, Element]
"""An entry that is not written yet, with the CIB before and after it."""


class History:
    """The file; all of its work is done on one thread of its own."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; one of another format, or a damaged one, is begun anew."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._path = path
        self._waiting: deque[_Noted] = deque(maxlen=ENTRIES_MAX + TRIM_ENTRIES)
        self._timer: asyncio.TimerHandle | None = None
        self._since_trimmed = 0
        self._since_body = BODY_ENTRIES
        self._last: Element | None = None
        self._is_closed = False
        self._database = self._thread.submit(self._open).result()

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _opened(self._path)
        except sqlite3.DatabaseError as error:
            if _is_for_want_of_room(error, self._path):
                # Nothing is wrong with the file: it must not be set aside.
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path) from None
            self._path.rename(self._path.with_suffix(".damaged"))
            return _opened(self._path)

    async def _on_thread(self, work: Callable[[], _Result]) -> _Result:
        if self._is_closed:
            raise Unreachable("the store ends: ask again when it is back, or another one")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def note(self, entry: HistoryEntry, before: Element, after: Element) -> None:
        """Keep an entry, with the difference of the two CIBs, which is found when it is written.

        One that is there already (replayed from the log) stays as it is.
        """
        self._waiting.append((entry, before, after))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_S, self._write_soon)

    def _write_soon(self) -> None:
        self._timer = None
        self._thread.submit(self._write)

    def write(self) -> None:
        """Write what waits, on any thread; on return it is in the file."""
        self._thread.submit(self._write).result()

    def _write(self) -> None:
        """On the thread: write what waits, in one transaction."""
        if not self._waiting:
            return
        self._database.execute("BEGIN")
        try:
            while self._waiting:
                self._note(*self._waiting.popleft())
        finally:
            self._database.execute("COMMIT")

    def _note(self, entry: HistoryEntry, before: Element, after: Element) -> None:
        old, new = _without_status(before), _without_status(after)
        entry = replace(entry, patch=render(difference(old, new), indent=0))
        follows = self._last is not None and self._last.children == old.children
        self._last, self._since_body = new, self._since_body + 1
        whole = not follows or self._since_body >= BODY_ENTRIES
        if whole:
            self._since_body = 0
        _insert(self._database, entry, render(new, indent=0) if whole else "")
        self._since_trimmed += 1 + len(entry.patch) * TRIM_ENTRIES // (BYTES_MAX // 16)
        if self._since_trimmed >= TRIM_ENTRIES:
            self._since_trimmed = 0
            _trim(self._database)

    async def entries(self, *, limit: int, before: int, patches: bool) -> list[HistoryEntry]:
        """Return the newest entries first; `limit` and `before` 0: all.

        Like the others that read, it raises `Unreachable` once the file is closed.
        """
        await self._on_thread(self._write)
        return await self._on_thread(lambda: _select(self._database, limit, before, patches))

    async def at(self, revision: int) -> Element | None:
        """Return the CIB without its status after that revision; None where it is not kept."""
        await self._on_thread(self._write)
        return await self._on_thread(lambda: _made_again(self._database, revision))

    async def around(self, revision: int) -> tuple[Element | None, Element | None]:
        """Return the CIB without its status before and after a revision, where it is kept."""
        await self._on_thread(self._write)
        return await self._on_thread(lambda: _around(self._database, revision))

    def close(self) -> None:
        """Write what waits and close the file."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._thread.submit(self._write)
        self._thread.submit(self._database.close)
        self._thread.shutdown(wait=True)


def _is_for_want_of_room(error: sqlite3.DatabaseError, path: Path) -> bool:
    # A log of its own that cannot grow is told as an error of the disk.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    room = os.statvfs(path.parent)
    return code == sqlite3.SQLITE_FULL or (
        code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
        and room.f_bavail * room.f_frsize < _ROOM_BYTES
    )


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    found = database.execute("PRAGMA user_version").fetchone()[0]
    if found not in (0, _FORMAT):
        database.close()
        raise sqlite3.DatabaseError(f"format {found}")
    database.execute(f"PRAGMA user_version={_FORMAT}")
    database.execute(
        "CREATE TABLE IF NOT EXISTS change (revision INTEGER PRIMARY KEY, admin_epoch INTEGER,"
        " epoch INTEGER, num_updates INTEGER, node TEXT, client TEXT, user TEXT, message TEXT,"
        " at_us INTEGER, patch TEXT, body TEXT)"
    )
    return database


def _without_status(cib: Element) -> Element:
    return cib.with_children(tuple(each for each in cib.children if each.tag != "status"))


def _insert(database: sqlite3.Connection, entry: HistoryEntry, body: str) -> None:
    version, origin = entry.version, entry.origin
    database.execute(
        f"INSERT OR IGNORE INTO change ({_COLUMNS}, patch, body) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            entry.revision,
            version.admin_epoch,
            version.epoch,
            version.num_updates,
            origin.node,
            origin.client,
            origin.user,
            origin.message,
            origin.at_us,
            entry.patch,
            body,
        ),
    )


def _trim(database: sqlite3.Connection) -> None:
    sizes = "SELECT revision, length(patch) + length(body) FROM change"
    oldest = _oldest_kept(database.execute(sizes))
    # The patches of those that stay are of use only together with the configuration before them.
    whole = "SELECT max(revision) FROM change WHERE revision <= ? AND body != ''"
    (start,) = database.execute(whole, (oldest,)).fetchone()
    database.execute("DELETE FROM change WHERE revision < ?", (start or oldest,))


def _made_again(database: sqlite3.Connection, revision: int) -> Element | None:
    rows = database.execute(
        "SELECT revision, patch, body FROM change WHERE revision <= ?1 AND revision >="
        " (SELECT max(revision) FROM change WHERE revision <= ?1 AND body != '')"
        " ORDER BY revision",
        (revision,),
    ).fetchall()
    if not rows or rows[-1][0] != revision:
        return None
    cib = parse(rows[0][2])
    for _, patch, _ in rows[1:]:
        patched = apply_patchset(cib, parse(patch))
        if isinstance(patched, Refusal):
            return None
        cib = patched
    return cib


def _around(database: sqlite3.Connection, revision: int) -> tuple[Element | None, Element | None]:
    earlier = "SELECT max(revision) FROM change WHERE revision < ?"
    (before,) = database.execute(earlier, (revision,)).fetchone()
    old = None if before is None else _made_again(database, before)
    return old, _made_again(database, revision)


def _oldest_kept(sizes: Iterable[tuple[int, int]]) -> int:
    kept, total, oldest = 0, 0, 0
    for revision, size in sorted(sizes, reverse=True):
        kept, total = kept + 1, total + size
        if kept > ENTRIES_MAX or (total > BYTES_MAX and kept > 1):
            break
        oldest = revision
    return oldest


def _select(
    database: sqlite3.Connection, limit: int, before: int, patches: bool
) -> list[HistoryEntry]:
    patch = "patch" if patches else "''"
    rows = database.execute(
        f"SELECT {_COLUMNS}, {patch} FROM change WHERE ?2 = 0 OR revision < ?2"
        " ORDER BY revision DESC LIMIT ?1",
        (min(limit or ENTRIES_MAX, ENTRIES_MAX), before),
    )
    return [
        HistoryEntry(
            revision=row[0],
            version=CibVersion(row[1], row[2], row[3]),
            origin=Origin(
                node=NodeName(row[4]), client=row[5], user=row[6], message=row[7], at_us=row[8]
            ),
            patch=row[9],
        )
        for row in rows
    ]
