"""Recording that a resource is active on a node, and what follows where it is on several."""

from __future__ import annotations

from cib_store.model.scores import INFINITY
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.scoring import add_score
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import MultipleActive, Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def add_active(run: Run, rsc: Resource, node: Node, *, failed: bool) -> None:
    """Record that a resource (and what contains it) is active on a node."""
    if node in rsc.active_on:
        return
    rsc.active_on.append(node)
    if rsc.variant is Variant.PRIMITIVE:
        node.running.append(rsc)
        if not failed:
            _add_priority(rsc, node)
        if node.maintenance:
            rsc.managed = False
            rsc.maintenance = True
    if not rsc.managed:
        # Unmanaged resources stay where they are.
        with noted(run, rsc, Origin.UNMANAGED, "it is left where it is"):
            add_score(rsc, node, INFINITY)
        outer = rsc.parent
        while outer is not None:
            outer.active_on.append(node)
            outer = outer.parent
        return
    if rsc.variant is Variant.PRIMITIVE and _is_multiply_active(rsc):
        _obey_policy(run, rsc)
    if rsc.parent is not None:
        add_active(run, rsc.parent, node, failed=False)


def _add_priority(rsc: Resource, node: Node) -> None:
    if rsc.priority == 0:
        return
    priority = rsc.priority + (rsc.role is Role.PROMOTED)
    node.priority += priority
    if node.remote is not None and node.remote.launcher is not None:
        for host in node.remote.launcher.active_on:
            host.priority += priority


def _is_multiply_active(rsc: Resource) -> bool:
    _, everywhere, clean = rsc.kind.active_node(rsc)
    return (everywhere if rsc.needs_fencing else clean) > 1


def _obey_policy(run: Run, rsc: Resource) -> None:
    match rsc.multiple_active:
        case MultipleActive.STOP_ONLY:
            with noted(run, rsc, Origin.FAILURES, "active twice, multiple-active=stop_only"):
                rsc.scores = dict.fromkeys(run.nodes, -INFINITY)
        case MultipleActive.BLOCK:
            _block(rsc)
            outer = rsc.parent
            if (
                outer is not None
                and outer.variant in (Variant.GROUP, Variant.BUNDLE)
                and outer.multiple_active is MultipleActive.BLOCK
            ):
                for member in outer.children:
                    _block(member)
        case MultipleActive.STOP_START | MultipleActive.STOP_UNEXPECTED:
            pass


def _block(rsc: Resource) -> None:
    rsc.managed = False
    rsc.blocked = True
