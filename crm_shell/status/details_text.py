"""Attributes of nodes and failures of resources as text (``crm_simulate -A -c``)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from cib_store.model.scores import score_text
from crm_shell.status.connectivity import connectivity_text, expected_value
from crm_shell.status.failures import Counted, counted_failures
from crm_shell.status.history import number
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.run import FailedOperation, Run
from crmd.scheduler.status.entries import history_key
from raftmaker.vocabulary.code_text import code_text, status_text

_HIDDEN = ("fail-count-", "last-failure-", "#", "shutdown", "terminate", "standby", "maintenance")

_TIMES = (("queued", "queue"), ("exec", "exec"))


def attribute_lines(run: Run) -> Iterator[str]:
    """Yield the attributes of every node that is online (features 27.21)."""
    lines = list(attributes_by_node(run, run.nodes, "    "))
    if lines:
        yield "  * Node Attributes:"
        yield from lines


def attributes_by_node(run: Run, nodes: Iterable[Node], margin: str) -> Iterator[str]:
    """Yield the attributes of those nodes that are online."""
    for node in nodes:
        shown = shown_attributes(node)
        if node.online and shown:
            yield f"{margin}* Node: {node.name}:"
            for name in shown:
                value = node.attributes[name]
                extra = connectivity_text(expected_value(run, node, name), value)
                yield f"{margin}  * {name:<32}\t: {value:<10}{extra}"


def shown_attributes(node: Node) -> list[str]:
    """Return the names of a node's attributes that are not the cluster's own."""
    return sorted(name for name in node.attributes if not name.startswith(_HIDDEN))


def failcount_lines(run: Run) -> Iterator[str]:
    """Yield the failures counted on every node, then the failed operations (features 27.21)."""
    yield "  * Migration Summary:"
    yield from failures_by_node(run, run.nodes, "    ")
    if run.failed:
        yield ""
        yield "  * Failed Resource Actions:"
        yield from (_failure_text(failed) for failed in run.failed)


def failures_by_node(run: Run, nodes: Iterable[Node], margin: str) -> Iterator[str]:
    """Yield the failures counted on nodes."""
    for node, found in counted_failures(run, nodes):
        yield f"{margin}* Node: {node.name}:"
        yield from (f"{margin}  * {counted_text(each)}" for each in found)


def counted_text(counted: Counted) -> str:
    """Return how often a resource failed, and how often it may."""
    words = [f"migration-threshold={counted.threshold}"]
    if counted.count:
        words.append(f"fail-count={score_text(counted.count)}")
    if counted.last > 0:
        words.append(f"last-failure='{clock_text(counted.last)}'")
    return f"{counted.name}: {' '.join(words)}"


def _failure_text(failed: FailedOperation) -> str:
    given = failed.entry.attributes
    code, status = number(failed.entry, "rc-code"), number(failed.entry, "op-status")
    words = [f"call={given.get('call-id', '0')}", f"status='{status_text(status)}'"]
    if given.get("exit-reason"):
        words.append(f"exitreason='{given['exit-reason']}'")
    changed = given.get("last-rc-change", "")
    if changed.isdigit() and int(changed) > 0:
        words.append(f"last-rc-change='{clock_text(int(changed))}'")
        words += [f"{word}={given[f'{name}-time']}ms" for word, name in _TIMES
                  if f"{name}-time" in given]  # fmt: skip
    key = history_key(failed.entry)
    return f"    * {key} on {failed.node} '{code_text(code)}' ({code}): {', '.join(words)}"


def clock_text(epoch: int) -> str:
    """Write a time in seconds since 1970 as the C library does."""
    return time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(epoch))
