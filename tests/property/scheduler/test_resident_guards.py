"""Guards of the resident scheduler, switched off: it then decides otherwise than a whole run.

The stories of `test_resident` change anything at random; here is for each guard one change that
nothing else notices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident import staleness
from crmd.scheduler.resident.layout import Component
from crmd.scheduler.resident.scheduler import Resident
from tests.golden.scheduler.case_file import Case, cib_of
from tests.golden.scheduler.histories import NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """Two versions of a cluster, and the guard that has to notice the difference."""

    owner: object
    guard: str
    off: Callable[..., object]
    cluster: str
    state: str
    cluster_after: str = ""
    state_after: str = ""

    def is_decided_as_a_whole(self) -> bool:
        before = _cib(self.cluster, self.state)
        after = before
        if self.cluster_after or self.state_after:
            after = _cib(self.cluster_after or self.cluster, self.state_after or self.state)
            after = _sharing(before, after)
        now = Moment(NOW)
        resident = Resident()
        resident.graph(before, now)
        return resident.graph(after, now) == schedule(after, now).graph


def _cib(cluster: str, state: str) -> Element:
    return cib_of(Case(title="", cluster=cluster, state=state, then="", plan=""))


def _sharing(old: Element, new: Element) -> Element:
    """Return `new` with all that is as before being the same objects, as in the store."""
    if old == new:
        return old
    if [each.tag for each in old.children] != [each.tag for each in new.children]:
        return new
    pairs = zip(old.children, new.children, strict=True)
    return new.with_children(tuple(_sharing(one, other) for one, other in pairs))


_TWO = "primitive a ocf:pacemaker:Dummy\nprimitive b ocf:pacemaker:Dummy"
_BOTH = "n1 online\nn2 online\na started on n1\nb started on n2"
_CHANGES = {
    "an option": _Change(
        owner=staleness,
        guard="_is_same_frame",
        off=lambda old, new: True,
        cluster=_TWO,
        state=_BOTH,
        cluster_after=f"property stop-all-resources=true\n{_TWO}",
    ),
    "a failure that was counted": _Change(
        owner=staleness,
        guard="_stale_by_attributes",
        off=lambda old, new: {},
        cluster=_TWO,
        state=_BOTH.replace("n1 online", "n1 online fail-count-a#start_0=0"),
        state_after=_BOTH.replace("n1 online", "n1 online fail-count-a#start_0=INFINITY"),
    ),
    "a resource": _Change(
        owner=Component,
        guard="is_still",
        off=lambda component, other: True,
        cluster=_TWO,
        state=_BOTH,
        cluster_after=_TWO.replace(
            "a ocf:pacemaker:Dummy", "a ocf:pacemaker:Dummy meta target-role=Stopped"
        ),
    ),
    "a result": _Change(
        owner=staleness,
        guard="_stale_by_histories",
        off=lambda old, new, records, readings: {},
        cluster=_TWO.replace("Dummy\n", "Dummy op monitor interval=10s\n"),
        state=_BOTH,
        state_after=_BOTH.replace("a started", "a failed"),
    ),
}


@pytest.mark.parametrize("name", _CHANGES)
def test_the_change_is_noticed(name: str) -> None:
    """With every guard on, the decision is that of a whole run."""
    assert _CHANGES[name].is_decided_as_a_whole()


@pytest.mark.parametrize("name", _CHANGES)
def test_without_its_guard_it_is_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted fault: that the equality of both can fail, and does."""
    change = _CHANGES[name]
    monkeypatch.setattr(change.owner, change.guard, change.off)
    assert not change.is_decided_as_a_whole()
