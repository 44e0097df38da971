"""The scheduler's inputs, kept for replays: a ring of files for each of three series (4.28).

``pe-input-N.bz2`` is the CIB of an ordinary decision, ``pe-warn-N.bz2`` of one with fencing or with
parts cut off, ``pe-error-N.bz2`` of one that failed. Each has the clock it was decided by as
``execution-date``, so ``crm_simulate -x FILE`` decides the same. Only their owner may read them:
a CIB may hold passwords.
"""

from __future__ import annotations

import bz2
import contextlib
import os
from enum import Enum
from pathlib import Path

from msgspec import Struct

from cib_store.document.codec import render
from cib_store.document.element import Element
from crmd.fsa.options import integer


class Series(Enum):
    """What kind of decision an input led to; the value is in the file's name."""

    ERROR = "error"
    WARN = "warn"
    INPUT = "input"


class Slot(Struct, frozen=True):
    """Where an input is kept, and the number of the one after it."""

    path: Path
    last: Path
    following: int


class Inputs:
    """The rings in one directory; nothing is made there before the first input is kept."""

    def __init__(self, directory: Path) -> None:
        """`directory`: ``pengine`` in the node's state directory."""
        self._directory = directory
        self._next: dict[Series, int] = {}

    def slot(self, cib: Element, series: Series) -> Slot | None:
        """Return where the next input goes; None where its series is switched off (size 0).

        A size below 0 stands for no limit.
        """
        size = integer(cib, f"pe-{series.value}-series-max")
        if size == 0:
            return None
        last = self._directory / f"pe-{series.value}.last"
        number = self._next.get(series)
        if number is None:
            number = _number_in(last)
        number = number if size < 0 else number % size
        self._next[series] = number + 1
        return Slot(self._directory / f"pe-{series.value}-{number}.bz2", last, number + 1)


def _number_in(last: Path) -> int:
    try:
        return max(int(last.read_text("ascii")), 0)
    except (OSError, ValueError):
        return 0


def keep(slot: Slot, cib: Element, now_s: int) -> None:
    """Write an input, as a whole or not at all. Raises OSError.

    It is not synced: after a loss of power the newest may be missing, and nothing relies on it.
    """
    slot.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    dated = cib.with_attributes({"execution-date": str(now_s)})
    _put(slot.path, bz2.compress(render(dated).encode()))
    _put(slot.last, f"{slot.following}\n".encode())


def _put(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
