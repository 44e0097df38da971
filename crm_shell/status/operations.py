"""What ran on each node and how it ended, as the histories have it (features 27.2, 27.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from cib_store.document.element import Element
from crm_shell.status.details_text import clock_text, counted_text
from crm_shell.status.failures import Counted
from crm_shell.status.history import lrm_resources, number
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.run import Run
from crmd.scheduler.status.failcounts import failures
from raftmaker.vocabulary.code_text import code_text


class Ran(Struct, frozen=True):
    """The history of one resource on a node: its failures, and its operations in order."""

    counted: Counted
    entries: tuple[Element, ...]


def histories(run: Run, nodes: Iterable[Node]) -> Iterator[tuple[Node, list[Ran]]]:
    """Yield those of `nodes` that have a history, and what it says of resources."""
    states = run.cib.child("status") or Element("status")
    by_name = {each.get("uname"): each for each in states.each("node_state")}
    for node in nodes:
        state = by_name.get(node.name)
        found = list(_of_node(run, node, state)) if state is not None else []
        if found:
            yield node, found


def _of_node(run: Run, node: Node, state: Element) -> Iterator[Ran]:
    for history in lrm_resources(state):
        rsc = run.find_resource(history.id)
        entries = sorted(history.each("lrm_rsc_op"), key=lambda each: number(each, "call-id"))
        shown = tuple(each for each in entries if _is_of_interest(each))
        if rsc is not None and shown:
            count, last = failures(run, rsc, node, effective=False)
            yield Ran(Counted(history.id, rsc.migration_threshold, count, last), shown)


def _is_of_interest(entry: Element) -> bool:
    """A probe that found nothing, and what has not ended, are no news."""
    is_probe = entry.get("operation") == "monitor" and entry.get("interval") in ("", "0")
    return number(entry, "call-id") >= 0 and not (is_probe and number(entry, "rc-code") == 7)


def operation_lines(run: Run, nodes: Iterable[Node], margin: str, *, timing: bool) -> Iterator[str]:
    """Yield what ran on nodes, resource by resource; `timing`: also when and for how long."""
    for node, found in histories(run, nodes):
        yield f"{margin}* Node: {node.name}:"
        for each in found:
            yield f"{margin}  * {counted_text(each.counted)}:"
            lines = (operation_text(entry, timing=timing) for entry in each.entries)
            yield from (f"{margin}    * {line}" for line in lines)


def operation_text(entry: Element, *, timing: bool) -> str:
    """Return an operation in a line; `timing`: also when it ended and how long it took."""
    words = [f"({entry.get('call-id')}) {entry.get('operation')}"]
    pairs = [each for each in _pairs(entry) if timing or each[0] == "interval"]
    if pairs or timing:
        words[0] += ":"
    words += [f'{name}="{value}"' for name, value in pairs]
    if timing:
        code = number(entry, "rc-code")
        words.append(f"rc={code} ({code_text(code)})")
    return " ".join(words)


def operation_element(entry: Element) -> Element:
    """Return an operation as XML."""
    code = number(entry, "rc-code")
    head = {"call": entry.get("call-id"), "task": entry.get("operation"), "rc": str(code),
            "rc_text": code_text(code)}  # fmt: skip
    return Element("operation_history", head | dict(_pairs(entry)))


def _pairs(entry: Element) -> Iterator[tuple[str, str]]:
    if number(entry, "interval"):
        yield "interval", f"{entry.get('interval')}ms"
    if number(entry, "last-rc-change"):
        yield "last-rc-change", clock_text(number(entry, "last-rc-change"))
    for name in ("exec-time", "queue-time"):
        if name in entry.attributes:
            yield name, f"{entry.get(name)}ms"
