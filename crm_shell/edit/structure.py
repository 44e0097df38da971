"""Whether resources fit together: members that exist, in one container, of a kind it can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crm_shell.edit.pool import Pool
from crm_shell.syntax.faults import Fault, nearest
from crm_shell.syntax.words import MEMBER

_CAN_HOLD = {
    "group": ("primitive",),
    "clone": ("primitive", "group"),
    "master": ("primitive", "group"),
    "bundle": ("primitive",),
}


def structure_faults(
    pool: Pool, lines: Mapping[str, int], faulty_words: frozenset[str]
) -> Iterator[Fault]:
    """Yield what is wrong. `lines`: where an object was defined, for the message."""
    table = pool.sections["resources"]
    holder_of: dict[str, str] = {}
    for container in table.values():
        line = lines.get(container.id, 1)
        for member in container.each(MEMBER):
            if member.id in faulty_words and member.id not in table:
                continue
            yield from _member_faults(pool, container.id, member.id, line)
            if member.id in holder_of:
                what = f"{member.id!r} is in {holder_of[member.id]!r} and in {container.id!r}"
                yield Fault(line=line, column=1, what=what, allowed="one container")
            holder_of[member.id] = container.id


def _member_faults(pool: Pool, container: str, member: str, line: int) -> Iterator[Fault]:
    table = pool.sections["resources"]
    held, kind = table.get(member), table[container].tag
    if held is None:
        names = [name for name, each in table.items() if each.tag in _CAN_HOLD[kind]]
        yield Fault(
            line=line,
            column=1,
            what=f"{kind} {container!r} names {member!r}, which does not exist",
            allowed="a resource that is defined here or in the cluster",
            suggestion=nearest(member, names),
        )
    elif held.tag not in _CAN_HOLD[kind]:
        yield Fault(
            line=line,
            column=1,
            what=f"{kind} {container!r} cannot hold {member!r}, a {held.tag}",
            allowed=" or ".join(_CAN_HOLD[kind]),
        )
