"""The operation history in the CIB: results and pending operations as `lrm_rsc_op` elements.

Ids and attributes are Pacemaker's (features 3.14-3.20), as agents, tools and scheduler read them.
"""

from __future__ import annotations

from collections.abc import Iterable

from cib_store.document.element import Element
from cib_store.model.values import parse_integer
from crmd.fsa.executor import AgentTraits
from crmd.scheduler.parameter_digest import digest_of
from lrmd.operations.values import FailureId, OperationRequest, Result, Standard
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.feature_set import FEATURE_SET
from raftmaker.vocabulary.ids import NodeName

ORIGIN = "raftmaker-crmd"
PENDING_CALL = -1
_UNDIGESTED = frozenset(("crm_feature_set", "op-digest", "on_node", "on_node_uuid", "id"))
_NEEDS_TRAITS = frozenset(
    ("start", "monitor", "promote", "demote", "reload-agent", "migrate_to", "migrate_from")
)
_PRIVATE_BY_DEFAULT = ("passwd", "password", "user")
_FAILED = frozenset(
    (
        OpStatus.TIMEOUT,
        OpStatus.NOT_SUPPORTED,
        OpStatus.ERROR,
        OpStatus.ERROR_HARD,
        OpStatus.ERROR_FATAL,
        OpStatus.NOT_INSTALLED,
        OpStatus.NOT_CONNECTED,
        OpStatus.INVALID,
        OpStatus.NO_FENCE_DEVICE,
        OpStatus.NO_SECRETS,
    )
)
_UNDEGRADED = {OcfCode.DEGRADED: OcfCode.OK, OcfCode.DEGRADED_PROMOTED: OcfCode.PROMOTED}


def needs_traits(request: OperationRequest) -> bool:
    """Tell whether the history of this operation depends on the agent's metadata."""
    return request.agent.standard is Standard.OCF and request.operation in _NEEDS_TRAITS


def is_failure(status: OpStatus, code: int, expected: int) -> bool:
    """Tell whether a result is another than planned (features 3.18, 5.39)."""
    if status in (OpStatus.CANCELLED, OpStatus.PENDING):
        return False
    if status in _FAILED:
        return True
    return _undegraded(code) != expected


def _undegraded(code: int) -> int:
    try:
        return _UNDEGRADED.get(OcfCode(code), OcfCode(code))
    except ValueError:
        return code


def resource_element(request: OperationRequest, ops: tuple[Element, ...] = ()) -> Element:
    """Return the history of a resource: what it is, and its operations (features 3.14)."""
    attributes = {"id": str(request.resource), "class": request.agent.standard.value}
    if request.agent.provider:
        attributes["provider"] = request.agent.provider
    attributes["type"] = request.agent.type
    if request.meta.get("container"):
        # What starts it: a guest node's machine, a bundle's container. Enough to stop both.
        attributes["container"] = request.meta["container"]
    return Element("lrm_resource", attributes, ops)


def with_result(
    history: Element | None, result: Result, node: NodeName, traits: AgentTraits
) -> Element:
    """Return a resource's history after a result; `history` None: there was none."""
    request = result.request
    named = resource_element(request)
    ops = history.children if history is not None else ()
    if result.outcome.status is OpStatus.CANCELLED:
        return named.with_children(ops)
    own, failed = _own_id(request), last_failure_id(request.resource)
    code, expected = int(result.outcome.code), int(request.expected_code)
    if result.cleared or not is_failure(result.outcome.status, code, expected):
        return named.with_children(_put(ops, result_element(own, result, node, traits)))
    ops = _put(ops, result_element(failed, result, node, traits))
    if request.is_recurring:
        # Only the failure is kept of it; what was shown as pending is over.
        pending = {op.id for op in ops if op.id == own and op.get("op-status") == "-1"}
        return named.with_children(tuple(op for op in ops if op.id not in pending))
    return named.with_children(_put(ops, result_element(own, result, node, traits)))


def with_pending(history: Element | None, request: OperationRequest, node: NodeName) -> Element:
    """Return a resource's history with an operation that runs now (features 8.11)."""
    named = resource_element(request)
    ops = history.children if history is not None else ()
    own = _own_id(request)
    if request.is_recurring and any(op.id == own for op in ops):
        return named.with_children(ops)
    return named.with_children(_put(ops, pending_element(request, node)))


def without_operation(history: Element, operation: str, interval_ms: int) -> Element:
    """Return a resource's history without one operation, its failure included."""
    key = f"{history.id}_{operation}_{interval_ms}"
    return history.with_children(
        tuple(op for op in history.children if op.get("operation_key") != key)
    )


def failure_of(history: Element) -> FailureId | None:
    """Return the failure that a resource's history has, if any."""
    for op in history.children:
        if op.id == last_failure_id(history.id):
            call_id = parse_integer(op.get("call-id")) or 0
            return FailureId(call_id, parse_integer(op.get("last-rc-change")) or 0)
    return None


def last_failure_id(resource: str) -> str:
    """Return the id of the entry that has a resource's last failure (features 3.17)."""
    return f"{resource}_last_failure_0"


def without_failure(history: Element, failure: FailureId) -> Element:
    """Return a resource's history without its last failure, if it is this one."""
    if failure_of(history) != failure:
        return history
    gone = last_failure_id(history.id)
    return history.with_children(tuple(op for op in history.children if op.id != gone))


def lrm_of(
    node: NodeName,
    results: Iterable[Result],
    pending: Iterable[OperationRequest],
) -> Element:
    """Return a node's whole history from what its executor knows, resources sorted by id."""
    histories: dict[str, Element] = {}
    for result in sorted(results, key=lambda one: one.serial):
        name = str(result.request.resource)
        histories[name] = with_result(histories.get(name), result, node, AgentTraits())
    for request in pending:
        name = str(request.resource)
        histories[name] = with_pending(histories.get(name), request, node)
    resources = tuple(histories[name] for name in sorted(histories))
    return Element("lrm", {"id": node}, (Element("lrm_resources", {}, resources),))


def _put(ops: tuple[Element, ...], new: Element) -> tuple[Element, ...]:
    return (*(op for op in ops if op.id != new.id), new)


def _own_id(request: OperationRequest) -> str:
    if request.is_recurring or request.operation in ("migrate_to", "migrate_from", "notify"):
        return key_of(request)
    return f"{request.resource}_last_0"


def key_of(request: OperationRequest) -> str:
    """Return the operation's key (features 3.16)."""
    return f"{request.resource}_{request.operation}_{request.interval_ms}"


def pending_element(request: OperationRequest, node: NodeName) -> Element:
    """Return the entry of an operation that has begun and not ended."""
    return _element(
        _own_id(request), request, node, call_id=PENDING_CALL, code=OcfCode.UNKNOWN,
        status=OpStatus.PENDING,
    )  # fmt: skip


def result_element(entry_id: str, result: Result, node: NodeName, traits: AgentTraits) -> Element:
    """Return the entry of a result (features 3.16-3.20)."""
    status, code = result.outcome.status, int(result.outcome.code)
    if result.request.operation == "notify":
        # A notification must not fail (features section 10).
        status, code = OpStatus.DONE, int(OcfCode.OK)
    attributes = {
        "exit-reason": result.outcome.exit_reason,
        "last-rc-change": str(result.last_change_us // 1_000_000),
        "exec-time": str(result.exec_ms),
        "queue-time": str(result.queue_ms),
    }
    entry = _element(
        entry_id, result.request, node, call_id=result.call_id, code=code, status=status
    )
    return entry.with_attributes({**attributes, **_digests(result.request, traits)})


def _element(
    entry_id: str,
    request: OperationRequest,
    node: NodeName,
    *,
    call_id: int,
    code: int,
    status: OpStatus,
) -> Element:
    attributes = {
        "id": entry_id,
        "operation_key": key_of(request),
        "operation": request.operation,
        "crm-debug-origin": ORIGIN,
        "crm_feature_set": FEATURE_SET,
        "transition-key": request.transition_key,
        "transition-magic": f"{int(status)}:{int(code)};{request.transition_key}",
        "exit-reason": "",
        "on_node": node,
        "call-id": str(call_id),
        "rc-code": str(int(code)),
        "op-status": str(int(status)),
        "interval": str(request.interval_ms),
        "op-digest": digest_of(digested(request)),
    }
    for name in ("migrate_source", "migrate_target"):
        if name in request.meta:
            attributes[name] = request.meta[name]
    return Element("lrm_rsc_op", attributes)


def digested(request: OperationRequest) -> dict[str, str]:
    """Return the parameters that count for the digest (features 3.19)."""
    kept = {
        name: value
        for name, value in request.parameters.items()
        if name not in _UNDIGESTED and not name.startswith("CRM_meta_")
    }
    if request.is_recurring and "timeout" in request.meta:
        kept["CRM_meta_timeout"] = request.meta["timeout"]
    return kept


def _digests(request: OperationRequest, traits: AgentTraits) -> dict[str, str]:
    if not needs_traits(request) or not traits.parameters:
        return {}
    parameters = digested(request)
    found: dict[str, str] = {}
    if traits.reloads and not request.is_recurring:
        forced = [name for name in traits.parameters if name not in traits.reloadable]
        kept = {name: parameters[name] for name in forced if name in parameters}
        found["op-force-restart"] = _words(forced)
        found["op-restart-digest"] = digest_of(kept)
    private = traits.private or tuple(
        name for name in traits.parameters if name in _PRIVATE_BY_DEFAULT
    )
    if private:
        shown = {name: value for name, value in parameters.items() if name not in private}
        found["op-secure-params"] = _words(private)
        found["op-secure-digest"] = digest_of(shown)
    return found


def _words(names: Iterable[str]) -> str:
    return "".join(f" {name} " for name in sorted(names))
