"""With access control on the controller names nothing (features 20.11)."""

from __future__ import annotations

import pytest

from cib_store.document.sections import empty_cib
from crmd.fsa.effects import ReportProgress
from crmd.guarding import insist_on_open, told_lines, told_progress
from raftmaker.runtime.errors import NotPermitted
from raftmaker.vocabulary.ids import Token

OPEN = empty_cib({}, {})
GUARDED = empty_cib({}, {"enable-acl": "true"})
BUSY = ReportProgress(
    state="S_TRANSITION_ENGINE",
    dc="a",
    token=Token(0, 1),
    quorate=True,
    actions_total=2,
    actions_done=1,
    running=("start of hidden on a",),
    settled_index=0,
    transition=1,
)


def test_nothing_is_explained() -> None:
    insist_on_open(OPEN)
    with pytest.raises(NotPermitted, match="enable-acl"):
        insist_on_open(GUARDED)


def test_progress_has_numbers_and_no_names() -> None:
    assert told_progress(BUSY, OPEN) is BUSY
    told = told_progress(BUSY, GUARDED)
    assert (told.actions_done, told.actions_total, told.running) == (1, 2, ())
    assert told_progress(BUSY, None).running == (), "not while it is unknown"


def test_a_cleanup_tells_how_much() -> None:
    lines = ("Cleaned up hidden on a", "Cleaned up hidden on b")
    assert told_lines(lines, OPEN) == lines
    (line,) = told_lines(lines, GUARDED)
    assert "2 histories" in line
    assert "hidden" not in line
    assert told_lines((), GUARDED) == ()
