"""Which store is on this disk: made once, told to every peer, and gone with the disk.

A voter that lost its disk must not vote: it has forgotten whom it voted for and what it
acknowledged. So a new store counts for nothing unless it takes part in founding the cluster, which
the marker in the state directory says (`raftmaker.runtime.founding`), or the others admit it after
it has caught up.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from cib_store.raft.files import Files, replace_file
from cib_store.raft.journal import damaged
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.runtime.founding import REJOIN, REPAIR
from raftmaker.vocabulary.codes import ExitCode

STORE_FILE = "store.json"
SUPERSEDED_FILE = "superseded.json"
GENERATION_IS_OVER = "generation-is-over"
_FORMAT = 1


class Birth(Struct, frozen=True, kw_only=True):
    """The store's id, and whether it took part in founding the cluster."""

    store_id: str
    founder: bool


def born(files: Files, directory: Path, *, founding: bool) -> Birth:
    """Return which store is in `directory`; a new one is written down, on disk on return.

    `founding`: a new one takes part in founding the cluster. Call it when the journal exists.
    Raises `Rejected` when the store must not run: it is damaged, or its generation is over.
    """
    _refuse_superseded(files, directory)
    path = directory / STORE_FILE
    if files.exists(path):
        return _read(files, path)
    # Stores of before had no such file; they have voted, and took part from the beginning.
    founder = founding or files.exists(directory / "journal.vote")
    birth = Birth(store_id=os.urandom(8).hex(), founder=founder)
    body = {"format": _FORMAT, "store_id": birth.store_id, "founder": birth.founder}
    body["crc"] = _checksum(body)
    replace_file(files, path, json.dumps(body).encode())
    return birth


def exists(files: Files, directory: Path) -> bool:
    """Tell whether a store was made there, whatever has become of its files."""
    return files.exists(directory / STORE_FILE)


def _read(files: Files, path: Path) -> Birth:
    try:
        body = json.loads(files.read(path))
        if body["format"] != _FORMAT:
            raise damaged(path, f"has format {body['format']}, not {_FORMAT}")
        # Another id would make it a stranger to its peers. Stores of before have no checksum.
        if body.pop("crc", None) not in (None, _checksum(body)):
            raise damaged(path, "fails its checksum")
        return Birth(store_id=str(body["store_id"]), founder=bool(body["founder"]))
    except (ValueError, KeyError, TypeError):
        raise damaged(path, "is not readable") from None


def _checksum(body: Mapping[str, object]) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())


def superseded(
    files: Files, directory: Path, *, by: str, generation: int, begins_anew: bool
) -> Rejected:
    """Write down that the store's generation is over, and return the reason to end.

    `begins_anew`: the cluster still counts this node as a member, so its next start begins with an
    empty store, which is filled and admitted as any learner's is.
    """
    body = {"by": by, "generation": generation, "begins_anew": begins_anew}
    replace_file(files, directory / SUPERSEDED_FILE, json.dumps(body).encode())
    if not begins_anew:
        return _over(directory, by, generation)
    report = Report(
        code="begins-anew",
        where=str(directory),
        what=f"the cluster went on without this node in generation {generation}, as {by} says",
        mend="nothing needs to be done: the next start sets this store aside and is filled anew",
    )
    return Rejected(ExitCode.TEMPFAIL, (report,))


def begins_anew(files: Files, directory: Path) -> bool:
    """Tell whether the store there is to be set aside: the cluster, which went on, fills a new one.

    Whatever cannot be read is judged by `born`.
    """
    path = directory / SUPERSEDED_FILE
    if not files.exists(path):
        return False
    try:
        return json.loads(files.read(path)).get("begins_anew") is True
    except (ValueError, AttributeError):
        return False


def _refuse_superseded(files: Files, directory: Path) -> None:
    path = directory / SUPERSEDED_FILE
    if not files.exists(path):
        return
    try:
        body = json.loads(files.read(path))
        raise _over(directory, str(body["by"]), int(body["generation"]))
    except (ValueError, KeyError, TypeError):
        raise _over(directory, "another node", 0) from None


def _over(directory: Path, by: str, generation: int) -> Rejected:
    report = Report(
        code=GENERATION_IS_OVER,
        where=str(directory),
        what=f"the cluster goes on in generation {generation or 'unknown'}, as {by} says;"
        " what this store holds was left behind and must not come back",
        mend=f"run '{REPAIR}' here, which moves it aside, and '{REJOIN}' on a node of the cluster",
    )
    return Rejected(ExitCode.OLD, (report,))


def forget_marker(files: Files, marker: Path) -> None:
    """Remove the founders' marker: it is for one store only."""
    if marker.exists():
        marker.unlink()
        files.sync_directory(marker.parent)
