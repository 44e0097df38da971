"""``configure modgroup``: put a resource into a group, or take one out (30.39)."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.commands.drafts import draft_of, keep
from crm_shell.commands.session import Failed, Misused, Session
from crm_shell.edit.pool import Pool
from crm_shell.syntax.words import MEMBER
from raftmaker.vocabulary.codes import ExitCode

_USAGE = "usage: modgroup GROUP {add RESOURCE [{after|before} RESOURCE] | remove RESOURCE}"


async def modgroup(session: Session, args: list[str]) -> int:
    """Change the members of a group."""
    draft = await draft_of(session)
    pool = Pool.of(draft.configuration)
    match args:
        case [name, "add", member]:
            _add(pool, _group(pool, name), member, "after", "")
        case [name, "add", member, "after" | "before" as place, other]:
            _add(pool, _group(pool, name), member, place, other)
        case [name, "remove", member]:
            _remove(pool, _group(pool, name), member)
        case _:
            raise Misused(_USAGE)
    return await keep(session, draft, pool.configuration(draft.configuration))


def _group(pool: Pool, name: str) -> Element:
    found = pool.sections["resources"].get(name)
    if found is None or found.tag != "group":
        groups = [each.id for each in pool.sections["resources"].values() if each.tag == "group"]
        raise Failed(
            f"no group {name!r}; there are: {', '.join(groups) or 'none'}", code=ExitCode.NOSUCH
        )
    return found


def _members(group: Element) -> list[str]:
    return [each.id for each in group.each(MEMBER)]


def _add(pool: Pool, group: Element, member: str, place: str, other: str) -> None:
    found = pool.sections["resources"].get(member)
    if found is None or found.tag != "primitive":
        raise Failed(f"{member!r} is no primitive; a group holds primitives", code=ExitCode.NOSUCH)
    holders = [each.id for each in pool.containers_of(member)]
    if holders:
        raise Failed(f"{member} is in {holders[0]} already: take it out first",
                     code=ExitCode.EXISTS)  # fmt: skip
    members = _members(group)
    if other and other not in members:
        raise Failed(f"{other} is not in {group.id}; members: {', '.join(members)}",
                     code=ExitCode.NOSUCH)  # fmt: skip
    at = members.index(other) + (place == "after") if other else len(members)
    _put(pool, group, [*members[:at], member, *members[at:]])


def _remove(pool: Pool, group: Element, member: str) -> None:
    members = _members(group)
    if member not in members:
        raise Failed(f"{member} is not in {group.id}; members: {', '.join(members)}",
                     code=ExitCode.NOSUCH)  # fmt: skip
    if len(members) == 1:
        raise Failed(
            f"{member} is all that {group.id} holds: 'configure delete {group.id}' keeps it",
            code=ExitCode.CONFIG,
        )
    _put(pool, group, [each for each in members if each != member])


def _put(pool: Pool, group: Element, members: list[str]) -> None:
    others = [each for each in group.children if each.tag != MEMBER]
    held = [Element(MEMBER, {"id": each}) for each in members]
    pool.sections["resources"][group.id] = group.with_children((*held, *others))
