"""The scores at the moment of placement, as ``crm_simulate -s`` shows them (features 27)."""

from __future__ import annotations

from cib_store.model.scores import score_text
from crmd.scheduler.configuration.nodes import natural_key
from crmd.scheduler.placement.hash_order import hash_order
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def show_scores(run: Run, rsc: Resource, stage: str) -> None:
    """Record the scores of a resource and all below it; removed ones are left out."""
    if not run.show_scores or rsc.removed:
        return
    for node in sorted(rsc.scores, key=lambda each: natural_key(each.name)):
        score = score_text(rsc.scores[node])
        run.score_lines.append(f"{stage}: {rsc.id} allocation score on {node.name}: {score}")
    for child in rsc.children:
        show_scores(run, child, stage)


def show_capacities(run: Run, title: str) -> None:
    """Record the capacity of every node but the containers of bundles (``crm_simulate -U``)."""
    for node in run.nodes if run.show_utilization else ():
        if not node.is_container:
            capacity = _amounts(node.utilization)
            run.score_lines.append(f"{title}: {node.name} capacity:{capacity}")


def show_use(run: Run, rsc: Resource, node: Node) -> None:
    """Record what a resource takes of a node's capacity (``crm_simulate -U``)."""
    used = _amounts(rsc.utilization)
    run.score_lines.append(f"pcmk__assign_resource: {rsc.id} utilization on {node.name}:{used}")


def _amounts(amounts: dict[str, str]) -> str:
    names = hash_order(list(amounts))
    return "".join(f" {name}={amounts[name]}" for name in names)
