"""Ticket constraints: what may run only with a ticket, and what its loss means (features 15)."""

from __future__ import annotations

from cib_store.document.element import Element
from crmd.scheduler.actions.fencing import fence_node
from crmd.scheduler.constraints.references import (
    as_set,
    find_resource,
    is_known,
    role_of,
    with_tags_in_sets,
)
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.scoring import ban
from crmd.scheduler.state.constraint import Ticket, TicketConstraint, TicketLoss
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

_LOSS = {loss.value: loss for loss in TicketLoss}


def read_ticket(run: Run, original: Element) -> None:
    """Bind one ``rsc_ticket``."""
    name = original.attributes.get("ticket")
    if not name:
        return
    ticket = run.tickets.setdefault(name, Ticket(id=name))
    element = with_tags_in_sets(run, original)
    if element is None:
        element = original
        id_ = original.attributes.get("rsc")
        if id_ is not None and find_resource(run, id_) is None:
            if not is_known(run, id_):
                _ignore(run, original, id_)
                return
            members = as_set(run, original, "rsc", always=False)
            assert members is not None
            role = original.attributes.get("rsc-role")
            if role is not None:
                members = members.with_attributes({"role": role})
            element = original.with_children((*original.children, members))
    found_set = False
    policy = original.attributes.get("loss-policy")
    for each in run.index.children(element, "resource_set"):
        found_set = True
        for reference in each.each("resource_ref"):
            rsc = find_resource(run, reference.id)
            if rsc is None:
                _ignore(run, original, reference.id)
                return
            _bind(run, rsc, ticket, each.attributes.get("role"), policy)
    if not found_set:
        rsc = find_resource(run, original.attributes.get("rsc"))
        if rsc is not None:
            _bind(run, rsc, ticket, original.attributes.get("rsc-role"), policy)


def _ignore(run: Run, constraint: Element, name: str) -> None:
    run.ignore(
        "unknown-resource",
        f"Ignoring constraint {constraint.id}: there is no resource or tag {name}",
    )


def _bind(
    run: Run, rsc: Resource, ticket: Ticket, role_text: str | None, policy: str | None
) -> None:
    role = role_of(role_text)
    if role is None:
        return
    loss = _LOSS.get((policy or "").lower())
    if loss is TicketLoss.FENCE and not run.fencing_enabled:
        loss = TicketLoss.STOP
    if loss is None:
        loss = TicketLoss.DEMOTE if role is Role.PROMOTED else TicketLoss.STOP
    constraint = TicketConstraint(ticket=ticket, role=role, loss=loss)
    rsc.tickets.append(constraint)
    if not ticket.granted or ticket.standby:
        with noted(run, rsc, Origin.TICKET, _loss_text(ticket)):
            _apply(run, rsc, constraint)


def _loss_text(ticket: Ticket) -> str:
    return f"{ticket.id} is {'in standby' if ticket.granted else 'not granted'}"


def _apply(run: Run, rsc: Resource, constraint: TicketConstraint) -> None:
    if rsc.children:
        for child in rsc.children:
            _apply(run, child, constraint)
        return
    if not constraint.ticket.granted and rsc.active_on:
        _apply_loss(run, rsc, constraint)
    elif constraint.role is not Role.PROMOTED or constraint.loss is TicketLoss.STOP:
        ban(run, rsc)


def _apply_loss(run: Run, rsc: Resource, constraint: TicketConstraint) -> None:
    concerned = constraint.role in (Role.UNKNOWN, rsc.role)
    match constraint.loss:
        case TicketLoss.STOP:
            ban(run, rsc)
        case TicketLoss.DEMOTE:
            if constraint.role is not Role.PROMOTED:
                ban(run, rsc)
        case TicketLoss.FENCE:
            if concerned:
                ban(run, rsc)
                for node in rsc.active_on:
                    fence_node(run, node, "deadman ticket was lost")
        case TicketLoss.FREEZE:
            if concerned:
                rsc.managed = False
                rsc.blocked = True


def require_promotion_tickets(run: Run, rsc: Resource) -> None:
    """Keep a resource from promotion (and from everywhere) without the ticket for it."""
    for constraint in rsc.tickets:
        ticket = constraint.ticket
        if constraint.role is Role.PROMOTED and (not ticket.granted or ticket.standby):
            with noted(run, rsc, Origin.TICKET, _loss_text(ticket)):
                ban(run, rsc)
