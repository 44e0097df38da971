"""Agent parameters of a resource on a node, rules evaluated there (features section 3)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.rules import RuleInput
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def parameters_on(run: Run, rsc: Resource, node: Node | None) -> dict[str, str]:
    """Return the instance attributes; those of groups and clones around fill in what is missing."""
    known = rsc.parameters.get(node)
    if known is None:
        given = RuleInput(now=run.now, node_attributes=node.attributes if node else None)
        known = {}
        at: Resource | None = rsc
        while at is not None:
            run.pairs(at.element, "instance_attributes", given, into=known)
            at = at.parent
        rsc.parameters[node] = known
    return known


def operation_parameters(run: Run, config: Element | None, node: Node) -> dict[str, str]:
    """Return the parameters that a configured operation adds on a node."""
    if config is None or not config.children:
        return {}
    given = RuleInput(now=run.now, node_attributes=node.attributes)
    return run.pairs(config, "instance_attributes", given)
