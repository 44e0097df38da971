"""Results on their way to the CIB: in order, batched, failures counted in the same change.

Invariant: one batch is under way at a time, each built on a view that contains the one before; none
goes between a join's inventory and the DC's write of it, which would overwrite it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from msgspec.structs import replace

from cib_store.document.element import Element
from crmd.fsa.cib import (
    attributes_with,
    lrm_resources,
    merge_status,
    node_state,
    put_at,
    remove_at,
    resource_path,
    state_with,
    transient,
)
from crmd.fsa.effects import ConfirmResults
from crmd.fsa.events import Timer
from crmd.fsa.executor import AgentTraits
from crmd.fsa.failures import failure_attributes
from crmd.fsa.history import with_pending, with_result, without_failure, without_operation
from crmd.fsa.membership import is_joined, traits_of
from crmd.fsa.options import flag
from crmd.fsa.purpose import StoringResults
from crmd.fsa.state import Queued, QueuedPending, QueuedRemoval, QueuedResult
from crmd.fsa.turn import Turn
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.commands import CibChange, CibOperation, Precondition
from raftmaker.vocabulary.ids import NodeName

BATCH_MAX = 200
"""Results in one change; what is left follows in the next."""


def advance_results(turn: Turn) -> None:
    """Commit what has gathered, when it may be committed."""
    member = turn.member
    if not member.queue or member.batch or member.flush_at_ms is None:
        return
    if not (turn.is_fresh and turn.in_session and turn.isolation is None and is_joined(turn)):
        return
    if turn.view.index < member.batch_index or not turn.is_due(member.flush_at_ms, Timer.BATCH):
        return
    batch = _ready(turn)
    if not batch:
        return
    change = change_of(turn.view.cib, turn.node, batch, _traits(turn, batch))
    serial = max((one.result.serial for one in batch if isinstance(one, QueuedResult)), default=0)
    if not change.operations:
        # A change of nothing is no step of the watch: waiting to see it would never end.
        on_stored(turn, len(batch), serial, member.batch_index)
        return
    turn.member = replace(member, batch=len(batch))
    turn.record(change, StoringResults(len(batch), serial))


def _ready(turn: Turn) -> tuple[Queued, ...]:
    """The head of the queue, up to the first result whose agent's metadata is awaited."""
    ready: list[Queued] = []
    for entry in turn.member.queue[:BATCH_MAX]:
        if isinstance(entry, QueuedResult) and traits_of(turn, entry.result.request) is None:
            break
        ready.append(entry)
    return tuple(ready)


def _traits(turn: Turn, batch: tuple[Queued, ...]) -> dict[int, AgentTraits]:
    found: dict[int, AgentTraits] = {}
    for entry in batch:
        if isinstance(entry, QueuedResult):
            traits = traits_of(turn, entry.result.request)
            assert traits is not None
            found[entry.result.serial] = traits
    return found


def on_stored(turn: Turn, count: int, serial: int, index: int) -> None:
    """A batch is committed: the executor need not keep its results."""
    member = turn.member
    rest = member.queue[count:]
    turn.member = replace(
        member,
        queue=rest,
        batch=0,
        batch_index=index,
        stored_serial=max(member.stored_serial, serial),
        flush_at_ms=turn.at_ms if rest else None,
    )
    if serial:
        turn.emit(ConfirmResults(serial))


def on_not_stored(turn: Turn) -> None:
    """A batch was refused or its fate is unknown: the same is tried again, a little later."""
    retry_at_ms = turn.at_ms + turn.config.retry_ms
    turn.member = replace(turn.member, batch=0, flush_at_ms=retry_at_ms)


def change_of(
    cib: Element | None,
    node: NodeName,
    batch: tuple[Queued, ...],
    traits: Mapping[int, AgentTraits],
) -> CibChange:
    """Return the change that puts a batch into the CIB.

    It relies on each history that it replaces being as it was seen: a change that was believed lost
    and comes late must not put an old history in the place of a newer one.
    """
    state = node_state(cib, node)
    before = {resource.id: resource for resource in lrm_resources(state)}
    after: dict[str, Element | None] = {}
    operations: list[CibOperation] = []
    start_is_fatal = flag(cib, "start-failure-is-fatal")
    for entry in batch:
        match entry:
            case QueuedResult(result=result, is_known=is_known):
                name = str(result.request.resource)
                history = after.get(name, before.get(name))
                values = failure_attributes(result, start_is_fatal=start_is_fatal)
                if values and not is_counted(state, history, entry, values):
                    counted = state_with(node, {}, attributes_with(node, values))
                    operations.append(merge_status(counted, score=True))
                if not is_known and result.outcome.status is not OpStatus.CANCELLED:
                    after[name] = with_result(history, result, node, traits[result.serial])
            case QueuedPending(is_known=True) | QueuedRemoval(is_known=True):
                pass
            case QueuedPending(request=request):
                name = str(request.resource)
                after[name] = with_pending(after.get(name, before.get(name)), request, node)
            case QueuedRemoval(resource=resource):
                name = str(resource)
                after[name] = _without(after.get(name, before.get(name)), entry)
            case _:
                assert_never(entry)
    return CibChange(
        operations=(*_history_operations(node, before, after), *operations),
        preconditions=tuple(
            Precondition(
                path=resource_path(node, name),
                digest=before[name].digest if name in before else b"",
            )
            for name in after
        ),
        status=True,
    )


def _without(history: Element | None, removal: QueuedRemoval) -> Element | None:
    if history is None:
        return None
    if removal.failure is not None:
        return without_failure(history, removal.failure)
    if removal.operation:
        return without_operation(history, removal.operation, removal.interval_ms)
    return None


def is_counted(
    state: Element | None,
    history: Element | None,
    entry: QueuedResult,
    values: Mapping[str, str],
) -> bool:
    """Tell whether this very failure was counted before: results may be sent twice.

    What a join told is in the history anyway; then the time of the last failure tells.
    """
    if entry.is_known:
        times = {name: at for name, at in values.items() if name.startswith("last-failure-")}
        return all(transient(state, name) == at for name, at in times.items())
    result = entry.result
    wanted = {
        "call-id": str(result.call_id),
        "transition-key": result.request.transition_key,
        "last-rc-change": str(result.last_change_us // 1_000_000),
        "rc-code": str(int(result.outcome.code)),
    }
    ops = history.children if history is not None else ()
    return any(wanted.items() <= op.attributes.items() for op in ops)


def _history_operations(
    node: NodeName, before: Mapping[str, Element], after: Mapping[str, Element | None]
) -> tuple[CibOperation, ...]:
    operations: list[CibOperation] = []
    new = tuple(
        Element("lrm_resource", {"id": name})
        for name, history in after.items()
        if history is not None and name not in before
    )
    if new:
        lrm = Element("lrm", {"id": node}, (Element("lrm_resources", {}, new),))
        operations.append(merge_status(state_with(node, {}, lrm)))
    for name, history in after.items():
        path = resource_path(node, name)
        if history is None:
            operations.append(remove_at(path))
        elif before.get(name) != history:
            operations.append(put_at(path, history))
    return tuple(operations)
