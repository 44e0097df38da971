"""What is done to a store whose daemon is down: set it aside, or go on alone in a new generation.

Neither deletes what may be needed. A store that was set aside is followed by an empty one, which
counts for nothing until its peers have made it a learner, filled it and admitted it (see `birth`).
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from msgspec.structs import replace

from cib_store.membership.rules import configuration_of
from cib_store.messages.commands import encode as encode_command
from cib_store.raft.birth import born, exists
from cib_store.raft.configuration import (
    KIND,
    Configuration,
    ConfigurationLog,
    Seat,
    decode,
    encode,
)
from cib_store.raft.engine import packed
from cib_store.raft.files import Files
from cib_store.raft.journal import Journal
from cib_store.raft.snapshot import line_up
from cib_store.raft.snapshot_store import SnapshotStore
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Command, Origin, SetMembers
from raftmaker.vocabulary.ids import ClusterId
from raftmaker.vocabulary.members import Member, Members

LEFT_BEHIND_MAX = 5
"""A node that is fenced again and again must not fill its disk."""


def set_left_behind_aside(directory: Path) -> Path | None:
    """Set a store aside that its cluster went on without; of those keep the newest only."""
    aside = set_aside(directory, "left-behind")
    kept = sorted(directory.parent.glob(f"{directory.name}.left-behind-*"))
    for old in kept[:-LEFT_BEHIND_MAX]:
        shutil.rmtree(old, ignore_errors=True)
    return aside


def set_aside(directory: Path, why: str = "set-aside") -> Path | None:
    """Give the store's directory another name; return it, None where there was no store."""
    if not directory.exists():
        return None
    name = f"{directory.name}.{why}-{time.strftime('%Y%m%d-%H%M%S')}"
    aside = directory.with_name(name)
    number = 1
    while aside.exists():
        number += 1
        aside = directory.with_name(f"{name}-{number}")
    directory.rename(aside)
    Files().sync_directory(directory.parent)
    return aside


def go_on_alone(
    directory: Path, me: Member, *, seed: Members, cluster: ClusterId, origin: Origin
) -> Configuration:
    """Make this store the only voter, in the next generation; on disk on return.

    Everything in its log stays, also what no majority may have acknowledged. Raises `Rejected` for
    a damaged store, for one whose generation is over, and where there is none.
    """
    files = Files()
    if not exists(files, directory) and not (directory / "journal").exists():
        report = Report(
            code="no-store",
            where=str(directory),
            what="there is no store here that could go on",
            mend="run it on a node whose store is whole, or restore a backup into a new cluster",
        )
        raise Rejected(ExitCode.NOINPUT, (report,))
    birth = born(files, directory, founding=False)
    journal = Journal(str(directory / "journal"))
    try:
        log = _lined_up(directory, files, journal, configuration_of(seed, 1))
        current = log.current
        alone = replace(me, learner=False, store_id=birth.store_id)
        members = Members(number=current.number + 1, members=(alone,))
        wanted = Configuration(
            number=members.number,
            generation=current.generation + 1,
            seats=_seats(alone),
        )
        command = Command(
            body=SetMembers(members),
            cluster_id=cluster,
            generation=wanted.generation,
            origin=origin,
        )
        _write(journal, wanted, encode_command(command))
    finally:
        journal._destroy()
    return wanted


def _lined_up(
    directory: Path, files: Files, journal: Journal, seed: Configuration
) -> ConfigurationLog:
    path = directory / "snapshot"
    store = SnapshotStore(path, files=files, state=lambda: bytes, applied=lambda: 0)
    found = store.load()
    store.close()
    line_up(found, journal, path)
    log = ConfigurationLog(seed)
    if found is not None and found.configuration:
        log = ConfigurationLog(decode(found.configuration)[0], found.index)
    log.follow(journal)
    return log


def _seats(me: Member) -> tuple[Seat, ...]:
    return (Seat(name=me.name, address=me.store, votes=True, store_id=me.store_id),)


def _write(journal: Journal, wanted: Configuration, entry: bytes) -> None:
    if not len(journal):
        journal.add(b"\x01", 1, 0)  # as the engine begins every log
    last = journal[-1]
    assert isinstance(last, tuple)
    term = max(journal.getCurrentTerm(), last[2]) + 1
    journal.setCurrentTerm(term, None)
    journal.add(bytes([KIND]) + encode(wanted, packed([entry])), journal.last_index + 1, term)
    journal.sync()
