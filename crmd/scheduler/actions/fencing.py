"""Fencing: whether a node can be fenced, and the actions that do it (features section 13)."""

from __future__ import annotations

from cib_store.model.options import NoQuorum
from cib_store.model.values import seconds_of
from crmd.scheduler.actions.book import register
from crmd.scheduler.digests import DigestResult, compare_fencing_digest
from crmd.scheduler.state.action import OPTIONAL, Action, order
from crmd.scheduler.state.node import Node, NodeKind
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def can_fence(run: Run, node: Node | None) -> bool:
    """Whether the cluster is able and allowed to fence a node."""
    if node is not None and node.is_guest:
        assert node.remote is not None
        assert node.remote.launcher is not None
        hosts = node.remote.launcher.active_on
        return all(host.online or can_fence(run, host) for host in hosts)
    if not run.fencing_enabled or not run.have_fencing:
        return False
    if run.quorate or run.no_quorum is NoQuorum.IGNORE:
        return True
    if node is None or not node.online:
        return False
    if node.is_remote_kind and not run.fence_remote_without_quorum and node.remote is not None:
        return all(host.online for host in node.remote.scores)
    return True


def fence_action(
    run: Run,
    node: Node,
    *,
    operation: str | None = None,
    optional: bool,
    reason: str | None,
    priority_delay: bool = False,
) -> Action:
    """Return the action that fences (or, with "on", unfences) a node."""
    operation = operation or run.fencing_action
    key = f"stonith-{node.name}-{operation}"
    action = run.singletons.get(key)
    if action is None:
        action = register(run, None, key, "stonith", node, optional=True)
        action.meta.setdefault("on_node", node.name)
        action.meta.setdefault("on_node_uuid", node.id)
        action.meta.setdefault("stonith_action", operation)
        if run.unfencing_enabled and _note_digests(run, node, action):
            optional = False
    if run.priority_fencing_ms > 0 and (priority_delay or "priority-fencing-delay" in action.meta):
        action.meta["priority-fencing-delay"] = str(_delay_s(run, node))
    if not optional and can_fence(run, node):
        action.flags &= ~OPTIONAL
        action.set_reason(reason, overwrite=False)
    elif reason is not None and action.reason is None:
        action.reason = reason
    return action


def _note_digests(run: Run, node: Node, action: Action) -> bool:
    """Record the parameters of all unfencing devices; whether some differ from the last time."""
    changed = False
    whole, secure = [], []
    for device in _unfencing_devices(run.resources, []):
        agent = device.meta.get("type", "")
        result, digests = compare_fencing_digest(run, device, agent, node)
        changed = changed or result is DigestResult.MISMATCH
        whole.append(f"{device.id}:{agent}:{digests.whole},")
        secure.append(f"{device.id}:{agent}:{digests.secure},")
    action.meta["digests-all"] = "".join(whole)
    action.meta["digests-secure"] = "".join(secure)
    return changed


def _unfencing_devices(candidates: list[Resource], found: list[Resource]) -> list[Resource]:
    for candidate in candidates:
        if candidate.children:
            _unfencing_devices(candidate.children, found)
        elif candidate.fence_device and (
            candidate.needs_unfencing or candidate.meta.get("provides", "").lower() == "unfencing"
        ):
            found.insert(0, candidate)
    return found


def _delay_s(run: Run, node: Node) -> int:
    """Seconds that fencing waits, so that the side with more of value wins a split."""
    if node.kind is not NodeKind.MEMBER or node.online:
        return 0
    members = [each for each in run.nodes if each.kind is NodeKind.MEMBER]
    if sum(each.online for each in members) > len(members) // 2:
        return 0
    priorities = [each.priority for each in members]
    if min(priorities) == max(priorities) or node.priority < max(priorities):
        return 0
    return seconds_of(run.priority_fencing_ms)


def fence_node(run: Run, node: Node, reason: str, *, priority_delay: bool = False) -> None:
    """Mark a node as unclean, so that it will be fenced; guests by restarting their machine."""
    remote = node.remote
    if node.is_guest:
        assert remote is not None
        launcher = remote.launcher
        assert launcher is not None
        if not launcher.failed and launcher.managed:
            node.remote_reset = True
            launcher.failed = launcher.stop_if_failed = True
    elif node.is_remote_kind and remote is not None and remote.removed_launched:
        remote.failed = remote.stop_if_failed = True
    elif node.is_remote_kind:
        if remote is None or remote.managed:
            node.remote_reset = True
        node.unclean = True
        fence_action(run, node, optional=True, reason=reason)
    elif not node.unclean:
        node.unclean = True
        fence_action(run, node, optional=True, reason=reason, priority_delay=priority_delay)


def trigger_unfencing(
    run: Run,
    rsc: Resource | None,
    node: Node | None,
    reason: str,
    dependency: Action | None = None,
) -> None:
    """Have a node (or all that may run `rsc`) unfenced again, where unfencing is in use."""
    if not run.unfencing_enabled or (rsc is not None and not rsc.fence_device):
        return
    if node is not None and node.online and not node.unclean and not node.shutdown:
        action = fence_action(run, node, operation="on", optional=False, reason=reason)
        if dependency is not None:
            order(action, dependency, 1)
    elif rsc is not None:
        for each in rsc.scores:
            if each.online and not each.unclean and not each.shutdown:
                trigger_unfencing(run, rsc, each, reason, dependency)


def is_unfenced(node: Node) -> bool:
    """Whether the node was unfenced since it last joined."""
    return node.attributes.get("#node-unfenced", "0") != "0"
