"""What happened between two looks at the cluster, for a program that is run on it (27.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from cib_store.document.element import Element
from crm_shell.actions import tree
from crm_shell.status.history import lrm_resources, number
from raftmaker.vocabulary.code_text import code_text
from raftmaker.vocabulary.codes import OcfCode, OpStatus

if TYPE_CHECKING:
    from stonithd.client import FencingInfo


class Happened(Struct, frozen=True, kw_only=True):
    """The end of an operation, or of a fencing (`resource` is empty then)."""

    node: str
    resource: str
    task: str
    code: int
    wanted: int
    status: int
    text: str

    def environment(self, recipient: str) -> dict[str, str]:
        """Return what the program finds in its environment."""
        return {
            "CRM_notify_recipient": recipient,
            "CRM_notify_node": self.node,
            "CRM_notify_rsc": self.resource,
            "CRM_notify_task": self.task,
            "CRM_notify_desc": self.text,
            "CRM_notify_rc": str(self.code),
            "CRM_notify_target_rc": str(self.wanted),
            "CRM_notify_status": str(self.status),
        }


def results(before: Element, after: Element) -> Iterator[Happened]:
    """Yield the operations whose results are in `after` and were not in `before`, both CIBs.

    A probe that found what was expected is no news.
    """
    known = {key: _mark(entry) for key, entry, _ in _entries(before)}
    for key, entry, node in _entries(after):
        if known.get(key) == _mark(entry) or number(entry, "op-status") == OpStatus.PENDING:
            continue
        happened = _result(entry, node=node, resource=key[1])
        is_probe = happened.task == "monitor" and not number(entry, "interval")
        if not (is_probe and happened.code in (happened.wanted, OcfCode.NOT_RUNNING)):
            yield happened


_Key = tuple[str, str, str]


def _entries(cib: Element) -> Iterator[tuple[_Key, Element, str]]:
    for state in tree.section(cib, "status").each("node_state"):
        for history in lrm_resources(state):
            for entry in history.each("lrm_rsc_op"):
                yield (state.id, history.id, entry.id), entry, state.get("uname")


def _mark(entry: Element) -> tuple[str, ...]:
    return tuple(entry.get(name) for name in ("call-id", "rc-code", "op-status", "transition-key"))


def _result(entry: Element, *, node: str, resource: str) -> Happened:
    code, task = number(entry, "rc-code"), entry.get("operation")
    parts = entry.get("transition-key").split(":")
    wanted = int(parts[2]) if len(parts) > 3 and parts[2].isdigit() else 0
    ended = "completed" if code == wanted else f"failed: {code_text(code)}"
    return Happened(
        node=node, resource=resource, task=task, code=code, wanted=wanted,
        status=number(entry, "op-status"), text=f"{task} of {resource} on {node} {ended}",
    )  # fmt: skip


def fencings(before: Iterable[FencingInfo], after: Iterable[FencingInfo]) -> Iterator[Happened]:
    """Yield the fencings that have ended since `before`."""
    known: Mapping[tuple[str, int], str] = {(each.keeper, each.number): each.state
                                            for each in before}  # fmt: skip
    for each in reversed(list(after)):
        if (
            each.state in ("confirmed", "failed")
            and known.get((each.keeper, each.number)) != each.state
        ):
            failed = each.state == "failed"
            why = f": {each.reason}" if each.reason else ""
            yield Happened(
                node=each.target, resource="", task=each.action, code=int(failed), wanted=0,
                status=int(OpStatus.ERROR if failed else OpStatus.DONE),
                text=f"{each.action} of {each.target} by {each.delegate or 'nobody'}"
                     f" {'failed' if failed else 'succeeded'}{why}",
            )  # fmt: skip
