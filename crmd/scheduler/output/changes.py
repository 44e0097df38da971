"""What happens to each resource and node, as the transition summary tells it (features 27)."""

from __future__ import annotations

from crmd.scheduler.actions.book import find_actions
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.placement.choice import current_node
from crmd.scheduler.schedule import Change, NodeChange, ResourceChange
from crmd.scheduler.state.action import Action
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def node_changes(run: Run) -> tuple[NodeChange, ...]:
    """Return the fencings and shutdowns, the latest planned first."""
    found = []
    for action in reversed(run.actions):
        node = action.node
        if action.rsc is not None or action.optional or node is None:
            continue
        if action.task == "do_shutdown":
            task = "Shutdown"
        elif action.task == "stonith":
            task = f"Fence ({action.meta.get('stonith_action')})"
        else:
            continue
        name = node.name
        if node.is_guest:
            assert node.remote is not None
            assert node.remote.launcher is not None
            name = f"{name} (resource: {node.remote.launcher.id})"
        found.append(NodeChange(task=task, node=name, reason=action.reason))
    return tuple(found)


def resource_changes(run: Run) -> tuple[ResourceChange, ...]:
    """Return what happens to each resource, in the order of the resources."""
    found: list[ResourceChange] = []
    for rsc in run.resources:
        _of_resource(rsc, found)
    return tuple(found)


def _of_resource(rsc: Resource, found: list[ResourceChange]) -> None:
    if rsc.variant is not Variant.PRIMITIVE:
        for part in rsc.kind.told(rsc):
            _of_resource(part, found)
        return
    current: Node | None = None
    role = rsc.role
    if rsc.active_on:
        current = current_node(rsc)
        if role is Role.STOPPED:
            role = Role.STARTED
    if current is None and rsc.removed:
        return
    if rsc.managed and (current is not None or rsc.assigned is not None):
        _Telling(rsc, role, current, found).tell()


def _first(rsc: Resource, task: str, node: Node | None) -> Action | None:
    actions = find_actions(rsc, operation_key(rsc.id, task), node)
    return actions[0] if actions else None


class _Telling:
    """Finds the word for what happens to one resource."""

    def __init__(
        self, rsc: Resource, role: Role, current: Node | None, found: list[ResourceChange]
    ) -> None:
        self.rsc, self.role, self.current, self.found = rsc, role, current, found
        self.next = rsc.assigned
        self.moving = current is not None and self.next is not None and current is not self.next
        self.start = _first(rsc, "start", self.next)
        runs_here = self.start is not None and self.start.runnable
        self.stop = _first(rsc, "stop", current if runs_here else None)
        if self.stop is None and rsc.stop_unexpected:
            self.stop = _first(rsc, "stop", None)
        self.promote = _first(rsc, "promote", self.next)
        self.demote = _first(rsc, "demote", self.next)

    def _add(
        self,
        change: Change,
        origin: Node | None,
        destination: Node | None,
        action: Action | None,
        source: Action | None = None,
    ) -> None:
        action = action or source
        assert action is not None, f"{change.value} of {self.rsc.id} has no action"
        source = source or action
        self.found.append(
            ResourceChange(
                change=change,
                resource=self.rsc.id,
                role=self.role,
                next_role=self.rsc.next_role,
                origin=origin.name if origin is not None else None,
                destination=destination.name if destination is not None else None,
                reason=source.reason,
                blocked=not action.runnable,
            )
        )

    def tell(self) -> None:
        """Add the lines about the resource."""
        if self.role is self.rsc.next_role:
            self._same_role()
        else:
            self._other_role()

    def _same_role(self) -> None:
        rsc, start, stop = self.rsc, self.start, self.stop
        if self.next is None:
            return
        migrate = _first(rsc, "migrate_from", self.next)
        if migrate is not None and self.current is not None and migrate.runnable:
            self._add(Change.MIGRATE, self.current, self.next, start)
        elif rsc.reloading:
            self._add(Change.RELOAD, self.current, self.next, start)
        elif start is None or start.optional:
            demote, promote = self.demote, self.promote
            if (
                demote is not None
                and promote is not None
                and not demote.optional
                and not promote.optional
            ):
                self._add(Change.REPROMOTE, self.current, self.next, promote, demote)
        elif not start.runnable:
            reason = start if stop is None or stop.reason is None else stop
            self._add(Change.STOP, self.current, None, stop, reason)
        elif self.moving:
            change = Change.RECOVER if rsc.failed else Change.MOVE
            self._add(change, self.current, self.next, stop)
        elif rsc.failed:
            self._add(Change.RECOVER, self.current, None, stop)
        else:
            self._add(Change.RESTART, self.current, self.next, start)

    def _other_role(self) -> None:
        rsc, start, stop = self.rsc, self.start, self.stop
        role, wanted = self.role, rsc.next_role
        unstartable = start is not None and not start.runnable
        if stop is not None and (wanted is Role.STOPPED or unstartable):
            for node in rsc.active_on:
                its = _first(rsc, "stop", node)
                has_reason = its is not None and its.reason is not None
                self._add(Change.STOP, node, None, its, its if has_reason else start)
        elif stop is not None and rsc.failed and rsc.stop_if_failed:
            self._add(Change.RECOVER, self.current, self.next, stop, start)
        elif self.moving:
            self._add(Change.MOVE, self.current, self.next, stop)
        elif rsc.reloading:
            self._add(Change.RELOAD, self.current, self.next, start)
        elif stop is not None and not stop.optional:
            self._add(Change.RESTART, self.current, self.next, start)
        elif role is Role.PROMOTED:
            self._add(Change.DEMOTE, self.current, self.next, self.demote)
        elif wanted is Role.PROMOTED:
            self._add(Change.PROMOTE, self.current, self.next, self.promote)
        elif role is Role.STOPPED and wanted > Role.STOPPED:
            self._add(Change.START, self.current, self.next, start)
