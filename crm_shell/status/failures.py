"""How often what a node has in its history failed there (``crm_simulate -c``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.scores import INFINITY
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.run import Run
from crmd.scheduler.status.failcounts import failures


class Counted(Struct, frozen=True):
    """Failures of one entry of a node's history; `last` is in seconds since 1970, or 0."""

    name: str
    threshold: int
    count: int
    last: int


def counted_failures(run: Run, nodes: Iterable[Node]) -> Iterator[tuple[Node, list[Counted]]]:
    """Yield those of `nodes` that are online and have failures, as the status section has them."""
    asked = {node.name: node for node in nodes if node.online}
    status = run.cib.child("status")
    for state in status.each("node_state") if status is not None else ():
        node = asked.get(state.get("uname"))
        found = list(_counted(run, node, state)) if node is not None else []
        if node is not None and found:
            yield node, found


def _counted(run: Run, node: Node, state: Element) -> Iterator[Counted]:
    resources = [each for lrm in state.each("lrm") for each in lrm.each("lrm_resources")]
    for entry in (entry for each in resources for entry in each.each("lrm_resource")):
        rsc = run.find_resource(entry.id)
        if rsc is None:
            continue
        count, last = failures(run, rsc, node, effective=False)
        if count > 0:
            yield Counted(entry.id, rsc.migration_threshold, min(count, INFINITY), last)
