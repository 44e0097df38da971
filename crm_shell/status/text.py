"""A status as Pacemaker's tools write it for people (features 27.1-27.4)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crm_shell.status.model import FailedAction, NodeState, NodeView, ResourceView, Status


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
        blocks.append(["Node List:", *node_lines(status.nodes)])
    if shown.resources and not shown.by_node:
        blocks.append(_resources(status, inactive=shown.inactive))
    if shown.attributes:
        blocks.append(["Node Attributes:", *_attributes(status.nodes)])
    if shown.fail_counts:
        blocks.append(["Migration Summary:", *_fail_counts(status)])
    if shown.bans and status.bans:
        blocks.append(["Negative Location Constraints:", *_bans(status)])
    if shown.failures and status.failed_actions:
        lines = [f"  * {failure_text(each)}" for each in status.failed_actions]
        blocks.append(["Failed Resource Actions:", *lines])
    if shown.failures and status.failed_fencings:
        lines = [
            f"  * {each.action} of {each.target} failed: client={each.client}, {each.reason}"
            for each in status.failed_fencings
        ]
        blocks.append(["Failed Fencing Actions:", *lines])
    return "\n\n".join("\n".join(block) for block in blocks)


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


def node_lines(nodes: Sequence[NodeView]) -> list[str]:
    """Return the node list: those with a state of their own, then the others together."""
    lines = [
        f"  * Node {each.name}: {each.state.value}"
        for each in nodes
        if each.state not in (NodeState.ONLINE, NodeState.OFFLINE)
    ]
    for state, label in ((NodeState.ONLINE, "Online"), (NodeState.OFFLINE, "OFFLINE")):
        names = [each.name for each in nodes if each.state is state]
        if names:
            lines.append(f"  * {label}: [ {' '.join(in_order(names))} ]")
    return lines


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names as people count: without case, numbers as numbers."""
    return sorted(
        names,
        key=lambda name: [
            (0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in re.split(r"(\d+)", name.lower())
            if part
        ],
    )


def _resources(status: Status, *, inactive: bool) -> list[str]:
    title = "Full List of Resources:" if inactive else "Active Resources:"
    lines = [
        line
        for view in status.resources
        if inactive or view.active
        for line in resource_lines(view, inactive=inactive)
    ]
    if lines:
        return [title, *lines]
    return [title, "  * No resources" if inactive else "  * No active resources"]


def resource_lines(view: ResourceView, *, inactive: bool = True, margin: str = "  ") -> list[str]:
    """Return a resource and what it contains."""
    match view.kind:
        case "group":
            head = f"{margin}* Resource Group: {view.id}{_flags(view)}:"
            below = [
                line
                for member in view.members
                if inactive or member.active
                for line in resource_lines(member, inactive=inactive, margin=margin + "  ")
            ]
            return [head, *below]
        case "clone":
            return _clone_lines(view, inactive=inactive, margin=margin)
        case "bundle":
            return [f"{margin}* Container bundle: {view.id}{_flags(view)}"]
        case _:
            return [f"{margin}* {primitive_line(view)}"]


def primitive_line(view: ResourceView) -> str:
    """Return ``web (ocf:heartbeat:apache): Started a``, tabs as Pacemaker sets them."""
    head = f"{view.id}\t({view.agent}):\t"
    orphan = " ORPHANED" if view.orphan else ""
    running = [each for each in view.activities if each.role != "Stopped" or each.failed]
    pending = next((each.pending for each in view.activities if each.pending), "")
    flags = _primitive_flags(view)
    if not running:
        state = f"{pending or 'Stopped'}"
        where = view.activities[0].node if pending else ""
        return f"{head}{orphan} {state}{f' {where}' if where else ''}{flags}"
    first = running[0]
    role = pending or first.role
    state = f"FAILED{' Promoted' if first.role == 'Promoted' else ''}" if first.failed else role
    if len(running) > 1:
        names = " ".join(in_order(each.node for each in running))
        return f"{head}{orphan} {state}{flags} [ {names} ]"
    return f"{head}{orphan} {state} {first.node}{flags}"


def _primitive_flags(view: ResourceView) -> str:
    flags = []
    if view.disabled:
        flags.append("disabled")
    elif view.target_role.lower() == "unpromoted":
        flags.append("target-role:Unpromoted")
    if view.blocked:
        flags.append("blocked")
    elif view.maintenance:
        flags.append("maintenance")
    elif not view.managed:
        flags.append("unmanaged")
    return f" ({', '.join(flags)})" if flags else ""


def _flags(view: ResourceView, *first: str) -> str:
    flags = [flag for flag in first if flag]
    if view.disabled:
        flags.append("disabled")
    if view.maintenance:
        flags.append("maintenance")
    elif not view.managed:
        flags.append("unmanaged")
    return f" ({', '.join(flags)})" if flags else ""


def _clone_lines(view: ResourceView, *, inactive: bool, margin: str) -> list[str]:
    kinds = ("promotable" if view.promotable else "", "unique" if view.unique else "")
    lines = [f"{margin}* Clone Set: {view.id} [{view.agent}]{_flags(view, *kinds)}:"]
    below, named = margin + "  ", set()
    by_role: dict[str, list[str]] = {"Promoted": [], "Unpromoted": [], "Started": []}
    for member in view.members:
        states = [each for leaf in _leaves(member) for each in leaf.activities]
        active = [each for each in states if each.role != "Stopped"]
        if active:
            named.add(active[0].node)
        whole = len({each.node for each in active}) == 1 and len(active) == len(_leaves(member))
        if view.unique or not whole or any(each.failed or each.pending for each in states):
            lines.extend(resource_lines(member, margin=below))
            named.update(each.node for each in states)
            continue
        role = active[0].role
        if view.promotable and role == "Started":
            role = "Unpromoted"
        by_role[role].append(active[0].node)
    for role, names in by_role.items():
        if names:
            lines.append(f"{below}* {role}: [ {' '.join(in_order(names))} ]")
    stopped = [name for name in view.nodes_expected if name not in named]
    if stopped and inactive:
        word = "Stopped (disabled)" if view.disabled else "Stopped"
        lines.append(f"{below}* {word}: [ {' '.join(in_order(stopped))} ]")
    return lines


def _leaves(view: ResourceView) -> list[ResourceView]:
    return [leaf for each in view.members for leaf in _leaves(each)] if view.members else [view]


def _by_node(status: Status) -> list[str]:
    lines: list[str] = []
    for node in status.nodes:
        lines.append(f"  * Node {node.name}: {node.state.value}:")
        lines.append("    * Resources:")
        for leaf in (leaf for view in status.resources for leaf in _leaves(view)):
            lines.extend(
                f"      * {leaf.id}\t({leaf.agent}):\t {each.role}"
                for each in leaf.activities
                if each.node == node.name and each.role != "Stopped"
            )
    return lines


def _attributes(nodes: Sequence[NodeView]) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        if node.attributes:
            lines.append(f"  * Node: {node.name}:")
            width = max(len(name) for name, _ in node.attributes)
            lines.extend(
                f"    * {name:<{max(width, 32)}}\t: {value:<10}" for name, value in node.attributes
            )
    return lines


def _fail_counts(status: Status) -> list[str]:
    lines: list[str] = []
    for node in status.nodes:
        own = [(rsc, count) for name, rsc, count in status.fail_counts if name == node.name]
        if own:
            lines.append(f"  * Node: {node.name}:")
            lines.extend(f"    * {rsc}: fail-count={count}" for rsc, count in own)
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
    if failure.status == "complete":
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
