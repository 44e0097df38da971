"""Constraints: location, colocation, order, rsc_ticket (features 30.26-30.31)."""

from __future__ import annotations

import re

from cib_store.document.element import Element
from crm_shell.syntax.cursor import Cursor
from crm_shell.syntax.grammar.nvsets import expect_end
from crm_shell.syntax.grammar.resource_sets import read_resource_sets
from crm_shell.syntax.grammar.rules import read_rules
from crm_shell.syntax.grammar.scores import order_kind, score_attributes, score_only
from crm_shell.syntax.words import ACTIONS, LOSS_POLICIES, ROLES, modern_role

_PATTERN = re.compile(r"/(.+)/")
_SCORE = re.compile(r"([^:]+):")
_ATTRIBUTE = re.compile(r"\$?(role|resource-discovery)=(.+)", re.IGNORECASE)
_DISCOVERY = ("always", "never", "exclusive")
_SYMMETRICAL = re.compile(r"symmetrical=(.+)", re.IGNORECASE)
_NODE_ATTRIBUTE = re.compile(r"node-attribute=(.+)", re.IGNORECASE)
_INFLUENCE = re.compile(r"influence=(.+)", re.IGNORECASE)
_LOSS_POLICY = re.compile(r"loss-policy=(.+)", re.IGNORECASE)
_BOOLEANS = {
    "true": "true", "yes": "true", "on": "true", "y": "true", "1": "true",
    "false": "false", "no": "false", "off": "false", "n": "false", "0": "false",
}  # fmt: skip


def read_location(cursor: Cursor) -> Element:
    """Read what follows ``location``."""
    attributes = {"id": cursor.identifier("constraint")}
    children: tuple[Element, ...] = ()
    if cursor.accept("{"):
        children = read_resource_sets(cursor, "role", end="}")
    elif found := cursor.match(_PATTERN):
        attributes["rsc-pattern"] = found[1]
    else:
        attributes["rsc"] = cursor.take("a resource, /pattern/ or { resources }").text
    _location_attributes(cursor, attributes)
    if cursor.word == "rule":
        children += read_rules(cursor, default_score="INFINITY")
        expect_end(cursor, ("rule",))
        return Element("rsc_location", attributes, children)
    found = cursor.match(_SCORE)
    if found is None:
        cursor.fail("a location needs a preference", allowed="SCORE: NODE, or rule …")
    attributes |= score_only(cursor, found[1])
    attributes["node"] = cursor.take("a node").text
    _location_attributes(cursor, attributes)
    expect_end(cursor, ())
    return Element("rsc_location", attributes, children)


def _location_attributes(cursor: Cursor, attributes: dict[str, str]) -> None:
    while (token := cursor.token) and (found := cursor.match(_ATTRIBUTE)):
        if found[1].lower() == "role":
            attributes["role"] = cursor.choice(token, modern_role(found[2]), ROLES, "role")
        else:
            attributes["resource-discovery"] = cursor.choice(
                token, found[2], _DISCOVERY, "resource-discovery"
            )


def read_colocation(cursor: Cursor) -> Element:
    """Read what follows ``colocation``."""
    attributes = {"id": cursor.identifier("constraint")}
    found = cursor.match(_SCORE)
    if found is None:
        cursor.fail("a colocation needs a score", allowed="inf:, -inf: or a number and a colon")
    attributes |= score_attributes(cursor, found[1])
    for _ in range(2):
        if found := cursor.take_last(_NODE_ATTRIBUTE):
            attributes["node-attribute"] = found[1]
        elif found := cursor.take_last(_INFLUENCE):
            attributes["influence"] = _boolean(cursor, found[1])
    if cursor.remaining == 2:
        for name in ("rsc", "with-rsc"):
            _qualified(cursor, attributes, name, "role")
        return Element("rsc_colocation", attributes)
    return Element("rsc_colocation", attributes, _several(cursor, "role"))


def read_order(cursor: Cursor) -> Element:
    """Read what follows ``order``."""
    attributes = {"id": cursor.identifier("constraint")}
    if cursor.token and not cursor.token.quoted and (found := cursor.match(_SCORE)):
        attributes |= order_kind(cursor, found[1])
    if found := cursor.take_last(_SYMMETRICAL):
        attributes["symmetrical"] = _boolean(cursor, found[1])
    if cursor.remaining == 2:
        for name in ("first", "then"):
            _qualified(cursor, attributes, name, "action")
        return Element("rsc_order", attributes)
    return Element("rsc_order", attributes, _several(cursor, "action"))


def read_ticket(cursor: Cursor) -> Element:
    """Read what follows ``rsc_ticket``."""
    attributes = {"id": cursor.identifier("constraint")}
    found = cursor.match(_SCORE)
    if found is None:
        cursor.fail("a ticket's name and a colon should follow", allowed="TICKET: RESOURCE…")
    attributes["ticket"] = found[1]
    if (found := cursor.take_last(_LOSS_POLICY)) and (token := cursor.previous):
        attributes["loss-policy"] = cursor.choice(token, found[1], LOSS_POLICIES, "loss-policy")
    if cursor.remaining == 1:
        _qualified(cursor, attributes, "rsc", "role")
        return Element("rsc_ticket", attributes)
    return Element("rsc_ticket", attributes, _several(cursor, "role", least=1))


def _several(cursor: Cursor, qualifier: str, least: int = 2) -> tuple[Element, ...]:
    if cursor.remaining < least:
        cursor.fail(
            f"{least} or more resources should follow", allowed=f"RESOURCE[:{qualifier.upper()}]"
        )
    return read_resource_sets(cursor, qualifier)


def _qualified(cursor: Cursor, attributes: dict[str, str], name: str, qualifier: str) -> None:
    token = cursor.take("a resource")
    resource, colon, text = token.text.partition(":")
    if "=" in resource or not resource:
        cursor.fail(f"{token.text!r} is no resource", token=token)
    attributes[name] = resource
    if colon:
        known = ACTIONS if qualifier == "action" else ROLES
        text = text if qualifier == "action" else modern_role(text)
        attributes[f"{name}-{qualifier}"] = cursor.choice(token, text, known, qualifier)


def _boolean(cursor: Cursor, text: str) -> str:
    if text.lower() not in _BOOLEANS:
        cursor.fail(f"{text!r} is no boolean", allowed="true, false", token=cursor.previous)
    return _BOOLEANS[text.lower()]
