"""Attributes of nodes and the cluster as `crm_attribute` and its relatives see them."""

from __future__ import annotations

import re

from msgspec import Struct

from cib_store.document.element import Element
from crm_shell.actions import tree
from crm_shell.actions.pairs import (
    OP_DEFAULTS,
    OPTIONS,
    RSC_DEFAULTS,
    Home,
    find_pairs,
    of_node,
    of_status,
    remove_pair,
    set_pair,
    transient_owner,
)
from crm_shell.tools import transient
from crm_shell.tools.frame import ToolFailed
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Sum
from raftmaker.vocabulary.outcomes import Outcome

_SECTIONS = {"crm_config": OPTIONS, "rsc_defaults": RSC_DEFAULTS, "op_defaults": OP_DEFAULTS}


class Place(Struct, frozen=True, kw_only=True):
    """Where an attribute lives: the kind of set, and the element that holds the sets."""

    home: Home
    owner: Element | None
    scope: str


def place_of(cib: Element, scope: str, node: str, *, utilization: bool = False) -> Place:
    """Return the place of attributes. `scope`: crm_config, nodes, status, rsc_defaults …

    Raises `tree.NotThere` for an unknown node, `ToolFailed` for an unknown scope.
    """
    kind = "utilization" if utilization else "instance_attributes"
    if scope in _SECTIONS:
        return Place(home=_SECTIONS[scope], owner=tree.section(cib, scope), scope=scope)
    if scope == "nodes":
        entry = tree.node(cib, node)
        return Place(home=of_node(entry, kind), owner=entry, scope=scope)
    if scope == "status":
        identity = tree.node(cib, node).id
        return Place(
            home=of_status(identity, kind), owner=transient_owner(cib, identity), scope=scope
        )
    known = ", ".join((*_SECTIONS, "nodes", "status"))
    raise ToolFailed(f"unknown type {scope!r}; there are: {known}", ExitCode.USAGE)


def value_of(place: Place, name: str, set_name: str = "") -> str | None:
    """Return an attribute's value; None when it is not set."""
    found = find_pairs(place.home, place.owner, name, set_name)
    return found[0][1].get("value") if found else None


def names_matching(place: Place, pattern: str) -> list[str]:
    """Return the names of attributes at a place that match a regular expression."""
    names = [pair.get("name") for _, pair in find_pairs(place.home, place.owner, "")]
    return [name for name in dict.fromkeys(names) if re.search(pattern, name)]


def not_set(name: str) -> ToolFailed:
    """Return the failure for an attribute that is not set."""
    return ToolFailed(
        f"Error performing operation: No such device or address ({name} is not set)",
        ExitCode.NOSUCH,
    )


async def update(
    cluster: Cluster, place: Place, name: str, value: str, *, set_name: str = "",
    pair_id: str = "", score: bool = False,
) -> Outcome:  # fmt: skip
    """Set an attribute. ``NAME++`` and ``NAME+=N`` are sums, as agents write them (4.14)."""
    new = transient.value_of(name, value)
    if isinstance(new, Sum):
        value, score = f"value+={new.summand}", True
    operation = set_pair(
        place.home, place.owner, name, value, set_name=set_name, pair_id=pair_id, score=score
    )
    return await cluster.change([operation])


async def delete(cluster: Cluster, place: Place, name: str, *, set_name: str = "") -> list[str]:
    """Remove an attribute; return the ids of the pairs that are gone."""
    found = find_pairs(place.home, place.owner, name, set_name)
    operations = remove_pair(place.home, place.owner, name, set_name=set_name)
    if operations:
        await cluster.change(operations)
    return [pair.id for _, pair in found]
