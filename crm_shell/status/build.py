"""A `Status` out of a CIB alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crm_shell.actions import tickets, tree
from crm_shell.actions.moving import made_for, node_of
from crm_shell.status.cluster_text import counts, listed
from crm_shell.status.history import failed_action
from crm_shell.status.model import Status
from crmd.scheduler.pipeline import read_cluster

if TYPE_CHECKING:
    from stonithd.client import FencingInfo


def build(
    cib: Element, *, now: int, dc: str = "", quorate: bool | None = None,
    fencings: tuple[FencingInfo, ...] = (), waits: tuple[str, str] = ("", ""),
) -> Status:  # fmt: skip
    """Build the status that `cib` shows at `now` (seconds since 1970).

    `dc`, `quorate`, `fencings` and `waits`: what daemons say, when asked.
    """
    options = _option_values(cib)
    cluster = read_cluster(cib, Moment(now))
    dc_name = dc or _name_of(cib, cib.get("dc-uuid"))
    cluster.dc_node = cluster.find_node(dc_name)
    instances, disabled, blocked = counts(cluster)
    return Status(
        cluster_name=options.get("cluster-name", ""),
        dc=dc_name,
        quorate=quorate if quorate is not None else cib.get("have-quorum") == "1",
        version=options.get("dc-version", ""),
        feature_set=cib.get("crm_feature_set"),
        last_change=cib.get("cib-last-written"),
        change_user=cib.get("update-user"),
        change_client=cib.get("update-client"),
        change_origin=cib.get("update-origin"),
        cluster=cluster,
        nodes=tuple(cluster.nodes),
        resources=tuple(listed(cluster)),
        failed_actions=tuple(map(failed_action, cluster.failed)),
        instances=instances,
        disabled=disabled,
        blocked=blocked,
        fencing_enabled=cluster.fencing_enabled,
        maintenance=cluster.maintenance_mode,
        has_fencing_device=any(
            each.get("class") == "stonith" and each.tag == "primitive"
            for each in tree.resources(cib)
        ),
        bans=tuple(
            (each.id, each.get("rsc"), node_of(each), _score(each)) for each in made_for(cib)
        ),
        avoided=tuple(_avoided(cib)),
        tickets=tuple(tickets.states(cib)),
        fencings=fencings,
        waits=waits,
    )


def _avoided(cib: Element) -> Iterator[tuple[str, str, str, str]]:
    """Yield what keeps resources away from nodes, whoever configured it."""
    for each in tree.section(cib, "constraints").each("rsc_location"):
        score, node = _score(each), node_of(each)
        members = [below.id for below in each.walk() if below.tag == "resource_ref"]
        if node and score.startswith("-"):
            yield from ((each.id, rsc, node, score) for rsc in (each.get("rsc"), *members) if rsc)


def _option_values(cib: Element) -> dict[str, str]:
    """Return the cluster options as configured, the first mention of each."""
    values: dict[str, str] = {}
    for each in tree.section(cib, "crm_config").each("cluster_property_set"):
        for pair in each.each("nvpair"):
            values.setdefault(pair.get("name"), pair.get("value"))
    return values


def _score(location: Element) -> str:
    rule = location.child("rule")
    return location.get("score") or (rule.get("score") if rule else "")


def _name_of(cib: Element, identity: str) -> str:
    for entry in tree.section(cib, "nodes").each("node"):
        if entry.id == identity:
            return entry.get("uname")
    return identity
