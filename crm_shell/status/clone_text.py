"""The state of clones as text: what is alike in one line, what stands out by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crmd.scheduler.configuration.nodes import natural_key
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role, parse_role

Show = Callable[[Run, Resource, str], Iterator[str]]
"""Yields the lines about a resource, given a margin."""
ProbeText = Callable[[Run, Resource, str], str | None]
"""Returns what a failed probe on a node said."""


def clone_title(rsc: Resource, margin: str, flags: list[str]) -> str:
    """Return the line above a clone's instances."""
    assert rsc.clone is not None
    words = [
        word for word, said in (("promotable", rsc.promotable), ("unique", rsc.unique)) if said
    ]
    shown_flags = words + flags
    suffix = f" ({', '.join(shown_flags)})" if shown_flags else ""
    return f"{margin}* Clone Set: {rsc.id} [{rsc.clone.child.id}]{suffix}:"


def clone_lines(
    run: Run,
    rsc: Resource,
    margin: str,
    *,
    flags: list[str],
    pending: bool,
    inactive: bool,
    show: Show,
    probe_text: ProbeText,
) -> Iterator[str]:
    """Yield the lines about a clone (features 27)."""
    assert rsc.clone is not None
    yield clone_title(rsc, margin, flags)
    inner = margin + "  "
    promoted: list[Node] = []
    started: list[Node] = []
    for instance in rsc.children:
        node = _counted_on(rsc, instance, pending)
        if node is not None:
            is_promoted = instance.kind.role(instance, True) > Role.UNPROMOTED
            (promoted if is_promoted else started).append(node)
        elif _stands_out(rsc, instance, pending):
            yield from show(run, instance, inner)
    target = _target_role(rsc)
    if promoted:
        yield f"{inner}* Promoted: [ {_names(promoted)} ]"
    if started:
        title = "Started"
        if rsc.promotable:
            restricted = target is Role.UNPROMOTED
            title = "Unpromoted (target-role)" if restricted else "Unpromoted"
        yield f"{inner}* {title}: [ {_names(started)} ]"
    if inactive and not rsc.unique and rsc.clone.clone_max > len(promoted) + len(started):
        yield from _stopped(run, rsc, inner, target, probe_text)


def _target_role(rsc: Resource) -> Role:
    text = rsc.meta.get("target-role")
    if text is None and rsc.children:
        text = rsc.children[0].meta.get("target-role")
    return parse_role(text)


def _any_part(rsc: Resource, holds: Callable[[Resource], bool]) -> bool:
    return holds(rsc) or any(_any_part(child, holds) for child in rsc.children)


def _counted_on(rsc: Resource, instance: Resource, pending: bool) -> Node | None:
    """Return the node of an instance that is as it should be; None for another."""
    if rsc.unique or (pending and instance.pending_task is not None):
        return None
    if not instance.kind.active(instance, True):
        return None
    odd = _any_part(instance, lambda part: part.removed or part.failed or not part.managed)
    nodes = instance.nodes_now()
    if odd or len(nodes) != 1 or (not nodes[0].online and nodes[0].unclean):
        return None
    return nodes[0]


def _stands_out(rsc: Resource, instance: Resource, pending: bool) -> bool:
    """Whether an instance that is not counted has a line of its own."""
    active = instance.kind.active(instance, False)
    if rsc.unique:
        return active or not rsc.removed
    return active or (pending and instance.pending_task is not None)


def _names(nodes: list[Node]) -> str:
    return " ".join(node.name for node in sorted(nodes, key=lambda each: natural_key(each.name)))


def _stopped(
    run: Run, rsc: Resource, margin: str, target: Role, probe_text: ProbeText
) -> Iterator[str]:
    plain = "Stopped (disabled)" if target is Role.STOPPED else "Stopped"
    groups: dict[str, list[Node]] = {}
    for node in rsc.scores or rsc.probed_on:
        if node not in rsc.active_on:
            said = probe_text(run, rsc, node.name)
            groups.setdefault(f"Stopped ({said})" if said else plain, []).append(node)
    for state in sorted(groups):
        yield f"{margin}* {state}: [ {_names(groups[state])} ]"
