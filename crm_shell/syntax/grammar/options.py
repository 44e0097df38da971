"""Nodes, cluster options, defaults, tags and fencing levels (features 30.19, 30.32-30.37)."""

from __future__ import annotations

import re

from cib_store.document.element import Element
from crm_shell.syntax.cursor import Cursor
from crm_shell.syntax.grammar.nvsets import expect_end, read_description, read_pairs, read_sets
from crm_shell.syntax.grammar.rules import read_rules

_ID = re.compile(r"\$id=(.+)", re.IGNORECASE)
_ID_REFERENCE = re.compile(r"\$id-ref=(.+)", re.IGNORECASE)
_ID_COLON = re.compile(r"([\w.-]+):")
_NODE = re.compile(r"([^:=]+?)(?::(member|remote|normal|ping))?", re.IGNORECASE)
_TARGET_ATTRIBUTE = re.compile(r"attr:([^=]+)=(.+)", re.IGNORECASE)
_TARGET_PATTERN = re.compile(r"pattern:(.+)", re.IGNORECASE)


def read_node(cursor: Cursor) -> Element:
    """Read what follows ``node``."""
    attributes: dict[str, str] = {}
    if found := cursor.match(_ID) or cursor.match(_ID_COLON):
        attributes["id"] = found[1]
    token = cursor.take("the node's name")
    found = _NODE.fullmatch(token.text)
    if found is None:
        cursor.fail(f"{token.text!r} is no node", allowed="NAME, NAME:member or NAME:remote")
    attributes["uname"] = found[1]
    # Old files say "normal" for what is "member" today; it is the default.
    if found[2] and found[2].lower() == "remote":
        attributes["type"] = "remote"
    attributes |= read_description(cursor)
    names = {"attributes": "instance_attributes", "utilization": "utilization"}
    sets = read_sets(cursor, names, implicit="attributes")
    expect_end(cursor, tuple(names))
    return Element("node", attributes, tuple(sets))


def read_options(cursor: Cursor, tag: str) -> Element:
    """Read what follows ``property``, ``rsc_defaults`` or ``op_defaults`` into a set `tag`."""
    attributes: dict[str, str] = {}
    if found := cursor.match(_ID) or cursor.match(_ID_COLON):
        attributes["id"] = found[1]
    elif found := cursor.match(_ID_REFERENCE):
        attributes["id-ref"] = found[1]
    rules = read_rules(cursor)
    pairs = read_pairs(cursor)
    expect_end(cursor, ())
    return Element(tag, attributes, (*rules, *pairs))


def read_tag(cursor: Cursor) -> Element:
    """Read what follows ``tag``."""
    token = cursor.take("the tag's name")
    members: list[Element] = []
    while cursor.token:
        members.append(Element("obj_ref", {"id": cursor.take("").text}))
    if not members:
        cursor.fail("a tag needs at least one object", allowed="tag NAME: ID…")
    return Element("tag", {"id": token.text.removesuffix(":")}, tuple(members))


def read_topology(cursor: Cursor) -> Element:
    """Read what follows ``fencing_topology``. Levels before any target are for every node."""
    target: dict[str, str] = {}
    levels: list[Element] = []
    count = 0
    while token := cursor.token:
        if found := cursor.match(_TARGET_ATTRIBUTE):
            target, count = {"target-attribute": found[1], "target-value": found[2]}, 0
        elif found := cursor.match(_TARGET_PATTERN):
            target, count = {"target-pattern": found[1]}, 0
        elif found := cursor.match(_ID_COLON):
            target, count = {"target": found[1]}, 0
        else:
            count += 1
            if count > 9:
                cursor.fail("a target has at most 9 levels", token=token)
            devices = cursor.take("").text
            levels.append(
                Element("fencing-level", {**target, "index": str(count), "devices": devices})
            )
    return Element("fencing-topology", {}, tuple(levels))
