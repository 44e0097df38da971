"""Tickets in a line each, as scripts read them from ``crm_ticket``."""

from __future__ import annotations

import time

import pytest

from cib_store.document.codec import parse
from crm_shell.actions import tickets

CIB = parse(
    '<cib><configuration><constraints><rsc_ticket id="t" rsc="web" ticket="b"/>'
    "</constraints></configuration><status><tickets>"
    '<ticket_state id="b" granted="true" standby="true" last-granted="1700000000"/>'
    '<ticket_state id="a" granted="false" owner="x"/>'
    "</tickets></status></cib>"
)


def test_each_ticket_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """features 3.21, 23.1, 23.5"""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    when = "last-granted='Tue Nov 14 22:13:20 2023'"
    assert [tickets.line(one) for one in tickets.states(CIB)] == [
        "a\trevoked",
        f"b\tgranted [standby] {when}",
    ]
    assert [tickets.line(one, details=True) for one in tickets.states(CIB)] == [
        "a\trevoked           (granted=false, owner=x)",
        f"b\tgranted [standby] (granted=true, standby=true, {when})",
    ]


def test_constraints_are_found_by_their_ticket() -> None:
    assert [one.id for one in tickets.constraints(CIB, "b")] == ["t"]
    assert list(tickets.constraints(CIB, "a")) == []
