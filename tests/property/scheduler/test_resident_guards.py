"""Guards of the resident scheduler, switched off: it then decides otherwise than a whole run.

The stories of `test_resident` change anything at random; here is for each guard one change that
nothing else notices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident import scheduler, staleness
from crmd.scheduler.resident.layout import Component
from crmd.scheduler.resident.record import Record, record
from crmd.scheduler.resident.scheduler import Resident
from tests.golden.scheduler.case_file import Case, cib_of
from tests.golden.scheduler.histories import NOW


class _Change(Struct, frozen=True, kw_only=True):
    """Two versions of a cluster, and the guard that has to notice the difference."""

    owner: object
    guard: str
    off: Callable[..., object]
    cluster: str
    state: str
    cluster_after: str = ""
    state_after: str = ""
    seconds: int = 0
    """How much later the second version is decided."""

    def is_decided_as_a_whole(self) -> bool:
        before = _cib(self.cluster, self.state)
        after = before
        if self.cluster_after or self.state_after:
            after = _cib(self.cluster_after or self.cluster, self.state_after or self.state)
            after = _sharing(before, after)
        then = Moment(NOW + self.seconds)
        resident = Resident()
        resident.graph(before, Moment(NOW))
        return resident.graph(after, then) == schedule(after, then).graph


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


def _timeless(*given: Any) -> tuple[Record, dict[str, Record]] | None:
    """Record a decision, and forget which of it the clock had a part in."""
    parted = record(*given)
    for each in parted[1].values() if parted is not None else ():
        each.timely = False
    return parted


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
    "a stop, on a node that cannot shut down": _Change(
        owner=staleness,
        guard="_is_anybody_leaving",
        off=lambda view: False,
        cluster=f"{_TWO} meta multiple-active=block",
        state="n1 online shutdown=1699999990\nn2 online\na started on n1\nb started on n1 n2",
        state_after="n1 online shutdown=1699999990\nn2 online\nb started on n1 n2",
    ),
    "the time after which a failure is forgotten": _Change(
        owner=scheduler,
        guard="record",
        off=_timeless,
        cluster=_TWO.replace("Dummy\n", "Dummy meta failure-timeout=60s\n"),
        state=_BOTH.replace(
            "n1 online",
            "n1 online fail-count-a#monitor_10000=INFINITY"
            f" last-failure-a#monitor_10000={NOW - 30}",
        ),
        seconds=60,
    ),
    "a result that puts the node of both on standby": _Change(
        owner=scheduler,
        guard="is_apart",
        off=lambda run: True,
        cluster=_TWO.replace("Dummy\n", "Dummy op monitor interval=10s on-fail=standby\n")
        + "\nlocation l b 100: n1",
        state="n1 online\nn2 online\na failed on n1\nb started on n1",
        state_after="n1 online\nn2 online\na started on n1\nb started on n1",
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
