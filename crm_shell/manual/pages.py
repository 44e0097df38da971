"""Manual pages in man(7) markup: one for a command with options, and one for the whole shell."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from crm_shell.commands.help import GLOBAL_OPTIONS
from crm_shell.commands.levels import LEVELS, TOP
from crm_shell.commands.session import Command
from raftmaker.vocabulary.codes import ExitCode

SECTION = 8
_FILES = (
    ("/etc/raftmaker/raftmaker.toml", "this node: its name, addresses, directories and timings"),
    ("/etc/raftmaker/tls", "its certificate and keys, and the cluster's"),
    ("/etc/default/raftmaker", "settings of the daemons, with Pacemaker's names"),
    ("/var/lib/raftmaker", "the state of its daemons"),
)


def page_of(name: str, parser: argparse.ArgumentParser, version: str) -> str:
    """Return the page of a command."""
    summary = (parser.description or name).strip().splitlines()[0].rstrip(".")
    usage = re.sub(r"\s+", " ", parser.format_usage()).strip().removeprefix("usage: ")
    return "\n".join(
        (
            *_head(name, version),
            ".SH NAME",
            f"{_escaped(name)} \\- {_escaped(summary)}",
            ".SH SYNOPSIS",
            f".B {_escaped(name)}",
            _escaped(usage.removeprefix(name).strip()),
            ".SH OPTIONS",
            *_options(parser),
            *_ending(name),
        )
    )


def shell_page(version: str) -> str:
    """Return the page of ``crm``: its options, and every level with its commands."""
    lines = [
        *_head("crm", version),
        ".SH NAME",
        "crm \\- configure, watch and manage a Raftmaker cluster",
        ".SH SYNOPSIS",
        ".B crm",
        _escaped("[OPTIONS] [LEVEL] [COMMAND [ARGUMENT...]]"),
        ".SH DESCRIPTION",
        "Without a command an interactive prompt is opened; TAB completes there. Commands and"
        " levels may be shortened.",
        ".SH OPTIONS",
        ".nf",
        *map(_escaped, GLOBAL_OPTIONS.splitlines()),
        ".fi",
        ".SH COMMANDS",
    ]
    for command in TOP:
        lines.extend(_command(command, "crm"))
    for level in LEVELS:
        lines.extend((f".SH LEVEL {_escaped(level.name.upper())}", _escaped(f"{level.summary}.")))
        for command in level.commands:
            lines.extend(_command(command, f"crm {level.name}"))
    return "\n".join((*lines, *_ending("crm")))


def _head(name: str, version: str) -> tuple[str, ...]:
    return (f'.TH {name.upper()} {SECTION} "" "Raftmaker {version}" "System administration"',)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        names = ", ".join(action.option_strings) or value
        if action.option_strings and action.nargs != 0:
            choices = "|".join(map(str, action.choices)) if action.choices else value
            names = f"{names} {choices}"
        yield ".TP"
        yield f".B {_escaped(names)}"
        text = (action.help or "").replace("%(default)s", str(action.default))
        yield _escaped(text) or "\\&"


def _command(command: Command, path: str) -> Iterator[str]:
    yield ".TP"
    yield f".B {_escaped(f'{path} {command.usage}')}"
    names = f" Also: {', '.join(command.aliases)}." if command.aliases else ""
    details = f" {command.details}" if command.details else ""
    yield _escaped(f"{command.summary}.{details}{names}")


def _ending(name: str) -> Iterator[str]:
    yield ".SH EXIT STATUS"
    yield "0 when it was done. Otherwise, as Pacemaker's tools:"
    for code in ExitCode:
        if 64 <= code < 129 or code is ExitCode.ERROR:
            yield ".TP"
            yield f".B {int(code)}"
            yield code.name.lower().replace("_", " ")
    yield ".SH FILES"
    for path, text in _FILES:
        yield from (".TP", f".I {_escaped(path)}", _escaped(text))
    yield ".SH SEE ALSO"
    others = [each for each in ("crm", "crm_mon", "cibadmin", "raftmaker-cib") if each != name]
    yield ", ".join(f"\\fB{_escaped(each)}\\fR({SECTION})" for each in others)
    yield ""


def _escaped(text: str) -> str:
    """Return text that man(7) prints as it is."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + safe if safe.startswith((".", "'")) else safe
