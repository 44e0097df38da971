"""The whole tree of commands, and finding one by its name or a short form of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crm_shell.commands import (
    assist,
    cib,
    cibstatus,
    cluster,
    configure,
    explain,
    maintenance,
    node,
    options_level,
    ra,
    report,
    resource,
    simulate,
    site,
    status,
    template,
    verify,
    waiting,
)
from crm_shell.commands.session import Command, Level, Misused
from crm_shell.syntax.faults import nearest

LEVELS: tuple[Level, ...] = (
    configure.LEVEL,
    resource.LEVEL,
    node.LEVEL,
    maintenance.LEVEL,
    site.LEVEL,
    ra.LEVEL,
    cib.LEVEL,
    cibstatus.LEVEL,
    template.LEVEL,
    assist.LEVEL,
    cluster.LEVEL,
    options_level.LEVEL,
)
TOP: tuple[Command, ...] = (
    status.COMMAND,
    explain.COMMAND,
    simulate.COMMAND,
    verify.COMMAND,
    waiting.COMMAND,
    report.COMMAND,
)
EVERYTHING: tuple[Command | Level, ...] = (*TOP, *LEVELS)
"""What may be typed at the top."""


def names_of(things: Iterable[Command | Level]) -> dict[str, Command | Level]:
    """Return everything by its name and by its other names."""
    found: dict[str, Command | Level] = {}
    for each in things:
        found[each.name] = each
        found.update(dict.fromkeys(each.aliases, each))
    return found


def reached_from(level: Level) -> dict[str, Command | Level]:
    """Return what may be typed in a level: its commands, and the levels entered from it."""
    others = [each for each in LEVELS if each.name in level.also]
    return {**names_of(others), **names_of(level.commands)}


def find(word: str, names: Mapping[str, Command | Level], where: str) -> Command | Level:
    """Return what `word` names or begins, or abbreviates when only one thing fits.

    Raises `Misused` with what is like it.
    """
    lowered = word.lower()
    if lowered in names:
        return names[lowered]
    for fits in (str.startswith, _abbreviates):
        matches = {id(each): each for name, each in names.items() if fits(name, lowered)}
        if len(matches) == 1:
            return next(iter(matches.values()))
        if matches:
            options = ", ".join(sorted(each.name for each in matches.values()))
            raise Misused(f"{word!r} may mean {options}: write more of it")
    like = nearest(lowered, names)
    hint = f"; did you mean {like!r}?" if like else f"; there are: {', '.join(sorted(names))}"
    raise Misused(f"no command {word!r} {where}{hint}")


def _abbreviates(name: str, word: str) -> bool:
    """Whether the letters of `word` occur in `name` in this order, the first one first."""
    rest = iter(name)
    return name[:1] == word[:1] and all(letter in rest for letter in word)


def level_named(word: str) -> Level | None:
    """Return the level of exactly this name."""
    for each in LEVELS:
        if word == each.name or word in each.aliases:
            return each
    return None
