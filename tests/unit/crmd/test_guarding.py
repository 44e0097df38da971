"""With access control on the controller names nothing to whom it does not know (20.11)."""

from __future__ import annotations

from cib_store.document.sections import empty_cib
from crmd.fsa.effects import ReportProgress
from crmd.guarding import is_guarded, refusal, without_names
from raftmaker.runtime.errors import NotPermitted
from raftmaker.vocabulary.ids import Token

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


def test_rules_bind_when_they_are_on_and_while_nothing_is_known() -> None:
    """features 20.1, 20.11"""
    assert not is_guarded(empty_cib({}, {}))
    assert not is_guarded(empty_cib({}, {"enable-acl": "no"}))
    assert is_guarded(empty_cib({}, {"enable-acl": "true"}))
    assert is_guarded(None)


def test_progress_has_numbers_and_no_names() -> None:
    """features 20.11"""
    told = without_names(BUSY)
    assert (told.actions_done, told.actions_total, told.running) == (1, 2, ())


def test_a_refusal_says_who_may_and_what_to_do() -> None:
    refused = refusal("explains")
    assert isinstance(refused, NotPermitted)
    assert "root" in str(refused)
    assert "crm explain" in str(refused)
