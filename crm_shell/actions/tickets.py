"""Tickets at this site: what is known of them, and the changes that grant or take them (23.1-23.6).

A ticket's state stands in ``status/tickets``. Whether another site has it, nobody here can know.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from cib_store.document.element import Element
from cib_store.document.path import Step
from cib_store.model.values import is_true
from crm_shell.actions import tree
from raftmaker.vocabulary.commands import CibOperation, OperationKind

GRANTED, STANDBY, LAST_GRANTED = "granted", "standby", "last-granted"
_WIDTH = len(" [standby]")


def states(cib: Element) -> list[Element]:
    """Return the state of every ticket that is known here, sorted by name."""
    status = tree.section(cib, "status")
    found = [one for tickets in status.each("tickets") for one in tickets.each("ticket_state")]
    return sorted(found, key=lambda one: one.id)


def state_of(cib: Element, ticket: str) -> Element | None:
    """Return a ticket's state; None where nothing is known of it."""
    return next((one for one in states(cib) if one.id == ticket), None)


def constraints(cib: Element, ticket: str = "") -> Iterator[Element]:
    """Yield the constraints that depend on a ticket, or on any."""
    for one in tree.section(cib, "constraints").each("rsc_ticket"):
        if ticket in ("", one.get("ticket")):
            yield one


def is_granted(state: Element | None) -> bool:
    """Whether this site has the ticket."""
    return state is not None and is_true(state.get(GRANTED))


def line(state: Element, *, details: bool = False) -> str:
    """Return a ticket in one line, as ``crm_ticket --info`` and ``--details`` have it."""
    standby = " [standby]" if is_true(state.get(STANDBY)) else " " * _WIDTH
    text = f"{state.id}\t{'granted' if is_granted(state) else 'revoked'}{standby}"
    last = state.get(LAST_GRANTED)
    when = f"last-granted='{_date(last)}'" if last else ""
    if not details:
        return f"{text} {when}".rstrip()
    shown = [f"{k}={v}" for k, v in state.attributes.items() if k not in ("id", LAST_GRANTED)]
    return f"{text} ({', '.join([*shown, *([when] if when else [])])})"


def _date(seconds: str) -> str:
    try:
        return time.ctime(int(seconds))
    except (ValueError, OverflowError, OSError):
        return seconds


def setting(ticket: str, changes: Mapping[str, str], *, now_s: int) -> CibOperation:
    """Return the operation that changes attributes of a ticket; one that is granted gets its time.

    A ticket of which nothing is known yet comes into being.
    """
    attributes = {"id": ticket, **changes}
    if is_true(changes.get(GRANTED, "")):
        attributes[LAST_GRANTED] = str(now_s)
    state = Element("ticket_state", attributes)
    return CibOperation(
        kind=OperationKind.MODIFY,
        scope="status",
        xml=tree.text(Element("tickets", {}, (state,))),
        all=True,
    )


def without(state: Element, attribute: str) -> CibOperation:
    """Return the operation that takes an attribute from a ticket."""
    return CibOperation(
        kind=OperationKind.REPLACE,
        path=_path(state.id),
        xml=tree.text(state.with_attributes({attribute: None})),
    )


def forgetting(ticket: str) -> CibOperation:
    """Return the operation that removes all that is known of a ticket here."""
    return CibOperation(kind=OperationKind.DELETE, path=_path(ticket))


def _path(ticket: str) -> str:
    return f"/cib/status/tickets{Step('ticket_state', ticket)}"
