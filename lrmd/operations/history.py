"""What is remembered of results, as Pacemaker's status section does (features 8, lrm_rsc_op)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from lrmd.operations.state import ResourceHistory
from lrmd.operations.values import FailureId, OperationRequest, Result
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import ResourceId

History = Mapping[ResourceId, ResourceHistory]

KEEPS_RECURRING = frozenset({"monitor", "notify"})
"""One-shot operations that do not change what a resource is, so its monitors stay valid."""
_UNRECORDED = frozenset({"notify", "meta-data", "validate-all"})


def ends_recurring(request: OperationRequest) -> bool:
    """Tell whether recurring operations of the resource end when this one is asked for."""
    return not request.is_recurring and request.operation not in KEEPS_RECURRING | _UNRECORDED


def with_result(history: History, result: Result) -> History:
    """Return the history with a result; notifications and cancelled operations leave no trace."""
    request = result.request
    if result.outcome.status is OpStatus.CANCELLED or request.operation in _UNRECORDED:
        return history
    old = history.get(request.resource, ResourceHistory())
    new = replace(old, failure=result) if result.is_failure else old
    if request.is_recurring:
        others = [other for other in old.recurring if not _same_key(other.request, request)]
        ordered = sorted([*others, result], key=_key)
        new = replace(new, recurring=tuple(ordered))
    else:
        kept = () if ends_recurring(request) else old.recurring
        new = replace(new, last=result, recurring=kept)
    return {**history, request.resource: new}


def without_recurring(history: History, request: OperationRequest) -> History:
    """Return the history without the recurring operation of that name and interval."""
    old = history.get(request.resource)
    if old is None:
        return history
    kept = tuple(other for other in old.recurring if not _same_key(other.request, request))
    return _with(history, request.resource, replace(old, recurring=kept))


def without_operation(
    history: History, resource: ResourceId, operation: str, interval_ms: int
) -> History:
    """Return the history without any trace of one operation."""
    old = history.get(resource)
    if old is None:
        return history

    def keep(result: Result | None) -> Result | None:
        if result is None:
            return None
        same = (result.request.operation, result.request.interval_ms) == (operation, interval_ms)
        return None if same else result

    new = ResourceHistory(
        last=keep(old.last),
        failure=keep(old.failure),
        recurring=tuple(result for result in old.recurring if keep(result) is not None),
    )
    return _with(history, resource, new)


def without_failure(history: History, resource: ResourceId, failure: FailureId) -> History:
    """Return the history without the resource's newest failure, if it is this one.

    What was done last stays, as cleared where it failed; no older failure takes the place.
    """
    old = history.get(resource)
    newest = old.newest_failure if old is not None else None
    if old is None or newest is None or newest.failure_id != failure:
        return history
    last = old.last
    if last is not None and last.is_failure:
        last = replace(last, cleared=True)
    kept = tuple(result for result in old.recurring if not result.is_failure)
    return _with(history, resource, ResourceHistory(last=last, recurring=kept))


def without_resource(history: History, resource: ResourceId) -> History:
    """Return the history without the resource."""
    return {name: entry for name, entry in history.items() if name != resource}


def _with(history: History, resource: ResourceId, entry: ResourceHistory) -> History:
    if entry == history[resource]:
        return history
    if not entry.results:
        return without_resource(history, resource)
    return {**history, resource: entry}


def _key(result: Result) -> tuple[str, int]:
    return result.request.operation, result.request.interval_ms


def _same_key(one: OperationRequest, other: OperationRequest) -> bool:
    return (one.operation, one.interval_ms) == (other.operation, other.interval_ms)
