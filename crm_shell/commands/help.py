"""Help: the whole tree, a level, a command (features 30.52)."""

from __future__ import annotations

import textwrap

from crm_shell.commands.levels import EVERYTHING, find, names_of, reached_from
from crm_shell.commands.session import Command, Level, Misused

GLOBAL_OPTIONS = """\
Options:
  -f, --file FILE      read commands from FILE (- is standard input)
  -w, --wait           wait until the cluster has carried out a change
  -F, --force, --yes   answer yes to questions, overrule refusals that may be overruled
  -n, --dry-run        show what a change would do, and change nothing
  --json               print answers as JSON
  -D, --display plain|color
  --config FILE        the node's raftmaker.toml (else RAFTMAKER_CONFIG,
                       else /etc/raftmaker/raftmaker.toml)
  -h, --help           this help; 'crm help LEVEL [COMMAND]' for more
  --version            print the version

Commands and levels may be shortened: 'crm res sta' is ambiguous, 'crm conf sh' is not.
Without a command an interactive prompt is opened; TAB completes there."""


def overview() -> str:
    """Return the help of the whole shell."""
    rows = [(each.name, each.summary) for each in EVERYTHING]
    return "\n".join(
        (
            "usage: crm [OPTIONS] [LEVEL] [COMMAND [ARGUMENT…]]",
            "",
            "Commands and levels:",
            *_rows(rows),
            "",
            GLOBAL_OPTIONS,
        )
    )


def level_help(level: Level) -> str:
    """Return the help of a level."""
    rows = [(each.name, each.summary) for each in level.commands]
    others = [f"From here too: {', '.join(level.also)}.", ""] if level.also else []
    return "\n".join((f"crm {level.name}: {level.summary}", "", *_rows(rows), "", *others,
                      f"'crm help {level.name} COMMAND' explains one."))  # fmt: skip


def command_help(command: Command, level: Level | None) -> str:
    """Return the help of a command, in the order of a manual page."""
    path = f"crm {level.name}" if level else "crm"
    usage = textwrap.fill(
        f"{path} {command.usage}", 96, initial_indent="    ", subsequent_indent="        ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    parts = ["NAME", f"    {command.name} - {command.summary}", "", "SYNOPSIS", usage]
    if command.details:
        parts.extend(
            ("", "DESCRIPTION", textwrap.indent(textwrap.fill(command.details, 92), "    "))
        )
    if command.aliases:
        parts.extend(("", "OTHER NAMES", f"    {', '.join(command.aliases)}"))
    return "\n".join(parts)


def _rows(rows: list[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows) + 2
    return [f"  {name:<{width}}{summary}" for name, summary in rows]


def help_for(words: list[str], level: Level | None = None) -> str:
    """Return the help for what `words` name. Raises `Misused` when they name nothing."""
    if not words:
        return level_help(level) if level else overview()
    if level is not None:
        found = find(words[0], reached_from(level), f"in {level.name}")
        return (
            command_help(found, level) if isinstance(found, Command) else help_for(words[1:], found)
        )
    found = find(words[0], names_of(EVERYTHING), "here")
    if isinstance(found, Command):
        if len(words) > 1:
            raise Misused(f"{found.name} has no commands of its own")
        return command_help(found, None)
    return help_for(words[1:], found)
