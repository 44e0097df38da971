"""The failures in a node's operation history (features 3.14-3.18)."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.status.model import FailedAction
from crmd.scheduler.state.run import FailedOperation
from crmd.scheduler.status.entries import history_key
from raftmaker.vocabulary.code_text import code_text, status_text
from raftmaker.vocabulary.codes import OcfCode


def lrm_resources(state: Element) -> list[Element]:
    """Return the resource histories of a node."""
    lrm = state.child("lrm")
    holder = lrm.child("lrm_resources") if lrm else None
    return list(holder.each("lrm_resource")) if holder else []


def number(element: Element, name: str, default: int = 0) -> int:
    """Return an attribute as a number."""
    try:
        return int(element.get(name))
    except ValueError:
        return default


def failed_action(failed: FailedOperation) -> FailedAction:
    """Return an operation whose result people should know of, as it is shown (features 3.14)."""
    entry, interval_ms = failed.entry, number(failed.entry, "interval")
    key, operation = history_key(entry), entry.get("operation")
    code = number(entry, "rc-code", OcfCode.UNKNOWN)
    return FailedAction(
        key=key,
        resource=key.removesuffix(f"_{operation}_{interval_ms}"),
        operation=operation,
        interval_ms=interval_ms,
        node=failed.node,
        code=code,
        code_text=code_text(code),
        status=status_text(number(entry, "op-status")),
        call_id=entry.get("call-id"),
        exit_reason=entry.get("exit-reason"),
        last_change=number(entry, "last-rc-change"),
        queued_ms=entry.get("queue-time", "0"),
        exec_ms=entry.get("exec-time", "0"),
    )
