"""The tokens that a node has made: their digests alone, when they expire, and who used them.

They lie in ``tokens.json`` in the enrolment directory (mode 0600), changed under a lock: the shell
adds to it as root, `raftmaker-enrol` marks what was used as its own user, who owns the directory. A
used or expired token is remembered for a day, so that whoever comes with it is told what is wrong.
`judge` is pure.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from crm_shell.enrolment.token import Role, digest_of
from raftmaker.runtime.private_file import write_private

FILE = "tokens.json"
REMEMBERED_S = 24 * 3600
TOKENS_MAX = 1000
"""More are never kept: the oldest are forgotten."""
ANSWER_AGAIN_S = 120
"""A host whose answer was lost may ask once more for so long."""


class Record(Struct, frozen=True, kw_only=True):
    """One token that was made. Times are seconds since 1970."""

    id: str
    digest: str
    role: Role
    made_s: int
    expires_s: int
    used_by: str = ""
    """The node that it let in; empty: it can still be used."""
    used_key: str = ""
    """The fingerprint of that node's certificate request: the same node may ask again."""
    used_s: int = 0

    def is_open(self, now_s: int) -> bool:
        """Whether somebody may still come with it, if only for its answer once more."""
        again = not self.used_by or now_s < self.used_s + ANSWER_AGAIN_S
        return now_s < self.expires_s and again


class Verdict(Enum):
    """What is to be said to whoever comes with a proof."""

    WELCOME = "welcome"
    UNKNOWN = "this token was not made here, or was taken back"
    EXPIRED = "this token has expired"
    USED = "this token was used already"


def judge(records: tuple[Record, ...], identity: bytes, secret: bytes, now_s: int) -> Verdict:
    """Decide on a proof; for a token that was just used, `may_use` decides who asks."""
    record = find(records, identity)
    # Compared in any case: how long it takes tells nothing about which ids there are.
    expected = bytes.fromhex(record.digest) if record else bytes(32)
    if not hmac.compare_digest(expected, digest_of(secret)) or record is None:
        return Verdict.UNKNOWN
    if record.is_open(now_s):
        return Verdict.WELCOME
    return Verdict.USED if record.used_by else Verdict.EXPIRED


def may_use(record: Record, node: str, key: str) -> bool:
    """Tell whether `node` may join with it: nobody has, or it has itself with this key."""
    return not record.used_by or (record.used_by, record.used_key) == (node, key)


def find(records: tuple[Record, ...], identity: bytes) -> Record | None:
    """Return the record of a token's id."""
    return next((each for each in records if each.id == identity.hex()), None)


def used(record: Record, node: str, key: str, now_s: int) -> Record:
    """Return it as used by a node."""
    return replace(record, used_by=node, used_key=key, used_s=record.used_s or now_s)


def kept(records: tuple[Record, ...], now_s: int) -> tuple[Record, ...]:
    """Return those that are still worth remembering, oldest first."""
    young = [each for each in records if now_s < each.expires_s + REMEMBERED_S]
    return tuple(young[-TOKENS_MAX:])


def read(directory: Path) -> tuple[Record, ...]:
    """Read the records; none where none was made. Raises OSError or ValueError."""
    try:
        entries = json.loads((directory / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return ()
    return tuple(Record(**{**entry, "role": Role(entry["role"])}) for entry in entries)


@contextmanager
def changing(directory: Path) -> Iterator[list[Record]]:
    """Give the records to be changed in place, alone; written back whole unless it raises."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(directory / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        records = list(read(directory))
        yield records
        write_private(directory / FILE, json.dumps(to_builtins(records), indent=1).encode())
        _give_to_owner_of(directory)
    finally:
        os.close(lock)


def _give_to_owner_of(directory: Path) -> None:
    if os.geteuid() != 0:
        return
    owner = directory.stat()
    for name in (FILE, ".lock"):
        os.chown(directory / name, owner.st_uid, owner.st_gid)
