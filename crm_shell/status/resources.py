"""Resources and where they run, read from the operation histories of all nodes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cib_store.document.element import Element
from cib_store.model.values import is_true
from crm_shell.actions import tree
from crm_shell.status.history import state_here
from crm_shell.status.model import Activity, ResourceView

_INSTANCE = re.compile(r"(.+):(\d+)")


class Resources:
    """The resources of a CIB with their states."""

    def __init__(self, cib: Element, *, maintenance: bool) -> None:
        """Index the histories once."""
        self._cib = cib
        self._maintenance = maintenance
        self._defaults = {
            pair.get("name"): pair.get("value")
            for each in tree.section(cib, "rsc_defaults").each("meta_attributes")
            for pair in each.each("nvpair")
            if each.child("rule") is None
        }
        self._online: list[str] = []
        self._activities: dict[str, list[Activity]] = {}
        self._agents: dict[str, str] = {}
        self._read_status()

    def _read_status(self) -> None:
        for state in tree.section(self._cib, "status").each("node_state"):
            if state.get("join") == "member":
                self._online.append(state.get("uname"))
            lrm = state.child("lrm")
            holder = lrm.child("lrm_resources") if lrm else None
            for history in holder.each("lrm_resource") if holder else ():
                here = state_here(history)
                self._agents.setdefault(history.id, _agent(history))
                if here.role == "Stopped" and not here.failed and not here.pending:
                    continue
                activity = Activity(
                    node=state.get("uname"),
                    role=here.role,
                    failed=here.failed,
                    pending=here.pending,
                )
                self._activities.setdefault(history.id, []).append(activity)

    def running_on(self, node: str) -> int:
        """Return how many resources run on a node."""
        return sum(
            1
            for activities in self._activities.values()
            for each in activities
            if each.node == node and each.role != "Stopped"
        )

    def views(self) -> Iterator[ResourceView]:
        """Yield the top resources in configuration order, then those no longer configured."""
        for element in tree.section(self._cib, "resources").each(*tree.RESOURCES):
            if element.tag != "template":
                yield self._view(element, {})
        yield from self._orphans()

    def _meta(self, element: Element, inherited: dict[str, str]) -> dict[str, str]:
        values = {**self._defaults, **inherited}
        for each in element.each("meta_attributes"):
            if each.child("rule") is None:
                values.update((pair.get("name"), pair.get("value")) for pair in each.each("nvpair"))
        return values

    def _view(self, element: Element, inherited: dict[str, str]) -> ResourceView:
        meta = self._meta(element, inherited)
        passed = {
            name: value
            for name, value in meta.items()
            if name in ("target-role", "is-managed", "maintenance")
        }
        promotable = element.tag == "master" or is_true(meta.get("promotable"))
        view = ResourceView(
            id=element.id,
            kind="clone" if element.tag == "master" else element.tag,
            agent=self._agent_of(element),
            activities=tuple(self._activities.get(element.id, ())),
            target_role=meta.get("target-role", ""),
            managed=not _is_false(meta.get("is-managed")) and not self._maintenance,
            maintenance=self._maintenance or is_true(meta.get("maintenance")),
            promotable=promotable,
            unique=is_true(meta.get("globally-unique")),
        )
        children = [child for child in element.each(*tree.RESOURCES) if child.tag != "template"]
        if element.tag in ("clone", "master") and children:
            return self._clone(view, children[0], passed, meta)
        return _with_members(view, tuple(self._view(child, passed) for child in children))

    def _clone(
        self, view: ResourceView, child: Element, passed: dict[str, str], meta: dict[str, str]
    ) -> ResourceView:
        instances: list[ResourceView] = []
        for activity_key in self._instance_keys(child):
            instances.append(self._instance(child, passed, activity_key))
        return ResourceView(
            id=view.id, kind="clone", agent=child.id, members=tuple(instances),
            target_role=view.target_role, managed=view.managed, maintenance=view.maintenance,
            promotable=view.promotable, unique=view.unique,
            nodes_expected=tuple(self._online[: _number(meta.get("clone-max"), 10**6)])
            if "clone-max" not in meta else tuple(self._online),
        )  # fmt: skip

    def _instance_keys(self, child: Element) -> list[tuple[str, str]]:
        """Return (node, history suffix) of every instance that is anywhere."""
        primitives = [each for each in child.walk() if each.tag == "primitive"]
        found: set[tuple[str, str]] = set()
        for history, activities in self._activities.items():
            matched = _INSTANCE.fullmatch(history)
            base, number = (matched[1], matched[2]) if matched else (history, "")
            if any(base == each.id for each in primitives):
                found.update((activity.node, number) for activity in activities)
        return sorted(found)

    def _instance(
        self, child: Element, passed: dict[str, str], key: tuple[str, str]
    ) -> ResourceView:
        node, number = key
        view = self._view(child, passed)
        return _only(view, node, number, self._activities)

    def _agent_of(self, element: Element) -> str:
        if "template" in element.attributes:
            for each in tree.resources(self._cib):
                if each.tag == "template" and each.id == element.get("template"):
                    return _agent(each)
        return _agent(element)

    def _orphans(self) -> Iterator[ResourceView]:
        known = {each.id for each in tree.resources(self._cib)}
        for history, activities in sorted(self._activities.items()):
            matched = _INSTANCE.fullmatch(history)
            running = [each for each in activities if each.role != "Stopped"]
            if running and (matched[1] if matched else history) not in known:
                yield ResourceView(
                    id=history, kind="primitive", agent=self._agents[history], orphan=True,
                    activities=tuple(running),
                )  # fmt: skip


def _with_members(view: ResourceView, members: tuple[ResourceView, ...]) -> ResourceView:
    return ResourceView(
        id=view.id, kind=view.kind, agent=view.agent, activities=view.activities,
        members=members, target_role=view.target_role, managed=view.managed,
        maintenance=view.maintenance, promotable=view.promotable, unique=view.unique,
    )  # fmt: skip


def _only(
    view: ResourceView, node: str, number: str, activities: dict[str, list[Activity]]
) -> ResourceView:
    """Return the instance of a clone's child that is on one node."""
    history = f"{view.id}:{number}" if number else view.id
    own = tuple(each for each in activities.get(history, ()) if each.node == node)
    name = history if view.kind == "primitive" and number else view.id
    return ResourceView(
        id=name, kind=view.kind, agent=view.agent, activities=own,
        members=tuple(_only(each, node, number, activities) for each in view.members),
        target_role=view.target_role, managed=view.managed, maintenance=view.maintenance,
    )  # fmt: skip


def _agent(element: Element) -> str:
    names = (element.get("class"), element.get("provider"), element.get("type"))
    return ":".join(name for name in names if name)


def _is_false(text: str | None) -> bool:
    return text is not None and text.lower() in ("false", "no", "off", "n", "0")


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


def count_instances(views: tuple[ResourceView, ...]) -> tuple[int, int, int]:
    """Return how many primitive instances there are, are disabled, are blocked."""
    total = disabled = blocked = 0
    for view in views:
        if view.kind == "clone":
            own = max(len(view.nodes_expected), len(view.members))
            per = max((_primitives(member) for member in view.members), default=1)
            total += own * per
            disabled += own * per if view.disabled else 0
        elif view.members:
            one, two, three = count_instances(view.members)
            total, disabled, blocked = total + one, disabled + two, blocked + three
        else:
            total += 1
            disabled += view.disabled
            blocked += view.blocked
    return total, disabled, blocked


def _primitives(view: ResourceView) -> int:
    return sum(_primitives(each) for each in view.members) if view.members else 1
