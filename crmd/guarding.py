"""What the controller tells while access control is on: nothing that names a part of the CIB.

It does not know who asks: its socket is the group's, and access control is the store's (features
20.11, 20.14). So what a user may read is explained in the user's own process, from what the store
shows them, and progress and cleanups are told without names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cib_store.document.element import Element
from crmd.fsa.cib import flag
from crmd.fsa.effects import ReportProgress
from raftmaker.runtime.errors import NotPermitted


def is_guarded(cib: Element | None) -> bool:
    """Tell whether names must not be told; so also while the CIB is not known."""
    return cib is None or flag(cib, "enable-acl")


def insist_on_open(cib: Element | None) -> None:
    """Refuse to explain where access control is on. Raises `NotPermitted`."""
    if cib is not None and is_guarded(cib):
        raise NotPermitted(
            "access control is on (enable-acl): the controller explains nothing, whoever asks;"
            " 'crm explain' does so from what the store lets you read"
        )


def told_progress(progress: ReportProgress, cib: Element | None) -> ReportProgress:
    """Return progress as anybody may see it."""
    return replace(progress, running=()) if is_guarded(cib) else progress


def told_lines(lines: Sequence[str], cib: Element | None) -> tuple[str, ...]:
    """Return what was cleaned up as anybody may see it: how much, where names are not told."""
    if not lines or not is_guarded(cib):
        return tuple(lines)
    return (f"Cleaned up {len(lines)} histories (names are not told while enable-acl is on)",)
