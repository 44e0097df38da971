"""Access control: role, acl_target, acl_group, user (features 30.34, 30.35)."""

from __future__ import annotations

import re

from cib_store.document.element import Element
from crm_shell.syntax.cursor import Cursor
from crm_shell.syntax.faults import nearest
from crm_shell.syntax.grammar.nvsets import expect_end, read_description

_ID = re.compile(r"(?:\$id=(.+)|([\w.-]+):)", re.IGNORECASE)
_SPECS = {
    "xpath": "xpath", "ref": "reference", "reference": "reference", "tag": "object-type",
    "type": "object-type", "attr": "attribute", "attribute": "attribute",
}  # fmt: skip
SHORTCUTS: dict[str, tuple[str, ...]] = {
    "meta": ("//primitive[@id='@@']/meta_attributes", "/nvpair[@name='@@']"),
    "params": ("//primitive[@id='@@']/instance_attributes", "/nvpair[@name='@@']"),
    "utilization": ("//primitive[@id='@@']/utilization",),
    "location": ("//rsc_location[@id='cli-prefer-@@' and @rsc='@@']",),
    "property": ("//crm_config/cluster_property_set", "/nvpair[@name='@@']"),
    "nodeattr": ("//nodes/node/instance_attributes", "/nvpair[@name='@@']"),
    "nodeutil": ("//nodes/node/utilization", "[@uname='@@']"),
    "node": ("//nodes/node", "[@uname='@@']"),
    "status": ("/cib/status",),
    "cib": ("/cib",),
}
"""What ``meta:RESOURCE:NAME`` and the like stand for: each ``@@`` is one word after a colon."""


def read_target(cursor: Cursor, tag: str) -> Element:
    """Read what follows ``acl_target``, ``acl_group`` or the older ``user``."""
    attributes = {"id": cursor.take("a user's or group's name").text}
    roles: list[Element] = []
    while token := cursor.token:
        if token.text.lower() in ("read", "write", "deny"):
            cursor.fail(
                "rights belong to a role, not to a user",
                allowed=f"role NAME {token.text} …, then acl_target {attributes['id']} NAME",
            )
        name = cursor.take("").text
        roles.append(Element("role", {"id": name.removeprefix("role:")}))
    if not roles:
        cursor.fail("at least one role should follow", allowed=f"{tag} NAME ROLE…")
    return Element(tag, attributes, tuple(roles))


def read_role(cursor: Cursor) -> Element:
    """Read what follows ``role``."""
    attributes = {"id": cursor.identifier("role")} | read_description(cursor)
    permissions: list[Element] = []
    while word := cursor.accept("read", "write", "deny"):
        permissions.extend(_permission(cursor, word))
    expect_end(cursor, ("read", "write", "deny"))
    return Element("acl_role", attributes, tuple(permissions))


def _permission(cursor: Cursor, kind: str) -> list[Element]:
    base = {"kind": kind}
    if cursor.word.partition(":")[0] not in SHORTCUTS and (found := cursor.match(_ID)):
        base["id"] = found[1] or found[2]
    base |= read_description(cursor)
    given: dict[str, str] = {}
    while (token := cursor.token) and token.text.lower() not in ("read", "write", "deny"):
        name, colon, value = token.text.partition(":")
        if name in SHORTCUTS:
            given["xpath"] = _expanded(cursor, name, value)
        elif name in _SPECS and colon:
            given[_SPECS[name]] = value
        else:
            known = (*_SPECS, *SHORTCUTS)
            cursor.fail(
                f"{token.text!r} says nothing about what to {kind}",
                allowed=", ".join(f"{word}:…" for word in known),
                suggestion=nearest(name, known),
            )
        cursor.take("")
    permissions = [
        Element("acl_permission", {**base, name: given[name]})
        for name in ("xpath", "reference")
        if name in given
    ]
    if "object-type" in given:
        wanted = {k: v for k, v in given.items() if k in ("object-type", "attribute")}
        permissions.append(Element("acl_permission", base | wanted))
    elif "attribute" in given and permissions:
        last = permissions[-1]
        permissions[-1] = last.with_attributes({"attribute": given["attribute"]})
    if not permissions:
        cursor.fail(f"what to {kind} should follow", allowed="xpath:…, ref:…, type:… or a shortcut")
    return permissions


def _expanded(cursor: Cursor, name: str, value: str) -> str:
    words = value.split(":") if value else []
    xpath = ""
    for part in SHORTCUTS[name]:
        if "@@" in part:
            if not words:
                break
            part = part.replace("@@", words.pop(0))
        xpath += part
    if words or not xpath:
        cursor.fail(f"{name}:{value} has too many or too few words", allowed=f"{name}:NAME…")
    return xpath
