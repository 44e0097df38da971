"""Counts the starts of the controller within one boot of the node (protocols, Identity)."""

from __future__ import annotations

import os
from pathlib import Path

from raftmaker.vocabulary.ids import BootId


def next_start(run_dir: Path, boot_id: BootId) -> int:
    """Return the number of this start, kept on disk before it is used; another boot begins at 1.

    Raises OSError where it cannot be kept.
    """
    path = run_dir / "crmd-starts"
    number = _last(path, boot_id) + 1
    temporary = path.with_suffix(".new")
    with temporary.open("w") as file:
        file.write(f"{boot_id} {number}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return number


def _last(path: Path, boot_id: BootId) -> int:
    try:
        words = path.read_text().split()
    except FileNotFoundError:
        return 0
    return int(words[1]) if len(words) == 2 and words[0] == boot_id else 0
