"""Transient attributes: written into the CIB at once, held back for a while, or private.

Only what is not in the CIB is held here: the delay of an attribute, its values that wait, and the
values of private ones. Sums are added where all writers' changes meet, so that none is lost
(features 15.6-15.9, 24.15, 24.16).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from cib_store.document.element import Element
from cib_store.document.held import AttributeValue, Held, HeldAttribute
from cib_store.document.refusal import Refusal, refused
from cib_store.document.transient import Shelf, node_states, pairs, value_of, with_value
from cib_store.model.scores import add_scores, parse_score, score_text
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import AttributeChange, Sum, WriteAttributes
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import Facts, FencePhase, Presence

NAME_MAX = 1024
VALUE_MAX = 64 * 1024
DELAY_MAX_MS = 24 * 3600 * 1000


class Attributes(Struct, frozen=True):
    """The CIB and what is held beside it."""

    cib: Element
    held: Held


def updated(
    now: Attributes, changes: tuple[AttributeChange, ...], index: int
) -> Attributes | Refusal:
    """Carry out all changes, or none of them."""
    for change in changes:
        wrong = _reason_against(now, change)
        if wrong is not None:
            return wrong
        now = _updated(now, change, index)
    return now


def _reason_against(now: Attributes, change: AttributeChange) -> Refusal | None:
    where = f"{change.node or 'delay'}/{change.name[:80]}"
    if not change.name or len(change.name) > NAME_MAX:
        return refused(
            ExitCode.INVALID_PARAM,
            "bad-attribute-name",
            where,
            "an attribute's name must not be empty or longer than 1024 characters",
            "choose another name",
        )
    if isinstance(change.value, str) and len(change.value) > VALUE_MAX:
        return refused(
            ExitCode.INVALID_PARAM,
            "attribute-too-long",
            where,
            f"the value is longer than {VALUE_MAX} characters",
            "keep large data outside the cluster's attributes",
        )
    if change.delay_ms is not None and change.delay_ms > DELAY_MAX_MS:
        return refused(
            ExitCode.INVALID_PARAM,
            "bad-delay",
            where,
            "the delay is longer than a day",
            "shorten it",
        )
    there = now.held.get(change.name)
    if there is None and not change.node:
        return refused(
            ExitCode.NOSUCH,
            "no-such-attribute",
            where,
            "there is no attribute of that name with a delay",
            "set value and delay together: attrd_updater -n NAME -B VALUE -d DELAY",
        )
    return None


def _updated(now: Attributes, change: AttributeChange, index: int) -> Attributes:
    there = now.held.get(change.name)
    delay_ms = change.delay_ms or 0
    if there is not None and not change.new_delay:
        delay_ms = there.delay_ms
    shelf = Shelf(utilization=change.utilization, set_name=change.set_name)
    if there is None:
        held = HeldAttribute(delay_ms=delay_ms, private=change.private, shelf=shelf)
    else:
        held = replace(there, delay_ms=delay_ms)
    if change.node:
        held = _with_change(now.cib, change.name, held, change, index)
    if not held.private and held.delay_ms == 0:
        return _written(now, change.name, held)
    return Attributes(now.cib, {**now.held, change.name: held})


def _with_change(
    cib: Element, name: str, held: HeldAttribute, change: AttributeChange, index: int
) -> HeldAttribute:
    present = held.values.get(change.node)
    if change.node not in held.values and not held.private:
        present = value_of(cib, change.node, name, held.shelf)
    value = change.value
    if isinstance(value, Sum):
        value = score_text(add_scores(parse_score(present), value.summand))
    if value == present:
        return held
    values = {**held.values, change.node: value}
    if held.private:
        values = {node: one for node, one in values.items() if one is not None}
        return replace(held, values=values)
    return replace(held, values=values, changed=index)


def written(now: Attributes, body: WriteAttributes) -> Attributes:
    """Write what waits into the CIB; a stale order writes nothing."""
    for name in sorted(now.held) if not body.name else [body.name]:
        held = now.held.get(name)
        if held is not None and not held.private and body.changed in (0, held.changed):
            now = _written(now, name, held)
    return now


def _written(now: Attributes, name: str, held: HeldAttribute) -> Attributes:
    cib = now.cib
    for node in sorted(held.values):
        if value_of(cib, node, name, held.shelf) != held.values[node]:
            cib = with_value(cib, node, name, held.values[node], held.shelf)
    rest = {other: one for other, one in now.held.items() if other != name}
    if held.delay_ms:
        rest[name] = replace(held, values={}, changed=0)
    return Attributes(cib, rest)


def forgotten(held: Held, node: NodeName) -> Held:
    """Return what is held without anything of the node."""
    if not any(node in one.values for one in held.values()):
        return held
    return {
        name: replace(one, values={of: value for of, value in one.values.items() if of != node})
        for name, one in held.items()
    }


def without_ended(held: Held, before: Facts, after: Facts) -> Held:
    """Return what is held without the nodes whose boot ended with this fact."""
    if not held or before.nodes == after.nodes:
        return held
    for there in after.nodes:
        earlier = before.of(there.node)
        if earlier is None or earlier == there:
            continue
        left = there.presence is Presence.LEFT and earlier.presence is not Presence.LEFT
        fenced = there.fencing is FencePhase.CONFIRMED and earlier.fencing is not there.fencing
        if left or fenced or there.boot_id != earlier.boot_id:
            held = forgotten(held, there.node)
    return held


def values(now: Attributes) -> Iterator[AttributeValue]:
    """Yield every value as a reader sees it, those that wait in the place of the CIB's."""
    waiting = {
        (name, node) for name, held in now.held.items() if not held.private for node in held.values
    }
    for _, state in node_states(now.cib):
        node = state.get("uname") or state.id
        for one, pair in pairs(state):
            name = pair.get("name")
            if (name, node) not in waiting:
                yield AttributeValue(
                    name=name,
                    node=node,
                    value=pair.get("value"),
                    utilization=one.tag == "utilization",
                )
    for name, held in now.held.items():
        for at, value in held.values.items():
            if value is not None:
                yield AttributeValue(
                    name=name,
                    node=at,
                    value=value,
                    private=held.private,
                    waits=not held.private,
                    utilization=held.shelf.utilization,
                )
