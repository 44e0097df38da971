"""What the fencing of a node would do, as a plan."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crm_shell.commands.session import Rehearsed
from crm_shell.proposal.plan import Plan, proposed
from crm_shell.proposal.review import show
from crm_shell.simulate.states import node_state, replaced, with_state

if TYPE_CHECKING:
    from crm_shell.commands.session import Session


async def show_fencing(session: Session, cib: Element, node: str, action: str) -> None:
    """Show what a fencing would do. Raises `Rehearsed` in a dry run."""
    if action == "on":
        session.announce(f"fence {node} (on)")
        return
    plan = _plan(cib, node)
    told = any(step.verb == "fence" and node in step.names for step in plan.steps)
    show(session, plan, then="" if told else f"fence {node} ({action}) by its devices")
    if session.dry_run:
        raise Rehearsed


def _plan(cib: Element, node: str) -> Plan:
    """Return what happens to resources once somebody asks for the node to be fenced."""
    now = Moment(int(time.time()))
    return proposed(cib, terminated(cib, node), now)


def terminated(cib: Element, node: str) -> Element:
    """Return the CIB in which the attribute ``terminate`` of a node asks for its fencing."""
    state = node_state(cib, node, node)
    owner = state.child("transient_attributes") or Element("transient_attributes", {"id": state.id})
    name = f"status-{state.id}"
    pairs = owner.child("instance_attributes") or Element("instance_attributes", {"id": name})
    wish = Element("nvpair", {"id": f"{name}-terminate", "name": "terminate", "value": "true"})
    pairs = replaced(pairs, wish, by_id=True)
    return with_state(cib, replaced(state, replaced(owner, pairs, by_id=False), by_id=False))
