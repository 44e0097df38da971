"""Adding scores to a resource on nodes."""

from __future__ import annotations

from cib_store.model.scores import INFINITY, add_scores
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def add_score(rsc: Resource, node: Node, score: int) -> None:
    """Add a score to a resource and all below it on a node."""
    for child in rsc.children:
        add_score(child, node, score)
    rsc.scores[node] = add_scores(rsc.scores.get(node, node.score), score)


def ban(run: Run, rsc: Resource) -> None:
    """Ban a resource from every node."""
    for node in run.nodes:
        add_score(rsc, node, -INFINITY)
