"""Forgetting on request: failures or whole histories of resources, so that they are probed again.

The member forgets in its executor first and then removes the history from the CIB itself, in order
with its results; the DC clears the failcounts (features 8.23).
"""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.document.element import Element
from crmd.fsa import events
from crmd.fsa.cib import (
    attribute_removals,
    lrm_resources,
    node_state,
    transient_pairs,
)
from crmd.fsa.effects import Cleaned, SendForget
from crmd.fsa.failures import concerns, is_failure_attribute
from crmd.fsa.forgetting import send_forget
from crmd.fsa.history import is_failure
from crmd.fsa.joins import joiner_of
from crmd.fsa.purpose import ForCleanup
from crmd.fsa.state import Cleanup
from crmd.fsa.turn import Turn, with_item, without
from crmd.remote.nodes import is_remote, router_of
from raftmaker.vocabulary.codes import ExitCode, OpStatus
from raftmaker.vocabulary.commands import CibOperation
from raftmaker.vocabulary.ids import NodeName


def on_cleanup_requested(turn: Turn, event: events.CleanupRequested) -> None:
    """Forget what is asked for; the answer comes when everything has been tried."""
    dc = turn.dc
    assert dc is not None
    names = _names(turn.view.cib, event.resource)
    if event.resource and not names:
        turn.refuse(event.call, ExitCode.NOSUCH, f"there is no resource {event.resource!r}")
        return
    nodes = [facts.node for facts in turn.view.facts.nodes]
    if event.node and event.node not in nodes:
        known = ", ".join(nodes)
        turn.refuse(event.call, ExitCode.NOSUCH, f"no node {event.node!r}; known: {known}")
        return
    number = turn.number()
    cleanup = Cleanup(call=event.call, waiting=0, lines=())
    turn.dc = replace(dc, cleanups=with_item(dc.cleanups, number, cleanup))
    removals: list[CibOperation] = []
    for node in nodes:
        if event.node in ("", node):
            removals.extend(_clean_node(turn, node, names, event, number))
    if removals:
        _wait_for(turn, number)
        turn.write(tuple(removals), ForCleanup(number), dc.token)
    _answer_if_over(turn, number)


def _names(cib: Element | None, resource: str) -> frozenset[str]:
    """Names under which the primitives at or below a resource may be in the history."""
    configuration = cib.child("configuration") if cib is not None else None
    resources = configuration.child("resources") if configuration is not None else None
    if resources is None:
        return frozenset()
    base, _, instance = resource.partition(":")
    for element in resources.walk():
        if element.id in (resource, base) and element.tag in (
            "primitive", "group", "clone", "master", "bundle",
        ):  # fmt: skip
            below = {one.id for one in element.walk() if one.tag == "primitive"}
            return frozenset(f"{one}:{instance}" if instance else one for one in below)
    return _removed_names(cib, resource)


def _removed_names(cib: Element | None, resource: str) -> frozenset[str]:
    status = cib.child("status") if cib is not None else None
    states = tuple(status.each("node_state")) if status is not None else ()
    known = {one.id for state in states for one in lrm_resources(state)}
    return frozenset({resource} & known)


def _is_meant(name: str, names: frozenset[str], event: events.CleanupRequested) -> bool:
    return not event.resource or name in names or name.partition(":")[0] in names


def _clean_node(
    turn: Turn,
    node: NodeName,
    names: frozenset[str],
    event: events.CleanupRequested,
    number: int,
) -> tuple[CibOperation, ...]:
    state = node_state(turn.view.cib, node)
    histories = {one.id: one for one in lrm_resources(state) if _is_meant(one.id, names, event)}
    counted = {
        pair.get("name")
        for pair in transient_pairs(state)
        if is_failure_attribute(pair.get("name"))
    }
    remote = node if is_remote(turn.view.cib, node) else NodeName("")
    member = router_of(turn.view.cib, node) if remote else node
    removals: list[CibOperation] = []
    for name in sorted({*histories, *names, *_counted_resources(counted)}):
        if not _is_meant(name, names, event):
            continue
        about = {one for one in counted if concerns(one, name, event.operation, event.interval_ms)}
        removed = attribute_removals(state, frozenset(about)) if state is not None else ()
        history = histories.get(name)
        if history is None or not (event.refresh or about or _has_failed(history, event)):
            removals.extend(removed)
            continue
        if member is None or joiner_of(turn, member) is None:
            # Its executor forgets the failure when it joins: the CIB does not count it any more.
            removals.extend(removed)
            _note(turn, number, f"{name} on {node}: the node takes no orders; history kept")
            continue
        _wait_for(turn, number)
        send_forget(
            turn,
            member,
            name,
            remote=remote,
            operation="" if event.refresh else event.operation,
            interval_ms=event.interval_ms,
            cleanup=number,
            then=removed,
        )
    return tuple(removals)


def _counted_resources(names: set[str]) -> set[str]:
    return {
        name.removeprefix("fail-count-").removeprefix("last-failure-").partition("#")[0]
        for name in names
    }


def _has_failed(history: Element, event: events.CleanupRequested) -> bool:
    for op in history.each("lrm_rsc_op"):
        if event.operation and (op.get("operation"), op.get("interval")) != (
            event.operation,
            str(event.interval_ms),
        ):
            continue
        if op_failed(op):
            return True
    return False


def op_failed(op: Element) -> bool:
    """Tell whether an entry of the history is a failure."""
    try:
        status, code = OpStatus(int(op.get("op-status", "0"))), int(op.get("rc-code", "0"))
        expected = int(op.get("transition-key").split(":")[2])
    except (ValueError, IndexError):
        return False
    if op.get("operation") == "monitor" and op.get("interval") == "0" and code in (0, 7, 8):
        return False  # a probe that found out what it was to find out
    return is_failure(status, code, expected)


def failure_removals(turn: Turn, node: NodeName, resource: str) -> tuple[CibOperation, ...]:
    """Return the operations that clear a resource's failures on a node (features 8.23)."""
    state = node_state(turn.view.cib, node)
    names = frozenset(
        pair.get("name") for pair in transient_pairs(state) if concerns(pair.get("name"), resource)
    )
    return attribute_removals(state, names) if state is not None else ()


def on_forgotten(
    turn: Turn, number: int, effect: SendForget, reason: str, then: tuple[CibOperation, ...]
) -> None:
    """A member has forgotten, or (with a reason) could not be made to: its failcounts stay then."""
    end = reason or "cleaned up"
    _note(turn, number, f"{effect.resource} on {effect.remote or effect.node}: {end}")
    if then and not reason and turn.dc is not None:
        turn.write(then, ForCleanup(number), turn.dc.token)
    else:
        _done(turn, number)


def on_cleared(turn: Turn, number: int, code: ExitCode | None) -> None:
    """The failcounts are cleared, or are not known to be."""
    if code is not ExitCode.OK:
        why = code.name if code is not None else "no answer in time"
        _note(turn, number, f"failcounts: not cleared ({why})")
    _done(turn, number)


def _wait_for(turn: Turn, number: int) -> None:
    _change(turn, number, 1, ())


def _note(turn: Turn, number: int, line: str) -> None:
    _change(turn, number, 0, (line,))


def _done(turn: Turn, number: int) -> None:
    _change(turn, number, -1, ())
    _answer_if_over(turn, number)


def _change(turn: Turn, number: int, waiting: int, lines: tuple[str, ...]) -> None:
    dc = turn.dc
    cleanup = dc.cleanups.get(number) if dc is not None else None
    if dc is None or cleanup is None:
        return
    changed = replace(cleanup, waiting=cleanup.waiting + waiting, lines=(*cleanup.lines, *lines))
    turn.dc = replace(dc, cleanups=with_item(dc.cleanups, number, changed))


def _answer_if_over(turn: Turn, number: int) -> None:
    dc = turn.dc
    cleanup = dc.cleanups.get(number) if dc is not None else None
    if dc is None or cleanup is None or cleanup.waiting:
        return
    turn.dc = replace(dc, cleanups=without(dc.cleanups, number))
    turn.emit(Cleaned(call=cleanup.call, lines=cleanup.lines))
