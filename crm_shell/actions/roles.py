"""Start, stop, promote, demote, manage, maintain: meta-attributes of a resource (30.12)."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.actions import tree
from crm_shell.actions.pairs import of_resource, remove_pair, set_pair
from raftmaker.vocabulary.commands import CibOperation


def set_meta(cib: Element, identity: str, name: str, value: str) -> tuple[CibOperation, ...]:
    """Set a meta-attribute; what the resource's members say otherwise is removed.

    Raises `tree.NotThere`.
    """
    element = tree.resource(cib, identity)
    below = [
        operation
        for member in element.walk()
        if member is not element and member.tag in tree.RESOURCES
        for operation in remove_pair(of_resource(member), member, name)
    ]
    return (*below, set_pair(of_resource(element), element, name, value))


def unset_meta(cib: Element, identity: str, name: str) -> tuple[CibOperation, ...]:
    """Remove a meta-attribute from a resource and its members. Raises `tree.NotThere`."""
    element = tree.resource(cib, identity)
    return tuple(
        operation
        for member in element.walk()
        if member.tag in tree.RESOURCES
        for operation in remove_pair(of_resource(member), member, name)
    )


def meta_of(cib: Element, identity: str, name: str) -> str | None:
    """Return what a resource itself says for a meta-attribute; None when it says nothing."""
    element = tree.resource(cib, identity)
    for each in element.each("meta_attributes"):
        for pair in each.each("nvpair"):
            if pair.get("name") == name:
                return pair.get("value")
    return None


def stopped_above(cib: Element, identity: str) -> tuple[str, ...]:
    """Return the containers of a resource whose target-role is Stopped: starting it is in vain."""
    return tuple(
        each.id
        for each in tree.holders(cib, identity)
        if (meta_of(cib, each.id, "target-role") or "").lower() == "stopped"
    )
