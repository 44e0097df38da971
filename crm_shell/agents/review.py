"""What a draft changes is held against the agents before it is committed (features 30.46)."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.agents.alert_agents import alert_findings
from crm_shell.agents.catalogue import Catalogue
from crm_shell.agents.checks import Finding, findings
from crm_shell.agents.uses import Use, uses
from raftmaker.client import Cluster


async def check(
    cluster: Cluster, configuration: Element, *, before: Element | None = None
) -> tuple[Finding, ...]:
    """Return what does not fit its agent; with `before` only in what differs from that.

    An agent that is not here may be on the nodes that are to run it: that is a warning. Raises
    `HaError` when the executor cannot be asked.
    """
    found: list[Finding] = [*alert_findings(configuration, before)]
    known = uses(before) if before is not None else {}
    changed = [use for name, use in uses(configuration).items() if known.get(name) != use]
    if not changed:
        return tuple(found)
    catalogue = Catalogue(cluster)
    installed = frozenset(await catalogue.names())
    told = await catalogue.all_metadata({each.agent for each in changed} & installed)
    for use in changed:
        metadata = told.get(use.agent)
        if metadata is None:
            found.append(_not_here(use, await catalogue.like(use.agent)))
        elif isinstance(metadata, str):
            what = f"its parameters cannot be checked: {metadata}"
            found.append(Finding(resource=use.resource, what=what, is_error=False))
        else:
            found.extend(findings(use, metadata))
    return tuple(found)


def _not_here(use: Use, like: str) -> Finding:
    hint = f"; did you mean {like!r}?" if like else "; it must be on each node that is to run it"
    what = f"{use.agent} is not installed on this node{hint}"
    return Finding(resource=use.resource, what=what, is_error=False)
