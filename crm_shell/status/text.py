"""A status as Pacemaker's tools write it for people (features 27.1-27.4)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from crm_shell.actions import tickets
from crm_shell.status.brief_text import brief_on_node
from crm_shell.status.cluster_text import (
    Detail,
    agent_of,
    lines_of,
    node_lines,
    node_state,
    node_title,
    primitive_text,
)
from crm_shell.status.details_text import attributes_by_node, clock_text, failures_by_node
from crm_shell.status.fencing_text import detailed_text, is_over, plain_text, reduced
from crm_shell.status.model import FailedAction, Status
from crm_shell.status.operations import operation_lines
from crm_shell.status.options_text import option_lines
from crm_shell.status.places import everything_in
from crm_shell.status.sections import DEFAULT

if TYPE_CHECKING:
    from stonithd.client import FencingInfo


class Shown(Struct, frozen=True, kw_only=True):
    """What is to be shown (features 27.2-27.4)."""

    sections: frozenset[str] = DEFAULT
    bans_prefix: str = ""
    """How the ids of the bans begin that are shown."""
    inactive: bool = False
    by_node: bool = False
    headers: bool = True
    whole_history: bool = False
    """Every fencing, not only the newest of each kind."""
    detail: bool = False
    brief: bool = False
    timing: bool = False
    descriptions: bool = False


def render(status: Status, shown: Shown, *, now: str) -> str:
    """Return the whole text. `now`: the present, as it is to be shown."""
    blocks = (block for block in _blocks(status, shown, now) if block)
    return "\n\n".join("\n".join(block) for block in blocks)


def _blocks(status: Status, shown: Shown, now: str) -> Iterator[list[str]]:
    run, sections = status.cluster, shown.sections
    if shown.headers:
        yield _summary(status, sections, now)
    if status.maintenance and "maint-mode" in sections:
        yield [
            "              *** Resource management is DISABLED ***",
            "  The cluster will not attempt to start, stop or recover services",
        ]
    yield from _nodes_and_resources(status, shown)
    if "attributes" in sections:
        yield ["Node Attributes:", *attributes_by_node(run, status.nodes, "  ")]
    if "operations" in sections:
        yield ["Operations:", *operation_lines(run, status.nodes, "  ", timing=shown.timing)]
    elif "failcounts" in sections:
        yield ["Migration Summary:", *failures_by_node(run, status.nodes, "  ")]
    if "failures" in sections and status.failed_actions:
        text = detailed_failure_text if shown.detail else failure_text
        yield ["Failed Resource Actions:", *(f"  * {text(each)}" for each in status.failed_actions)]
    yield from _fencings(status, shown)
    if "tickets" in sections and status.tickets:
        yield ["Tickets:", *(f"  * {tickets.line(each)}" for each in status.tickets)]
    if "bans" in sections:
        bans = _bans(status, shown.bans_prefix)
        yield ["Negative Location Constraints:", *bans] if bans else []


def _nodes_and_resources(status: Status, shown: Shown) -> Iterator[list[str]]:
    sections = shown.sections
    if shown.by_node and sections & {"nodes", "resources"}:
        yield ["Node List:", *_by_node(status, shown)]
    elif "nodes" in sections:
        nodes = node_lines(status.cluster, status.nodes, "  ", detail=shown.detail)
        yield ["Node List:", *nodes]
    if "resources" in sections and not shown.by_node:
        yield resource_list(
            status, inactive=shown.inactive, brief=shown.brief, instances=shown.detail,
            descriptions=shown.descriptions,
        )  # fmt: skip
    elif "resources" in sections and shown.inactive:
        yield _inactive(status)


def _fencings(status: Status, shown: Shown) -> Iterator[list[str]]:
    """What failed, and what is under way or succeeded (features 27.2)."""
    history = status.fencings if shown.whole_history else reduced(status.fencings)
    failed = [each for each in history if each.state == "failed"]
    other = [each for each in history if each.state != "failed"]
    line = detailed_text if shown.detail else plain_text

    def block(title: str, listed: list[FencingInfo]) -> list[str]:
        full = shown.whole_history
        return [title, *(f"  * {line(each, status.fencings, full=full)}" for each in listed)]

    if "fencing-failed" in shown.sections and failed:
        yield block("Failed Fencing Actions:", failed)
    if "fencing-succeeded" in shown.sections and other:
        yield block("Fencing History:", other)
    elif "fencing-pending" in shown.sections:
        pending = [each for each in other if not is_over(each)]
        yield block("Pending Fencing Actions:", pending) if pending else []


def _summary(status: Status, sections: frozenset[str], now: str) -> list[str]:
    quorum = "partition with quorum" if status.quorate else "partition WITHOUT quorum"
    version = f" (version {status.version})" if status.version else ""
    dc = f"{status.dc}{version} - {quorum}" if status.dc else "NONE"
    lines: list[str] = []
    if "stack" in sections:
        lines.append("  * Stack: raftmaker")
    if "dc" in sections:
        lines.append(f"  * Current DC: {dc}")
    if "times" in sections:
        lines.append(f"  * Last updated: {now}")
    if "times" in sections and status.last_change:
        by = f" by {status.change_user} via {status.change_client}" if status.change_user else ""
        on = f" on {status.change_origin}" if status.change_origin else ""
        lines.append(f"  * Last change:  {status.last_change}{by}{on}")
    if "counts" in sections:
        lines.append(f"  * {_plural(len(status.nodes), 'node')} configured")
        extra = _counted(status)
        lines.append(f"  * {_plural(status.instances, 'resource instance')} configured{extra}")
    if "options" in sections:
        lines += option_lines(status.cluster)
    return ["Cluster Summary:", *lines] if lines else []


def _counted(status: Status) -> str:
    parts = []
    if status.disabled:
        parts.append(f"{status.disabled} DISABLED")
    if status.blocked:
        parts.append(f"{status.blocked} BLOCKED from further action due to failure")
    return f" ({', '.join(parts)})" if parts else ""


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")


def resource_list(
    status: Status, *, inactive: bool, brief: bool = False, instances: bool = False,
    descriptions: bool = False,
) -> list[str]:  # fmt: skip
    """Return the list of resources with its title; `inactive`: also what does not run."""
    title = "Full List of Resources:" if inactive else "Active Resources:"
    detail = Detail(inactive=inactive, brief=brief, instances=instances, descriptions=descriptions)
    lines = list(lines_of(status.cluster, status.resources, "  ", detail=detail))
    if lines:
        return [title, *lines]
    return [title, "  * No resources" if inactive else "  * No active resources"]


def _inactive(status: Status) -> list[str]:
    """What runs nowhere has no place under a node."""
    idle = [rsc for rsc in status.resources if not rsc.kind.active(rsc, False)]
    lines = list(lines_of(status.cluster, idle, "  ", detail=Detail()))
    return ["Inactive Resources:", *(lines or ["  * No inactive resources"])]


def _by_node(status: Status, shown: Shown) -> Iterator[str]:
    listed = {each for rsc in status.resources for each in everything_in(rsc)}
    for node in status.nodes:
        yield f"  * {node_title(node, detail=shown.detail)}: {node_state(node)}:"
        if "resources" not in shown.sections:
            continue
        yield "    * Resources:"
        here = [each for each in node.running if each in listed]
        if shown.brief:
            yield from brief_on_node(here, "      ", agent_of)
            continue
        for rsc in here:
            name = rsc.id if rsc.unique else rsc.xml_id
            said = primitive_text(status.cluster, rsc, name, node, pending=True, names_node=False)
            yield f"      * {said}"


def _bans(status: Status, prefix: str) -> list[str]:
    return [
        f"  * {key}\tprevents {resource} from running on {node}"
        for key, resource, node, _ in status.avoided
        if key.startswith(prefix)
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


def detailed_failure_text(failure: FailedAction) -> str:
    """Return all that is known of a failed action."""
    words = [f"call={failure.call_id}", f"status='{failure.status}'"]
    if failure.exit_reason:
        words.append(f"exitreason='{failure.exit_reason}'")
    if failure.last_change:
        words.append(f"last-rc-change='{clock_text(failure.last_change)}'")
        words += [f"queued={failure.queued_ms}ms", f"exec={failure.exec_ms}ms"]
    what = f"{failure.key} on {failure.node} '{failure.code_text}' ({failure.code})"
    return f"{what}: {', '.join(words)}"


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


def one_line(status: Status) -> str:
    """Return whether all is well in one line, for programs that watch (features 27.5)."""
    bad = [each.name for each in status.nodes if not each.online]
    if status.dc and not bad and not status.failed_actions:
        return (
            f"CLUSTER OK: {_plural(len(status.nodes), 'node')} online,"
            f" {_plural(status.instances, 'resource instance')} configured"
        )
    words = [f"offline: {' '.join(bad)}"] if bad else []
    words += ["no DC"] if not status.dc else []
    failed = len(status.failed_actions)
    words += [_plural(failed, "failed action")] if failed else []
    return f"CLUSTER WARN: {', '.join(words)}"
