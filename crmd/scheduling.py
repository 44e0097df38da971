"""What the scheduler's process is asked: a CIB, or what changed in it since it was last asked.

The daemon's side is `crmd.asking`. Here is what both share, and the process's side, which starts
the sooner the less it imports.
"""

from __future__ import annotations

from msgspec import Struct

from cib_store.document.delta import Delta, applied
from cib_store.document.element import Element
from crmd.parcels import Parcel, unpacked
from crmd.scheduler.graph import Graph


class Question(Struct, frozen=True, kw_only=True):
    """What is to be scheduled: the CIB, or how it differs from that of question number `base`."""

    number: int
    base: int | None
    cib: Parcel | Delta
    now_s: int
    """The wall clock in seconds since 1970."""


class Decision(Struct, frozen=True, kw_only=True):
    """What the scheduler orders, and in which file its input is kept; empty: in none."""

    graph: Graph
    input: str = ""


class Failure(Struct, frozen=True, kw_only=True):
    """The scheduler could not; the reason, and the file with its input, are for the log."""

    reason: str
    input: str = ""


class Forgotten(Struct, frozen=True):
    """The process does not have the CIB that the question builds on: it was started anew."""


class Hearing:
    """The process's side: remembers the CIB of the last question."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self._number: int | None = None
        self._cib: Element | None = None

    def cib_of(self, question: Question) -> Element | None:
        """Return the CIB that is asked about; None where it builds on one that is not known."""
        if not isinstance(question.cib, Delta):
            cib = unpacked(question.cib)
        elif self._cib is None or question.base != self._number:
            return None
        else:
            cib = applied(self._cib, question.cib)
        self._number, self._cib = question.number, cib
        return cib
