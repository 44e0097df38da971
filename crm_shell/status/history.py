"""What a node's operation history says of a resource: its role there, and failures (3.14-3.18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
_PENDING = {
    "start": "Starting", "stop": "Stopping", "promote": "Promoting", "demote": "Demoting",
    "migrate_to": "Migrating", "migrate_from": "Migrating", "monitor": "Monitoring",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Here:
    """A resource's state on one node; `role` Stopped: it does not run there."""

    role: str
    failed: bool = False
    pending: str = ""


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


def state_here(history: Element) -> Here:
    """Return what the history of one resource on one node amounts to."""
    here = Here("Stopped")
    for operation in ordered(list(history.each("lrm_rsc_op"))):
        here = _after(here, operation)
    return here


def _after(here: Here, operation: Element) -> Here:
    name, code = operation.get("operation"), number(operation, "rc-code", 193)
    status = number(operation, "op-status")
    if status == OpStatus.PENDING:
        is_probe = name == "monitor" and operation.get("interval") == "0"
        return here if is_probe else Here(here.role, here.failed, _PENDING.get(name, ""))
    if status in (OpStatus.CANCELLED, OpStatus.NOT_CONNECTED) or name == "notify":
        return here
    if status == OpStatus.NOT_INSTALLED or (name == "monitor" and code == OcfCode.NOT_INSTALLED):
        return here if operation.get("interval") == "0" else Here(here.role, failed=True)
    if code == expected_code(operation) and status == OpStatus.DONE:
        return _succeeded(here, name, code)
    if name == "monitor" and status == OpStatus.DONE:
        return _found(here, operation, code)
    if name == "stop":
        return Here(here.role if here.role != "Stopped" else "Started", failed=True)
    if name in ("start", "promote", "demote", "migrate_from", "migrate_to", "monitor"):
        return Here("Started" if here.role == "Stopped" else here.role, failed=True)
    return here


def _succeeded(here: Here, name: str, code: int) -> Here:
    match name:
        case "start" | "migrate_from" | "demote":
            return Here("Started")
        case "stop" | "migrate_to":
            return Here("Stopped")
        case "promote":
            return Here("Promoted")
        case "monitor" if code in (OcfCode.PROMOTED, OcfCode.DEGRADED_PROMOTED):
            return Here("Promoted")
        case "monitor" if code == OcfCode.NOT_RUNNING:
            return Here("Stopped")
        case "monitor" if here.role == "Stopped":
            return Here("Started")
        case _:
            return here


def _found(here: Here, operation: Element, code: int) -> Here:
    """A monitor that found something else than was expected."""
    probe = operation.get("interval") == "0"
    match code:
        case OcfCode.OK | OcfCode.DEGRADED:
            return Here("Started", failed=False if probe else here.failed)
        case OcfCode.PROMOTED | OcfCode.DEGRADED_PROMOTED:
            return Here("Promoted")
        case OcfCode.NOT_RUNNING:
            return Here("Stopped") if probe else Here(here.role, failed=True)
        case OcfCode.FAILED_PROMOTED:
            return Here("Promoted", failed=True)
        case _:
            return Here("Started" if here.role == "Stopped" else here.role, failed=True)


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
