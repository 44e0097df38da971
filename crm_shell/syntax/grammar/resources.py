"""Resources: primitive, rsc_template, group, clone, ms, bundle, monitor (features 30.20-30.25)."""

from __future__ import annotations

import re

from cib_store.document.element import Element
from crm_shell.syntax.cursor import Cursor
from crm_shell.syntax.grammar.nvsets import expect_end, read_description, read_pairs, read_set
from crm_shell.syntax.lexer import Token
from crm_shell.syntax.words import (
    CLASSES,
    MEMBER,
    NVSETS,
    OP_ATTRIBUTES,
    ROLES,
    modern_meta,
    modern_role,
)

_TEMPLATE = re.compile(r"@(.+)")
_ID_OR_REFERENCE = re.compile(r"\$(id|id-ref)=(.+)", re.IGNORECASE)
_AGENT_PART = re.compile(r"[\w.@-]+")
_OP_SETS = {"op_params": "instance_attributes", "op_meta": "meta_attributes"}
_CONTAINERS = ("docker", "podman", "rkt")


def agent_attributes(cursor: Cursor, token: Token) -> dict[str, str]:
    """Split ``[class:[provider:]]type``; class ocf and provider heartbeat when left out."""
    parts = token.text.split(":")
    if not all(_AGENT_PART.fullmatch(part) for part in parts) or len(parts) > 3:
        cursor.fail(
            f"{token.text!r} names no agent",
            allowed="class:provider:type, such as ocf:heartbeat:IPaddr2 or systemd:nginx",
            token=token,
        )
    if len(parts) == 1:
        return {"class": "ocf", "provider": "heartbeat", "type": parts[0]}
    if len(parts) == 3:
        if parts[0] != "ocf":
            cursor.fail(
                f"class {parts[0]!r} has no providers",
                allowed=f"ocf:provider:type, or one of {', '.join(CLASSES[1:])} and :type",
                token=token,
            )
        return {"class": "ocf", "provider": parts[1], "type": parts[2]}
    if parts[0] == "ocf":
        return {"class": "ocf", "provider": "heartbeat", "type": parts[1]}
    if parts[0] in CLASSES:
        return {"class": parts[0], "type": parts[1]}
    return {"class": "ocf", "provider": parts[0], "type": parts[1]}


def read_primitive(cursor: Cursor, tag: str) -> Element:
    """Read what follows ``primitive`` or ``rsc_template`` (element ``template``)."""
    what = "resource" if tag == "primitive" else "template"
    attributes = {"id": cursor.identifier(what)}
    if tag == "primitive" and (found := cursor.match(_TEMPLATE)):
        attributes["template"] = found[1]
    else:
        agent = cursor.take("an agent, such as ocf:heartbeat:IPaddr2, or @template")
        attributes |= agent_attributes(cursor, agent)
    attributes |= read_description(cursor)
    return Element(tag, attributes, tuple(_parts(cursor)))


def _parts(cursor: Cursor) -> list[Element]:
    parts: list[Element] = []
    if cursor.token and cursor.word not in (*NVSETS, "op", "operations"):
        first = read_set(cursor, "instance_attributes")
        if first.attributes or first.children:
            parts.append(first)
    while cursor.token:
        if cursor.word in ("op", "operations"):
            _add_operations(cursor, parts)
        elif word := cursor.accept(*NVSETS):
            parts.append(read_set(cursor, NVSETS[word]))
        else:
            expect_end(cursor, (*NVSETS, "op", "operations"))
    return parts


def _add_operations(cursor: Cursor, parts: list[Element]) -> None:
    attributes: dict[str, str] = {}
    if cursor.accept("operations"):
        found = cursor.match(_ID_OR_REFERENCE)
        if found is None:
            cursor.fail("'operations' needs an id", allowed="$id=ID or $id-ref=ID")
        attributes[found[1].lower()] = found[2]
    operations: list[Element] = []
    while cursor.accept("op"):
        operations.append(read_operation(cursor))
    # A resource has one list of operations, however many times the word is written.
    for index, part in enumerate(parts):
        if part.tag == "operations":
            merged = {**part.attributes, **attributes}
            parts[index] = Element("operations", merged, (*part.children, *operations))
            return
    parts.append(Element("operations", attributes, tuple(operations)))


def read_operation(cursor: Cursor) -> Element:
    """Read what follows ``op``: its name, its attributes, parameters, op_params and op_meta."""
    name = cursor.take("an operation, such as monitor")
    if name.quoted or "=" in name.text:
        cursor.fail(f"{name.text!r} is no operation", allowed="start, stop, monitor, …", token=name)
    attributes = {"name": name.text}
    own: list[Element] = []
    for pair in read_pairs(cursor):
        if pair.get("name") in OP_ATTRIBUTES and "id" not in pair.attributes:
            key, value = pair.get("name"), pair.get("value")
            attributes[key] = modern_role(value) if key == "role" else value
        else:
            own.append(pair)
    if name.text != "monitor":
        attributes.setdefault("interval", "0s")
    elif "interval" not in attributes:
        cursor.fail(
            "a monitor operation needs an interval", allowed="interval=10s, say", token=name
        )
    children = [Element("instance_attributes", {}, tuple(own))] if own else []
    while word := cursor.accept(*_OP_SETS):
        children.append(read_set(cursor, _OP_SETS[word]))
    return Element("op", attributes, tuple(children))


def read_group(cursor: Cursor) -> Element:
    """Read what follows ``group``."""
    attributes = {"id": cursor.identifier("group")}
    members: list[Element] = []
    while cursor.token and "=" not in cursor.text and cursor.word not in NVSETS:
        member = cursor.take("")
        if any(member.text == known.id for known in members):
            cursor.fail(f"{member.text!r} is in this group twice", token=member)
        members.append(Element(MEMBER, {"id": member.text}))
    if not members:
        cursor.fail("a group needs at least one resource", allowed="group ID RESOURCE…")
    attributes |= read_description(cursor)
    return Element("group", attributes, (*_sets_only(cursor), *members))


def read_clone(cursor: Cursor, *, promotable: bool) -> Element:
    """Read what follows ``clone``, or ``ms``/``master``: a clone with promotable=true."""
    attributes = {"id": cursor.identifier("clone")}
    member = Element(MEMBER, {"id": cursor.take("the resource to clone").text})
    attributes |= read_description(cursor)
    sets = _sets_only(cursor)
    if promotable:
        sets = _promotable(sets)
    return Element("clone", attributes, (*sets, member))


def _promotable(sets: list[Element]) -> list[Element]:
    flag = Element("nvpair", {"name": "promotable", "value": "true"})
    renamed = [
        each.with_children(
            tuple(
                pair.with_attributes({"name": modern_meta(pair.get("name"))})
                if pair.get("name")
                else pair
                for pair in each.children
            )
        )
        if each.tag == "meta_attributes"
        else each
        for each in sets
    ]
    for index, each in enumerate(renamed):
        plain = "score" not in each.attributes and "id-ref" not in each.attributes
        if each.tag == "meta_attributes" and plain and each.child("rule") is None:
            rest = tuple(one for one in each.children if one.get("name") != "promotable")
            renamed[index] = each.with_children((flag, *rest))
            return renamed
    return [Element("meta_attributes", {}, (flag,)), *renamed]


def _sets_only(cursor: Cursor) -> list[Element]:
    names = {"params": NVSETS["params"], "meta": NVSETS["meta"]}
    sets: list[Element] = []
    if cursor.token and cursor.word not in names:
        first = read_set(cursor, names["params"])
        if first.attributes or first.children:
            sets.append(first)
    while word := cursor.accept(*names):
        sets.append(read_set(cursor, names[word]))
    expect_end(cursor, tuple(names))
    return sets


def read_monitor(cursor: Cursor) -> Element:
    """Read what follows ``monitor``: ``resource[:role] interval[:timeout]`` (features 30.38)."""
    token = cursor.take("a resource")
    resource, _, role = token.text.partition(":")
    attributes = {"rsc": resource, "name": "monitor"}
    if role:
        attributes["role"] = cursor.choice(token, modern_role(role), ROLES, "role")
    interval, _, timeout = cursor.take("interval[:timeout]").text.partition(":")
    attributes["interval"] = interval
    if timeout:
        attributes["timeout"] = timeout
    expect_end(cursor, ())
    return Element("op", attributes)


def read_bundle(cursor: Cursor) -> Element:
    """Read what follows ``bundle`` (features 30.24)."""
    attributes = {"id": cursor.identifier("bundle")} | read_description(cursor)
    children: list[Element] = []
    words = (*_CONTAINERS, "network", "storage", "meta", "primitive")
    while cursor.token:
        word = cursor.accept(*words)
        match word:
            case "meta":
                children.append(read_set(cursor, "meta_attributes"))
            case "primitive":
                children.append(Element(MEMBER, {"id": cursor.identifier("resource")}))
            case "network":
                children.append(_mappings(cursor, "network", "port-mapping"))
            case "storage":
                children.append(_mappings(cursor, "storage", "storage-mapping"))
            case "":
                expect_end(cursor, words)
            case container:
                children.append(Element(container, _plain_pairs(cursor)))
    return Element("bundle", attributes, tuple(children))


def _plain_pairs(cursor: Cursor) -> dict[str, str]:
    return {pair.get("name"): pair.get("value") for pair in read_pairs(cursor)}


def _mappings(cursor: Cursor, tag: str, mapping: str) -> Element:
    attributes = _plain_pairs(cursor)
    children: list[Element] = []
    while cursor.accept(mapping):
        children.append(Element(mapping, _plain_pairs(cursor)))
    return Element(tag, attributes, tuple(children))
