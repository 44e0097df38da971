"""Agent parameters of a resource on a node, rules evaluated there (features section 3)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.rules import RuleInput
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run

_ADDRESS_OF_HOST = "#uname"


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


def reached_through_host(run: Run, rsc: Resource) -> bool:
    """Whether a connection goes to a container without an address of its own (features 11.10).

    Its address is that of the container's host, which is known for sure only after placement.
    """
    if not rsc.remote_connection or rsc.bundle is None:
        return False
    return parameters_on(run, rsc, None).get("addr", "").lower() == _ADDRESS_OF_HOST


def host_address(run: Run, rsc: Resource) -> str | None:
    """Return the name of the host that such a connection goes through, if it has one by now."""
    container = rsc.launcher
    if container is None or not reached_through_host(run, rsc):
        return None
    host = container.assigned or container.kind.active_node(container)[0]
    return host.name if host is not None else None
