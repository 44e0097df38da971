"""Which components have to be decided again after a change of the CIB or of the time.

A component stands as long as nothing that its decision read is another. The condition of nodes is
read by all; but the loss of one node leaves those as they are that are at rest, have nothing on it,
and would have been placed the same without it (`Record.nodes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from cib_store.document.element import Element
from crmd.scheduler.resident.excerpt import State
from crmd.scheduler.resident.layout import Layout
from crmd.scheduler.resident.record import Record
from crmd.scheduler.state.trail import Condition
from crmd.scheduler.status.failcounts import resource_of_failure
from crmd.scheduler.status.reading import Readings

_VERSION = frozenset(
    ("epoch", "num_updates", "admin_epoch", "cib-last-written", "update-origin", "update-client",
     "update-user", "dc-uuid")
)  # fmt: skip
_RESOURCES = ("resources", "constraints")
_JUDGED = frozenset(("standby", "maintenance", "terminate", "shutdown", "#is_dc"))
"""Attributes that only the condition of their node depends on (and rules, if any asks)."""


class View(Struct, frozen=True, eq=False, kw_only=True):
    """One version of the CIB at one time, as far as it matters whether it changed."""

    cib: Element
    now_s: int
    layout: Layout
    states: Sequence[State]
    conditions: Mapping[str, Condition]
    attributes: Mapping[str, Mapping[str, str]]
    """Node attributes by name of the node."""
    names: Sequence[str]
    """The node that each state is about."""


def stale(
    old: View, new: View, records: Mapping[str, Record], readings: Readings
) -> dict[str, None] | None:
    """Return the components to be decided again; None where that is all of them."""
    if not _is_same_frame(old, new) or _is_anybody_leaving(new):
        return None
    found: dict[str, None] = {}
    for name, component in new.layout.components.items():
        known = records.get(name)
        if (
            known is None
            or known.component is None
            or not component.is_still(known.component)
            or known.timely  # in the same second too: when to look again is in no record
        ):
            found[name] = None
    changed = [name for name in new.conditions if new.conditions[name] != old.conditions[name]]
    if len(changed) > 1 or any(new.conditions[name][0] for name in changed):
        return None  # only what the loss of one node means is known without looking again
    by_attributes = _stale_by_attributes(old, new)
    if by_attributes is None:
        return None
    found.update(by_attributes)
    for lost in changed:
        for name, known in records.items():
            if not _can_do_without(known, lost, new):
                found[name] = None
    found.update(_stale_by_histories(old, new, records, readings))
    for lost in changed:
        for name, known in records.items():
            if name not in found:
                known.outlived = lost
    return {name: None for name in found if name in new.layout.components}


def _is_anybody_leaving(view: View) -> bool:
    """Whether a node shuts down: that waits for every stop there, whichever component's it is."""
    return any(each.get("shutdown", "0") not in ("", "0") for each in view.attributes.values())


def _is_same_frame(old: View, new: View) -> bool:
    """Whether all that concerns everybody is as it was: options, defaults, nodes, quorum."""
    if _frame(old.cib) != _frame(new.cib) or old.names != new.names:
        return False
    if old.layout is not new.layout:
        mine, its = old.layout, new.layout
        if (mine.readable, mine.have_fencing) != (its.readable, its.have_fencing):
            return False
        if not _same_children(mine.configuration, its.configuration, but=_RESOURCES):
            return False
        if not _all_same(mine.general, its.general) or not _all_same(mine.patterns, its.patterns):
            return False
    old_status, new_status = old.cib.child("status"), new.cib.child("status")
    assert old_status is not None
    assert new_status is not None
    return list(old.conditions) == list(new.conditions) and _same_children(
        old_status, new_status, but=("node_state",)
    )


def _frame(cib: Element) -> dict[str, str]:
    return {name: value for name, value in cib.attributes.items() if name not in _VERSION}


def _all_same(one: Sequence[Element], other: Sequence[Element]) -> bool:
    return len(one) == len(other) and all(a is b or a == b for a, b in zip(one, other, strict=True))


def _same_children(one: Element, other: Element, *, but: tuple[str, ...]) -> bool:
    return _all_same(
        [child for child in one.each() if child.tag not in but],
        [child for child in other.each() if child.tag not in but],
    )


def _stale_by_attributes(old: View, new: View) -> dict[str, None] | None:
    found: dict[str, None] = {}
    for name, attributes in new.attributes.items():
        before = old.attributes[name]
        if attributes == before:
            continue
        for attribute in {**before, **attributes}:
            if before.get(attribute) == attributes.get(attribute):
                continue
            if attribute in new.layout.readable:
                return None
            if attribute in _JUDGED:
                continue
            about = _resource_of(attribute)
            component = new.layout.component_of(about) if about is not None else None
            if component is None:
                return None
            found[component] = None
    return found


def _resource_of(attribute: str) -> str | None:
    """Return the resource that a transient attribute is about."""
    if attribute.startswith("master-"):
        return attribute.removeprefix("master-")
    return resource_of_failure(attribute)


def _can_do_without(known: Record, lost: str, new: View) -> bool:
    component = known.component
    assert component is not None
    if component.has_clone or not known.is_at_rest or lost in known.nodes:
        return False
    if known.outlived not in (None, lost):
        return False
    unclean = new.conditions[lost][1]
    if not unclean:
        return True
    # What may be on a node that is fenced has to wait for it; it is known not to be there.
    state = next((s for s, n in zip(new.states, new.names, strict=True) if n == lost), None)
    return state is not None and all(id_ in state.histories for id_ in component.primitives)


def _stale_by_histories(
    old: View, new: View, records: Mapping[str, Record], readings: Readings
) -> dict[str, None]:
    found: dict[str, None] = {}
    for before, after, node in zip(old.states, new.states, new.names, strict=True):
        if before is after:
            continue
        offline = not new.conditions[node][0]
        for id_ in {**before.histories, **after.histories}:
            one, other = before.histories.get(id_), after.histories.get(id_)
            if one is other:
                continue
            name = new.layout.component_of(id_)
            if name is None:
                continue  # its resource is gone from the configuration, and its history too
            known = records.get(name)
            if (
                offline
                and known is not None
                and _can_do_without(known, node, new)
                and all(each is None or readings.of(each).gist.is_absent for each in (one, other))
            ):
                continue
            found[name] = None
    return found
