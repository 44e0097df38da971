"""The step from 1.x to 2.0: access control got targets, roles and permissions."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.upgrade.rewriting import rewritten, same

_KINDS = ("read", "write", "deny")


def from_1_to_2(configuration: Element) -> Element:
    """Return a 1.x configuration in the form of 2.0 (features 4.23)."""
    return rewritten(configuration, _rule)


def _rule(element: Element, parent: str) -> tuple[Element, ...]:
    match element.tag:
        case "role_ref":
            return (Element("role", element.attributes, element.children),)
        case "read" | "write" | "deny" if parent in ("acl_user", "acl_role"):
            return (_permission(element),)
        case "acl_user":
            return _target(element)
        case _:
            return same(element)


def _permission(element: Element) -> Element:
    given = element.attributes
    attributes = {"id": element.id, "kind": element.tag}
    if "ref" in given:
        attributes["reference"] = given["ref"]
    elif "tag" in given:
        attributes["object-type"] = given["tag"]
        if "attribute" in given:
            attributes["attribute"] = given["attribute"]
    elif "attribute" in given:
        attributes["xpath"] = f"{given.get('xpath', '')}[@{given['attribute']}]"
    elif "xpath" in given:
        attributes["xpath"] = given["xpath"]
    return Element("acl_permission", attributes)


def _target(user: Element) -> tuple[Element, ...]:
    if user.child("role") is not None:
        roles = tuple(user.each("role"))
        return (Element("acl_target", user.attributes, roles),)
    permissions = tuple(user.each("acl_permission"))
    if not permissions:
        return (Element("acl_target", user.attributes),)
    role = {"id": f"auto-{user.id}"}
    return (
        Element("acl_target", user.attributes, (Element("role", role),)),
        Element("acl_role", role, permissions),
    )
