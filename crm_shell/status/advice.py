"""What is wrong with the cluster, and what to type about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from crm_shell.status.model import Status


def advice(status: Status) -> list[tuple[str, str]]:
    """Return (what is wrong, what to type), the worst first."""
    return [*_cluster(status), *_nodes(status), *_resources(status)]


def _cluster(status: Status) -> Iterator[tuple[str, str]]:
    if status.quorate is False and status.waits[0]:
        yield status.waits
    elif status.quorate is False:
        yield (
            "this partition has no quorum: it stops its resources",
            "start more nodes; 'crm cluster status' names those that are missing",
        )
    if not status.dc:
        yield "no DC is elected: nothing is started or moved", "crm cluster status"
    if status.fencing_enabled and not status.has_fencing_device and status.resources:
        yield (
            "fencing is on but no fence device is configured: a lost node's resources stay down",
            "crm configure primitive fence1 stonith:AGENT params … (or property "
            "fencing-enabled=false, and data at risk)",
        )
    if status.maintenance:
        yield "the whole cluster is in maintenance", "crm configure property maintenance-mode=false"


def _nodes(status: Status) -> Iterator[tuple[str, str]]:
    for node in status.nodes:
        if node.unclean:
            yield (
                f"node {node.name} is unclean: its state is unknown until it is fenced",
                f"crm node fence {node.name}; if it is surely off: stonith_admin -C {node.name}",
            )
        elif not node.online and not (node.pending or node.standby or node.maintenance):
            yield f"node {node.name} is down", f"start raftmaker.target on {node.name}"
        elif node.online and node.standby:
            yield f"node {node.name} is in standby", f"crm node online {node.name}"
        elif node.online and node.maintenance and not status.maintenance:
            yield f"node {node.name} is in maintenance", f"crm node ready {node.name}"


def _resources(status: Status) -> Iterator[tuple[str, str]]:
    for resource in dict.fromkeys(each.resource for each in status.failed_actions):
        yield f"{resource} has failed", f"when mended: crm resource cleanup {resource}"
    for key, resource, node, score in status.bans:
        what = "is kept away from" if score.startswith("-") else "is kept on"
        yield f"{resource} {what} {node} by {key}", f"crm resource clear {resource}"
