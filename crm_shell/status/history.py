"""The failures in a node's operation history (features 3.14-3.18)."""

from __future__ import annotations

from collections.abc import Sequence

from cib_store.document.element import Element
from crm_shell.status.model import FailedAction
from raftmaker.vocabulary.codes import OcfCode, OpStatus

_CODE_TEXT = {
    0: "ok", 1: "error", 2: "invalid parameter", 3: "unimplemented feature",
    4: "insufficient privileges", 5: "not installed", 6: "not configured", 7: "not running",
    8: "promoted", 9: "promoted (failed)", 190: "degraded", 191: "promoted (degraded)",
    189: "remote-unknown", 193: "unknown",
}  # fmt: skip
_STATUS_TEXT = {
    -1: "pending", 0: "complete", 1: "Cancelled", 2: "Timed Out", 3: "NOT SUPPORTED", 4: "Error",
    5: "Hard error", 6: "Fatal error", 7: "Not installed", 8: "Internal communication failure",
    9: "Cannot execute now", 10: "No fence device", 11: "CIB secrets unavailable",
}  # fmt: skip


def lrm_resources(state: Element) -> list[Element]:
    """Return the resource histories of a node."""
    lrm = state.child("lrm")
    holder = lrm.child("lrm_resources") if lrm else None
    return list(holder.each("lrm_resource")) if holder else []


def expected_code(operation: Element) -> int:
    """Return the exit code that the plan expected; 0 where it is not recorded."""
    parts = operation.get("transition-key").split(":")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0


def number(element: Element, name: str, default: int = 0) -> int:
    """Return an attribute as a number."""
    try:
        return int(element.get(name))
    except ValueError:
        return default


def ordered(operations: Sequence[Element]) -> list[Element]:
    """Return operations as they happened: by call id, what is still pending last."""
    return sorted(
        operations,
        key=lambda each: (number(each, "call-id") < 0, number(each, "call-id")),
    )


def failures(node: str, history: Element) -> list[FailedAction]:
    """Return the failed operations in one resource's history."""
    found: list[FailedAction] = []
    for operation in ordered(list(history.each("lrm_rsc_op"))):
        code, status = number(operation, "rc-code", 193), number(operation, "op-status")
        if status in (OpStatus.PENDING, OpStatus.CANCELLED):
            continue
        if _is_fine(operation, code, status):
            continue
        found.append(_failed(node, history.id, operation, code, status))
    return found


def _is_fine(operation: Element, code: int, status: int) -> bool:
    if status != OpStatus.DONE:
        return False
    probe = operation.get("operation") == "monitor" and operation.get("interval") == "0"
    # A probe that finds it running, or not installed, is news and not a failure.
    harmless = (0, 7, 8, 190, 191, OcfCode.NOT_INSTALLED) if probe else (190, 191)
    return code == expected_code(operation) or code in harmless


def _failed(node: str, resource: str, operation: Element, code: int, status: int) -> FailedAction:
    return FailedAction(
        key=operation.get("operation_key") or operation.id,
        resource=resource,
        operation=operation.get("operation"),
        interval_ms=number(operation, "interval"),
        node=node,
        code=code,
        code_text=_CODE_TEXT.get(code, "unknown"),
        status=_STATUS_TEXT.get(status, "unknown"),
        call_id=operation.get("call-id"),
        exit_reason=operation.get("exit-reason"),
        last_change=number(operation, "last-rc-change"),
        queued_ms=operation.get("queue-time", "0"),
        exec_ms=operation.get("exec-time", "0"),
    )
