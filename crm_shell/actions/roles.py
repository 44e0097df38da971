"""Start, stop, promote, demote, manage, maintain: meta-attributes of a resource (30.12)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.values import is_true
from crm_shell.actions import tree
from crm_shell.actions.pairs import of_resource, remove_pair, set_pair
from raftmaker.vocabulary.commands import CibOperation


def set_meta(
    cib: Element, identity: str, name: str, value: str, *, members_too: bool = True
) -> tuple[CibOperation, ...]:
    """Set a meta-attribute; what the resource's members say otherwise is removed.

    `members_too` False: it stays, and overrules what is set here. Raises `tree.NotThere`.
    """
    element = tree.resource(cib, identity)
    if not members_too:
        return (set_pair(of_resource(element), element, name, value),)
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


def members_with(cib: Element, identity: str, name: str) -> tuple[str, ...]:
    """Return the members of a resource that say something for a meta-attribute themselves."""
    element = tree.resource(cib, identity)
    members = (each for each in element.walk() if each is not element)
    inner = [each.id for each in members if each.tag in tree.RESOURCES]
    return tuple(each for each in inner if meta_of(cib, each, name) is not None)


def meta_of(cib: Element, identity: str, name: str) -> str | None:
    """Return what a resource itself says for a meta-attribute; None when it says nothing."""
    element = tree.resource(cib, identity)
    for each in element.each("meta_attributes"):
        for pair in each.each("nvpair"):
            if pair.get("name") == name:
                return pair.get("value")
    return None


def is_promotable(cib: Element, identity: str) -> bool:
    """Tell whether instances of a resource can be promoted: it is a promotable clone or in one.

    Raises `tree.NotThere`.
    """
    around = (tree.resource(cib, identity), *tree.holders(cib, identity))
    return any(
        each.tag == "master" or is_true(meta_of(cib, each.id, "promotable") or "")
        for each in around
    )


def stopped_above(cib: Element, identity: str) -> tuple[str, ...]:
    """Return the containers of a resource whose target-role is Stopped: starting it is in vain."""
    return tuple(
        each.id
        for each in tree.holders(cib, identity)
        if (meta_of(cib, each.id, "target-role") or "").lower() == "stopped"
    )
