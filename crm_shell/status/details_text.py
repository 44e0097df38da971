"""Attributes of nodes and failures of resources as text (``crm_simulate -A -c``)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from cib_store.model.scores import INFINITY
from crm_shell.status.codes import code_text, status_text
from crm_shell.status.history import number
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import FailedOperation, Run
from crmd.scheduler.status.entries import history_key
from crmd.scheduler.status.failcounts import failures

_HIDDEN = ("fail-count-", "last-failure-", "#", "shutdown", "terminate", "standby", "maintenance")

_TIMES = (("queued", "queue"), ("exec", "exec"))


def attribute_lines(run: Run) -> Iterator[str]:
    """Yield the attributes of every node that is online (features 27.21)."""
    yield "  * Node Attributes:"
    yield from attributes_by_node(run.nodes, "    ")


def attributes_by_node(nodes: Iterable[Node], margin: str) -> Iterator[str]:
    """Yield the attributes of those nodes that are online."""
    for node in nodes:
        shown = sorted(name for name in node.attributes if not name.startswith(_HIDDEN))
        if node.online and shown:
            yield f"{margin}* Node: {node.name}:"
            for name in shown:
                yield f"{margin}  * {name:<32}\t: {node.attributes[name]:<10}"


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
    for node in nodes:
        lines = [line for rsc in primitives(run.resources) for line in _counted(run, rsc, node)]
        if lines:
            yield f"{margin}* Node: {node.name}:"
            yield from (f"{margin}  * {line}" for line in lines)


def primitives(resources: list[Resource]) -> Iterator[Resource]:
    """Yield the resources that have no parts, in the order of the configuration."""
    for rsc in resources:
        if rsc.children:
            yield from primitives(rsc.children)
        else:
            yield rsc


def _counted(run: Run, rsc: Resource, node: Node) -> Iterator[str]:
    count, last = failures(run, rsc, node, effective=False)
    if count == 0:
        return
    words = [f"migration-threshold={rsc.migration_threshold}"]
    words.append(f"fail-count={min(count, INFINITY)}")
    if last > 0:
        words.append(
            f"last-failure='{time.strftime('%a %b %e %H:%M:%S %Y', time.localtime(last))}'"
        )
    name = rsc.id if rsc.unique else (rsc.history_id or rsc.xml_id)
    yield f"{name}: {' '.join(words)}"


def _failure_text(failed: FailedOperation) -> str:
    given = failed.entry.attributes
    code, status = number(failed.entry, "rc-code"), number(failed.entry, "op-status")
    words = [f"call={given.get('call-id', '0')}", f"status='{status_text(status)}'"]
    if given.get("exit-reason"):
        words.append(f"exitreason='{given['exit-reason']}'")
    changed = given.get("last-rc-change", "")
    if changed.isdigit() and int(changed) > 0:
        words.append(f"last-rc-change='{_clock(int(changed))}'")
        words += [f"{word}={given[f'{name}-time']}ms" for word, name in _TIMES
                  if f"{name}-time" in given]  # fmt: skip
    key = history_key(failed.entry)
    return f"    * {key} on {failed.node} '{code_text(code)}' ({code}): {', '.join(words)}"


def _clock(epoch: int) -> str:
    return time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(epoch))
