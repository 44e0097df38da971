"""The state of nodes and resources as text (features 27)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain

from msgspec import Struct

from cib_store.model.values import is_true
from crm_shell.status.brief_text import brief_lines
from crm_shell.status.bundle_text import bundle_lines
from crm_shell.status.clone_text import clone_lines, clone_title
from crmd.scheduler.actions.keys import parse_key
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from crmd.scheduler.status.entries import history_key, masks_failure, number
from raftmaker.vocabulary.roles import Role, parse_role

_EXIT_TEXT = {
    0: "OK",
    1: "Error occurred",
    2: "Invalid parameter",
    3: "Unimplemented",
    4: "Insufficient privileges",
    5: "Not installed",
    6: "Not configured",
    7: "Not running",
    8: "Promoted",
    9: "Failed in promoted role",
    190: "Service is active but might fail soon",
    191: "Service is promoted but might fail soon",
    193: "No exit status available",
}
"""What the exit codes of probes are called (features 28)."""
PENDING_STATE = {
    "start": "Starting",
    "stop": "Stopping",
    "migrate_to": "Migrating",
    "migrate_from": "Migrating",
    "promote": "Promoting",
    "demote": "Demoting",
}
"""The states that operations under way make, in words."""


class Detail(Struct, frozen=True, kw_only=True):
    """How much is said."""

    pending: bool = True
    """Also what is under way."""
    inactive: bool = True
    """Also what does not run."""
    instances: bool = False
    """Each instance of a clone by itself."""
    brief: bool = False
    """How many primitives of an agent run where, in place of each of them."""
    descriptions: bool = False
    """What the configuration says a primitive is for."""


def status_text(run: Run, *, pending: bool = False) -> Iterator[str]:
    """Yield the lines about nodes and resources."""
    yield "  * Node List:"
    yield from node_lines(run, run.nodes, "    ")
    yield ""
    yield "  * Full List of Resources:"
    detail = Detail(pending=pending)
    shown = [
        line for rsc in listed(run) for line in resource_lines(run, rsc, "    ", detail=detail)
    ]
    yield from shown or ["    * No resources"]


def listed(run: Run) -> Iterator[Resource]:
    """Yield the top resources, those no longer configured only while they run."""
    for rsc in run.resources:
        if not rsc.removed or rsc.kind.active(rsc, True):
            yield rsc


def health_of(run: Run, node: Node) -> str:
    """Return RED, YELLOW or nothing, by the ``#health`` attributes (features section 15)."""
    if run.options.text("node-health-strategy").lower() == "none":
        return ""
    found = ""
    for name, value in node.attributes.items():
        if not name.startswith("#health"):
            continue
        folded = value.lower()
        score = run.score(value)
        if folded == "red":
            return "RED"
        if folded == "yellow":
            found = "YELLOW"
        elif folded == "green" and run.health.green > run.health.red:
            continue
        elif score <= run.health.red and folded != "green":
            return "RED"
        elif score <= run.health.yellow != run.health.green and folded != "green":
            found = "YELLOW"
    return found


def node_state(node: Node) -> str:
    """Return a node's state in words, the first that applies."""
    if node.unclean:
        kind = "online" if node.online else "pending" if node.pending else "offline"
        return f"UNCLEAN ({kind})"
    if node.pending:
        return "pending"
    if node.standby_on_fail and node.online:
        return "standby (on-fail)"
    if node.standby:
        if not node.online:
            return "OFFLINE (standby)"
        return "standby (with active resources)" if node.running else "standby"
    if node.maintenance:
        return "maintenance" if node.online else "OFFLINE (maintenance)"
    return "online" if node.online else "OFFLINE"


def node_lines(
    run: Run, nodes: Iterable[Node], margin: str, *, detail: bool = False
) -> Iterator[str]:
    """Yield the node list: those with a state of their own, then the others together.

    `detail`: each by itself, with its id and the feature set of its daemons.
    """
    groups: dict[str, list[str]] = {}
    for node in nodes:
        health = health_of(run, node)
        special = (
            node.unclean
            or node.pending
            or (node.standby_on_fail and node.online)
            or node.standby
            or node.maintenance
            or health
        )
        if special or detail:
            suffix = f" (health is {health})" if health else ""
            yield f"{margin}* {node_title(node, detail=detail)}: {node_state(node)}{suffix}"
            continue
        kind = "Guest" if node.is_guest else "Remote" if node.is_remote else ""
        state = "Online" if node.online else "OFFLINE"
        groups.setdefault(kind + state, []).append(node.name)
    for title in ("Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline"):
        if title in groups:
            yield f"{margin}* {title}: [ {' '.join(groups[title])} ]"


def node_title(node: Node, *, detail: bool = False) -> str:
    """Return the kind and name of a node; `detail`: its id too, where that is another."""
    kind = "GuestNode" if node.is_guest else "RemoteNode" if node.is_remote else "Node"
    number = f" ({node.id})" if detail and node.id != node.name else ""
    return f"{kind} {node.name}{number}"


def resource_lines(run: Run, rsc: Resource, margin: str, *, detail: Detail) -> Iterator[str]:
    """Yield the lines about one resource, by its kind."""
    if detail.inactive or rsc.kind.active(rsc, False) or rsc.pending_node is not None:
        yield from _LINES[rsc.variant](run, rsc, margin, detail)


def lines_of(
    run: Run, resources: Iterable[Resource], margin: str, *, detail: Detail
) -> Iterator[str]:
    """Yield the lines about resources that stand together."""
    rest = list(resources)
    if detail.brief:
        primitives = [rsc for rsc in rest if rsc.variant is Variant.PRIMITIVE]
        rest = [rsc for rsc in rest if rsc.variant is not Variant.PRIMITIVE]
        shown = [rsc for rsc in primitives if not is_true(rsc.meta.get("internal-rsc"))]
        yield from brief_lines(shown, margin, agent_of, inactive=detail.inactive)
    for rsc in rest:
        yield from resource_lines(run, rsc, margin, detail=detail)


def _primitive_lines(run: Run, rsc: Resource, margin: str, detail: Detail) -> Iterator[str]:
    if not is_true(rsc.meta.get("internal-rsc")):
        name = rsc.id if rsc.unique else rsc.xml_id
        node = rsc.kind.active_node(rsc)[0] or rsc.pending_node
        text = primitive_text(run, rsc, name, node, pending=detail.pending)
        told = rsc.element.get("description") if detail.descriptions else ""
        yield f"{margin}* {text}{f' ({told})' if told else ''}"


def _group_lines(run: Run, rsc: Resource, margin: str, detail: Detail) -> Iterator[str]:
    below = list(lines_of(run, rsc.children, margin + "  ", detail=detail))
    if detail.brief:
        yield f"{margin}* Resource Group: {rsc.id}{_group_flags(rsc, 0)}:"
        yield from below
        return
    yield f"{margin}* Resource Group: {rsc.id}{_group_flags(rsc, len(rsc.children) - len(below))}:"
    yield from below


def _clone_lines(run: Run, rsc: Resource, margin: str, detail: Detail) -> Iterator[str]:
    if detail.instances:
        below = (resource_lines(run, each, margin + "  ", detail=detail) for each in rsc.children)
        title = clone_title(rsc, margin, _flags_of_whole(rsc))
        return chain((title,), chain.from_iterable(below))
    return clone_lines(
        run,
        rsc,
        margin,
        flags=_flags_of_whole(rsc),
        pending=detail.pending,
        inactive=detail.inactive,
        show=partial(resource_lines, detail=detail),
        probe_text=_failed_probe_text,
    )


def _bundle_lines(run: Run, rsc: Resource, margin: str, detail: Detail) -> Iterator[str]:
    return bundle_lines(
        rsc,
        margin,
        flags=management_flag(rsc),
        inactive=detail.inactive,
        describe=partial(primitive_text, run, pending=detail.pending),
    )


_LINES: Mapping[Variant, Callable[[Run, Resource, str, Detail], Iterator[str]]] = {
    Variant.PRIMITIVE: _primitive_lines,
    Variant.GROUP: _group_lines,
    Variant.CLONE: _clone_lines,
    Variant.BUNDLE: _bundle_lines,
}


def is_disabled(rsc: Resource) -> bool:
    """Whether ``target-role`` keeps a resource from running, or from promotion."""
    role = parse_role(rsc.meta.get("target-role"))
    return role is Role.STOPPED or (role is Role.UNPROMOTED and rsc.top.promotable)


def management_flag(rsc: Resource) -> list[str]:
    """Return the word for a resource that is left alone."""
    if rsc.maintenance:
        return ["maintenance"]
    return [] if rsc.managed else ["unmanaged"]


def _flags_of_whole(rsc: Resource) -> list[str]:
    return (["disabled"] if is_disabled(rsc) else []) + management_flag(rsc)


def _group_flags(rsc: Resource, hidden: int) -> str:
    flags = _flags_of_whole(rsc)
    if hidden:
        flags.insert(0, f"{hidden} member{'' if hidden == 1 else 's'} inactive")
    return f" ({', '.join(flags)})" if flags else ""


def displayed_role(rsc: Resource) -> Role:
    """The role now; a started instance of a promotable clone is unpromoted."""
    if rsc.role is Role.STARTED and rsc.top.promotable:
        return Role.UNPROMOTED
    return rsc.role


def failed_probe_code(run: Run, rsc: Resource, node: str | None) -> int | None:
    """Return the code of a probe that said a resource cannot run on a node."""
    top = rsc.top
    id_ = top.clone.child.id if top.clone is not None else rsc.id
    for failed in run.failed:
        on_node = failed.entry.attributes.get("on_node")
        if not masks_failure(failed.entry) or on_node is None:
            continue
        if node is not None and on_node.lower() != node.lower():
            continue
        key = parse_key(history_key(failed.entry))
        if key is not None and key[0] == id_:
            return number(failed.entry, "rc-code")
    return None


def _failed_probe_text(run: Run, rsc: Resource, node: str | None) -> str | None:
    code = failed_probe_code(run, rsc, node)
    return None if code is None else _EXIT_TEXT.get(code, str(code))


def agent_of(rsc: Resource) -> str:
    """Return ``class:[provider:]type``."""
    agent = rsc.standard
    if agent.lower() == "ocf":
        agent += ":" + rsc.element.get("provider")
    return f"{agent}:{rsc.element.get('type')}"


def primitive_text(
    run: Run, rsc: Resource, name: str, node: Node | None, *, pending: bool, names_node: bool = True
) -> str:
    """Describe a primitive: agent, state, node, flags."""
    if node is None and rsc.lock_node is not None:
        node = rsc.lock_node
    several = names_node and len(rsc.active_on) > 1
    if several:
        node = None
    role = displayed_role(rsc)
    words = [f"{name}\t({agent_of(rsc)}):\t"]
    if rsc.removed:
        words.append("ORPHANED")
    if rsc.failed:
        words.append("FAILED")
        if role > Role.UNPROMOTED:
            words.append(role.value)
    else:
        state = PENDING_STATE.get(rsc.pending_task or "") if pending else None
        words.append(state or role.value)
    if node is not None and names_node:
        words.append(node.name)
    text = " ".join(words)
    if role is Role.STOPPED:
        said = _failed_probe_text(run, rsc, node.name if node is not None else None)
        if said is not None:
            text += f" ({said}) "
    flags = _flags(rsc, node, pending)
    if flags:
        text += f" ({', '.join(flags)})"
    if several:
        text += " [ " + " ".join(each.name for each in rsc.active_on) + " ]"
    return text


def _flags(rsc: Resource, node: Node | None, pending: bool) -> list[str]:
    flags: list[str] = []
    if node is not None and not node.online and node.unclean:
        flags.append("UNCLEAN")
    if node is not None and node is rsc.lock_node:
        flags.append("LOCKED")
    if pending and rsc.pending_task == "monitor":
        flags.append("Monitoring")
    target = rsc.meta.get("target-role")
    role = parse_role(target)
    if role is Role.STOPPED:
        flags.append("disabled")
    elif role is Role.UNPROMOTED and rsc.top.promotable:
        flags.append(f"target-role:{target}")
    if rsc.blocked:
        flags.append("blocked")
    else:
        flags += management_flag(rsc)
    if rsc.ignore_failure:
        flags.append("failure ignored")
    return flags


def counts(run: Run) -> tuple[int, int, int]:
    """Return how many instances there are, are disabled, are blocked."""
    total = disabled = blocked = 0
    stack = list(run.resources)
    while stack:
        rsc = stack.pop()
        if rsc.children:
            stack.extend(rsc.children)
        elif not rsc.removed or rsc.role > Role.STOPPED:
            total += 1
            disabled += is_disabled(rsc)
            blocked += rsc.blocked
    return total, disabled, blocked
