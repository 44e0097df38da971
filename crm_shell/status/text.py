"""A status as Pacemaker's tools write it for people (features 27.1-27.4)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_shell.status.cluster_text import (
    Detail,
    node_lines,
    node_state,
    node_title,
    primitive_text,
    resource_lines,
)
from crm_shell.status.details_text import attributes_by_node, failures_by_node
from crm_shell.status.fencing_text import detailed_text, is_over, plain_text, reduced
from crm_shell.status.model import FailedAction, Status
from crm_shell.status.places import everything_in

if TYPE_CHECKING:
    from stonithd.client import FencingInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is to be shown (features 27.2-27.4)."""

    summary: bool = True
    nodes: bool = True
    resources: bool = True
    failures: bool = True
    inactive: bool = False
    by_node: bool = False
    attributes: bool = False
    fail_counts: bool = False
    bans: bool = False
    headers: bool = True
    failed_fencings: bool = True
    pending_fencings: bool = True
    succeeded_fencings: bool = False
    whole_history: bool = False
    """Every fencing, not only the newest of each kind."""
    detail: bool = False


def render(status: Status, shown: Shown, *, now: str) -> str:
    """Return the whole text. `now`: the present, as it is to be shown."""
    blocks: list[list[str]] = []
    if shown.summary and shown.headers:
        blocks.append(["Cluster Summary:", *_summary(status, now)])
    if status.maintenance:
        blocks.append(
            [
                "              *** Resource management is DISABLED ***",
                "  The cluster will not attempt to start, stop or recover services",
            ]
        )
    if shown.by_node:
        blocks.append(["Node List:", *_by_node(status)])
    elif shown.nodes:
        blocks.append(["Node List:", *node_lines(status.cluster, status.nodes, "  ")])
    if shown.resources and not shown.by_node:
        blocks.append(resource_list(status, inactive=shown.inactive))
    elif shown.resources and shown.inactive:
        blocks.append(_inactive(status))
    if shown.attributes:
        blocks.append(["Node Attributes:", *attributes_by_node(status.cluster, status.nodes, "  ")])
    if shown.fail_counts:
        blocks.append(["Migration Summary:", *failures_by_node(status.cluster, status.nodes, "  ")])
    if shown.bans and status.bans:
        blocks.append(["Negative Location Constraints:", *_bans(status)])
    if shown.failures and status.failed_actions:
        lines = [f"  * {failure_text(each)}" for each in status.failed_actions]
        blocks.append(["Failed Resource Actions:", *lines])
    blocks.extend(_fencings(status, shown))
    return "\n\n".join("\n".join(block) for block in blocks)


def _fencings(status: Status, shown: Shown) -> Iterator[list[str]]:
    """What failed, and what is under way or succeeded (features 27.2)."""
    history = status.fencings if shown.whole_history else reduced(status.fencings)
    failed = [each for each in history if each.state == "failed"]
    other = [each for each in history if each.state != "failed"]
    line = detailed_text if shown.detail else plain_text

    def block(title: str, listed: list[FencingInfo]) -> list[str]:
        full = shown.whole_history
        return [title, *(f"  * {line(each, status.fencings, full=full)}" for each in listed)]

    if shown.failed_fencings and failed:
        yield block("Failed Fencing Actions:", failed)
    if shown.succeeded_fencings and other:
        yield block("Fencing History:", other)
    elif shown.pending_fencings and (pending := [each for each in other if not is_over(each)]):
        yield block("Pending Fencing Actions:", pending)


def _summary(status: Status, now: str) -> list[str]:
    quorum = "partition with quorum" if status.quorate else "partition WITHOUT quorum"
    dc = f"{status.dc} (version {status.version}) - {quorum}" if status.dc else "NONE"
    lines = [
        "  * Stack: raftmaker",
        f"  * Current DC: {dc}",
        f"  * Last updated: {now}",
    ]
    if status.last_change:
        by = f" by {status.change_user} via {status.change_client}" if status.change_user else ""
        on = f" on {status.change_origin}" if status.change_origin else ""
        lines.append(f"  * Last change:  {status.last_change}{by}{on}")
    lines.append(f"  * {_plural(len(status.nodes), 'node')} configured")
    extra = _counted(status)
    lines.append(f"  * {_plural(status.instances, 'resource instance')} configured{extra}")
    return lines


def _counted(status: Status) -> str:
    parts = []
    if status.disabled:
        parts.append(f"{status.disabled} DISABLED")
    if status.blocked:
        parts.append(f"{status.blocked} BLOCKED from further action due to failure")
    return f" ({', '.join(parts)})" if parts else ""


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")


def resource_list(status: Status, *, inactive: bool) -> list[str]:
    """Return the list of resources with its title; `inactive`: also what does not run."""
    title = "Full List of Resources:" if inactive else "Active Resources:"
    detail = Detail(inactive=inactive)
    lines = [
        line
        for rsc in status.resources
        for line in resource_lines(status.cluster, rsc, "  ", detail=detail)
    ]
    if lines:
        return [title, *lines]
    return [title, "  * No resources" if inactive else "  * No active resources"]


def _inactive(status: Status) -> list[str]:
    """What runs nowhere has no place under a node."""
    lines = [
        line
        for rsc in status.resources
        if not rsc.kind.active(rsc, False)
        for line in resource_lines(status.cluster, rsc, "  ", detail=Detail())
    ]
    return ["Inactive Resources:", *(lines or ["  * No inactive resources"])]


def _by_node(status: Status) -> list[str]:
    shown = {each for rsc in status.resources for each in everything_in(rsc)}
    lines: list[str] = []
    for node in status.nodes:
        lines.append(f"  * {node_title(node)}: {node_state(node)}:")
        lines.append("    * Resources:")
        for rsc in (each for each in node.running if each in shown):
            name = rsc.id if rsc.unique else rsc.xml_id
            said = primitive_text(status.cluster, rsc, name, node, pending=True, names_node=False)
            lines.append(f"      * {said}")
    return lines


def _bans(status: Status) -> list[str]:
    return [
        f"  * {key}\tprevents {resource} from running on {node}"
        for key, resource, node, score in status.bans
        if score.startswith("-")
    ]


def failure_text(failure: FailedAction) -> str:
    """Return a failed action as a sentence."""
    operation = failure.operation
    if operation == "monitor" and not failure.interval_ms:
        operation = "probe"
    often = f"{readable_ms(failure.interval_ms)}-interval " if failure.interval_ms else ""
    text = f"{failure.resource} {often}{operation} on {failure.node}"
    if failure.status == "Done":
        text += f" returned '{failure.code_text}'"
        text += f" ({failure.exit_reason})" if failure.exit_reason else ""
    else:
        why = f": {failure.exit_reason}" if failure.exit_reason else ""
        text += f" could not be executed ({failure.status}{why})"
    if failure.last_change:
        text += time.strftime(" at %a %b %e %H:%M:%S %Y", time.localtime(failure.last_change))
    if failure.exec_ms.isdigit() and int(failure.exec_ms) > 0:
        text += f" after {readable_ms(int(failure.exec_ms))}"
    return text


def readable_ms(milliseconds: int) -> str:
    """Return a duration as ``1h2m3s``, ``1.500s`` or ``20ms``."""
    rest, parts = milliseconds, ""
    for size, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m")):
        if rest >= size:
            parts += f"{rest // size}{unit}"
            rest %= size
    if rest >= 1000:
        parts += f"{rest // 1000}.{rest % 1000:03d}s" if rest % 1000 else f"{rest // 1000}s"
    elif rest:
        parts += f"{rest}ms" if not parts else f"0.{rest:03d}s"
    return parts or "0s"
