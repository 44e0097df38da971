"""What a node tells of what it sees: the changes in its view of the store, and its own results.

Every node tells of nodes and fencings, since each sees every committed fact. A node alone tells of
its own resources, and the DC of attributes (features 19.1). Invariant: an observer that sees the
same again tells nothing; what it saw first is where it begins, and no event.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from cib_store.document.element import Element
from crmd.alerts.values import (
    AlertEvent,
    AttributeEvent,
    FencingEvent,
    NodeEvent,
    ResourceEvent,
)
from crmd.fsa.cib import transient_pairs
from crmd.fsa.events import Event, ExecutorResult, StoreChanged
from lrmd.operations.values import Result
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, NodeName
from raftmaker.vocabulary.membership import Facts, FencePhase, NodeFacts, Presence

KEPT_MAX = 500
"""Of the results that were told, and of what waits to be told, the newest so many are kept."""


class Observer(Struct, frozen=True, kw_only=True):
    """What one controller process has seen."""

    node: NodeName
    boot_id: BootId
    index: int = 0
    cib: Element | None = None
    facts: Facts = Facts()
    told: tuple[tuple[int, int], ...] = ()
    """Serial and time of the results that were told: the executor sends some twice."""
    early: tuple[Result, ...] = ()
    """Results that came before the first view of the store, so before any alert is known."""
    orphaned: tuple[AttributeEvent, ...] = ()
    """Changes that were seen while nobody was DC: the next DC tells them."""


def observe(observer: Observer, event: Event) -> tuple[Observer, tuple[AlertEvent, ...]]:
    """Take one event of the controller in; return what is to be told, in order."""
    match event:
        case ExecutorResult(result=result):
            if observer.cib is None:
                return replace(observer, early=(*observer.early, result)[-KEPT_MAX:]), ()
            return _with_result(observer, result)
        case StoreChanged():
            return _with_view(observer, event)
        case _:
            return observer, ()


def _with_result(observer: Observer, result: Result) -> tuple[Observer, tuple[AlertEvent, ...]]:
    mark = (result.serial, result.last_change_us)
    if mark in observer.told:
        return observer, ()
    observer = replace(observer, told=(*observer.told, mark)[-KEPT_MAX:])
    request, outcome = result.request, result.outcome
    as_expected = outcome.status is OpStatus.DONE and outcome.code is request.expected_code
    if request.is_probe and as_expected:
        return observer, ()
    return observer, (ResourceEvent(node=observer.node, result=result),)


def _with_view(observer: Observer, seen: StoreChanged) -> tuple[Observer, tuple[AlertEvent, ...]]:
    if observer.cib is None:
        begun = replace(observer, index=seen.index, cib=seen.cib, facts=seen.facts, early=())
        told: list[AlertEvent] = []
        for result in observer.early:
            begun, events = _with_result(begun, result)
            told.extend(events)
        return begun, tuple(told)
    if seen.index < observer.index:
        return observer, ()  # a store that lags behind the one watched before
    told = [*_node_events(observer.facts, seen.facts)] if observer.facts != seen.facts else []
    changed = _attribute_events(observer.cib, seen.cib)
    orphaned = (*observer.orphaned, *changed)
    holder = seen.facts.dc
    if holder is not None:
        if (holder.node, holder.boot_id) == (observer.node, observer.boot_id):
            told.extend(orphaned)
        orphaned = ()
    now = replace(
        observer,
        index=seen.index,
        cib=seen.cib,
        facts=seen.facts,
        orphaned=orphaned[-KEPT_MAX:],
    )
    return now, tuple(told)


def _node_events(old: Facts, new: Facts) -> Iterator[AlertEvent]:
    before = {facts.node: facts for facts in old.nodes}
    for facts in new.nodes:
        was = before.get(facts.node)
        if was != facts:
            yield from _presence_events(was, facts)
            yield from _fencing_events(was, facts)


def _presence_events(was: NodeFacts | None, now: NodeFacts) -> Iterator[NodeEvent]:
    was_member = was is not None and was.presence is Presence.MEMBER
    is_member = now.presence is Presence.MEMBER
    restarted = was is not None and was.boot_id != now.boot_id
    if was_member and (not is_member or restarted):
        yield NodeEvent(node=now.node, is_member=False)
    if is_member and (not was_member or restarted):
        yield NodeEvent(node=now.node, is_member=True)


def _fencing_events(was: NodeFacts | None, now: NodeFacts) -> Iterator[FencingEvent]:
    """A failed fencing that is tried again, and fails, is told again."""
    if now.fencing not in (FencePhase.CONFIRMED, FencePhase.FAILED):
        return
    if was is not None and (was.fencing, was.fence_failures) == (now.fencing, now.fence_failures):
        return
    yield FencingEvent(target=now.node, confirmed=now.fencing is FencePhase.CONFIRMED)


def _attribute_events(old: Element, new: Element) -> tuple[AttributeEvent, ...]:
    """Return the changes of transient attributes. A node's going with all it has is none."""
    status = new.child("status")
    was = old.child("status")
    if status is None or status is was:
        return ()
    before = {state.id: state for state in was.each("node_state")} if was is not None else {}
    return tuple(
        event
        for state in status.each("node_state")
        if before.get(state.id) is not state
        for event in _changes(before.get(state.id), state)
    )


def _changes(old: Element | None, new: Element) -> Iterator[AttributeEvent]:
    held = new.child("transient_attributes")
    if held is None or (old is not None and old.child("transient_attributes") is held):
        return
    was, now = (
        {pair.get("name"): pair.get("value") for pair in transient_pairs(state)}
        for state in (old, new)
    )
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            yield AttributeEvent(node=NodeName(new.id), name=name, value=now.get(name, ""))
