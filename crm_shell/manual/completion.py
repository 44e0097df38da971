"""Completion for bash: the shell's levels and commands, and the options of every tool."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from crm_shell.commands.levels import LEVELS, TOP
from crm_shell.commands.session import Command
from crm_shell.manual.commands import Program

_FRAME = """\
# bash completion for Raftmaker's commands, made from their own tables.

_raftmaker_names() {
    case $1 in
        resource) crm_resource --list-raw 2>/dev/null | sed 's/:.*//' | sort -u ;;
        node) crm_node --list 2>/dev/null | awk '{print $2}' ;;
        file) compgen -f -- "$2" ;;
        *'|'*) printf '%s\\n' "${1//|/ }" | tr ' ' '\\n' ;;
    esac
}

_raftmaker_crm() {
    local cur=${COMP_WORDS[COMP_CWORD]} path=crm position=0 index kinds kind
    local -A words=( @WORDS@ )
    local -A arguments=( @ARGUMENTS@ )
    for ((index = 1; index < COMP_CWORD; index++)); do
        [[ ${COMP_WORDS[index]} == -* ]] && continue
        if [ -n "${words[$path ${COMP_WORDS[index]}]+there}" ]; then
            path+=" ${COMP_WORDS[index]}"
        else
            position=$((position + 1))
        fi
    done
    if [ -n "${words[$path]}" ]; then
        COMPREPLY=($(compgen -W "${words[$path]}" -- "$cur"))
        return
    fi
    kinds=(${arguments[$path]})
    [ ${#kinds[@]} -eq 0 ] && return
    [ $position -ge ${#kinds[@]} ] && position=$((${#kinds[@]} - 1))
    kind=${kinds[position]}
    COMPREPLY=($(compgen -W "$(_raftmaker_names "$kind" "$cur")" -- "$cur"))
}
complete -F _raftmaker_crm crm

_raftmaker_tool() {
    local cur=${COMP_WORDS[COMP_CWORD]}
    local -A options=( @OPTIONS@ )
    [[ $cur == -* ]] && COMPREPLY=($(compgen -W "${options[${1##*/}]}" -- "$cur"))
}
complete -o default -F _raftmaker_tool @TOOLS@
"""


def script(programs: Iterable[Program]) -> str:
    """Return the completion of the shell and of all other commands."""
    tools = {each.name: _options(each.parser) for each in programs if each.parser is not None}
    words, arguments = _shell_tables()
    return (
        _FRAME.replace("@WORDS@", _table(words))
        .replace("@ARGUMENTS@", _table(arguments))
        .replace("@OPTIONS@", _table(tools))
        .replace("@TOOLS@", " ".join(tools))
    )


def _shell_tables() -> tuple[dict[str, str], dict[str, str]]:
    """Return what may follow each path of words, and the kinds of its arguments."""
    tops = [*(each.name for each in TOP), *(each.name for each in LEVELS)]
    words = {"crm": " ".join((*tops, "help"))}
    arguments: dict[str, str] = {}
    for level in LEVELS:
        words[f"crm {level.name}"] = " ".join(each.name for each in level.commands)
        for command in level.commands:
            _add(f"crm {level.name} {command.name}", command, words, arguments)
    for command in TOP:
        _add(f"crm {command.name}", command, words, arguments)
    return words, arguments


def _add(path: str, command: Command, words: dict[str, str], arguments: dict[str, str]) -> None:
    words[path] = ""
    if command.completes:
        arguments[path] = " ".join(command.completes)


def _options(parser: argparse.ArgumentParser) -> str:
    return " ".join(
        name for action in parser._actions for name in action.option_strings if len(name) > 2
    )


def _table(entries: dict[str, str]) -> str:
    return " ".join(f"['{key}']='{value}'" for key, value in entries.items())
