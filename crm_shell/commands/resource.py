"""``crm resource``: start, stop, move and mend what runs (features 30.12, 30.13)."""

from __future__ import annotations

import time
from datetime import datetime

from cib_store.document.element import Element
from crm_shell.actions import moving, roles, tree
from crm_shell.actions.pairs import find_pairs, of_resource, remove_pair, set_pair
from crm_shell.commands.inspecting import INSPECTING
from crm_shell.commands.session import Command, Failed, Level, Misused, Run, Session, arguments
from crm_shell.commands.status import status_now
from crm_shell.commands.trouble import TROUBLE
from crm_shell.console import Json
from raftmaker.client import Cib
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation


async def _cib(session: Session) -> Cib:
    return await session.cib()


def _meta_command(name: str, meta: str, value: str, summary: str) -> Command:
    async def run(session: Session, args: list[str]) -> int:
        given = arguments(args, 1, 10_000, f"{name} RESOURCE|TAG…")
        cib = await _cib(session)
        names = [each for one in given for each in tree.named(cib.document, one)]
        operations: list[CibOperation] = []
        for each in names:
            too = _members_too(session, cib.document, each, meta)
            operations.extend(roles.set_meta(cib.document, each, meta, value, members_too=too))
            if name == "start":
                for holder in roles.stopped_above(cib.document, each):
                    session.console.warn(
                        f"{each} is in {holder}, which is stopped: crm resource start {holder}"
                    )
        await session.change(operations, message=f"resource {name} {' '.join(names)}", asked=names)
        return 0

    return _command(name, f"{name} RESOURCE|TAG…", summary, run)


def _members_too(session: Session, cib: Element, name: str, meta: str) -> bool:
    """Whether what the members of a resource say for a meta-attribute is to go (30.18)."""
    choice = session.preferences["manage-children"]
    members = roles.members_with(cib, name, meta)
    if choice != "ask" or not members:
        return choice != "never"
    return session.confirm(f"{', '.join(members)} of {name} say otherwise for {meta}. Unset that?")


def _command(
    name: str, usage: str, summary: str, run: Run, *, completes: tuple[str, ...] = ("resource",),
    aliases: tuple[str, ...] = (), details: str = "",
) -> Command:  # fmt: skip
    return Command(
        name=name, usage=usage, summary=summary, run=run, completes=completes, aliases=aliases,
        details=details,
    )  # fmt: skip


async def _status(session: Session, args: list[str]) -> int:
    from crm_shell.status.data import resource_data
    from crm_shell.status.text import resource_list

    if args:
        return await _where(session, args)
    status = await status_now(session)
    session.console.answer(
        session.console.paint_status("\n".join(resource_list(status, inactive=True))),
        [resource_data(each) for each in status.resources],
    )
    return 0


def running_on(cib: Cib, identity: str) -> list[tuple[str, str]]:
    """Return (node, role) of everywhere a resource, or something in it, runs."""
    from crm_shell.status.places import places_of

    return places_of(cib.document, identity, now=int(time.time()))


async def _where(session: Session, args: list[str]) -> int:
    cib = await _cib(session)
    lines: list[str] = []
    data: dict[str, Json] = {}
    for name in arguments(args, 1, 10_000, "locate RESOURCE…"):
        places = running_on(cib, name)
        data[name] = [{"node": node, "role": role} for node, role in places]
        for node, role in places:
            suffix = " Promoted" if role == "Promoted" else ""
            lines.append(f"resource {name} is running on: {node}{suffix}")
        if not places:
            lines.append(f"resource {name} is NOT running")
    session.console.answer("\n".join(lines), data)
    return 0


async def _restart(session: Session, args: list[str]) -> int:
    (name,) = arguments(args, 1, 1, "restart RESOURCE")
    cib = await _cib(session)
    if not running_on(cib, name):
        raise Failed(f"{name} does not run: crm resource start {name}", code=ExitCode.NOT_RUNNING)
    before = roles.meta_of(cib.document, name, "target-role")
    stop = roles.set_meta(cib.document, name, "target-role", "Stopped")
    await session.review(stop, asked=[name], then=f"start {name} again, and what was with it")
    outcome = await session.cluster.change(stop, message=f"restart {name}")
    try:
        await session.settle(outcome.index)
    finally:
        now = (await _cib(session)).document
        element = tree.resource(now, name)
        back = (
            [set_pair(of_resource(element), element, "target-role", before)]
            if before is not None
            else list(remove_pair(of_resource(element), element, "target-role"))
        )
        outcome = await session.cluster.change(back, message=f"restart {name}")
    await session.settle(outcome.index)
    session.console.info(f"{name} restarted")
    return 0


def _lifetime(words: list[str]) -> str:
    if not words:
        return ""
    try:
        return moving.end_of_lifetime(words[0], datetime.now().astimezone())
    except ValueError as error:
        raise Misused(str(error)) from None


async def _move(session: Session, args: list[str]) -> int:
    usage = "move RESOURCE [NODE] [LIFETIME] [force]"
    force = session.force or "force" in args
    words = arguments([each for each in args if each != "force"], 1, 3, usage)
    cib = await _cib(session)
    name, nodes, rest = _split_node(cib, words)
    if not nodes:
        return await _ban_here(session, cib, name, _lifetime(rest))
    places = [node for node, _ in running_on(cib, name)]
    if places == nodes and not force:
        raise Failed(f"{name} runs on {nodes[0]} already", code=ExitCode.EXISTS)
    end = _lifetime(rest)
    operations = [*moving.cleared(cib.document, name, nodes[0])]
    here = f"cli-prefer-{tree.resource(cib.document, name).id}"
    operations = [each for each in operations if here not in each.xml]
    operations.append(moving.prefer(cib.document, name, nodes[0], end=end))
    if force and len(places) == 1 and places != nodes:
        operations.append(moving.ban(cib.document, name, places[0], end=end))
    await session.change(operations, message=f"move {name} to {nodes[0]}", asked=[name])
    session.console.info(_until(f"{name} is kept on {nodes[0]}", name, end))
    return 0


def _split_node(cib: Cib, words: list[str]) -> tuple[str, list[str], list[str]]:
    """Part ``RESOURCE [NODE] [LIFETIME]``; a second word that is no node is a lifetime."""
    tree.resource(cib.document, words[0])
    if len(words) == 1:
        return words[0], [], []
    names = {each.get("uname") for each in tree.section(cib.document, "nodes").each("node")}
    if words[1] in names:
        return words[0], [words[1]], words[2:]
    if len(words) == 3 or (not words[1][:1].isdigit() and not words[1].startswith("P")):
        tree.node(cib.document, words[1])  # says what is wrong with it
    return words[0], [], words[1:]


async def _ban_here(session: Session, cib: Cib, name: str, end: str) -> int:
    places = [node for node, _ in running_on(cib, name)]
    if len(places) != 1:
        where = ", ".join(places) or "nowhere"
        raise Failed(f"{name} runs on {where}: name the node", code=ExitCode.MULTIPLE)
    operation = moving.ban(cib.document, name, places[0], end=end)
    await session.change([operation], message=f"ban {name} on {places[0]}", asked=[name])
    session.console.info(_until(f"{name} is kept away from {places[0]}", name, end))
    return 0


def _until(what: str, name: str, end: str) -> str:
    return f"{what} until {end or f'crm resource clear {name}'}"


async def _ban(session: Session, args: list[str]) -> int:
    words = arguments(args, 1, 3, "ban RESOURCE [NODE] [LIFETIME]")
    cib = await _cib(session)
    name, nodes, rest = _split_node(cib, words)
    end = _lifetime(rest)
    if not nodes:
        return await _ban_here(session, cib, name, end)
    operation = moving.ban(cib.document, name, nodes[0], end=end)
    await session.change([operation], message=f"ban {name} on {nodes[0]}", asked=[name])
    session.console.info(_until(f"{name} is kept away from {nodes[0]}", name, end))
    return 0


async def _clear(session: Session, args: list[str]) -> int:
    words = arguments(args, 1, 2, "clear RESOURCE [NODE]")
    cib = await _cib(session)
    operations = moving.cleared(cib.document, words[0], words[1] if len(words) > 1 else "")
    if not operations:
        session.console.info(f"{words[0]}: nothing to clear")
        return 0
    await session.change(operations, message=f"clear {words[0]}")
    session.console.info(f"{words[0]}: {len(operations)} constraint(s) removed")
    return 0


def _forget(*, refresh: bool) -> Run:
    async def run(session: Session, args: list[str]) -> int:
        usage = f"{'refresh' if refresh else 'cleanup'} [RESOURCE] [NODE]"
        words = arguments([each for each in args if each != "force"], 0, 2, usage)
        cib = await _cib(session)
        if words:
            tree.resource(cib.document, words[0])
        if len(words) > 1:
            tree.node(cib.document, words[1])
        session.announce(
            f"forget the {'history' if refresh else 'failures'} of "
            f"{words[0] if words else 'every resource'} on "
            f"{words[1] if len(words) > 1 else 'every node'}, and probe again"
        )
        cleaned = await session.cluster.cleanup(
            resource=words[0] if words else "",
            node=words[1] if len(words) > 1 else "",
            refresh=refresh,
        )
        session.console.answer("\n".join(cleaned), list(cleaned))
        if session.wait:
            await session.settle((await _cib(session)).index)
        return 0

    return run


async def _maintenance(session: Session, args: list[str]) -> int:
    words = arguments(args, 1, 2, "maintenance RESOURCE [on|off]")
    value = words[1] if len(words) > 1 else "on"
    if value not in ("on", "off", "true", "false"):
        raise Misused(f"{value!r} is neither on nor off; usage: maintenance RESOURCE [on|off]")
    flag = "true" if value in ("on", "true") else "false"
    cib = await _cib(session)
    await session.change(roles.set_meta(cib.document, words[0], "maintenance", flag))
    return 0


def _pairs_of(kind: str, word: str) -> Run:
    async def run(session: Session, args: list[str]) -> int:
        usage = f"{word} RESOURCE {{set NAME VALUE|show [NAME]|delete NAME}}"
        name, verb, key, *value = [*arguments(args, 2, 4, usage), *[""] * (3 - len(args))]
        cib = await _cib(session)
        element = tree.resource(cib.document, name)
        home = of_resource(element, kind)
        there = find_pairs(home, element, key)
        match verb, value:
            case "set", [text]:
                await session.change([set_pair(home, element, key, text)])
            case "show", [] if not key:
                found = {pair.get("name"): pair.get("value") for _, pair in there}
                text = "\n".join(f"{one}={known}" for one, known in found.items())
                session.console.answer(text, found)
            case _, _ if not key:
                raise Misused(f"{verb} what? usage: {usage}")
            case "show", []:
                if not there:
                    raise Failed(f"{name} has no {word} {key!r}", code=ExitCode.NOSUCH)
                session.console.answer(there[0][1].get("value"), there[0][1].get("value"))
            case "delete", []:
                if not there:
                    raise Failed(f"{name} has no {word} {key!r}", code=ExitCode.NOSUCH)
                await session.change(remove_pair(home, element, key))
            case _:
                raise Misused(f"usage: {usage}")
        return 0

    return run


async def _constraints(session: Session, args: list[str]) -> int:
    from crm_shell.edit.show import chosen_objects
    from crm_shell.syntax.loose import referenced_ids
    from crm_shell.syntax.printer import render

    (name,) = arguments(args, 1, 1, "constraints RESOURCE")
    cib = await _cib(session)
    tree.resource(cib.document, name)
    related, _ = chosen_objects(cib.configuration, [f"related:{name}"])
    referenced = referenced_ids((cib.configuration,))
    lines = [render(each, referenced) for each in related if each.tag.startswith("rsc_")]
    session.console.answer("\n".join(lines), lines)
    return 0


LEVEL = Level(
    name="resource",
    summary="Start, stop, move and mend resources",
    commands=(
        _command("status", "status [RESOURCE…]", "Show resources and where they run", _status,
                 aliases=("list", "show")),
        _command("locate", "locate RESOURCE…", "Show where resources run", _where),
        _meta_command("start", "target-role", "Started", "Have resources run"),
        _meta_command("stop", "target-role", "Stopped", "Have resources stopped"),
        _command("restart", "restart RESOURCE", "Stop a resource, wait, start it", _restart),
        _meta_command("promote", "target-role", "Promoted", "Have a clone promoted"),
        _meta_command("demote", "target-role", "Unpromoted", "Have a clone not promoted"),
        _meta_command("manage", "is-managed", "true", "Have the cluster manage resources"),
        _meta_command("unmanage", "is-managed", "false", "Have the cluster leave resources alone"),
        _command("maintenance", "maintenance RESOURCE [on|off]",
                 "Leave a resource alone, monitors included", _maintenance,
                 completes=("resource", "on|off")),
        _command("move", "move RESOURCE [NODE] [LIFETIME] [force]",
                 "Move a resource by a constraint; without NODE away from where it is", _move,
                 completes=("resource", "node"), aliases=("migrate",),
                 details="The constraint stays until 'clear', or until LIFETIME (PT30M) has passed."
                 ),
        _command("ban", "ban RESOURCE [NODE] [LIFETIME]", "Keep a resource away from a node", _ban,
                 completes=("resource", "node")),
        _command("clear", "clear RESOURCE [NODE]", "Lift what move and ban made", _clear,
                 completes=("resource", "node"), aliases=("unmigrate", "unmove", "unban")),
        _command("cleanup", "cleanup [RESOURCE] [NODE]", "Forget failures, and probe again",
                 _forget(refresh=False), completes=("resource", "node")),
        _command("refresh", "refresh [RESOURCE] [NODE]", "Forget the whole history, and probe",
                 _forget(refresh=True), completes=("resource", "node"), aliases=("reprobe",)),
        _command("meta", "meta RESOURCE {set NAME VALUE|show [NAME]|delete NAME}",
                 "Meta-attributes of a resource", _pairs_of("meta_attributes", "meta"),
                 completes=("resource", "set|show|delete")),
        _command("param", "param RESOURCE {set NAME VALUE|show [NAME]|delete NAME}",
                 "Parameters of a resource", _pairs_of("instance_attributes", "param"),
                 completes=("resource", "set|show|delete")),
        _command("utilization", "utilization RESOURCE {set NAME VALUE|show [NAME]|delete NAME}",
                 "What a resource needs of a node", _pairs_of("utilization", "utilization"),
                 completes=("resource", "set|show|delete")),
        _command("constraints", "constraints RESOURCE", "Show what concerns a resource",
                 _constraints),
        *TROUBLE,
        *INSPECTING,
    ),
)  # fmt: skip
