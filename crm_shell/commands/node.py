"""``crm node``: standby, maintenance, fencing and attributes of nodes (features 30.16)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cib_store.document.element import Element
from crm_shell.actions import tree
from crm_shell.actions.pairs import (
    Home,
    find_pairs,
    of_node,
    of_status,
    remove_pair,
    set_pair,
    transient_owner,
)
from crm_shell.commands.session import Command, Failed, Level, Misused, Run, Session, arguments
from crm_shell.commands.status import status_now
from crm_shell.proposal.fencing import show_fencing
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind

if TYPE_CHECKING:
    from crmd.scheduler.state.resource import Resource


async def _show(session: Session, args: list[str]) -> int:
    words = arguments(args, 0, 1, "show [NODE]")
    from crm_shell.status.cluster_text import node_state
    from crm_shell.status.data import node_data, own_attributes

    status = await status_now(session)
    nodes = [each for each in status.nodes if not words or each.name == words[0]]
    if words and not nodes:
        raise Failed(f"no node {words[0]!r}", code=ExitCode.NOSUCH)
    lines: list[str] = []
    for each in nodes:
        dc = ", DC" if each.name == status.dc else ""
        lines.append(f"{each.name}({each.id}): {each.kind.value}, {node_state(each)}{dc}")
        lines.extend(f"\t{name}={value}" for name, value in own_attributes(each).items())
    session.console.answer(
        session.console.paint_status("\n".join(lines)),
        [node_data(each, status.dc) for each in nodes],
    )
    return 0


async def _status(session: Session, args: list[str]) -> int:
    from crm_shell.status.cluster_text import node_lines, node_state

    status = await status_now(session)
    text = "\n".join(["Node List:", *node_lines(status.cluster, status.nodes, "  ")])
    session.console.answer(
        session.console.paint_status(text),
        [{"name": each.name, "state": node_state(each)} for each in status.nodes],
    )
    return 0


def _flag(name: str, attribute: str, value: str) -> Run:
    """Return a command that sets a flag of nodes, by default of this one."""

    async def run(session: Session, args: list[str]) -> int:
        words = list(args)
        lifetime = words.pop() if words and words[-1] in _LIFETIMES else "forever"
        cib = (await session.cib()).document
        entries = list(_meant(session, cib, words))
        operations = [
            operation
            for entry in entries
            for operation in _set_flag(cib, entry, attribute, value, lifetime)
        ]
        names = [entry.get("uname") for entry in entries]
        await session.change(operations, message=f"node {name} {' '.join(names)}", asked=names)
        return 0

    return run


_LIFETIMES = ("reboot", "forever")


def _meant(session: Session, cib: Element, words: list[str]) -> Iterator[Element]:
    if "--all" in words and len(words) > 1:
        raise Misused("--all means every node: name none beside it")
    if "--all" in words:
        yield from tree.section(cib, "nodes").each("node")
    for word in words or [str(session.cluster.settings.node)]:
        if word != "--all":
            yield tree.node(cib, word)


def _set_flag(
    cib: Element, entry: Element, attribute: str, value: str, lifetime: str
) -> Iterator[CibOperation]:
    transient = transient_owner(cib, entry.id)
    if lifetime == "reboot":
        yield set_pair(of_status(entry.id), transient, attribute, value)
        return
    # A transient value would overrule the lasting one.
    yield from remove_pair(of_status(entry.id), transient, attribute)
    yield set_pair(of_node(entry), entry, attribute, value)


async def _server(session: Session, args: list[str]) -> int:
    """Print how nodes are reached: a remote node's address, the name of another."""
    cib = (await session.cib()).document
    nodes = tree.section(cib, "nodes").each("node")
    names = [tree.node(cib, each).get("uname") for each in args] or [n.get("uname") for n in nodes]
    found = {name: _address(cib, name) for name in names}
    session.console.answer("\n".join(found.values()), found)
    return 0


def _address(cib: Element, name: str) -> str:
    for each in tree.resources(cib):
        pairs = {
            pair.get("name"): pair.get("value")
            for kind in ("meta_attributes", "instance_attributes")
            for held in each.each(kind)
            for pair in held.each("nvpair")
        }
        if each.id == name and each.get("type") == "remote":
            return pairs.get("server") or pairs.get("addr") or name
        if pairs.get("remote-node") == name:
            return pairs.get("remote-addr") or name
    return name


async def _delete(session: Session, args: list[str]) -> int:
    """Remove a node: a member from the cluster, another from the configuration and status."""
    (name,) = arguments([each for each in args if each not in ("-F", "--force")], 1, 1,
                        "delete NODE")  # fmt: skip
    force = session.force or len(args) > 1
    cib = await session.cib()
    if any(each.name == name for each in cib.facts.members.members):
        from crm_shell.commands.members import remove

        return await remove(session, [name, *(["--force"] if force else [])])
    entry = tree.node(cib.document, name)
    node = entry.get("uname")
    running = [each.id for each in await _running_on(session, node)]
    if running and not force:
        raise Failed(
            f"{node} runs {', '.join(running)}: stop it there first, or delete it with --force",
            code=ExitCode.UNSAFE,
        )
    gone = [
        CibOperation(kind=OperationKind.DELETE, scope="nodes", xml=f'<node id="{entry.id}"/>'),
        CibOperation(kind=OperationKind.DELETE, scope="status",
                     xml=f'<node_state id="{entry.id}"/>'),
    ]  # fmt: skip
    await session.change(gone, message=f"node delete {node}", asked=[node])
    if not session.cluster.is_file:
        await session.cluster.forget_attributes(node)
    return 0


async def _running_on(session: Session, node: str) -> Sequence[Resource]:
    status = await status_now(session)
    return next((each.running for each in status.nodes if each.name == node), ())


async def _fence(session: Session, args: list[str]) -> int:
    words = arguments(args, 1, 2, "fence NODE [off|reboot|on]")
    action = words[1] if len(words) > 1 else "reboot"
    if action not in ("off", "reboot", "on"):
        raise Misused(f"{action!r} is no fencing action: off, reboot or on")
    cib = await session.cib()
    name = tree.node(cib.document, words[0]).get("uname")
    await show_fencing(session, cib.document, name, action)
    question = f"Fence {name} ({action})? What runs there is killed."
    if action != "on" and not session.confirm(question):
        return 0
    session.console.info(f"fencing {name} ({action}), this may take a while")
    ended = await session.cluster.fence(name, action=action, message="crm node fence")
    done = "unfenced" if action == "on" else "fenced"
    if not ended.confirmed:
        raise Failed(f"{name} was not {done}: {ended.reason or 'no reason given'}")
    session.console.info(f"{name} is {done}, confirmed by {', '.join(ended.devices) or 'nobody'}")
    return 0


def _attributes(word: str, kind: str, *, transient: bool = False) -> Run:
    async def run(session: Session, args: list[str]) -> int:
        usage = f"{word} NODE {{set NAME VALUE|show [NAME]|delete NAME}}"
        name, verb, *rest = arguments(args, 2, 4, usage)
        cib = await session.cib()
        entry = tree.node(cib.document, name)
        home: Home = of_status(entry.id, kind) if transient else of_node(entry, kind)
        owner = transient_owner(cib.document, entry.id) if transient else entry
        match verb, rest:
            case "set", [key, value]:
                await session.change([set_pair(home, owner, key, value)])
            case "show", [] | [_]:
                found = find_pairs(home, owner, rest[0] if rest else "")
                if rest and not found:
                    raise Failed(f"{name} has no {word} {rest[0]!r}", code=ExitCode.NOSUCH)
                values = {pair.get("name"): pair.get("value") for _, pair in found}
                text = "\n".join(
                    f"scope={home.scope}  name={key} value={value}" for key, value in values.items()
                )
                session.console.answer(text, values)
            case "delete", [key]:
                gone = remove_pair(home, owner, key)
                if not gone:
                    raise Failed(f"{name} has no {word} {key!r}", code=ExitCode.NOSUCH)
                await session.change(gone)
            case _:
                raise Misused(f"usage: {usage}")
        return 0

    return run


async def _clear_state(session: Session, args: list[str]) -> int:
    (name,) = arguments(args, 1, 1, "clearstate NODE")
    cib = await session.cib()
    node = tree.node(cib.document, name).get("uname")
    question = (
        f"Is {node} surely down? If it runs and this is wrong, data will be corrupted. Go on?"
    )
    if session.ask is None and not session.force:
        raise Failed(f"vouching that {node} is down needs --force", code=ExitCode.UNSAFE)
    if not session.confirm(question):
        return 0
    session.announce(f"vouch that {node} is down")
    await session.cluster.confirm_down(node, message="crm node clearstate")
    session.console.info(f"{node} counts as down")
    return 0


def _command(
    name: str, usage: str, summary: str, run: Run, completes: tuple[str, ...] = ("node",),
    details: str = "",
) -> Command:  # fmt: skip
    return Command(
        name=name, usage=usage, summary=summary, run=run, completes=completes, details=details
    )


_NODES = "[--all | NODE…] [reboot|forever]"
_SET = "set|show|delete"
LEVEL = Level(
    name="node",
    summary="Standby, maintenance, fencing and attributes of nodes",
    commands=(
        _command("status", "status", "Show the nodes' states", _status, ()),
        _command("show", "show [NODE]", "Show nodes and their attributes", _show),
        *(
            _command(name, f"{name} {_NODES}", summary, _flag(name, attribute, value),
                     details="Without a node this one is meant. With reboot it ends when the node"
                     " leaves the cluster.")
            for name, attribute, value, summary in (
                ("standby", "standby", "on", "Move everything away from nodes"),
                ("online", "standby", "off", "End nodes' standby"),
                ("maintenance", "maintenance", "true", "Leave everything on nodes alone"),
                ("ready", "maintenance", "false", "End nodes' maintenance"),
            )
        ),
        _command("server", "server [NODE…]", "Print how nodes are reached", _server,
                 details="The address of a remote node, else its name."),
        _command("delete", "delete NODE", "Remove a node from the cluster", _delete,
                 details="A member is removed as by 'crm cluster remove': stop it first."),
        _command("fence", "fence NODE [off|reboot|on]",
                 "Have a node fenced by its devices, or turned on", _fence),
        _command("clearstate", "clearstate NODE",
                 "Vouch that a node is down, when no device can", _clear_state),
        _command("attribute", "attribute NODE {set NAME VALUE|show [NAME]|delete NAME}",
                 "Permanent attributes of a node",
                 _attributes("attribute", "instance_attributes"), ("node", _SET)),
        _command("status-attr", "status-attr NODE {set NAME VALUE|show [NAME]|delete NAME}",
                 "Attributes that last until the node leaves",
                 _attributes("status-attr", "instance_attributes", transient=True),
                 ("node", _SET)),
        _command("utilization", "utilization NODE {set NAME VALUE|show [NAME]|delete NAME}",
                 "What a node offers", _attributes("utilization", "utilization"),
                 ("node", _SET)),
    ),
)  # fmt: skip
