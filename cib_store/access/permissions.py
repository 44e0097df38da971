"""Which permissions the configuration gives a user: by name, by group, by role (20.3-20.10)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from cib_store.access.caller import Caller
from cib_store.document.element import Element
from cib_store.model.values import parse_boolean


class Right(Enum):
    """What a permission says of the elements that it matches; write includes read."""

    DENY = "deny"
    READ = "read"
    WRITE = "write"


class Permission(Struct, frozen=True):
    """A right to what an XPath matches, and to everything below it (features 20.5)."""

    right: Right
    xpath: str


def is_enabled(configuration: Element | None) -> bool:
    """Tell whether ``enable-acl`` is on; the first set that has it counts (features 20.1)."""
    options = configuration.child("crm_config") if configuration is not None else None
    if options is None:
        return False
    for nvset in options.each("cluster_property_set"):
        for pair in nvset.each("nvpair"):
            if pair.get("name") == "enable-acl":
                return parse_boolean(pair.get("value")) is True
    return False


def permissions_of(configuration: Element, caller: Caller) -> tuple[Permission, ...]:
    """Return every permission of the caller, in the order of the configuration; none: all denied.

    Whom no rule binds is not asked about here.
    """
    section = configuration.child("acls")
    if section is None or not caller.user:
        return ()
    roles = {role.id: role for role in section.each("acl_role")}
    found: list[Permission] = []
    for name in sorted(caller.roles & roles.keys()):
        for rule in roles[name].each():
            found += _permission(rule)
    for entry in section.each("acl_target", "acl_user", "acl_group"):
        name = entry.get("name") or entry.id
        is_meant = name in caller.groups if entry.tag == "acl_group" else name == caller.user
        if is_meant:
            found += _within(entry, roles)
    return tuple(found)


def _within(entry: Element, roles: dict[str, Element]) -> Iterator[Permission]:
    for child in entry.each():
        if child.tag in ("role", "role_ref"):
            role = roles.get(child.id)
            for rule in role.each() if role is not None else ():
                yield from _permission(rule)
        else:
            yield from _permission(child)


def _permission(rule: Element) -> Iterator[Permission]:
    """Yield what a rule says; the form of before schema 2.0 is understood too (features 20.10)."""
    kind = rule.get("kind") if rule.tag == "acl_permission" else rule.tag
    if kind not in (right.value for right in Right):
        return
    xpath = xpath_of(rule)
    if xpath:
        yield Permission(Right(kind), xpath)


def xpath_of(rule: Element) -> str:
    """Return the XPath that a permission stands for; empty where it names nothing."""
    given = rule.attributes
    attribute = given.get("attribute", "")
    if "xpath" in given:
        is_old = rule.tag != "acl_permission" and attribute
        return f"{given['xpath']}[@{attribute}]" if is_old else given["xpath"]
    tag = given.get("object-type") or given.get("tag") or "*"
    reference = given.get("reference") or given.get("ref")
    if reference is not None:
        quote = '"' if "'" in reference else "'"
        also = f" and @{attribute}" if attribute else ""
        return f"//{tag}[@id={quote}{reference}{quote}{also}]"
    if attribute:
        return f"//{tag}[@{attribute}]"
    return f"//{tag}" if tag != "*" else ""
