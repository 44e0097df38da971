"""Nodes, options, tags, fencing levels, access control and alerts as text."""

from __future__ import annotations

import re

from cib_store.document.element import Element
from crm_shell.syntax.grammar.access import SHORTCUTS
from crm_shell.syntax.printer.nvsets import attribute_list, list_parts, name_value, rule_text
from crm_shell.syntax.printer.words import pair, quoted

_ID = re.compile(r"[\w.-]+")


def node(element: Element) -> list[str]:
    """Return a node."""
    words = ["node"]
    if element.id:
        words.append(_head_id(element.id))
    kind = f":{element.get('type')}" if "type" in element.attributes else ""
    words.append(f"{element.get('uname')}{kind}")
    parts = [" ".join(words)]
    if "description" in element.attributes:
        parts.append(pair("description", element.get("description")))
    names = {"instance_attributes": "attributes", "utilization": "utilization"}
    parts.extend(attribute_list(child, names[child.tag]) for child in element.each())
    return parts


def _head_id(identity: str) -> str:
    return f"{identity}:" if _ID.fullmatch(identity) else pair("$id", identity)


def options(element: Element, word: str) -> list[str]:
    """Return a set of cluster options or defaults, a pair a line."""
    head = word
    if element.id:
        head = f"{word} {_head_id(element.id)}"
    if "id-ref" in element.attributes:
        head = f"{word} {pair('$id-ref', element.get('id-ref'))}"
    return [
        head,
        *(rule_text(rule) for rule in element.each("rule")),
        *(name_value(each) for each in element.each("nvpair")),
    ]


def tag(element: Element) -> list[str]:
    """Return a tag."""
    members = " ".join(child.id for child in element.each("obj_ref"))
    return [f"tag {element.id} {members}"]


def topology(element: Element) -> list[str]:
    """Return the fencing levels, a target a line."""
    lines: dict[str, list[str]] = {}
    for level in element.each("fencing-level"):
        if "target-pattern" in level.attributes:
            target = f"pattern:{level.get('target-pattern')}"
        elif "target-attribute" in level.attributes:
            target = f"attr:{level.get('target-attribute')}={level.get('target-value')}"
        else:
            target = f"{level.get('target')}:" if level.get("target") else ""
        lines.setdefault(target, []).append(level.get("devices"))
    return [
        "fencing_topology",
        *(" ".join(filter(None, (target, *devices))) for target, devices in lines.items()),
    ]


def role(element: Element) -> list[str]:
    """Return an ACL role."""
    parts = [f"role {element.id}"]
    if "description" in element.attributes:
        parts.append(pair("description", element.get("description")))
    parts.extend(_permission(child) for child in element.each("acl_permission"))
    return parts


def _permission(element: Element) -> str:
    words = [element.get("kind")]
    if "id" in element.attributes:
        words.append(f"{element.id}:")
    if "description" in element.attributes:
        words.append(pair("description", element.get("description")))
    if "xpath" in element.attributes:
        words.append(_shortened(element.get("xpath")))
    for name, word in (("reference", "ref"), ("object-type", "type"), ("attribute", "attr")):
        if name in element.attributes:
            words.append(f"{word}:{quoted(element.get(name))}")
    return " ".join(words)


def _shortened(xpath: str) -> str:
    for name, parts in SHORTCUTS.items():
        for count in range(len(parts), 0, -1):
            pattern = re.escape("".join(parts[:count])).replace("@@", r"([A-Za-z_][\w.-]*)")
            if found := re.fullmatch(pattern, xpath):
                words = dict.fromkeys(found.groups()) if name == "location" else found.groups()
                return ":".join((name, *words))
    return f"xpath:{quoted(xpath)}"


def target(element: Element) -> list[str]:
    """Return a user or group and its roles."""
    roles = " ".join(child.id for child in element.each("role"))
    return [f"{element.tag} {element.id} {roles}"]


def alert(element: Element) -> list[str]:
    """Return an alert."""
    parts = [f"alert {element.id} {quoted(element.get('path'))}"]
    if "description" in element.attributes:
        parts.append(pair("description", element.get("description")))
    for child in element.each():
        match child.tag:
            case "select":
                parts.append(_select(child))
            case "recipient":
                parts.append(_recipient(child))
            case "instance_attributes":
                parts.append(attribute_list(child, "attributes"))
            case _:
                parts.append(attribute_list(child, "meta"))
    return parts


def _select(element: Element) -> str:
    words = ["select"]
    for child in element.each():
        words.append(child.tag.removeprefix("select_"))
        if child.children:
            words.extend(("{", *(quoted(each.get("name")) for each in child.each()), "}"))
    return " ".join(words)


def _recipient(element: Element) -> str:
    words = [quoted(element.get("value"))]
    if "description" in element.attributes:
        words.append(pair("description", element.get("description")))
    for child in element.each():
        words.append("attributes" if child.tag == "instance_attributes" else "meta")
        words.extend(list_parts(child))
    if element.children:
        return f"to {{ {' '.join(words)} }}"
    return f"to {' '.join(words)}"
