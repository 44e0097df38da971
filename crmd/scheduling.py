"""What the daemon asks the scheduler's process, and what that answers when it cannot."""

from __future__ import annotations

from dataclasses import dataclass

from cib_store.document.element import Element


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be scheduled, and the wall clock in seconds since 1970."""

    cib: Element
    now_s: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The scheduler could not; the reason is for the log."""

    reason: str
