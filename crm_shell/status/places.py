"""Where a resource runs, as the scheduler understands the histories. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crm_shell.actions import tree
from crm_shell.natural_order import in_order
from crm_shell.status.cluster_text import displayed_role
from crmd.scheduler.pipeline import read_cluster
from crmd.scheduler.state.resource import Resource
from raftmaker.vocabulary.roles import Role


def places_of(cib: Element, identity: str, *, now: int) -> list[tuple[str, str]]:
    """Return (node, role) of everywhere a resource, or something in it, runs.

    `now`: seconds since 1970. Raises `NotThere` for an unknown resource.
    """
    element = tree.resource(cib, identity)
    wanted = {each.id for each in element.walk() if each.tag == "primitive"}
    if element.tag == "bundle":
        wanted.add(identity)
    found: dict[str, Role] = {}
    for rsc in read_cluster(cib, Moment(now)).resources:
        for each in everything_in(rsc):
            is_meant = each.xml_id in wanted or each.id == identity
            if is_meant and not each.children and each.role > Role.STOPPED:
                for node in each.active_on:
                    role = displayed_role(each)
                    found[node.name] = max(role, found.get(node.name, role))
    return [(node, found[node].value) for node in in_order(found)]


def running_ids(cib: Element, *, now: int) -> frozenset[str]:
    """Return the ids of everything that is managed and runs; `now`: seconds since 1970."""
    return frozenset(
        name
        for rsc in read_cluster(cib, Moment(now)).resources
        for each in everything_in(rsc)
        if each.managed and each.nodes_now()
        for name in (each.id, each.xml_id)
    )


def everything_in(rsc: Resource) -> Iterator[Resource]:
    """Yield a resource and all below it."""
    yield rsc
    for child in rsc.children:
        yield from everything_in(child)
